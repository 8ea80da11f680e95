//! Every kernel of a GPU against the CPU, on an emulated device where there is no other.

use detach_kernels::cases::{self, Case};
use detach_kernels::{Device, Matmul};
use detach_tests::emulated::{self, Variant};

fn device() -> Device {
    Device::open("cuda:0", Matmul::Fp32).expect("a device")
}

/// What each case returns, to the last bit.
fn errors(cases: &[Case]) -> Vec<u64> {
    let device = device();
    let each = cases.iter().map(|case| (case.run)(device).to_bits());
    each.collect()
}

fn assert_all_pass() {
    let cases = cases::all();
    let mut failed = Vec::new();
    for (case, error) in cases.iter().zip(errors(&cases)) {
        let error = f64::from_bits(error);
        if !case.passes(error) {
            failed.push(format!(
                "{}: {error:.1e}, not {:.1e}",
                case.name, case.tolerance
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    println!("{} cases", cases.len());
}

#[test]
fn cases_pass() {
    emulated::run(Variant::Plain, &[], assert_all_pass);
}

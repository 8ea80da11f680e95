//! Every kernel of a GPU against the CPU, on an emulated device where there is no other.

use detach_kernels::cases::{self, Case};
use detach_kernels::{Device, Matmul};
use detach_tests::emulated::{self, Variant};

/// Calls `see` with each of `cases` and what it returns.
fn run(cases: impl IntoIterator<Item = Case>, mut see: impl FnMut(&Case, f64)) {
    let device = Device::open("cuda:0", Matmul::Fp32).expect("a device");
    for case in cases {
        see(&case, (case.run)(device));
    }
}

fn assert_pass(cases: impl IntoIterator<Item = Case>) {
    let mut failed = Vec::new();
    run(cases, |case, error| {
        if !case.passes(error) {
            failed.push(format!(
                "{}: {error:.1e}, not {:.1e}",
                case.name, case.tolerance
            ));
        }
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn small() -> Vec<Case> {
    let mut cases = cases::all();
    cases.retain(|case| !case.is_large);
    cases
}

/// Small ones before large ones, which launch nothing else: what is tested of the small ones alone is tested of all kernels.
#[test]
fn cases_pass() {
    emulated::run(Variant::Plain, &[], || {
        let launched = || {
            Device::open("cuda:0", Matmul::Fp32)
                .expect("a device")
                .launched()
        };
        let (large, small): (Vec<_>, Vec<_>) =
            cases::all().into_iter().partition(|case| case.is_large);
        assert!(!large.is_empty(), "there are cases of real layers");
        assert_pass(small);
        let by_small = launched();
        assert!(by_small.len() > 50, "{by_small:?}");
        assert_pass(large);
        assert_eq!(launched(), by_small, "kernels that only large cases launch");
    });
}

/// Reports what is read or written outside of a buffer or a shared array.
#[test]
fn cases_pass_the_address_sanitizer() {
    emulated::run(Variant::Address, &[], || assert_pass(cases::all()));
}

/// Reports threads that a barrier should have kept apart. It is the slowest of all, and two cores
/// share it: one takes every second case, the other the rest.
#[test]
fn cases_pass_the_thread_sanitizer() {
    emulated::run(Variant::Thread, &[], || {
        assert_pass(small().into_iter().step_by(2));
    });
}

#[test]
fn a_second_half_of_cases_passes_the_thread_sanitizer() {
    emulated::run(Variant::Thread, &[], || {
        assert_pass(small().into_iter().skip(1).step_by(2));
    });
}

/// No kernel's result depends on which blocks, or threads between two barriers, run first. An
/// error is a sum over all elements, so its last bit shows the last bit of any.
#[test]
fn any_order_gives_the_same_bits() {
    const MARK: &str = "error of ";
    if emulated::in_child() {
        return run(small(), |case, error| {
            println!("{MARK}{}: {:x}", case.name, error.to_bits());
        });
    }
    let Some(library) = emulated::library(Variant::Plain, &emulated::kernels()) else {
        return;
    };
    let errors = |order| -> Vec<String> {
        let order_of = [("EMU_ORDER", order)];
        let name = "any_order_gives_the_same_bits";
        let output = emulated::child(Variant::Plain, &library, &order_of, name);
        let text = emulated::text_of(&output);
        assert!(output.status.success(), "{order}:\n{text}");
        let lines = text.lines().filter_map(|line| line.split(MARK).nth(1));
        lines.map(str::to_owned).collect()
    };
    let forward = errors("forward");
    assert_eq!(forward.len(), small().len());
    for order in ["reverse", "shuffled:1"] {
        for (a, b) in forward.iter().zip(errors(order)) {
            assert_eq!(*a, b, "{order}");
        }
    }
}

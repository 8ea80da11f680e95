//! Every kernel of a GPU against the CPU, on an emulated device where there is no other.

use detach_kernels::cases::{self, Case};
use detach_kernels::{Device, Matmul};
use detach_tests::emulated::{self, Variant};
use std::collections::HashSet;

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

/// Small ones: all where `DETACH_SANITIZE=whole` asks for them (`cargo xtask sanitize`), some elsewhere.
fn looked_at() -> Vec<Case> {
    if std::env::var_os("DETACH_SANITIZE").is_none_or(|value| value != "whole") {
        return cases::sample();
    }
    let mut cases = cases::all();
    cases.retain(|case| !case.is_large);
    cases
}

/// Those of the sample first, which launch all kernels: what is tested of them alone is tested of each.
#[test]
fn cases_pass() {
    emulated::run(Variant::Plain, &[], || {
        let launched = || {
            Device::open("cuda:0", Matmul::Fp32)
                .expect("a device")
                .launched()
        };
        let sample = cases::sample();
        let names: HashSet<String> = sample.iter().map(|case| case.name.clone()).collect();
        let mut others = cases::all();
        others.retain(|case| !names.contains(&case.name));
        assert!(others.iter().any(|case| case.is_large), "of real layers");
        assert_pass(sample);
        let by_sample = launched();
        assert!(by_sample.len() > 50, "{by_sample:?}");
        assert_pass(others);
        assert_eq!(
            launched(),
            by_sample,
            "kernels that no case of the sample launches"
        );
    });
}

/// Reports what is read or written outside of a buffer or a shared array.
#[test]
fn cases_pass_the_address_sanitizer() {
    emulated::run(Variant::Address, &[], || assert_pass(looked_at()));
}

/// Reports threads that a barrier should have kept apart. It is the slowest of all, and two cores
/// share it: one takes every second case, the other the rest.
#[test]
fn cases_pass_the_thread_sanitizer() {
    emulated::run(Variant::Thread, &[], || {
        assert_pass(looked_at().into_iter().step_by(2));
    });
}

#[test]
fn a_second_half_of_cases_passes_the_thread_sanitizer() {
    emulated::run(Variant::Thread, &[], || {
        assert_pass(looked_at().into_iter().skip(1).step_by(2));
    });
}

/// No kernel's result depends on which blocks, or threads between two barriers, run first. An
/// error is a sum over all elements, so its last bit shows the last bit of any.
#[test]
fn any_order_gives_the_same_bits() {
    const MARK: &str = "error of ";
    if emulated::in_child() {
        return run(looked_at(), |case, error| {
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
    assert_eq!(forward.len(), looked_at().len());
    for order in ["reverse", "shuffled:1"] {
        for (a, b) in forward.iter().zip(errors(order)) {
            assert_eq!(*a, b, "{order}");
        }
    }
}

//! The emulator can be trusted: it computes what CUDA would, and reports what CUDA would
//! let pass. `tests/emulator/planted.cu` has the kernels, some of them wrong on purpose,
//! and `check.cpp` what is to hold of each.

use detach_tests::emulated::{self, Variant};
use detach_tests::repository;
use std::process::Output;

/// Runs a case of `check.cpp`; `None` where there is no g++.
fn check(variant: Variant, case: &str, environment: &[(&str, &str)]) -> Option<Output> {
    let folder = repository().join("tests/emulator");
    let library = emulated::library(variant, &[folder.join("planted.cu")])?;
    let program = emulated::program(variant, &library, &folder.join("check.cpp"));
    let mut command = emulated::under(variant, &library, &program);
    command.arg(case).envs(environment.iter().copied());
    Some(command.output().expect("the case starts"))
}

fn holds(variant: Variant, case: &str, environment: &[(&str, &str)]) {
    if let Some(output) = check(variant, case, environment) {
        let text = emulated::text_of(&output);
        assert!(
            output.status.success(),
            "{case}, {variant:?}, {environment:?}:\n{text}"
        );
    }
}

/// The case ends in a report with all these words.
fn reported(variant: Variant, case: &str, words: &[&str]) {
    if let Some(output) = check(variant, case, &[]) {
        let text = emulated::text_of(&output);
        assert!(
            !output.status.success(),
            "{case} passes under {variant:?}:\n{text}"
        );
        for word in words {
            assert!(
                text.contains(word),
                "no {word} in the report on {case}:\n{text}"
            );
        }
    }
}

/// `planted.cu:LINE` of the line with this text.
fn line_of(text: &str) -> String {
    let path = repository().join("tests/emulator/planted.cu");
    let source = std::fs::read_to_string(path).expect("the planted kernels");
    let line = source.lines().position(|line| line.contains(text));
    format!("planted.cu:{}", line.expect("the planted line") + 1)
}

#[test]
fn right_kernels_are_right_in_every_order_and_under_every_sanitizer() {
    for case in ["product", "sums", "mma"] {
        for order in ["forward", "reverse", "shuffled:7"] {
            holds(Variant::Plain, case, &[("EMU_ORDER", order)]);
        }
        holds(Variant::Address, case, &[]);
        holds(Variant::Thread, case, &[]);
    }
}

#[test]
fn what_was_never_written_is_nan() {
    holds(Variant::Plain, "unwritten", &[]);
}

#[test]
fn a_copy_has_not_come_before_it_is_waited_for() {
    holds(Variant::Plain, "copies", &[]);
}

#[test]
fn a_missing_barrier_passes_by_luck_and_is_reported() {
    holds(Variant::Plain, "missing_barrier", &[]);
    let line = line_of("// the race");
    reported(Variant::Thread, "missing_barrier", &["data race", &line]);
}

#[test]
fn another_order_of_threads_shows_a_missing_barrier() {
    if let Some(output) = check(
        Variant::Plain,
        "missing_barrier",
        &[("EMU_ORDER", "reverse")],
    ) {
        assert!(!output.status.success());
    }
}

#[test]
fn a_write_out_of_bounds_is_reported() {
    holds(Variant::Plain, "out_of_bounds", &[]);
    let line = line_of("out[i] = 1.0f;");
    reported(
        Variant::Address,
        "out_of_bounds",
        &["heap-buffer-overflow", &line],
    );
}

#[test]
fn blocks_that_race_give_other_numbers_in_another_order() {
    let last = |order| {
        let output = check(Variant::Plain, "racing_blocks", &[("EMU_ORDER", order)])?;
        Some(emulated::text_of(&output))
    };
    if let (Some(forward), Some(reverse)) = (last("forward"), last("reverse")) {
        assert_eq!(forward.trim(), "last block: 7");
        assert_eq!(reverse.trim(), "last block: 0");
    }
    reported(
        Variant::Thread,
        "racing_blocks",
        &["data race", &line_of("*out = blockIdx.x")],
    );
}

#[test]
fn a_thread_that_does_not_come_to_a_barrier_is_named() {
    let words = ["planted_absent_thread", "thread (0, 0, 0)", "__syncthreads"];
    reported(Variant::Plain, "absent_thread", &words);
}

#[test]
fn memory_that_was_freed_is_no_argument() {
    reported(
        Variant::Plain,
        "stale",
        &["planted_increment", "parameter 0"],
    );
}

#[test]
fn ptx_of_another_source_is_refused() {
    holds(Variant::Plain, "parameters", &[]);
}

#[test]
fn a_launch_beyond_the_devices_limits_is_refused() {
    holds(Variant::Plain, "limits", &[]);
}

#[test]
fn a_graph_records_and_replays() {
    for variant in [Variant::Plain, Variant::Thread, Variant::Address] {
        holds(variant, "graph", &[]);
    }
}

/// A Rust program must bear the sanitizers' runtimes, which come in before it.
#[test]
fn a_test_runs_again_under_the_address_sanitizer() {
    emulated::run(Variant::Address, &[("EMU_CAPABILITY", "75")], in_child);
}

#[test]
fn a_test_runs_again_under_the_thread_sanitizer() {
    emulated::run(Variant::Thread, &[("EMU_CAPABILITY", "75")], in_child);
}

/// Threads, locks and allocations as the engine has them.
fn in_child() {
    assert!(emulated::in_child());
    assert_eq!(std::env::var("EMU_CAPABILITY").as_deref(), Ok("75"));
    let sum = std::sync::Mutex::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sum = &sum;
            scope.spawn(move || {
                let numbers: Vec<u64> = (0..10_000).map(|i| i + thread).collect();
                *sum.lock().expect("no panic holds it") += numbers.iter().sum::<u64>();
            });
        }
    });
    assert_eq!(sum.into_inner().expect("no panic held it"), 200_040_000);
}

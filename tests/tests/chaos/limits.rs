//! Little of everything: memory, open files, sizes of files.

use super::{goes_on, train, whole};
use detach_tests::program::{Done, Sandbox};

fn under(limit: &str) -> (Sandbox, Done) {
    let sandbox = Sandbox::new();
    let script = format!("ulimit {limit}; exec $gan {}", train(""));
    let done = Done::of(sandbox.shell(&script), limit);
    (sandbox, done)
}

#[test]
fn open_files_and_sizes() {
    let open = [4, 5, 6, 7, 8, 10, 14].map(|n| format!("-n {n}"));
    let sizes = [0, 1, 2, 8, 50, 100, 200].map(|blocks| format!("-f {blocks}"));
    let some = if whole() { 1 } else { 3 };
    for limit in open.iter().chain(&sizes).step_by(some) {
        let (sandbox, done) = under(limit);
        assert!(!done.stderr.contains("panicked"), "{limit}: {done}");
        assert!(matches!(done.code, Some(0 | 1 | 127)), "{limit}: {done}");
        goes_on(&sandbox, limit);
    }
}

/// Without memory a program may not even start, and a step that finds none says so and ends; what it saved is whole
/// all the same.
#[test]
fn memory() {
    let sizes: &[u32] = match whole() {
        true => &[
            20_000, 60_000, 100_000, 120_000, 140_000, 160_000, 200_000, 300_000,
        ],
        false => &[60_000, 140_000],
    };
    for size in sizes {
        let (sandbox, done) = under(&format!("-v {size}"));
        let told = done.stderr.contains("there is no memory");
        assert!(told || !done.stderr.contains("panicked"), "{size}: {done}");
        goes_on(&sandbox, &format!("{size} KiB"));
    }
}

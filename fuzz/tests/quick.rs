//! A few thousand inputs of each target; `cargo xtask fuzz` runs a million.

use detach_fuzz::{TARGETS, engine};

const RUNS: u64 = 2000;

/// One test: the memory that is watched is the process's.
#[test]
fn every_target_bears_what_it_is_fed() {
    for target in &TARGETS {
        let outcome = engine::fuzz(target, RUNS, 0, |_| Ok(())).expect("the corpus");
        if let Err(finding) = outcome {
            panic!("{}: {}: {:02x?}", target.name, finding.what, finding.input);
        }
    }
}

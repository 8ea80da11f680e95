//! Runs a target on one input after the other, and watches.

use crate::{Target, mutate};
use anyhow::{Context, Result};
use fastrand::Rng;
use peak_alloc::PeakAlloc;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What was seen in a target's runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Inputs that were run.
    pub runs: u64,
    /// How long they took.
    pub time: Duration,
    /// How long the slowest took.
    pub slowest: Duration,
    /// The most memory that one took, in bytes.
    pub memory: usize,
}

/// An input that was not borne.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The input.
    pub input: Vec<u8>,
    /// What it did.
    pub what: String,
}

/// Runs the corpus of `target` and then `runs` inputs that `seed` makes; `before` sees each. Stops at the first finding.
///
/// # Errors
/// When the corpus cannot be read.
pub fn fuzz(
    target: &Target,
    runs: u64,
    seed: u64,
    mut before: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Result<Report, Finding>> {
    let corpus = corpus(target)?;
    let mut rng = Rng::with_seed(seed);
    let mut report = Report::default();
    let start = Instant::now();
    for index in 0..corpus.len() as u64 + runs {
        let input = match corpus.get(index as usize) {
            Some(input) => input.clone(),
            None => mutate::next(target, &corpus, &mut rng),
        };
        before(&input)?;
        if let Err(what) = watched(target, &input, &mut report) {
            return Ok(Err(Finding { input, what }));
        }
    }
    report.time = start.elapsed();
    Ok(Ok(report))
}

/// Runs one input; what it did if that was too much.
///
/// # Errors
/// A panic's text, or the memory that was taken and not allowed.
pub fn watched(target: &Target, input: &[u8], report: &mut Report) -> Result<(), String> {
    let held = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let time = start.elapsed();
    let memory = ALLOCATOR.peak_usage().saturating_sub(held);
    report.runs += 1;
    report.slowest = report.slowest.max(time);
    report.memory = report.memory.max(memory);
    if let Err(panic) = outcome {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        return Err(format!("it panicked: {}", text.unwrap_or("without a word")));
    }
    let allowed = target.allowance(input.len());
    if memory > allowed {
        let len = input.len();
        return Err(format!(
            "it took {memory} bytes of memory, and {len} bytes account for {allowed}"
        ));
    }
    Ok(())
}

/// The folder of a target's files.
pub fn corpus_folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name)
}

/// A target's files, by name.
fn corpus(target: &Target) -> Result<Vec<Vec<u8>>> {
    let folder = corpus_folder(target);
    let cannot = || format!("cannot read the corpus in {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).with_context(cannot)? {
        paths.push(entry.with_context(cannot)?.path());
    }
    paths.sort_unstable();
    let read = |path: &PathBuf| fs::read(path).with_context(cannot);
    paths.iter().map(read).collect()
}

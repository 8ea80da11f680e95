//! `cargo xtask fuzz`: the targets, as many inputs as wanted.

use anyhow::{Context, Result, bail};
use clap::Parser;
use detach_fuzz::engine::{self, Finding, Report};
use detach_fuzz::{TARGETS, Target};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// No input takes this long; one that does hangs.
const HANG: Duration = Duration::from_secs(30);

/// Out of git's sight.
const OUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/fuzz");

/// Feeds the readers of files with bytes that are nearly right
#[derive(Debug, Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
struct Args {
    /// The target, all of them if none is named
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS.iter().map(|target| target.name)))]
    target: Option<String>,
    /// Inputs of each
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    runs: u64,
    /// What the inputs are made from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Run this input alone
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
    /// Where inputs are left that were not borne [default: target/fuzz of the repository]
    #[arg(long, value_name = "DIR", default_value = OUT, hide_default_value = true)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what is asked for; how many targets did not bear it.
fn run(args: &Args) -> Result<usize> {
    let named = args.target.as_deref().and_then(Target::find);
    if let (Some(target), Some(path)) = (named, &args.input) {
        let input = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut report = Report::default();
        if let Err(what) = engine::watched(target, &input, &mut report) {
            bail!("{}: {what}", target.name);
        }
        println!("{}", line(target, &report));
        return Ok(0);
    }
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let mut failed = 0;
    for target in TARGETS
        .iter()
        .filter(|target| named.is_none_or(|named| named.name == target.name))
    {
        match fuzz(target, args)? {
            Ok(report) => println!("{}", line(target, &report)),
            Err(finding) => {
                failed += 1;
                let path = args.out.join(format!("{}-found", target.name));
                fs::write(&path, &finding.input)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                println!(
                    "{}: {}; the input is {}",
                    target.name,
                    finding.what,
                    path.display()
                );
            }
        }
    }
    Ok(failed)
}

fn line(target: &Target, report: &Report) -> String {
    format!(
        "{}: {} inputs in {:.0} s, the slowest {:.1} ms, the most memory {:.2} MB",
        target.name,
        report.runs,
        report.time.as_secs_f64(),
        report.slowest.as_secs_f64() * 1e3,
        report.memory as f64 / 1e6,
    )
}

/// A process that dies, by a stack that overflows or memory that is not to be had, leaves the input it died of; so does one
/// that hangs.
fn fuzz(target: &Target, args: &Args) -> Result<Result<Report, Finding>> {
    let path = args.out.join(format!("{}-running", target.name));
    let cannot = || format!("cannot write {}", path.display());
    let mut running = File::create(&path).with_context(cannot)?;
    let count = Arc::new(AtomicU64::new(0));
    watch(&path, Arc::clone(&count));
    let report = engine::fuzz(target, args.runs, args.seed, |input| {
        count.fetch_add(1, Ordering::Relaxed);
        running.seek(SeekFrom::Start(0)).with_context(cannot)?;
        running.write_all(input).with_context(cannot)?;
        running.set_len(input.len() as u64).with_context(cannot)
    })?;
    count.store(u64::MAX, Ordering::Relaxed);
    fs::remove_file(&path).with_context(cannot)?;
    Ok(report)
}

/// Ends the process when the count of inputs stands still; `u64::MAX` is the end.
fn watch(running: &Path, count: Arc<AtomicU64>) {
    let running = running.to_owned();
    std::thread::spawn(move || {
        let mut last = None;
        loop {
            let now = count.load(Ordering::Relaxed);
            if now == u64::MAX {
                return;
            }
            if last == Some(now) {
                eprintln!("fuzz: input {now} hangs; it is {}", running.display());
                std::process::exit(1);
            }
            last = Some(now);
            std::thread::sleep(HANG);
        }
    });
}

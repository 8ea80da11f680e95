//! `gpu-report`: everything that is to be known of the CUDA path on a machine with a GPU, in one
//! run of a few minutes: every kernel against the reference, training steps against PyTorch's
//! goldens, speed beside PyTorch on the same device, and whole training runs. Written as JSON for
//! programs and as Markdown for people.

mod correct;
mod markdown;
mod peers;
mod programs;
mod speed;

pub use peers::PyTorch;

use anyhow::{Context, Result};
use detach_kernels::device::GpuInfo;
use detach_tensor::{Device, Matmul};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What to do, and with what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `cuda:0`.
    pub device: String,
    /// Where the report goes.
    pub out: PathBuf,
    /// A Python with PyTorch and the folder of the scripts that are its side.
    pub python: Option<(PathBuf, PathBuf)>,
    /// The `gan` program.
    pub gan: PathBuf,
    /// The least of everything: to see that it runs, as on an emulated device.
    pub quick: bool,
    /// Only what is right or wrong, nothing that is timed.
    pub only_correct: bool,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The device's name.
    pub device: String,
    /// Its compute capability, times ten.
    pub capability: u32,
    /// Its multiprocessors.
    pub multiprocessors: u32,
    /// Its memory in bytes.
    pub memory: usize,
    /// What PyTorch says of itself, if it was there.
    pub pytorch: Option<String>,
    /// Of the device.
    pub ceilings: Ceilings,
    /// Every kernel's cases.
    pub cases: Vec<Checked>,
    /// Every op's cases, with gradients.
    pub ops: Vec<Checked>,
    /// Twenty steps of every recipe beside PyTorch's.
    pub parity: Vec<Parity>,
    /// What is to be reached.
    pub goals: Vec<Goal>,
    /// Steps beside PyTorch's.
    pub steps: Vec<Beside>,
    /// Kernels beside their floors.
    pub kernels: Vec<Kernel>,
    /// How long all of it took.
    pub seconds: f64,
}

/// What nothing on the device goes beyond, as PyTorch reaches it there.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Ceilings {
    /// TFLOP/s of a large product in `f32`.
    pub fp32: Option<f64>,
    /// TFLOP/s of a large product in TF32.
    pub tf32: Option<f64>,
    /// GB/s, read and written, of a copy of a gigabyte.
    pub copy: Option<f64>,
}

/// A result beside the reference's.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// What.
    pub name: String,
    /// In which math mode.
    pub matmul: &'static str,
    /// Relative distance, or how many numbers differ where none may.
    pub error: f64,
    /// The most it may be.
    pub tolerance: f64,
    /// Whether it is no more.
    pub passes: bool,
}

/// A recipe's run beside PyTorch's.
#[derive(Debug, Serialize)]
pub struct Parity {
    /// The golden.
    pub golden: &'static str,
    /// The farthest loss of D and of G from PyTorch's `f64` run, with PyTorch's own `f32` distance.
    pub losses: [(f64, f64); 2],
    /// Gradients of step 1: the worst, the worst behind a BatchNorm, the largest that should be 0.
    pub gradients: [f64; 3],
    /// Whether all are within the limits.
    pub passes: bool,
}

/// Something to be reached.
#[derive(Debug, Serialize)]
pub struct Goal {
    /// What.
    pub what: String,
    /// What was found, if it could be.
    pub value: Option<f64>,
    /// Of the value and its bounds.
    pub unit: &'static str,
    /// What must hold.
    pub at_least: f64,
    /// What would be good.
    pub reach_for: f64,
    /// Whether a larger value is the better one.
    pub more_is_better: bool,
}

/// A training step, ours and PyTorch's, in turn.
#[derive(Debug, Serialize)]
pub struct Beside {
    /// Recipe, batch and mode.
    pub what: String,
    /// Median milliseconds of ours.
    pub ours: f64,
    /// Median milliseconds of PyTorch's.
    pub theirs: Option<f64>,
}

/// A kernel and its floor.
#[derive(Debug, Serialize)]
pub struct Kernel {
    /// As `cases.rs` calls it.
    pub case: String,
    /// In which math mode.
    pub matmul: &'static str,
    /// Microseconds, as one of many in a captured step.
    pub us: f64,
    /// The longer of its operations at the ceiling and its bytes at a copy's bandwidth.
    pub floor_us: Option<f64>,
}

impl Goal {
    /// How it stands: `reached for`, `at least`, `NO`, or `not measured`.
    pub fn verdict(&self) -> &'static str {
        let holds = |value: f64, bound: f64| match self.more_is_better {
            true => value >= bound,
            false => value <= bound,
        };
        match self.value {
            None => "not measured",
            Some(value) if holds(value, self.reach_for) => "reached for",
            Some(value) if holds(value, self.at_least) => "at least",
            Some(_) => "NO",
        }
    }
}

impl Report {
    /// Whether nothing that was checked is wrong.
    pub fn is_right(&self) -> bool {
        let mut checked = self.cases.iter().chain(&self.ops);
        checked.all(|one| one.passes) && self.parity.iter().all(|row| row.passes)
    }
}

/// Progress, on standard error.
fn say(start: Instant, text: &str) {
    eprintln!("{:6.1} s  {text}", start.elapsed().as_secs_f64());
}

/// What math modes the device has.
fn modes(plan: &Plan) -> Result<Vec<(&'static str, Device)>> {
    let fp32 = Device::open(&plan.device, Matmul::Fp32)?;
    let mut modes = vec![("fp32", fp32)];
    if let Ok(tf32) = Device::open(&plan.device, Matmul::Tf32) {
        modes.push(("tf32", tf32));
    }
    Ok(modes)
}

/// Checks and measures, writing what is known so far after each part: a run that is cut
/// short leaves a report of what it had.
///
/// # Errors
/// When the device cannot be had, or the report not be written. What a check or a
/// measurement finds wrong is in the report.
pub fn run(plan: &Plan) -> Result<Report> {
    let start = Instant::now();
    let modes = modes(plan)?;
    let info = described(&plan.device)?;
    let mut report = Report {
        device: info.name,
        capability: info.capability,
        multiprocessors: info.multiprocessors,
        memory: info.memory,
        ..Report::default()
    };
    std::fs::create_dir_all(&plan.out)
        .with_context(|| format!("cannot make {}", plan.out.display()))?;
    let save = |report: &mut Report| {
        report.seconds = start.elapsed().as_secs_f64();
        write(&plan.out, report)
    };
    say(start, "every kernel against the reference");
    report.cases = correct::cases(&modes, plan.quick);
    save(&mut report)?;
    say(start, "every op and its gradients");
    report.ops = correct::ops(&modes);
    save(&mut report)?;
    say(start, "training steps against PyTorch's goldens");
    report.parity = correct::parity(modes[0].1, plan.quick);
    save(&mut report)?;
    if plan.only_correct {
        return Ok(report);
    }
    let mut pytorch = match &plan.python {
        Some((python, scripts)) => Some(PyTorch::start(python, scripts)?),
        None => None,
    };
    say(start, "training steps beside PyTorch's");
    if let Some(pytorch) = &mut pytorch {
        report.pytorch = Some(pytorch.info().to_owned());
        report.ceilings = pytorch.ceilings();
    }
    speed::steps(&modes, pytorch.as_mut(), plan.quick, &mut report)?;
    save(&mut report)?;
    say(start, "kernels and their floors");
    report.kernels = speed::kernels(&modes, &report.ceilings, plan.quick)?;
    save(&mut report)?;
    drop(pytorch);
    say(start, "whole runs of `gan train`");
    programs::goals(plan, &mut report.goals)?;
    correct::goals(&mut report);
    save(&mut report)?;
    say(start, "done");
    Ok(report)
}

fn described(name: &str) -> Result<GpuInfo> {
    let index = name.strip_prefix("cuda:").map_or(Ok(0), str::parse);
    let index: usize = index.with_context(|| format!("`{name}` is no GPU"))?;
    let all = Device::gpus()?;
    all.into_iter().nth(index).context("no such GPU")
}

fn write(out: &Path, report: &Report) -> Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    for (name, text) in [
        ("gpu-report.json", json),
        ("gpu-report.md", markdown::render(report)),
    ] {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let goal = |value, more_is_better| Goal {
            what: String::new(),
            value,
            unit: "",
            at_least: 2.0,
            reach_for: if more_is_better { 3.0 } else { 1.0 },
            more_is_better,
        };
        for (value, more, verdict) in [
            (Some(2.5), true, "at least"),
            (Some(3.0), true, "reached for"),
            (Some(1.9), true, "NO"),
            (Some(1.9), false, "at least"),
            (Some(0.5), false, "reached for"),
            (Some(2.1), false, "NO"),
            (Some(f64::NAN), false, "NO"),
            (None, true, "not measured"),
        ] {
            assert_eq!(goal(value, more).verdict(), verdict, "{value:?}");
        }
    }
}

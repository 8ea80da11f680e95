//! What is timed.

use super::{Beside, Ceilings, Goal, Kernel, PyTorch, Report};
use crate::{profile, steps};
use anyhow::Result;
use detach_benches::cases;
use detach_recipes::Trainer;
use detach_tensor::profile::record;
use detach_tensor::{Device, Steps};
use std::time::Instant;

/// How often the engines take turns.
const ROUNDS: usize = 9;
/// Steps of a turn.
const STEPS: usize = 50;
/// Calls of a kernel in a captured step.
const CALLS: usize = 20;

/// The kernels of a `dcgan` step at batch 64, and a large product.
const KERNELS: [&str; 16] = [
    "sgemm 8192 8192 8192",
    "sgemm 64 12544 100",
    "sgemm 64 1024 784",
    "ct fprop 256 128 4 2 1 7 64",
    "ct dgrad 256 128 4 2 1 7 64",
    "ct wgrad 256 128 4 2 1 7 64",
    "ct fprop 128 64 4 2 1 14 64",
    "ct dgrad 128 64 4 2 1 14 64",
    "ct wgrad 128 64 4 2 1 14 64",
    "c fprop 64 128 4 2 1 14 64",
    "c dgrad 64 128 4 2 1 14 64",
    "c wgrad 64 128 4 2 1 14 64",
    "c fprop 1 64 4 2 1 28 64",
    "c fprop 64 1 3 1 1 28 64",
    "bn 64 64 28",
    "adam 1254400 524288 131072 25088 6272",
];

/// The same, where kernels only have to run.
const QUICK: [&str; 3] = ["sgemm 5 6 7", "c fprop 2 3 4 2 1 8 2", "adam 100 7"];

/// Whole training steps, ours and PyTorch's in turn, and the goals that follow.
pub(super) fn steps(
    modes: &[(&'static str, Device)],
    mut pytorch: Option<&mut PyTorch>,
    quick: bool,
    report: &mut Report,
) -> Result<()> {
    let recipes: &[(&str, usize)] = match quick {
        true => &[("gauss1d", 8)],
        false => &[
            ("dcgan", 64),
            ("mlp", 64),
            ("dcgan-light", 64),
            ("dcgan", 1024),
        ],
    };
    for &(recipe, batch) in recipes {
        for &(matmul, device) in modes {
            let mut trainer = steps::trainer(recipe, batch, device)?;
            for way in ["step", "graph"] {
                let case = format!("{way} {recipe} {batch} {matmul}");
                let (ours, theirs) = in_turn(&mut trainer, device, &case, &mut pytorch, quick);
                let what = match way {
                    "step" => format!("`{recipe}`, batch {batch}, {matmul}, PyTorch eager"),
                    _ => format!(
                        "`{recipe}`, batch {batch}, {matmul}, PyTorch with graph, channels_last"
                    ),
                };
                report.steps.push(Beside { what, ours, theirs });
            }
        }
    }
    if quick {
        return Ok(());
    }
    let flops = step_flops(modes[0].1)?;
    step_goals(report, flops);
    Ok(())
}

/// Medians in milliseconds of our step and of PyTorch's.
fn in_turn(
    trainer: &mut Trainer,
    device: Device,
    case: &str,
    pytorch: &mut Option<&mut PyTorch>,
    quick: bool,
) -> (f64, Option<f64>) {
    let (rounds, count) = if quick { (1, 2) } else { (ROUNDS, STEPS) };
    for _ in 0..5 {
        trainer.step();
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        device.synchronize();
        let start = Instant::now();
        for _ in 0..count {
            trainer.step();
        }
        device.synchronize();
        ours.push(start.elapsed().as_secs_f64() * 1e3 / count as f64);
        if let Some(pytorch) = pytorch {
            match pytorch.ask(count.min(20), case) {
                Ok(ms) => theirs.push(ms),
                Err(error) => eprintln!("          PyTorch, {case}: {error:#}"),
            }
        }
    }
    (median(&mut ours).unwrap_or(f64::NAN), median(&mut theirs))
}

fn median(times: &mut [f64]) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    let last = times.len().checked_sub(1)?;
    Some((times[last / 2] + times[times.len() / 2]) / 2.0)
}

/// Floating point operations of the products of a `dcgan` step at batch 64.
fn step_flops(device: Device) -> Result<f64> {
    let mut trainer = steps::trainer("dcgan", 64, device)?;
    // The first step of a trainer runs as it is written, so that it can be listened to.
    let (_, events) = record(|| trainer.step());
    Ok(events.iter().map(profile::flops).sum())
}

fn step_goals(report: &mut Report, flops: f64) {
    let find = |start: &str| report.steps.iter().find(|row| row.what.starts_with(start));
    let ms = |start: &str| find(start).map(|row| row.ours);
    let ratio = |what: &str| {
        let row = report.steps.iter().find(|row| row.what == what)?;
        Some(row.theirs? / row.ours)
    };
    let large = ms("`dcgan`, batch 1024, tf32").zip(report.ceilings.tf32);
    let share = large.map(|(ms, peak)| 100.0 * flops * 16.0 / (ms * 1e9) / peak);
    let goals = [
        (
            "`dcgan` step, batch 64, fp32",
            ms("`dcgan`, batch 64, fp32"),
            "ms",
            0.9,
            0.6,
        ),
        (
            "`dcgan` step, batch 64, tf32",
            ms("`dcgan`, batch 64, tf32"),
            "ms",
            0.45,
            0.2,
        ),
        (
            "`dcgan` step against PyTorch eager, tf32",
            ratio("`dcgan`, batch 64, tf32, PyTorch eager"),
            "×",
            4.0,
            8.0,
        ),
        (
            "`dcgan` step against PyTorch with CUDA graph, TF32, channels_last",
            ratio("`dcgan`, batch 64, tf32, PyTorch with graph, channels_last"),
            "×",
            1.0,
            1.5,
        ),
        (
            "`mlp` step, batch 64",
            ms("`mlp`, batch 64, fp32"),
            "ms",
            0.06,
            0.03,
        ),
        (
            "`dcgan` at batch 1024, share of the TF32 peak",
            share,
            "%",
            35.0,
            60.0,
        ),
    ];
    for (what, value, unit, at_least, reach_for) in goals {
        report.goals.push(Goal {
            what: what.to_owned(),
            value,
            unit,
            at_least,
            reach_for,
            more_is_better: unit != "ms",
        });
    }
}

/// Kernels as they run in a captured step.
pub(super) fn kernels(
    modes: &[(&'static str, Device)],
    ceilings: &Ceilings,
    quick: bool,
) -> Result<Vec<Kernel>> {
    let names: &[&str] = if quick { &QUICK } else { &KERNELS };
    let mut out = Vec::new();
    for &(matmul, device) in modes {
        for &name in names {
            let is_product = name.starts_with(['s', 'c']);
            if matmul != "fp32" && !is_product {
                continue;
            }
            let words: Vec<&str> = name.split(' ').collect();
            let call = cases::kernel(device, &words).map_err(anyhow::Error::msg)?;
            let work = cases::work(&words).map_err(anyhow::Error::msg)?;
            let peak = if matmul == "fp32" {
                ceilings.fp32
            } else {
                ceilings.tf32
            };
            let floor_us = peak
                .zip(ceilings.copy)
                .map(|(peak, copy)| f64::max(work.flops / (peak * 1e6), work.bytes / (copy * 1e3)));
            out.push(Kernel {
                case: name.to_owned(),
                matmul,
                us: microseconds(device, call, quick),
                floor_us,
            });
        }
    }
    Ok(out)
}

/// One call of many in a captured step.
fn microseconds(device: Device, mut call: cases::Call, quick: bool) -> f64 {
    let (rounds, calls) = if quick { (1, 2) } else { (5, CALLS) };
    let mut steps = Steps::new(device);
    let mut step = || steps.run(0, || (0..calls).for_each(|_| call()));
    for _ in 0..4 {
        step();
    }
    let mut times = Vec::new();
    for _ in 0..rounds {
        device.synchronize();
        let start = Instant::now();
        for _ in 0..3 {
            step();
        }
        device.synchronize();
        times.push(start.elapsed().as_secs_f64() * 1e6 / (3 * calls) as f64);
    }
    median(&mut times).unwrap_or(f64::NAN)
}

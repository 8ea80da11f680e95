//! Whole runs of `gan train`.

use super::{Goal, Plan};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The goals that a program's run answers.
pub(super) fn goals(plan: &Plan, goals: &mut Vec<Goal>) -> Result<()> {
    let (recipe, steps) = if plan.quick {
        ("gauss1d", 12)
    } else {
        ("dcgan", 300)
    };
    let folder = plan.out.join("runs");
    let _ = fs::remove_dir_all(&folder);
    let mut hashes = Vec::new();
    for name in ["one", "other"] {
        let run = folder.join(name);
        let steps = steps.to_string();
        train(
            plan,
            recipe,
            &run,
            &["--max-steps", &steps, "--no-pictures"],
        )?;
        hashes.push(checkpoint_hash(&run)?);
    }
    let same = hashes[0] == hashes[1];
    goals.push(Goal {
        what: format!("two runs of {steps} steps, same seed: checkpoints that differ"),
        value: Some(f64::from(u8::from(!same))),
        unit: "",
        at_least: 0.0,
        reach_for: 0.0,
        more_is_better: false,
    });
    let whole = folder.join("whole");
    let arguments: &[&str] = match plan.quick {
        true => &["--max-steps", "20"],
        false => &["--epochs", "100", "--matmul", "tf32"],
    };
    let start = Instant::now();
    train(plan, recipe, &whole, arguments)?;
    goals.push(Goal {
        what: format!(
            "`gan train {recipe} {}`, with pictures",
            arguments.join(" ")
        ),
        // The bounds are those of the whole run.
        value: (!plan.quick).then(|| start.elapsed().as_secs_f64()),
        unit: "s",
        at_least: 60.0,
        reach_for: 25.0,
        more_is_better: false,
    });
    if let Some(picture) = newest(&whole.join("samples"), "png")? {
        fs::copy(picture, plan.out.join("digits.png")).context("cannot copy the picture")?;
    }
    fs::remove_dir_all(&folder).context("cannot remove the runs")
}

fn train(plan: &Plan, recipe: &str, out: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(&plan.gan)
        .args([
            "train",
            recipe,
            "--quiet",
            "--offline",
            "--device",
            &plan.device,
        ])
        .args(arguments)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", plan.gan.display()))?;
    ensure!(status.success(), "gan train {recipe}: {status}");
    Ok(())
}

/// Of the weights, moments and position that a run ended with.
fn checkpoint_hash(run: &Path) -> Result<Vec<u8>> {
    let path = newest(&run.join("checkpoints"), "safetensors")?;
    let path = path.context("the run left no checkpoint")?;
    Ok(Sha256::digest(fs::read(path)?).to_vec())
}

/// The last by name of the numbered files of a kind.
fn newest(folder: &Path, extension: &str) -> Result<Option<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let numbered = name.is_some_and(|name| name.starts_with("step-"));
        if numbered && path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
    Ok(files.into_iter().max())
}

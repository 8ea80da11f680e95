//! What is measured of whole programs, from outside.

use super::engines::{Engine, Engines};
use crate::command;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Steps of the run whose memory is looked at; it stands still from the second on.
const STEPS: usize = 30;
/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);

/// `gan` with a folder to train in.
pub(super) struct Programs {
    folder: tempfile::TempDir,
    runs: usize,
}

impl Programs {
    /// Makes the data that runs train on: as many digits as MNIST has, so that they
    /// weigh as much.
    pub(super) fn new(engines: &Engines) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut synth = Command::new(&engines.gan);
        synth.args(["data", "synth", "--out"]);
        finish(synth.arg(folder.path().join("data")))?;
        Ok(Self { folder, runs: 0 })
    }

    /// MiB of `gan train RECIPE` over 30 steps.
    pub(super) fn memory(&mut self, engines: &Engines, recipe: &str) -> Result<f64> {
        let run = self.next_run();
        let mut train = self.train(engines, recipe, STEPS, &run);
        let child = train.spawn().with_context(|| command::could_not(&train))?;
        high_water(child)
    }

    /// A run that samples can be taken of.
    pub(super) fn trained(&mut self, engines: &Engines) -> Result<PathBuf> {
        let run = self.next_run();
        finish(&mut self.train(engines, "dcgan", 2, &run))?;
        Ok(run)
    }

    fn next_run(&mut self) -> PathBuf {
        self.runs += 1;
        self.folder.path().join(format!("run-{}", self.runs))
    }

    fn train(&self, engines: &Engines, recipe: &str, steps: usize, run: &Path) -> Command {
        let mut train = Command::new(&engines.gan);
        train.args(["train", recipe, "--offline", "--quiet"]);
        train.arg("--data-dir").arg(self.folder.path().join("data"));
        train.arg("--out").arg(run);
        train.arg("--max-steps").arg(steps.to_string());
        train.arg("--threads").arg(engines.threads().to_string());
        train.stdout(Stdio::null()).stderr(Stdio::null());
        train
    }
}

/// MiB of an engine that runs the same number of steps in a process of its own.
pub(super) fn memory_of_peer(engines: &Engines, peer: Engine, recipe: &str) -> Result<f64> {
    let mut server = engines.fresh(peer)?;
    server.ask(STEPS, &format!("step {recipe} 64"))?;
    server.ask(1, "memory")
}

/// Milliseconds of `gan sample` of 64 images of this run.
pub(super) fn sample(engines: &Engines, run: &Path) -> Result<f64> {
    let mut sample = Command::new(&engines.gan);
    sample
        .arg("sample")
        .arg(run)
        .args(["--count", "64", "--out"]);
    sample.arg(run.join("sample.png"));
    sample.arg("--threads").arg(engines.threads().to_string());
    let start = Instant::now();
    finish(&mut sample)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn finish(command: &mut Command) -> Result<()> {
    command.stdout(Stdio::null());
    let status = command
        .status()
        .with_context(|| command::could_not(command))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// The last high-water mark the system showed of a process, in MiB. A process near its
/// end has no memory any more, so this looks until then.
fn high_water(mut child: Child) -> Result<f64> {
    let path = format!("/proc/{}/status", child.id());
    let mut mark = None;
    loop {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        mark = in_mib(&status).or(mark);
        if let Some(end) = child.try_wait()? {
            ensure!(end.success(), "it ended with {end}");
            break;
        }
        std::thread::sleep(LOOK);
    }
    match mark {
        Some(mark) => Ok(mark),
        None => bail!("this system does not say how much memory a process holds"),
    }
}

fn in_mib(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_in_mib() {
        let status = "Name:\tgan\nVmPeak:\t 9999 kB\nVmHWM:\t  204800 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(in_mib(status), Some(200.0));
        assert_eq!(in_mib("Name:\tgan\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        let mut cargo = command::cargo();
        cargo.arg("--no-such-flag").stderr(Stdio::null());
        assert!(finish(&mut cargo).is_err());
    }
}

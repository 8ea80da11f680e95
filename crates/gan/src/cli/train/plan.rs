//! `gan train --dry-run`: what would be trained, in how much memory and time, and where it would go.

use super::Args;
use super::{data, memory};
use crate::cli::device::Opened;
use crate::cli::output::size;
use crate::cli::progress::clock;
use crate::paths::Lossless;
use crate::run::Config;
use crate::run::folder::numbered;
use crate::show::text::grouped;
use anyhow::{Result, ensure};
use detach_data::{Found, Lookup, Named};
use detach_nn::count;
use detach_recipes::{Batches, Setup, Trainer};
use detach_tensor::pool_stats;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long steps are tried for.
const TRIED: Duration = Duration::from_secs(2);

/// What would be trained.
pub(super) struct Plan {
    recipe: &'static str,
    device: String,
    data: Vec<String>,
    parameters: Vec<(&'static str, usize)>,
    batch: usize,
    per_epoch: u64,
    done: u64,
    total: u64,
    /// Bytes of the steps that were tried, or of a picture where that is more.
    memory: u64,
    seconds_a_step: Option<f64>,
    dir: PathBuf,
}

/// The plan of the run that the flags ask for.
///
/// # Errors
/// As training would say.
pub(super) fn of(args: &Args) -> Result<Plan> {
    let (run, mut config) = match args.run_to_resume()? {
        Some(run) => {
            let config = run.config()?;
            (Some(run), args.resumed(config)?)
        }
        None => (None, args.fresh()?),
    };
    let opened = args.open_device(config.settings.matmul)?;
    let setup = config.setup()?;
    let dir = match (&run, args.out.as_deref().or(args.resume_at())) {
        (Some(run), _) => run.dir().to_owned(),
        (None, Some(out)) => out.to_owned(),
        (None, None) => free_dir(setup.recipe().name()),
    };
    let (sets, data) = data_of(&setup, &config, args, &opened)?;
    let saved = run.as_ref().and_then(|run| run.saved().pop());
    let done = saved.map_or(0, |(step, _)| step);
    let needed = memory::needed(&setup)?;
    let mut trainer = Trainer::new(setup, sets, opened.kind())?;
    let per_epoch = trainer.steps_per_epoch();
    let total = args.length(&mut config, per_epoch);
    ensure!(
        done <= total,
        "the run has {done} steps done, more than the {total} asked for; give a larger --epochs or --max-steps"
    );
    let networks = trainer.recipe().networks();
    let parameters = networks.iter().map(|(name, net)| (*name, count(*net)));
    let parameters = parameters.collect();
    let seconds_a_step = (done < total).then(|| tried(&mut trainer));
    let used = pool_stats(opened.kind().device).peak_bytes_in_use;
    Ok(Plan {
        recipe: trainer.setup().recipe().name(),
        device: opened.describe(),
        data,
        parameters,
        batch: trainer.setup().settings.batch_size,
        per_epoch,
        done,
        total,
        memory: match seconds_a_step {
            Some(_) => used.max(needed.bytes()),
            None => needed.bytes(),
        },
        seconds_a_step,
        dir,
    })
}

/// Seconds a step. The first two make what later ones find made; where they take long, they have to do.
fn tried(trainer: &mut Trainer) -> f64 {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || (begun.elapsed() < TRIED && times.len() < 100) {
        let step = Instant::now();
        trainer.step();
        trainer.kind().device.synchronize();
        times.push(step.elapsed().as_secs_f64());
        if begun.elapsed() > 5 * TRIED {
            break;
        }
    }
    let steady = times.get(2..).filter(|steady| !steady.is_empty());
    let counted = steady.unwrap_or(&times);
    counted.iter().sum::<f64>() / counted.len() as f64
}

/// The folder that a run of this recipe would have: the first that is free.
fn free_dir(recipe: &str) -> PathBuf {
    numbered(recipe)
        .find(|dir| !dir.exists())
        .unwrap_or_default()
}

/// The recipe's data and what it is, without a download.
fn data_of(
    setup: &Setup,
    config: &Config,
    args: &Args,
    opened: &Opened,
) -> Result<(Vec<Batches>, Vec<String>)> {
    let all = data::find(setup, config, args, false)?;
    let told = all.iter().map(|found| match found {
        None => "the standard normal distribution".to_owned(),
        Some(found) => {
            let images = grouped(found.dataset.len());
            match is_for_want_of_mnist(found, config, args) {
                true => format!(
                    "{images} images of MNIST, which would be downloaded to {}; else images drawn here",
                    Lookup::new(None).download_folder().display()
                ),
                false => format!("{images} images: {}", found.statement),
            }
        }
    });
    let told = told.collect();
    Ok((data::batches(setup, all, opened)?, told))
}

/// Whether training would download MNIST instead.
fn is_for_want_of_mnist(found: &Found, config: &Config, args: &Args) -> bool {
    let is_looked_for = match found.name {
        Some(Named::Digits | Named::Shapes) => args.data.is_empty(),
        name => name == Some(Named::StackedMnist),
    };
    is_looked_for && found.is_synthetic() && config.data_seed.is_none() && !args.offline
}

impl Plan {
    fn seconds(&self) -> Option<f64> {
        let steps = self.total - self.done;
        self.seconds_a_step.map(|seconds| seconds * steps as f64)
    }

    /// The plan for people, or as one JSON line.
    pub(super) fn text(&self, json: bool) -> String {
        match json {
            true => format!("{}\n", self.json()),
            false => self.lines(),
        }
    }

    fn json(&self) -> serde_json::Value {
        let parameters: serde_json::Map<_, _> = self
            .parameters
            .iter()
            .map(|(name, n)| ((*name).to_owned(), (*n).into()))
            .collect();
        serde_json::json!({
            "end": "dry run",
            "recipe": self.recipe,
            "device": self.device,
            "data": self.data,
            "parameters": parameters,
            "batch_size": self.batch,
            "steps_per_epoch": self.per_epoch,
            "steps_done": self.done,
            "steps": self.total,
            "memory_bytes": self.memory,
            "seconds": self.seconds(),
            "run": Lossless(&self.dir),
        })
    }

    fn lines(&self) -> String {
        let n = |n: u64| grouped(usize::try_from(n).unwrap_or(usize::MAX));
        let mut lines = vec![("recipe", format!("{} on {}", self.recipe, self.device))];
        lines.extend(self.data.iter().map(|data| ("data", data.clone())));
        let nets = self.parameters.iter();
        let nets: Vec<String> = nets
            .map(|(name, n)| format!("{name} {}", grouped(*n)))
            .collect();
        lines.push(("params", nets.join(", ")));
        let done = match self.done {
            0 => String::new(),
            done => format!(", {} of them done", n(done)),
        };
        let (total, per_epoch) = (n(self.total), n(self.per_epoch));
        lines.push((
            "steps",
            format!(
                "{total} of {} samples, {per_epoch} an epoch{done}",
                self.batch
            ),
        ));
        lines.push(("memory", format!("about {}", size(self.memory))));
        if let (Some(all), Some(one)) = (self.seconds(), self.seconds_a_step) {
            let time = clock(all);
            lines.push(("time", format!("about {time}, {:.1} ms a step", 1e3 * one)));
        }
        lines.push(("folder", self.dir.display().to_string()));
        let mut out: String = lines
            .iter()
            .map(|(what, text)| format!("{what:<8} {text}\n"))
            .collect();
        out += "nothing was written; leave --dry-run out to train\n";
        out
    }
}

//! `gan compare`: recipes side by side.

use super::runs::{self, Handed, Job, Length, Settled};
use super::signals::Signals;
use super::usage::usage;
use super::{console, values};
use crate::generator::{Classes, TrainedGenerator};
use crate::paths::Lossless;
use crate::report::{self, Comparison};
use crate::run::{History, Run};
use crate::score::Record;
use crate::show::curves::{Panel, curves};
use crate::show::gallery;
use crate::show::rows::rows;
use crate::show::text::{grouped, short, table};
use anyhow::{Context, Result, ensure};
use detach_nn::count;
use detach_recipes::{Preset, Setup, find};
use detach_tensor::{Kind, Tensor};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Steps of a run when nothing is said.
const STEPS: u64 = 2000;
/// Images of a row of samples, and numbers of a histogram.
const IMAGES: usize = 10;
const NUMBERS: usize = 1000;
/// Scores that stand in the table.
const TOLD: [&str; 5] = ["d_loss", "g_loss", "energy", "diversity", "nearest"];

/// `gan compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan compare mlp dcgan-light --max-steps 1000
  gan compare mlp mlp-relu keras-mlp --epochs 5 --out runs/mlps   a folder of its own; the same line goes on in it

Losses are means over the last tenth of the steps. energy: distance between the distributions of samples and of real
images, 0 where they are one. diversity: how far samples are apart, 1 where as far as real images. nearest: how far a
sample is from the nearest real image, 1 where as far as real images from each other.")]
pub(super) struct Args {
    /// The recipes (see `gan recipes`)
    #[arg(required = true, value_name = "RECIPE")]
    recipes: Vec<String>,
    /// Which version of the recipes: as-published or fixed
    #[arg(long, value_parser = values::preset(), default_value = "as-published", hide_possible_values = true)]
    preset: Preset,
    /// Change a setting of all recipes that have it
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Steps of each [default: 2000, or those of --epochs]
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    max_steps: Option<u64>,
    /// Passes over the data of each
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Seed of every random number, the same for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The folder of the runs and of what comes of them [default: runs/compare-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) handed: Handed,
}

/// A run of the comparison.
struct Side {
    job: Job,
    setup: Setup,
}

/// Trains all, and says how they compare.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut sides = args.sides().map_err(usage)?;
    args.handed.open_device()?;
    let signals = Signals::listen()?;
    let dir = match &args.out {
        Some(dir) => dir.clone(),
        None => runs::new_dir("compare")?,
    };
    std::fs::create_dir_all(&dir).map_err(super::elsewhere)?;
    let mut records = Vec::new();
    for Side { job, .. } in &mut sides {
        (job.run, job.record) = (
            dir.join(&job.recipe),
            record_path(&dir, &job.recipe, job.length),
        );
        match args.handed.settle(job, &signals)? {
            Settled::Done(record) => records.push(record),
            Settled::Stopped(number) => return Ok(runs::stopped(number)),
            Settled::Busy => return Err(job.busy()),
        }
    }
    if let Some(what) = runs::other_data(&records) {
        tracing::warn!("{what}");
    }
    let compared: Vec<Compared> = sides
        .into_iter()
        .zip(records)
        .map(|(side, record)| Compared::of(side, record))
        .collect::<Result<_>>()?;
    write(&dir, &compared)?;
    console::result(&format!("{}\nin {}\n", text(&compared), dir.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// A longer comparison in the same folder has other records, and goes on with the same runs.
fn record_path(dir: &Path, recipe: &str, length: Length) -> PathBuf {
    dir.join(match length {
        Length::Steps(steps) => format!("{recipe}-{steps}.json"),
        Length::Epochs(epochs) => format!("{recipe}-{epochs}-epochs.json"),
    })
}

impl Args {
    fn sides(&self) -> Result<Vec<Side>> {
        let mut sides: Vec<Side> = Vec::new();
        let mut unused: Vec<&String> = self.set.iter().collect();
        for name in &self.recipes {
            let recipe = find(name)?;
            ensure!(
                sides.iter().all(|side| side.job.recipe != *name),
                "{name} stands there twice; leave one out"
            );
            let mut setup = recipe.setup(self.preset);
            let mut set = Vec::new();
            for assignment in &self.set {
                let key = assignment.split('=').next().unwrap_or_default().trim();
                if !has(&setup, key) {
                    continue;
                }
                let wrong = || format!("wrong --set for {name}");
                setup.set(assignment).with_context(wrong)?;
                unused.retain(|other| *other != assignment);
                set.push(assignment.clone());
            }
            let length = match (self.epochs, self.max_steps) {
                (Some(epochs), _) => Length::Epochs(epochs),
                (None, steps) => Length::Steps(steps.unwrap_or(STEPS)),
            };
            let job = Job {
                recipe: name.clone(),
                preset: self.preset,
                set,
                seed: self.seed,
                length,
                log_every: self.handed.log_every,
                run: PathBuf::new(),
                record: PathBuf::new(),
            };
            sides.push(Side { job, setup });
        }
        ensure!(
            unused.is_empty(),
            "none of the recipes has the setting of --set {}; `gan recipes NAME` lists them",
            unused[0]
        );
        Ok(sides)
    }
}

/// Whether a recipe has the setting `key`, or settings below it.
fn has(setup: &Setup, key: &str) -> bool {
    let below = format!("{key}.");
    setup
        .keys()
        .iter()
        .any(|known| known == key || known.starts_with(&below))
}

/// What came of a run.
struct Compared {
    job: Job,
    setup: Setup,
    record: Record,
    history: History,
    parameters: usize,
}

impl Compared {
    fn of(side: Side, record: Record) -> Result<Self> {
        let history = History::of(&Run::open(&side.job.run)?)?;
        let recipe = side.setup.build(Kind::default())?;
        let networks = recipe.networks();
        Ok(Self {
            parameters: networks.iter().map(|(_, network)| count(*network)).sum(),
            job: side.job,
            setup: side.setup,
            record,
            history,
        })
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.job.recipe.clone(),
            grouped(self.parameters),
            grouped(usize::try_from(self.record.steps).unwrap_or(usize::MAX)),
            format!("{:.1}", self.history.seconds()),
            short(self.history.step_ms()),
        ];
        match &self.record.failed {
            Some(_) => cells.push("diverged".to_owned()),
            None => cells.extend(TOLD.map(|name| short(self.record.scores.get(name).copied()))),
        }
        cells
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "recipe": self.job.recipe,
            "preset": self.job.preset.name(),
            "set": self.job.set,
            "seed": self.job.seed,
            "run": Lossless(&self.job.run),
            "data": self.record.data.source,
            "parameters": self.parameters,
            "steps": self.record.steps,
            "batch_size": self.setup.settings.batch_size,
            "seconds": self.history.seconds(),
            "step_ms": self.history.step_ms(),
            "scores": self.record.scores,
            "failed": self.record.failed,
        })
    }
}

fn text(compared: &[Compared]) -> String {
    let head = ["recipe", "parameters", "steps", "seconds", "ms/step"];
    let head = head.into_iter().chain(TOLD).map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(compared.iter().map(Compared::cells))
        .collect();
    table(&rows)
}

/// Writes `compare.json`, `curves.png`, `samples.png` and `compare.html`.
fn write(dir: &Path, compared: &[Compared]) -> Result<()> {
    let runs: Vec<serde_json::Value> = compared.iter().map(Compared::json).collect();
    let text = serde_json::to_string_pretty(&json!({ "version": 1, "runs": runs }))?;
    detach_files::write(&dir.join("compare.json"), |file| writeln!(file, "{text}"))?;

    let names: Vec<String> = compared.iter().map(|one| one.job.recipe.clone()).collect();
    let mut panels: Vec<Panel> = Vec::new();
    for title in compared.iter().flat_map(|one| one.history.names()) {
        if panels.iter().all(|panel| panel.title != title) {
            let series = compared
                .iter()
                .map(|one| one.history.series(&title))
                .collect();
            panels.push(Panel { title, series });
        }
    }
    curves(&names, &panels).save_png(&dir.join("curves.png"))?;

    let mut pictures = Vec::new();
    for one in compared.iter().filter(|one| one.record.failed.is_none()) {
        let trained = TrainedGenerator::open(&one.job.run, Kind::default())?;
        if trained.input().latent().is_none() {
            continue;
        }
        let count = match trained.shape(1).len() {
            4 => IMAGES,
            _ => NUMBERS,
        };
        let pictures_of = &trained.setup.settings.pictures;
        let samples: Vec<Tensor> = trained
            .samples(one.job.seed, count, &Classes::InTurn, pictures_of.mode)
            .collect();
        let samples = Tensor::concat(&samples.iter().collect::<Vec<_>>(), 0);
        let text = format!("{} after {} steps", one.job.recipe, one.record.steps);
        pictures.push((text, gallery::draw(&samples, IMAGES, pictures_of.scaling)));
    }
    if !pictures.is_empty() {
        rows(&pictures).save_png(&dir.join("samples.png"))?;
    }
    let mut page = Comparison::default();
    for one in compared {
        page.add(&Run::open(&one.job.run)?, one.record.scores.clone())?;
    }
    let place = dir.join("compare.html");
    report::write_comparison(&page, &place)
}

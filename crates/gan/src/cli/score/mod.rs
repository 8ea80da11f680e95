//! `gan score`.

pub(super) mod bench;
mod csv;
mod samples;
mod tell;

use super::{environment, sample, threads, values};
use crate::networks::TrainedNetworks;
use crate::run::Run;
use crate::run::config::Config;
use crate::score::bench::Bench;
use crate::score::quality::Quality;
use anyhow::{Context, Result, bail, ensure};
use bench::{Known, Source};
use detach_data::Wanted;
use detach_recipes::{DataKind, SampleMode};
use detach_tensor::Kind;
use samples::FileSamples;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// `gan score`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan score runs/dcgan-light-1
  gan score runs/cgan-1                       with classes: how often a digit that is asked for is made
  gan score runs/dcgan-light-*                one row a run, and the mean over runs
  gan score runs/* --csv > scores.csv         for a spreadsheet or pandas: one line a number
  gan score digits.idx3-ubyte.gz --data-dir data/MNIST/raw --json

A classifier sees the samples and as many real images; its penultimate layer gives 64 numbers for each, its last one a class. The
floor is what real images come to that nothing was trained on: no generator is better for being below it. Scores by the same
classifier (its hash stands beside them) and of as many samples can be compared, with each other and with nothing else.")]
#[command(after_long_help = tell::legend())]
pub(super) struct Args {
    /// Run directories; or samples: a .npy, .npy.gz, .idx3-ubyte, .idx3-ubyte.gz or .npz file, or a folder of PNG images
    #[arg(required = true, value_name = "RUN|FILE")]
    what: Vec<PathBuf>,
    /// How many samples, at most those of a file, and as many real images: FID falls with more, whatever the samples are
    #[arg(long, short = 'n', default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    count: u32,
    /// The class that each sample of a file was asked to be of: an .idx1-ubyte file, or a text with one a line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// BatchNorm by running statistics or by the batch's own [default: as the recipe's pictures]
    #[arg(long, value_parser = values::sample_mode())]
    mode: Option<SampleMode>,
    /// The real images [default: what a run was trained on; MNIST for a file] [env: GAN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where samples are made: cpu, cuda:N or auto
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Write one JSON object instead of tables
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write a line of comma-separated values for each number of each run instead of tables
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// Samples that were scored.
struct Scored {
    /// The run or the file.
    path: PathBuf,
    /// Recipe, preset and steps of a run.
    run: Option<(Config, u64)>,
    quality: Quality,
    /// What they were compared with.
    bench: Rc<Bench>,
}

/// Scores all; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let is_run = |path: &Path| Run::find(path).is_some();
    ensure!(
        args.labels.is_none() || (args.what.len() == 1 && !is_run(&args.what[0])),
        "--labels are of the samples of one file; a run knows which classes it was asked for"
    );
    let mut benches: Vec<Known> = Vec::new();
    let mut all = Vec::new();
    for path in &args.what {
        let scored = match is_run(path) {
            true => args.score_run(path, &mut benches),
            false => args.score_file(path, &mut benches),
        };
        all.push(scored.with_context(|| format!("cannot score {}", path.display()))?);
    }
    match (args.json, args.csv) {
        (true, _) => tell::json(&all),
        (_, true) => Ok(csv::of(&all)),
        _ => Ok(tell::text(&all)),
    }
}

impl Args {
    fn count(&self) -> usize {
        self.count as usize
    }

    fn score_run(&self, path: &Path, benches: &mut Vec<Known>) -> Result<Scored> {
        let trained = sample::open(path, &self.device)?;
        let config = trained.run.config()?;
        let DataKind::Images(size) = trained.data else {
            bail!(
                "`{}` makes numbers, and scores are of images; its metrics say how near they are",
                config.recipe
            );
        };
        ensure!(
            trained.input().latent().is_some(),
            "`{}` makes images of images, and scores are of generators of noise",
            config.recipe
        );
        let source = Source {
            wanted: Wanted::new(size.channels, size.side),
            run: Some(config.clone()),
            given: self.data_dir.clone(),
        };
        let bench = bench::find(&source, self.count(), benches)?;
        let mode = self.mode.unwrap_or(trained.setup.settings.pictures.mode);
        let samples = samples::of_run(&trained, &bench, (self.seed, self.count(), mode))?;
        // Of other images than it was trained on, its discriminator can know none.
        let quality = match config.data_checksum == Some(bench.source.1) {
            true => {
                let networks = TrainedNetworks::open(path)?;
                let of = (trained.data, Kind::default());
                bench.quality_of(&samples, networks.recipe(), of)
            }
            false => bench.quality(&samples),
        };
        let steps = trained.run.newest_step().unwrap_or(0);
        Ok(Scored {
            path: path.to_owned(),
            run: Some((config, steps)),
            quality,
            bench,
        })
    }

    fn score_file(&self, path: &Path, benches: &mut Vec<Known>) -> Result<Scored> {
        let source = Source {
            wanted: Wanted::default(),
            run: None,
            given: self.data_dir.clone().or_else(environment::data_dir),
        };
        ensure!(path.exists(), "there is no such run or file");
        let samples = FileSamples::read(path, self.count())?;
        let bench = bench::find(&source, samples.len(), benches)?;
        let samples = samples.fitted(&bench, self.labels.as_deref())?;
        Ok(Scored {
            path: path.to_owned(),
            run: None,
            quality: bench.quality(&samples),
            bench,
        })
    }
}

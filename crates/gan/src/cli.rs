//! The command line.

use crate::settings::{MatmulMode, Order, Preset, SampleMode};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A mistake in the command line that its parser cannot see: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(String);

/// The error that makes the program end with the exit code of a wrong command line.
pub fn usage(error: impl Into<anyhow::Error>) -> anyhow::Error {
    Usage(crate::out::describe(&error.into())).into()
}

/// Train GANs on MNIST, from scratch.
#[derive(Debug, Parser)]
#[command(name = "gan", version, about, max_term_width = 100)]
#[command(
    after_help = "Start with `gan train`: digits in about two minutes, with or without a network."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a recipe, or go on with a run
    Train(Box<TrainArgs>),
    /// Make samples of a trained generator
    Sample(SampleArgs),
    /// Walk between points of the latent space
    Interpolate(InterpolateArgs),
    /// List the recipes, or explain one
    Recipes(RecipesArgs),
    /// Fetch, inspect or make data
    #[command(subcommand)]
    Data(DataCommand),
    /// Say what this machine offers
    Info(InfoArgs),
}

/// `gan info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Also say which implementations there are, and which form each convolution of the
    /// published networks takes
    #[arg(long)]
    pub variants: bool,
    /// Threads.
    #[command(flatten)]
    pub threads: ThreadsArgs,
}

/// Threads.
#[derive(Clone, Debug, Default, Args)]
pub struct ThreadsArgs {
    /// Threads to compute with; results do not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// `gan train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gan train                                   a quick run: digits in about two minutes
  gan train dcgan --epochs 5                  a recipe as published, but shorter
  gan train mlp --preset fixed --set lr=1e-3  its known faults removed, another learning rate
  gan train --resume runs/dcgan-1             go on where a run stopped

Ctrl-C saves and stops; --resume goes on to the very same result.")]
pub struct TrainArgs {
    /// The recipe (see `gan recipes`) [default: dcgan-light, 4000 steps]
    pub recipe: Option<String>,
    /// Which version of the recipe [default: as-published]
    #[arg(long)]
    pub preset: Option<Preset>,
    /// `mlp` only: which network is updated first
    #[arg(long)]
    pub order: Option<Order>,
    /// Where to compute: cpu, cuda:N, or auto, a GPU if there is one and else the CPU (see
    /// `gan info`). A run may go on on another device
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// How a GPU computes products: with all bits, or on its tensor cores with the first 11 bits of
    /// each factor, which is faster. The CPU knows fp32 only [default: fp32]
    #[arg(long)]
    pub matmul: Option<MatmulMode>,
    /// Passes over the data, in all
    #[arg(long, value_name = "N")]
    pub epochs: Option<u64>,
    /// Stop after this many steps, in all
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u64>,
    /// Images a batch
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Seed of every random number
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many threads.
    #[command(flatten)]
    pub threads: ThreadsArgs,
    /// Folder with the data's IDX files (MNIST, Fashion-MNIST, …)
    #[arg(long, value_name = "DIR", env = "GAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Do not download anything: synthetic digits if no data is found
    #[arg(long)]
    pub offline: bool,
    /// The run directory to make [default: runs/RECIPE-N]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with this run, from its newest checkpoint
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Change a setting (a run's config.toml has them all)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Take the settings of this file, such as another run's config.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Steps between two lines of metrics
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub log_every: u64,
    /// Steps between two checkpoints [default: a minute's worth]
    #[arg(long, value_name = "N")]
    pub checkpoint_every: Option<u64>,
    /// Take no pictures
    #[arg(long)]
    pub no_pictures: bool,
    /// Print metrics and result as JSON lines on stdout
    #[arg(long)]
    pub json: bool,
    /// Print nothing but the result
    #[arg(long, short)]
    pub quiet: bool,
}

/// `gan sample`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gan sample runs/dcgan-1 --count 64 --out digits.png
  gan sample runs/dcgan-1 --count 10000 --out digits.npy
  gan sample runs/dcgan-1 --count 10000 --out digits.idx3-ubyte.gz   MNIST's own format")]
pub struct SampleArgs {
    /// The run directory
    pub run: PathBuf,
    /// How many samples
    #[arg(long, short = 'n', default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// The file to write: .png, .npy, .idx3-ubyte or .idx3-ubyte.gz
    #[arg(long, short)]
    pub out: PathBuf,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Also write the noise `[N, latent]` to this .npy file
    #[arg(long, value_name = "FILE")]
    pub noise_out: Option<PathBuf>,
    /// BatchNorm by running statistics or by the batch's own [default: as the recipe's pictures]
    #[arg(long)]
    pub mode: Option<SampleMode>,
    /// Where to compute: cpu, cuda:N or auto. Starting a GPU takes longer than 64 samples on the
    /// CPU do; it is worth it for thousands
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// How many threads.
    #[command(flatten)]
    pub threads: ThreadsArgs,
}

/// `gan interpolate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gan interpolate runs/dcgan-1                      a strip of 10 frames
  gan interpolate runs/dcgan-1 --out walk.apng      the same as an animation
  gan interpolate runs/dcgan-1 --grid --frames 8    8×8 between four corners")]
pub struct InterpolateArgs {
    /// The run directory
    pub run: PathBuf,
    /// The file to write: .png, or .apng for an animation [default: RUN/samples/interpolation.png]
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    /// Frames along each line
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub frames: u32,
    /// A grid between four corners instead of a line between two points
    #[arg(long)]
    pub grid: bool,
    /// Seed of the points
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where to compute: cpu, cuda:N or auto
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// How many threads.
    #[command(flatten)]
    pub threads: ThreadsArgs,
}

/// `gan recipes`.
#[derive(Debug, Args)]
pub struct RecipesArgs {
    /// Explain this one: networks, parameters, loop, what the presets change
    pub name: Option<String>,
}

/// `gan data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download MNIST and check it
    Fetch {
        /// Where to [default: data/MNIST/raw here, or the user's cache]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Say what data would be trained on, and why
    Info {
        /// Folder with the data's IDX files
        #[arg(long, value_name = "DIR", env = "GAN_DATA_DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Write synthetic digits as IDX files
    Synth {
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// How many training images; a sixth as many test images
        #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        /// Seed of the digits
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

//! `gan sample`.

use super::device::Opened;
use super::usage::{usage, with_hint};
use super::{console, threads, values};
use crate::export::npy;
use crate::generator::{Samples, TrainedGenerator};
use crate::show::gallery;
use anyhow::{Result, bail, ensure};
use detach_mnist::{Idx, sample::denormalise};
use detach_recipes::settings::{MatmulMode, Scaling};
use detach_recipes::{DataKind, SampleMode};
use detach_tensor::{Array, Tensor};
use std::path::{Path, PathBuf};

/// The most tiles that a picture is made of.
const MOST_TILES: usize = 10_000;

/// `gan sample`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan sample runs/dcgan-1 --count 64 --out digits.png
  gan sample runs/dcgan-1 --count 10000 --out digits.npy
  gan sample runs/dcgan-1 --count 10000 --out digits.idx3-ubyte.gz   MNIST's own format")]
pub(super) struct Args {
    /// The run directory
    run: PathBuf,
    /// How many samples
    #[arg(long, short = 'n', default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// The file to write: .png, .npy, .idx3-ubyte or .idx3-ubyte.gz
    #[arg(long, short)]
    out: PathBuf,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also write the noise `[N, latent]` to this .npy file
    #[arg(long, value_name = "FILE")]
    noise_out: Option<PathBuf>,
    /// BatchNorm by running statistics or by the batch's own [default: as the recipe's pictures]
    #[arg(long, value_parser = values::sample_mode())]
    mode: Option<SampleMode>,
    /// Where to compute: cpu, cuda:N or auto. Starting a GPU takes longer than 64 samples on the
    /// CPU do; it is worth it for thousands
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// What samples can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Png,
    Npy,
    Idx,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name {
            _ if name.ends_with(".idx3-ubyte") || name.ends_with("-idx3-ubyte") => Ok(Self::Idx),
            _ if name.ends_with(".npy") => Ok(Self::Npy),
            _ if name.ends_with(".png") => Ok(Self::Png),
            _ => bail!(
                "cannot tell the format of {}: end it in .png, .npy, .idx3-ubyte or .idx3-ubyte.gz",
                path.display()
            ),
        }
    }
}

/// The run's generator with the newest weights, on the device called `device`.
pub(super) fn open(run: &Path, device: &str) -> Result<TrainedGenerator> {
    let opened = Opened::open(device, MatmulMode::Fp32)?;
    if opened.is_fallback() {
        console::note(&format!("on {}", opened.describe()));
    }
    TrainedGenerator::open(run, opened.kind()).map_err(|error| {
        match format!("{error}").ends_with("has no checkpoint yet") {
            true => with_hint(
                error,
                &format!("`gan train --resume {}` starts it again", run.display()),
            ),
            false => error,
        }
    })
}

/// Makes samples and writes them; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let format = Format::of(&args.out).map_err(usage)?;
    let trained = open(&args.run, &args.device)?;
    let count = args.count as usize;
    ensure!(
        format != Format::Png || count <= MOST_TILES,
        "a picture of {count} samples would be too large; write .npy or .idx3-ubyte.gz, or at most {MOST_TILES}"
    );
    let gray = matches!(trained.data, DataKind::Images(size) if size.channels == 1);
    ensure!(
        format != Format::Idx || gray,
        "`{}` makes no gray images, and IDX holds nothing else; write .npy or .png",
        trained.setup.recipe().name()
    );
    let mode = args.mode.unwrap_or(trained.setup.settings.pictures.mode);
    let samples = trained.many(args.seed, count, mode);
    if let Some(path) = &args.noise_out {
        npy::write(path, &[count, trained.latent()], &samples.noise).map_err(super::elsewhere)?;
    }
    write(&args.out, format, &samples)?;
    Ok(format!("{count} samples in {}\n", args.out.display()))
}

fn write(path: &Path, format: Format, samples: &Samples) -> Result<()> {
    let Samples { shape, values, .. } = samples;
    match format {
        Format::Npy => npy::write(path, shape, values).map_err(super::elsewhere),
        Format::Png => {
            let columns = (shape[0] as f64).sqrt().ceil() as usize;
            let samples = Tensor::constant(Array::from_slice(values, shape));
            let picture = gallery::draw(&samples, columns, Scaling::Fixed);
            picture.save_png(path).map_err(super::elsewhere)
        }
        Format::Idx => {
            let mut pixels = vec![0; values.len()];
            denormalise(values, &mut pixels);
            let idx = Idx::new([shape[0], shape[2], shape[3]], pixels)?;
            idx.save(path).map_err(super::elsewhere)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_name() {
        let format = |name: &str| Format::of(Path::new(name));
        assert_eq!(format("a/x.png").expect("png"), Format::Png);
        assert_eq!(format("x.npy").expect("npy"), Format::Npy);
        assert_eq!(format("x.idx3-ubyte.gz").expect("idx"), Format::Idx);
        assert_eq!(format("train-images-idx3-ubyte").expect("idx"), Format::Idx);
        assert!(format("x.jpg").is_err() && format("").is_err());
    }
}

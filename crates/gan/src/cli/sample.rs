//! `gan sample`.

use super::device::Opened;
use super::signals::Signals;
use super::usage::{usage, with_hint};
use super::work::Work;
use super::{classes, console, elsewhere, output, shell, threads, values};
use crate::export::{Sink, npy};
use crate::generator::{Classes, NoCheckpoint, TrainedGenerator};
use crate::show::gallery;
use crate::show::histogram::Histogram;
use anyhow::{Result, anyhow, bail, ensure};
use detach_mnist::{Idx, sample::denormalise};
use detach_recipes::settings::MatmulMode;
use detach_recipes::{DataKind, SampleMode};
use detach_tensor::Tensor;
use std::io;
use std::path::{Path, PathBuf};

/// The most tiles that a picture is made of.
const MOST_TILES: usize = 10_000;

/// `gan sample`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan sample runs/dcgan-1 --count 64 --out digits.png
  gan sample runs/dcgan-1 --count 10000 --out digits.npy
  gan sample runs/dcgan-1 --count 10000 --out digits.idx3-ubyte.gz   MNIST's own format
  gan sample runs/cgan-1 --digit 7 --out sevens.png
  gan sample runs/dcgan-1 --truncation 1 --out usual.png             less varied, and better where varied is worse

A file is written as its samples are made, so that any number of them takes little memory.")]
pub(super) struct Args {
    /// The run directory
    run: PathBuf,
    /// How many samples: a picture holds 10,000, an IDX file 1 GiB
    #[arg(long, short = 'n', default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// The file to write: .png, .npy, .npy.gz, .idx3-ubyte or .idx3-ubyte.gz
    #[arg(long, short)]
    out: PathBuf,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The noise is normal, cut at this distance from 0 (BigGAN's truncation): 2 cuts one number in twenty, .5 leaves the
    /// usual samples
    #[arg(long, value_name = "T", value_parser = values::positive())]
    truncation: Option<f64>,
    /// Also write the noise `[N, latent]` to this .npy or .npy.gz file
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
    classes: classes::Args,
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
        match output::kind_of(path) {
            (name, _) if name.ends_with(".idx3-ubyte") || name.ends_with("-idx3-ubyte") => {
                Ok(Self::Idx)
            }
            (name, _) if name.ends_with(".npy") => Ok(Self::Npy),
            (name, false) if name.ends_with(".png") => Ok(Self::Png),
            _ => bail!(
                "cannot tell the format of {}: end it in .png, .npy, .npy.gz, .idx3-ubyte or .idx3-ubyte.gz",
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
    TrainedGenerator::open(run, opened.kind()).map_err(|error| start_hint(error, run))
}

/// The error, with what to do where the run has saved nothing and nobody trains it.
pub(super) fn start_hint(error: anyhow::Error, run: &Path) -> anyhow::Error {
    match error.downcast_ref() {
        Some(NoCheckpoint::Never { .. }) => with_hint(
            error,
            &format!("`gan train --resume {}` starts it again", shell::word(run)),
        ),
        _ => error,
    }
}

/// Refuses what the words alone show to be wrong.
fn check(args: &Args, count: usize) -> Result<Format> {
    let format = Format::of(&args.out).map_err(usage)?;
    if format == Format::Png && count > MOST_TILES {
        return Err(usage(anyhow!(
            "a picture of {count} samples would be too large; write .npy or .idx3-ubyte.gz, or at most {MOST_TILES}"
        )));
    }
    if let Some(noise) = &args.noise_out {
        if !matches!(Format::of(noise), Ok(Format::Npy)) {
            return Err(usage(anyhow!(
                "--noise-out {}: end it in .npy or .npy.gz",
                noise.display()
            )));
        }
        output::ensure_different(("--out", &args.out), ("--noise-out", noise))?;
        output::ensure_place(noise)?;
    }
    let others = [
        ("--out", Some(&*args.out)),
        ("--noise-out", args.noise_out.as_deref()),
    ];
    args.classes.check_out(&others)?;
    output::ensure_place(&args.out)?;
    Ok(format)
}

/// Makes samples and writes them; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let (classes, count) = args.classes.read()?;
    let count = count.unwrap_or(args.count as usize);
    let format = check(args, count)?;
    let mut trained = open(&args.run, &args.device)?;
    if let Some(most) = args.truncation {
        trained = trained.truncated_at(most)?;
    }
    args.classes.ensure_known(&trained, &classes)?;
    let out = &args.out;
    let shape = trained.shape(count);
    match (format, trained.data) {
        (Format::Idx, DataKind::Images(size)) if size.channels == 1 => {
            let most = Idx::most(&shape[2..]);
            ensure!(
                count as u64 <= most,
                "an IDX file holds at most {most} of these samples, and {count} were asked for; \
                 write .npy, or several files"
            );
        }
        (Format::Idx, _) => bail!(
            "`{}` makes no gray images, and IDX holds nothing else; write .npy or .png",
            trained.setup.recipe().name()
        ),
        (Format::Npy | Format::Png, _) => {}
    }
    // How far a file can be compressed is not known before.
    if let (_, false) = output::kind_of(out) {
        let bytes = match format {
            Format::Npy => npy::size(&shape),
            Format::Idx => shape.iter().product::<usize>() as u64,
            Format::Png => 0,
        };
        output::ensure_room(out, bytes)?;
    }
    let mode = args.mode.unwrap_or(trained.setup.settings.pictures.mode);
    let signals = Signals::listen()?;
    if let Some(path) = &args.noise_out {
        let noises = trained.noises(args.seed, count, mode);
        let shape = [count, trained.latent()];
        written(&signals, path, count, noises, |fill| {
            npy::write_pieces(path, &shape, fill).map_err(elsewhere)
        })?;
    }
    args.classes.write(&trained, &classes, count)?;
    // Where they take turns, a column is a class.
    let columns = trained.classes().filter(|_| classes == Classes::InTurn);
    let samples = trained.samples(args.seed, count, &classes, mode);
    written(&signals, out, count, samples, |fill| {
        write((out, format), &shape, columns, fill)
    })?;
    Ok(format!("{count} samples in {}\n", out.display()))
}

/// What hands all values over.
type Fill<'a> = &'a mut dyn FnMut(&mut Sink<'_>) -> io::Result<()>;

/// Writes a file of `count` samples as they are made.
fn written(
    signals: &Signals,
    path: &Path,
    count: usize,
    mut samples: impl Iterator<Item = Tensor>,
    write: impl FnOnce(Fill<'_>) -> Result<()>,
) -> Result<()> {
    let mut work = Work::on(signals, path, count as u64);
    let result = write(&mut |sink| {
        samples.try_for_each(|samples| {
            sink(&samples.to_vec::<f32>())?;
            work.did(samples.shape()[0] as u64)
        })
    });
    work.end(result)
}

/// Writes samples of `shape`; a picture of them has so many columns, or about as many as rows.
fn write(
    (path, format): (&Path, Format),
    shape: &[usize],
    columns: Option<usize>,
    fill: Fill<'_>,
) -> Result<()> {
    match (format, shape) {
        (Format::Npy, _) => npy::write_pieces(path, shape, fill).map_err(elsewhere),
        (Format::Idx, &[n, _, h, w]) => {
            let mut pixels = Vec::new();
            let written = Idx::save_pieces(path, &[n, h, w], |out| {
                fill(&mut |values| {
                    pixels.resize(values.len(), 0);
                    denormalise(values, &mut pixels);
                    out.write_all(&pixels)
                })
            });
            written.map_err(elsewhere)
        }
        (Format::Png, &[n, c, h, w]) => {
            let mut tiles = gallery::tiles([n, c, h, w]);
            if let Some(columns) = columns {
                tiles = tiles.columns(columns);
            }
            tiles.save_png(path, fill).map_err(elsewhere)
        }
        (Format::Png | Format::Idx, _) => {
            let mut all = Vec::new();
            fill(&mut |values| {
                all.extend_from_slice(values);
                Ok(())
            })?;
            let picture = Histogram::default().render("", &all);
            picture.save_png(path).map_err(elsewhere)
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
        assert_eq!(format("a/X.PNG").expect("png"), Format::Png);
        assert_eq!(format("x.npy").expect("npy"), Format::Npy);
        assert_eq!(format("x.Npy.GZ").expect("npy"), Format::Npy);
        assert_eq!(format("X.IDX3-UBYTE").expect("idx"), Format::Idx);
        assert_eq!(format("x.idx3-ubyte.gz").expect("idx"), Format::Idx);
        assert_eq!(format("train-images-idx3-ubyte").expect("idx"), Format::Idx);
        for name in ["x.jpg", "", "x.png.gz", "npy", "x.gz"] {
            assert!(format(name).is_err(), "{name}");
        }
    }
}

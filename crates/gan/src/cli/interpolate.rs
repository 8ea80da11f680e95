//! `gan interpolate`.

use super::sample::open;
use super::signals::Signals;
use super::usage::usage;
use super::work::Work;
use super::{elsewhere, output, threads};
use crate::generator::{TrainedGenerator, Walk};
use crate::show::picture::{Grid, Image, Tiles, save_apng};
use anyhow::{Result, anyhow, bail};
use detach_nn::Mode;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `gan interpolate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan interpolate runs/dcgan-1                      a strip of 10 frames
  gan interpolate runs/dcgan-1 --out walk.apng      the same as an animation
  gan interpolate runs/dcgan-1 --grid --frames 8    8×8 between four corners")]
pub(super) struct Args {
    /// The run directory
    run: PathBuf,
    /// The file to write: .png, or .apng for an animation [default: RUN/samples/interpolation.png]
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Frames along each line, from 2 to 100
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=100))]
    frames: u32,
    /// A grid between four corners instead of a line between two points
    #[arg(long)]
    grid: bool,
    /// Seed of the points
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to compute: cpu, cuda:N or auto
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// Whether the file is an animation.
fn is_animated(path: &Path) -> Result<bool> {
    match output::kind_of(path) {
        (name, false) if name.ends_with(".apng") => Ok(true),
        (name, false) if name.ends_with(".png") => Ok(false),
        _ => Err(usage(anyhow!(
            "cannot tell the format of {}: end it in .png, or in .apng for an animation",
            path.display()
        ))),
    }
}

/// Draws a walk through the latent space; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    if let Some(out) = &args.out {
        is_animated(out)?;
        output::ensure_place(out)?;
    }
    let trained = open(&args.run, &args.device)?;
    let in_run = || trained.run.samples().join("interpolation.png");
    let out = args.out.clone().unwrap_or_else(in_run);
    let n = args.frames as usize;
    let corners = trained.noise(args.seed, 0, 4);
    let walk = match args.grid {
        true => Walk::square(corners, n),
        false => Walk::line(corners, n),
    };
    let &[count, c, h, w] = &trained.shape(walk.len())[..] else {
        bail!(
            "`{}` makes no images to walk between",
            trained.setup.recipe().name()
        );
    };
    match is_animated(&out)? {
        true => animate(&trained, &walk, [c, h, w], &out)?,
        false => {
            let tiles = Tiles::new([count, c, h, w]).columns(n).scale(2);
            draw(&trained, &walk, &tiles, &out)?;
        }
    }
    Ok(format!("{count} frames in {}\n", out.display()))
}

/// The samples at a few points. A walk has no batch of its own to take statistics from.
fn samples(trained: &TrainedGenerator, walk: &Walk, points: Range<usize>) -> Vec<f32> {
    let samples = trained.generate(&walk.points(points), Mode::eval());
    samples.to_vec()
}

fn draw(trained: &TrainedGenerator, walk: &Walk, tiles: &Tiles, out: &Path) -> Result<()> {
    let signals = Signals::listen()?;
    let mut work = Work::on(&signals, out, walk.len() as u64);
    let written = tiles.save_png(out, |sink| {
        walk.pieces().try_for_each(|piece| {
            let done = piece.len() as u64;
            sink(&samples(trained, walk, piece))?;
            work.did(done)
        })
    });
    work.end(written.map_err(elsewhere))
}

/// There and back again, without a jump. The way back is computed anew: kept, it would be as long as memory.
fn animate(trained: &TrainedGenerator, walk: &Walk, shape: [usize; 3], out: &Path) -> Result<()> {
    let [c, h, w] = shape;
    let len = walk.len();
    let count = 2 * len - 2;
    let signals = Signals::listen()?;
    let mut work = Work::on(&signals, out, count as u64);
    let frames = |piece: Range<usize>| -> Vec<(usize, Image)> {
        let values = samples(trained, walk, piece.clone());
        let image = |frame| Grid::new(frame, [1, c, h, w]).scale(6).render();
        piece.zip(values.chunks(c * h * w).map(image)).collect()
    };
    let there = walk.pieces().flat_map(frames);
    let back = walk.pieces().rev().flat_map(|piece| {
        let frames = frames(piece);
        frames.into_iter().rev()
    });
    let back = back.filter(|(number, _)| (1..len - 1).contains(number));
    let walk = there.chain(back).map(|(_, frame)| {
        work.did(1)?;
        Ok(frame)
    });
    let written = save_apng(out, count as u32, Duration::from_millis(100), walk);
    work.end(written.map_err(elsewhere))
}

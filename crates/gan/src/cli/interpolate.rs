//! `gan interpolate`.

use super::sample::open;
use super::signals::Signals;
use super::usage::usage;
use super::work::Work;
use super::{classes, elsewhere, output, threads};
use crate::generator::{Classes, TrainedGenerator};
use crate::show::picture::{Grid, Image, Tiles, save_apng};
use crate::show::text::short;
use crate::walk::{self, Walk};
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
  gan interpolate runs/dcgan-1 --grid --frames 8    8×8 between four corners
  gan interpolate runs/dcgan-1 --path sphere        along a great circle, where the noise of training lies

It says how long the points are, and how fast the images change along the way: ‖∂G/∂z·dz‖ a frame, as the root mean square of
a pixel in [-1, 1]. A walk whose fastest frame is many times its mean jumps.")]
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
    /// How to get from one point to the next: straight on, line, or along a great circle, sphere
    #[arg(long, default_value = "line", value_parser = ["line", "sphere"], hide_possible_values = true)]
    path: String,
    /// The class of all frames, where the recipe has classes [default: 0]
    #[arg(long, value_name = "CLASS")]
    digit: Option<usize>,
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
    let class = Classes::All(args.digit.unwrap_or(0));
    if args.digit.is_some() {
        classes::ensure_known(&trained, &class)?;
    }
    let in_run = || trained.run.samples().join("interpolation.png");
    let out = args.out.clone().unwrap_or_else(in_run);
    let n = args.frames as usize;
    let walk = |walk| Frames {
        trained: &trained,
        class: &class,
        walk,
    };
    let corners = trained.noise(args.seed, 0, 4);
    let walk = match args.grid {
        true => walk(Walk::square(corners, n)),
        false => walk(Walk::line(corners, n)),
    };
    let path = match args.path.as_str() {
        "sphere" => walk::Path::Sphere,
        _ => walk::Path::Line,
    };
    let walk = Frames {
        walk: walk.walk.along(path),
        ..walk
    };
    let &[count, c, h, w] = &trained.shape(walk.walk.len())[..] else {
        bail!(
            "`{}` makes no images to walk between",
            trained.setup.recipe().name()
        );
    };
    match is_animated(&out)? {
        true => animate(&walk, [c, h, w], &out)?,
        false => {
            let tiles = Tiles::new([count, c, h, w]).columns(n).scale(2);
            draw(&walk, &tiles, &out)?;
        }
    }
    Ok(format!(
        "{count} frames in {}\n{}",
        out.display(),
        walk.smoothness()
    ))
}

/// The samples along a walk, all of one class where there are classes.
struct Frames<'a> {
    trained: &'a TrainedGenerator,
    class: &'a Classes,
    walk: Walk,
}

impl Frames<'_> {
    /// The samples at a few points. A walk has no batch of its own to take statistics from.
    fn at(&self, points: Range<usize>) -> Vec<f32> {
        let class = (self.class, points.start);
        let samples = self
            .trained
            .generate(&self.walk.points(points), class, Mode::eval());
        samples.to_vec()
    }

    /// What the way is like, in two lines.
    fn smoothness(&self) -> String {
        let norms = self.walk.norms();
        let speeds = self.walk.speeds(self.trained.draws(), self.class);
        let [least, norm] = [f64::min, f64::max].map(|of| norms.iter().copied().reduce(of));
        let mean = speeds.iter().sum::<f64>() / speeds.len() as f64;
        let most = speeds.iter().copied().fold(0.0, f64::max);
        let usual = (self.trained.latent() as f64).sqrt();
        format!(
            "norm    {} to {}; noise of training is about {} long\nchange  {} of a pixel a frame, {} at the fastest\n",
            short(least),
            short(norm),
            short(Some(usual)),
            short(Some(mean)),
            short(Some(most))
        )
    }
}

fn draw(frames: &Frames<'_>, tiles: &Tiles, out: &Path) -> Result<()> {
    let walk = &frames.walk;
    let signals = Signals::listen()?;
    let mut work = Work::on(&signals, out, walk.len() as u64);
    let written = tiles.save_png(out, |sink| {
        walk.pieces().try_for_each(|piece| {
            let done = piece.len() as u64;
            sink(&frames.at(piece))?;
            work.did(done)
        })
    });
    work.end(written.map_err(elsewhere))
}

/// There and back again, without a jump. The way back is computed anew: kept, it would be as long as memory.
fn animate(walk: &Frames<'_>, shape: [usize; 3], out: &Path) -> Result<()> {
    let [c, h, w] = shape;
    let (len, pieces) = (walk.walk.len(), || walk.walk.pieces());
    let count = 2 * len - 2;
    let signals = Signals::listen()?;
    let mut work = Work::on(&signals, out, count as u64);
    let frames = |piece: Range<usize>| -> Vec<(usize, Image)> {
        let values = walk.at(piece.clone());
        let image = |frame| Grid::new(frame, [1, c, h, w]).scale(6).render();
        piece.zip(values.chunks(c * h * w).map(image)).collect()
    };
    let there = pieces().flat_map(frames);
    let back = pieces().rev().flat_map(|piece| {
        let frames = frames(piece);
        frames.into_iter().rev()
    });
    let back = back.filter(|(number, _)| (1..len - 1).contains(number));
    let all = there.chain(back).map(|(_, frame)| {
        work.did(1)?;
        Ok(frame)
    });
    let written = save_apng(out, count as u32, [Duration::from_millis(100); 2], all);
    work.end(written.map_err(elsewhere))
}

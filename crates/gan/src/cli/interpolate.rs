//! `gan interpolate`.

use super::sample::open;
use super::threads;
use crate::generator::{grid, line};
use crate::show::picture::{Grid, save_apng};
use anyhow::{Result, bail, ensure};
use detach_nn::Mode;
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
    /// Frames along each line
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

/// Draws a walk through the latent space; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let trained = open(&args.run, &args.device)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| trained.run.samples().join("interpolation.png"));
    let animated = has_extension(&out, "apng");
    ensure!(
        animated || has_extension(&out, "png"),
        "cannot tell the format of {}: end it in .png, or in .apng for an animation",
        out.display()
    );
    let n = args.frames as usize;
    let corners = trained.noise(args.seed, 0, 4);
    let z = match args.grid {
        true => grid(&corners, n),
        false => line(&corners.slice(0, 0, 1), &corners.slice(0, 1, 1), n),
    };
    // A walk has no batch of its own to take statistics from.
    let samples = trained.generate(&z, Mode::eval());
    let &[count, c, h, w] = samples.shape() else {
        bail!(
            "`{}` makes no images to walk between",
            trained.setup.recipe().name()
        );
    };
    let values = samples.to_vec::<f32>();
    if animated {
        let image = |frame: &[f32]| Grid::new(frame, [1, c, h, w]).scale(6).render();
        let frames: Vec<_> = values.chunks(c * h * w).map(image).collect();
        // There and back again, without a jump.
        let back = frames
            .iter()
            .rev()
            .skip(1)
            .take(count.saturating_sub(2))
            .cloned();
        let walk: Vec<_> = frames.iter().cloned().chain(back).collect();
        save_apng(&out, &walk, Duration::from_millis(100)).map_err(super::elsewhere)?;
    } else {
        Grid::new(&values, [count, c, h, w])
            .columns(n)
            .scale(2)
            .render()
            .save_png(&out)
            .map_err(super::elsewhere)?;
    }
    Ok(format!("{count} frames in {}\n", out.display()))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

//! `gan film`.

use super::signals::Signals;
use super::usage::usage;
use super::work::Work;
use super::{elsewhere, output, values};
use crate::run::Run;
use crate::run::folder::by_step;
use crate::show::picture::{Image, save_apng};
use anyhow::{Result, anyhow};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `gan film`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan film                                       the newest run here
  gan film runs/dcgan-1 --out dcgan.apng --seconds 10

A run keeps samples of fixed noise at steps 1, 2, 3, … ⌈1.25ᵏ⌉, so that as many are of its first hundred steps as of any
hundredfold. Where it kept none, the pictures that its recipe takes are shown.")]
pub(super) struct Args {
    /// The run directory [default: the newest one below runs]
    run: Option<PathBuf>,
    /// The file to write, .apng [default: RUN/samples/film.apng]
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// How long it is, in seconds; its end is shown for two more
    #[arg(long, default_value_t = 6.0, value_parser = values::positive())]
    seconds: f64,
}

/// How long the end is shown.
const REST: Duration = Duration::from_secs(2);
/// Smaller pictures are enlarged until they are as wide, in pixels.
const WIDTH: u32 = 480;

/// Writes a run's pictures as one that moves; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    if let Some(out) = &args.out {
        let is_apng = matches!(output::kind_of(out), (name, false) if name.ends_with(".apng"));
        let wrong = || usage(anyhow!("end {} in .apng", out.display()));
        is_apng.then_some(()).ok_or_else(wrong)?;
        output::ensure_place(out)?;
    }
    let run = match &args.run {
        Some(path) => Run::open(path)?,
        None => Run::latest()?,
    };
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| run.samples().join("film.apng"));
    let moments = by_step(&run.moments(), "png");
    let found = match moments.is_empty() {
        true => by_step(&run.samples(), "png"),
        false => moments,
    };
    let (found, left_out) = alike(found);
    let [(first, _), .., (last, _)] = &found[..] else {
        let dir = run.dir().display();
        return Err(anyhow!(
            "{dir} has no two pictures of one size to show after each other"
        ));
    };
    let each = Duration::from_secs_f64((args.seconds / found.len() as f64).min(60.0));
    write(&out, &found, [each, REST])?;
    let left_out = match left_out {
        0 => String::new(),
        n => format!("; {n} pictures cannot be read or are of another size, and left out"),
    };
    Ok(format!(
        "{} pictures of steps {first} to {last} in {}{left_out}\n",
        found.len(),
        out.display(),
    ))
}

fn read(path: &Path) -> Result<Image> {
    let (shape, planes) = detach_data::picture(path).map_err(anyhow::Error::msg)?;
    Ok(Image::of_planes(shape, &planes))
}

/// Those pictures that are as large as the newest, and how many are not.
fn alike(found: Vec<(u64, PathBuf)>) -> (Vec<(u64, PathBuf)>, usize) {
    let shape = |path: &Path| {
        let image = read(path).ok()?;
        Some([image.width(), image.height(), image.channels() as u32])
    };
    let (shapes, all): (Vec<_>, Vec<_>) = found.into_iter().map(|it| (shape(&it.1), it)).unzip();
    let newest = shapes.iter().rev().find_map(|shape| *shape);
    let count = all.len();
    let kept = all.into_iter().zip(shapes);
    let kept = kept.filter(|(_, shape)| shape.is_some() && *shape == newest);
    let kept: Vec<_> = kept.map(|(it, _)| it).collect();
    let left_out = count - kept.len();
    (kept, left_out)
}

/// Reads the pictures again, one at a time: all of a long run at once may be more than memory.
fn write(out: &Path, found: &[(u64, PathBuf)], delays: [Duration; 2]) -> Result<()> {
    let signals = Signals::listen()?;
    let mut work = Work::on(&signals, out, found.len() as u64);
    let frames = found.iter().map(|(_, path)| {
        work.did(1)?;
        let image = read(path).map_err(io::Error::other)?;
        Ok(image.enlarged(WIDTH.div_ceil(image.width())))
    });
    let count = found.len() as u32;
    let written = save_apng(out, count, delays, frames);
    work.end(written.map_err(elsewhere))
}

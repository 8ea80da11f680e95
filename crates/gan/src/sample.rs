//! `gan sample` and `gan interpolate`.

use crate::cli::{InterpolateArgs, SampleArgs, usage};
use crate::gallery::{self, Sampler};
use crate::npy;
use crate::out;
use crate::picture::{Grid, save_apng};
use crate::place::Place;
use crate::recipes::{self, DataKind, GENERATOR};
use crate::run::{Config, Run};
use crate::settings::{MatmulMode, SampleMode};
use crate::trainer::check_recipe;
use anyhow::{Context, Result, bail, ensure};
use detach_mnist::{Idx, sample::denormalise};
use detach_nn::{Checkpoint, Initialiser, Sequential};
use detach_tensor::{Array, Kind, Tensor};
use std::path::Path;
use std::time::Duration;

/// Samples of one draw of noise. Part of the result where BatchNorm uses the batch's own
/// statistics.
const CHUNK: usize = 64;
/// Samples generated at once where each is on its own: as few as keep the kernels busy,
/// since memory that a process touches for the first time is dear.
const PIECE: usize = 16;
/// The most tiles that a picture is made of.
const MOST_TILES: usize = 10_000;

/// A run and its generator.
struct Trained {
    run: Run,
    config: Config,
    data: DataKind,
    g: Sequential,
    latent: usize,
    kind: Kind,
}

impl Trained {
    /// The run at `path` with the newest weights, on the device called `device`. Of the
    /// checkpoint only the generator is read, a third of it or less.
    fn open(path: &Path, device: &str) -> Result<Self> {
        let place = Place::open(device, MatmulMode::Fp32)?;
        if place.is_fallback() {
            out::note(&format!("on {}", place.describe()));
        }
        let kind = place.kind();
        let run = Run::open(path)?;
        let config = run.config()?;
        let info = recipes::find(&config.recipe)?;
        let newest = run.newest()?;
        let g = (info.generator)(&config.settings, &Initialiser::zeros(kind));
        let fill = || -> Result<()> {
            let checkpoint = Checkpoint::load_part(&newest, GENERATOR)?;
            check_recipe(info, &checkpoint)
                .and_then(|()| Ok(checkpoint.restore(GENERATOR, &g)?))
                .with_context(|| format!("cannot use the checkpoint {}", newest.display()))
        };
        fill().map_err(|error| run.without_newest(&error))?;
        Ok(Self {
            run,
            config,
            data: info.data,
            g,
            latent: info.latent,
            kind,
        })
    }

    fn sampler(&self) -> Sampler<'_> {
        Sampler {
            g: &self.g,
            latent: self.latent,
        }
    }
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

/// Makes samples and writes them; returns what to tell.
///
/// # Errors
/// When the run cannot be used or a file cannot be written.
pub fn sample(args: &SampleArgs) -> Result<String> {
    let format = Format::of(&args.out).map_err(usage)?;
    let trained = Trained::open(&args.run, &args.device)?;
    let count = args.count as usize;
    ensure!(
        format != Format::Png || count <= MOST_TILES,
        "a picture of {count} samples would be too large; write .npy or .idx3-ubyte.gz, or at most {MOST_TILES}"
    );
    let gray = matches!(trained.data, DataKind::Images(size) if size.channels == 1);
    ensure!(
        format != Format::Idx || gray,
        "`{}` makes no gray images, and IDX holds nothing else; write .npy or .png",
        trained.config.recipe
    );
    let mode = args.mode.unwrap_or(trained.config.settings.pictures.mode);
    let (z, shape, values) = generate_many(&trained, args.seed, count, mode);
    if let Some(path) = &args.noise_out {
        npy::write(path, &[count, trained.latent], &z)?;
    }
    match format {
        Format::Npy => npy::write(&args.out, &shape, &values)?,
        Format::Png => {
            let columns = (count as f64).sqrt().ceil() as usize;
            let samples = Tensor::constant(Array::from_slice(&values, &shape));
            gallery::draw(&samples, columns).save_png(&args.out)?;
        }
        Format::Idx => {
            let mut pixels = vec![0; values.len()];
            denormalise(&values, &mut pixels);
            Idx::new([count, shape[2], shape[3]], pixels)?.save(&args.out)?;
        }
    }
    Ok(format!("{count} samples in {}\n", args.out.display()))
}

/// Noise, the samples' shape and the samples, in row-major order.
fn generate_many(
    trained: &Trained,
    seed: u64,
    count: usize,
    mode: SampleMode,
) -> (Vec<f32>, Vec<usize>, Vec<f32>) {
    let sampler = trained.sampler();
    let piece = match mode {
        SampleMode::Eval => PIECE,
        SampleMode::Batch => CHUNK,
    };
    let (mut noise, mut values, mut shape) = (Vec::new(), Vec::new(), Vec::new());
    for start in (0..count).step_by(piece) {
        // Whole chunks and pieces always: sample 7 is the same however many are asked for.
        let (chunk, place) = (start / CHUNK, start % CHUNK);
        let z = sampler.noise(seed, chunk as u64, CHUNK, trained.kind);
        let z = z.slice(0, place, piece);
        let samples = sampler.generate(&z, mode);
        let n = piece.min(count - start);
        noise.extend(z.slice(0, 0, n).to_vec::<f32>());
        values.extend(samples.slice(0, 0, n).to_vec::<f32>());
        shape = samples.shape().to_vec();
    }
    shape[0] = count;
    (noise, shape, values)
}

/// Draws a walk through the latent space; returns what to tell.
///
/// # Errors
/// When the run cannot be used or the file cannot be written.
pub fn interpolate(args: &InterpolateArgs) -> Result<String> {
    let trained = Trained::open(&args.run, &args.device)?;
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
    let sampler = trained.sampler();
    let corners = sampler.noise(args.seed, 0, 4, trained.kind);
    let z = match args.grid {
        true => grid(&corners, n),
        false => line(&corners.slice(0, 0, 1), &corners.slice(0, 1, 1), n),
    };
    // A walk has no batch of its own to take statistics from.
    let samples = sampler.generate(&z, SampleMode::Eval);
    let &[count, c, h, w] = samples.shape() else {
        bail!(
            "`{}` makes no images to walk between",
            trained.config.recipe
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
        save_apng(&out, &walk, Duration::from_millis(100))?;
    } else {
        Grid::new(&values, [count, c, h, w])
            .columns(n)
            .scale(2)
            .render()
            .save_png(&out)?;
    }
    Ok(format!("{count} frames in {}\n", out.display()))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

/// n points α·z₂ + (1 − α)·z₁ with α from 0 to 1, `[n, latent]`.
fn line(z1: &Tensor, z2: &Tensor, n: usize) -> Tensor {
    let points: Vec<Tensor> = (0..n)
        .map(|i| {
            let alpha = i as f64 / (n - 1) as f64;
            z2 * alpha + z1 * (1.0 - alpha)
        })
        .collect();
    Tensor::concat(&points.iter().collect::<Vec<_>>(), 0)
}

/// n × n points between four corners `[4, latent]`.
fn grid(corners: &Tensor, n: usize) -> Tensor {
    let corner = |i| corners.slice(0, i, 1);
    let left = line(&corner(0), &corner(2), n);
    let right = line(&corner(1), &corner(3), n);
    let rows: Vec<Tensor> = (0..n)
        .map(|i| line(&left.slice(0, i, 1), &right.slice(0, i, 1), n))
        .collect();
    Tensor::concat(&rows.iter().collect::<Vec<_>>(), 0)
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

    #[test]
    fn walks_reach_their_ends() {
        let corners = Array::from_slice(&[0.0_f32, 1.0, 10.0, 11.0], &[4, 1]);
        let points = grid(&Tensor::constant(corners), 3).to_vec::<f32>();
        assert_eq!(points, [0.0, 0.5, 1.0, 5.0, 5.5, 6.0, 10.0, 10.5, 11.0]);
    }
}

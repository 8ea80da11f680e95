//! What a run's newest generator makes: samples, and its latent space.

use super::sheet::{Picture, ROWS, Sheet, columns_of, smallest};
use crate::generator::{Classes, TrainedGenerator};
use crate::show::gallery;
use detach_nn::Mode;
use detach_tensor::{Array, Kind, Tensor};

/// Points of a walk, and frames from one to the next.
const POINTS: usize = 8;
const FRAMES: usize = 7;
/// Points of a plane, to the right and down.
pub(super) const SIDE: usize = 9;
/// Numbers of a histogram.
const NUMBERS: usize = 1000;
/// Pixels of the largest image that there is a latent space of on a page.
const LARGEST: usize = 64 * 64;

/// What a generator makes.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// Samples of fixed noise.
    pub samples: Picture,
    /// How many they are.
    pub count: usize,
    /// Its latent space, where it makes images that are small enough.
    pub latent: Option<Latent>,
}

/// A latent space.
#[derive(Clone, Debug)]
pub struct Latent {
    /// A walk through eight points and back to the first, along the sphere, [`FRAMES`] frames from one to the next.
    pub walk: Sheet,
    /// [`SIDE`] × [`SIDE`] points between four corners.
    pub plane: Sheet,
    /// The class of all of them, where there are classes.
    pub class: Option<usize>,
    /// Dimensions of the noise.
    pub dimensions: usize,
}

impl Fresh {
    /// What `trained` makes, with its latent space if that is wanted; `None` where it makes it of something else than
    /// noise.
    pub fn of(trained: &TrainedGenerator, with_latent: bool) -> Option<Self> {
        let dimensions = trained.input().latent()?;
        let columns = columns_of(trained.classes());
        let count = match trained.shape(1).len() {
            4 => ROWS * columns,
            _ => NUMBERS,
        };
        let pictures = &trained.setup.settings.pictures;
        let samples = on_fixed_noise(trained, count);
        let latent = match trained.shape(1)[..] {
            [_, _, h, w] if with_latent && h * w <= LARGEST => {
                Some(Latent::of(trained, dimensions))
            }
            _ => None,
        };
        Some(Self {
            samples: Picture::of(&smallest(&samples, columns, pictures.scaling)),
            count,
            latent,
        })
    }
}

/// Samples of the seed's first noise; where there are classes, each point of noise in each class.
fn on_fixed_noise(trained: &TrainedGenerator, count: usize) -> Tensor {
    let settings = &trained.setup.settings;
    let mode = detach_recipes::sampler::mode_of(settings.pictures.mode);
    let z = match trained.classes() {
        None => trained.noise(settings.seed, 0, count),
        Some(classes) => {
            let points: Vec<f64> = (0..count).map(|i| (i / classes) as f64).collect();
            let points = Array::from_f64(&points, &[count], Kind::default());
            let z = trained.noise(settings.seed, 0, count.div_ceil(classes));
            z.gather(&Tensor::constant(points))
        }
    };
    trained.generate(&z, (&Classes::InTurn, 0), mode)
}

impl Latent {
    fn of(trained: &TrainedGenerator, dimensions: usize) -> Self {
        let seed = trained.setup.settings.seed;
        let points = vectors(&trained.noise(seed, 0, POINTS), dimensions);
        let walk: Vec<Vec<f64>> = (0..POINTS * FRAMES)
            .map(|i| {
                let (leg, frame) = (i / FRAMES, i % FRAMES);
                let ends = [&points[leg], &points[(leg + 1) % POINTS]];
                along_sphere(ends, frame as f64 / FRAMES as f64)
            })
            .collect();
        let at = |i: usize| i as f64 / (SIDE - 1) as f64;
        let plane: Vec<Vec<f64>> = (0..SIDE * SIDE)
            .map(|i| {
                let side =
                    |a: usize, b: usize| along_sphere([&points[a], &points[b]], at(i / SIDE));
                along_sphere([&side(0, 2), &side(1, 3)], at(i % SIDE))
            })
            .collect();
        let class = trained.classes().map(|_| 0);
        Self {
            walk: sheet(trained, &walk, POINTS),
            plane: sheet(trained, &plane, SIDE),
            class,
            dimensions,
        }
    }
}

/// What `trained` makes of these points of its latent space, by running statistics: a walk has no batch of its own.
fn sheet(trained: &TrainedGenerator, points: &[Vec<f64>], columns: usize) -> Sheet {
    let values: Vec<f64> = points.concat();
    let shape = [points.len(), points[0].len()];
    let z = Tensor::constant(Array::from_f64(&values, &shape, Kind::default()));
    let samples = trained.generate(&z, (&Classes::All(0), 0), Mode::eval());
    let values = gallery::scaled(&samples, trained.setup.settings.pictures.scaling);
    let &[n, c, h, w] = samples.shape() else {
        unreachable!("only images have a sheet")
    };
    Sheet::of(&values, [n, c, h, w], columns)
}

fn vectors(noise: &Tensor, dimensions: usize) -> Vec<Vec<f64>> {
    let values = noise.to_vec::<f64>();
    values.chunks(dimensions).map(<[f64]>::to_vec).collect()
}

/// The point at `t`, from 0 to 1, of the way from one point of normal noise to another that keeps the length: a straight
/// line would pass through the middle, where there are hardly any points. Shoemake, SIGGRAPH 1985.
fn along_sphere([from, to]: [&Vec<f64>; 2], t: f64) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths = [from, to].map(|v| dot(v, v).sqrt());
    let cosine = dot(from, to) / (lengths[0] * lengths[1]).max(f64::MIN_POSITIVE);
    let angle = cosine.clamp(-1.0, 1.0).acos();
    let [a, b] = match angle.sin() {
        // Along a line there is one way only.
        sine if sine < 1e-6 => [1.0 - t, t],
        sine => [((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine],
    };
    from.iter().zip(to).map(|(x, y)| a * x + b * y).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_keeps_its_length_and_reaches_its_ends() {
        let (from, to) = (vec![3.0, 0.0, 0.0], vec![0.0, 3.0, 0.0]);
        let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        for i in 0..=8 {
            let at = along_sphere([&from, &to], f64::from(i) / 8.0);
            assert!((length(&at) - 3.0).abs() < 1e-12, "{at:?}");
        }
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&along_sphere([&from, &to], 0.0), &from));
        assert!(near(&along_sphere([&from, &to], 1.0), &to));
        let line = vec![1.0, 2.0];
        assert!(near(&along_sphere([&line, &line], 0.3), &line));
        // A latent space of one dimension has no sphere to walk along.
        let middle = along_sphere([&vec![-1.0], &vec![1.0]], 0.5);
        assert!(middle[0].abs() < 1e-12);
    }
}

//! What a run's newest generator makes: samples, and its latent space.

use super::sheet::{Picture, ROWS, Sheet, columns_of, smallest};
use crate::generator::{Classes, TrainedGenerator};
use crate::show::gallery;
use crate::walk::{Path, Walk};
use detach_nn::Mode;
use detach_tensor::Tensor;

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
        let seed = trained.setup.settings.seed;
        let samples = trained.draws().on_points(seed, count, pictures.mode);
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

impl Latent {
    fn of(trained: &TrainedGenerator, dimensions: usize) -> Self {
        let corners = trained.noise(trained.setup.settings.seed, 0, POINTS);
        let leg = |i: usize| {
            let ends = [i, (i + 1) % POINTS].map(|point| corners.slice(0, point, 1));
            let ends = Tensor::concat(&ends.each_ref(), 0);
            // The next leg begins where this one ends.
            let walk = Walk::line(ends, FRAMES + 1).along(Path::Sphere);
            walk.points(0..FRAMES)
        };
        let legs: Vec<Tensor> = (0..POINTS).map(leg).collect();
        let walk = Tensor::concat(&legs.iter().collect::<Vec<_>>(), 0);
        let plane = Walk::square(corners.slice(0, 0, 4), SIDE).along(Path::Sphere);
        let class = trained.classes().map(|_| 0);
        Self {
            walk: sheet(trained, &walk, POINTS),
            plane: sheet(trained, &plane.points(0..plane.len()), SIDE),
            class,
            dimensions,
        }
    }
}

/// What `trained` makes of these points of its latent space, by running statistics: a walk has no batch of its own.
fn sheet(trained: &TrainedGenerator, points: &Tensor, columns: usize) -> Sheet {
    let samples = trained.generate(points, (&Classes::All(0), 0), Mode::eval());
    let values = gallery::scaled(&samples, trained.setup.settings.pictures.scaling);
    let &[n, c, h, w] = samples.shape() else {
        unreachable!("only images have a sheet")
    };
    Sheet::of(&values, [n, c, h, w], columns)
}

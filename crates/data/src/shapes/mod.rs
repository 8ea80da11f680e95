//! Coloured images drawn on the spot, for machines without data and without a network.
//!
//! One shape of ten on a shaded ground: hue, lightness, place, size, turn, proportions, contour and shading are all
//! drawn anew. A generator that collapsed shows at a glance: in one class, one colour or one place.
//!
//! ```text
//! image = paint(scene),   scene = hash(seed, index)
//! ```
//!
//! An image is a pure function of `(seed, index)`, computed with `+ - × ÷ √` alone, which round the same way everywhere:
//! the same images on every machine, in any order, on any number of threads.

mod colour;
mod outline;
mod scene;

use crate::memory::InMemory;
use detach_mnist::{Dice, Split, Synth};
use rayon::prelude::*;
use scene::Scene;

/// Height and width of an image.
pub(crate) const SIDE: usize = 64;

/// Bytes of an image.
const BYTES: usize = 3 * SIDE * SIDE;

/// Images in the training set and the test set.
pub(crate) const COUNTS: [usize; 2] = [10_000, 2_000];

/// What the ten classes show, in their order.
pub const SHAPES: [&str; 10] = [
    "disc",
    "ring",
    "half disc",
    "triangle",
    "square",
    "star",
    "cross",
    "arrow",
    "crescent",
    "heart",
];

/// How shapes are painted. Each style draws its own scenes: no image of one is the image of the same index in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// Filled and shaded, some with a contour in another colour.
    Shaded,
    /// Filled in one colour.
    Filled,
    /// A contour in one colour, and the ground within.
    Outlined,
}

/// `count` coloured shapes `[3, 64, 64]` of ten classes ([`SHAPES`]), the same of one `seed` everywhere; the two splits share no
/// image, nor do two styles.
pub fn shapes(style: Style, seed: u64, split: Split, count: usize) -> InMemory {
    let first = Synth::first(split);
    let scene = |place: usize| Scene::random(style, &mut dice(style, seed, first + place as u64));
    let mut images = vec![0; count * BYTES];
    let labels = images
        .par_chunks_exact_mut(BYTES)
        .enumerate()
        .map(|(place, image)| {
            let scene = scene(place);
            scene.paint(image);
            scene.class as u32
        })
        .collect();
    let what = match style {
        Style::Shaded => "coloured shapes",
        Style::Filled => "filled shapes",
        Style::Outlined => "outlined shapes",
    };
    let source = format!("{what} drawn here (seed {seed})");
    InMemory::new([3, SIDE, SIDE], images, source).with_labels(labels, SHAPES.len())
}

/// The dice of an image. Styles have apart keys, so that nothing of a scene says anything of another style's.
fn dice(style: Style, seed: u64, index: u64) -> Dice {
    let key = match style {
        Style::Shaded => 0x5348_4144_4544,
        Style::Filled => 0x4649_4c4c_4544,
        Style::Outlined => 0x4f55_544c_494e,
    };
    Dice::of(seed ^ (key << 16), index)
}

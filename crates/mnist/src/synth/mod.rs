//! Handwritten digits made on the spot, for machines without data and without a network.
//!
//! Each digit is written, not stamped: one of several ways to write it (with or without a bar, a
//! loop, a serif) gives the pen's path through a few knots; a *hand* displaces the knots, changes
//! the proportions, slants and turns the path; a pen of varying width follows the smooth curve; and
//! the result is scaled and centred as MNIST's images are: into a box of 20×20 pixels, its centre of
//! mass in the middle of 28×28.
//!
//! ```text
//! image = render(smooth(hand(knots))),   all chosen by hash(seed, index)
//! ```
//!
//! An image is a pure function of `(seed, index)`, computed with `+ - × ÷ √` alone, which round the
//! same way everywhere: the same digits on every machine, in any order, on any number of threads.

mod hand;
mod pen;
mod shapes;

use std::ops::Range;

use crate::dataset::{PIXELS, SIDE};

/// A generator of synthetic digits; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Synth {
    /// Another seed, other digits.
    pub seed: u64,
}

impl Synth {
    /// The digits of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Which digit image `index` shows, 0 to 9, all equally likely.
    pub fn label(&self, index: u64) -> u8 {
        self.dice(index).below(10) as u8
    }

    /// Image `index`: `[28, 28]` grey values, white ink on black, rows from the top.
    pub fn image(&self, index: u64) -> [u8; PIXELS] {
        let mut dice = self.dice(index);
        let digit = dice.below(10);
        draw(digit as usize, &mut dice)
    }

    /// The image that `index` would show if its label were `digit`.
    ///
    /// # Panics
    /// If `digit` is more than 9.
    #[track_caller]
    pub fn image_of(&self, digit: u8, index: u64) -> [u8; PIXELS] {
        assert!(digit <= 9, "image_of: {digit} is not a digit from 0 to 9");
        let mut dice = self.dice(index);
        let _label = dice.below(10);
        draw(digit.into(), &mut dice)
    }

    /// Images `[N, 28, 28]` and labels `[N]` of a range of indices.
    pub fn range(&self, indices: Range<u64>) -> (Vec<u8>, Vec<u8>) {
        let count =
            usize::try_from(indices.end.saturating_sub(indices.start)).unwrap_or(usize::MAX);
        let mut images = Vec::with_capacity(count * PIXELS);
        let mut labels = Vec::with_capacity(count);
        for index in indices {
            images.extend_from_slice(&self.image(index));
            labels.push(self.label(index));
        }
        (images, labels)
    }

    fn dice(&self, index: u64) -> Dice {
        let key = mix(self.seed.wrapping_add(GOLDEN));
        Dice {
            state: mix(key.wrapping_add(index.wrapping_mul(GOLDEN))),
        }
    }
}

fn draw(digit: usize, dice: &mut Dice) -> [u8; PIXELS] {
    let variant = hand::choose(shapes::DIGITS[digit], dice);
    let path = hand::write(variant, dice);
    pen::render(&path, dice)
}

/// 2⁶⁴ divided by the golden ratio: the increment of splitmix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64 (Steele, Lea, Flood, 2014): a bijection that scatters its input.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// splitmix64, started from a hash of (seed, index).
struct Dice {
    state: u64,
}

impl Dice {
    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in `0..bound`. The bias is below 2⁻³², and nobody trains on it.
    fn below(&mut self, bound: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// Uniform in `[low, high)`.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.bits() >> 40) as f32 / (1u32 << 24) as f32;
        low + (high - low) * unit
    }

    /// Mean 0, deviation 1, bell-shaped and never beyond ±3.47: the sum of four uniform numbers.
    fn bell(&mut self) -> f32 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        // Each part has mean 32767.5 and variance 2³²/12.
        (sum as f32 - 131_070.0) / 37_837.23
    }
}

const _: () = assert!(SIDE * SIDE == PIXELS);

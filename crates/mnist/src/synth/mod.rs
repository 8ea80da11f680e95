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

mod dice;
mod files;
mod hand;
mod pen;
mod shapes;

use std::ops::Range;

use crate::split::PIXELS;
pub use dice::Dice;

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
        Dice::of(self.seed, index)
    }
}

fn draw(digit: usize, dice: &mut Dice) -> [u8; PIXELS] {
    let variant = hand::choose(shapes::DIGITS[digit], dice);
    let path = hand::write(variant, dice);
    pen::render(&path, dice)
}

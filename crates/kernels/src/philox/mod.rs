//! Random numbers: Philox4x32-10, a block cipher that encrypts a counter
//! (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! SC 2011).
//!
//! There is no state. A number is a pure function of a [`Key`] and of its place in
//! the draw, so any thread, or a GPU, can make any part of a draw, and a run that
//! is resumed draws what it would have drawn.
//!
//! The 128 bits of the counter are, from word 0: the block's index (32), the draw
//! (32), the low half of the step (32), and the next 16 bits of the step above the
//! 16 of the stream. The seed is the cipher's key. Since a cipher is a bijection
//! and no two of (stream, step, draw, index) share a counter, no block of a seed is
//! ever used twice.
//!
//! Element `i` of a draw is made of word `i % 4` of block `i / 4` (a normal number
//! of that word and its neighbour). Values are the same for `f32` and `f64`, except
//! that the former are rounded.

mod cpu;
mod cuda;
mod gauss;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, Count, DType, Device, Variant, dispatch};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the cipher's key grows by from round to round: the golden ratio and
/// √3 − 1, as 32-bit fractions.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Largest [`Key::stream`].
pub const MAX_STREAM: u32 = (1 << 16) - 1;
/// Largest [`Key::step`].
pub const MAX_STEP: u64 = (1 << 48) - 1;

/// Names a draw: a sequence of random numbers that no other key shares.
#[derive(Clone, Debug)]
pub struct Key {
    /// The run's seed.
    pub seed: u64,
    /// What the numbers are for; at most [`MAX_STREAM`].
    pub stream: u32,
    /// The training step; at most [`MAX_STEP`]. A captured step reads it anew at every
    /// replay.
    pub step: Count,
    /// The how-manieth draw of the step.
    pub draw: u32,
}

impl Key {
    /// The cipher's key and its counter for block 0.
    ///
    /// # Panics
    /// When the stream or the step is too large to have a counter of its own.
    #[track_caller]
    fn words(&self) -> ([u32; 2], [u32; 4]) {
        self.check();
        let step = self.step.get();
        let high = (step >> 32) as u32;
        (
            [self.seed as u32, (self.seed >> 32) as u32],
            [0, self.draw, step as u32, high << 16 | self.stream],
        )
    }

    /// # Panics
    /// When the stream or the step is too large to have a counter of its own.
    #[track_caller]
    fn check(&self) {
        let (stream, step) = (self.stream, self.step.peek());
        assert!(
            stream <= MAX_STREAM && step <= MAX_STEP,
            "random numbers of stream {stream} (at most {MAX_STREAM}) at step {step} (at most {MAX_STEP})"
        );
    }
}

/// Philox4x32-10 itself: the counter encrypted by the key.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], mut key) = (counter, key);
    for _ in 0..ROUNDS {
        let p = u64::from(a) * u64::from(MULTIPLIERS[0]);
        let q = u64::from(c) * u64::from(MULTIPLIERS[1]);
        (a, b, c, d) = (
            (q >> 32) as u32 ^ b ^ key[0],
            q as u32,
            (p >> 32) as u32 ^ d ^ key[1],
            p as u32,
        );
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    [a, b, c, d]
}

/// The `index`-th four words of a draw.
///
/// # Panics
/// When the key's stream or step is too large.
#[track_caller]
pub fn block(key: &Key, index: u32) -> [u32; 4] {
    let (cipher, mut counter) = key.words();
    counter[0] = index;
    philox4x32(counter, cipher)
}

/// What the words of a draw are turned into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Uniform in [0, 1): 24 bits of a word, exact in either type.
    Uniform,
    /// Normal with mean 0 and variance 1.
    Normal,
    /// 1/keep with probability `keep`, else 0: a dropout mask. An element is kept
    /// where the uniform number of the same key is below `keep`.
    Bernoulli(f64),
}

/// Fills `out` with uniform numbers in [0, 1).
///
/// # Panics
/// When the key's stream or step is too large, or `out` has more than 2³⁴
/// elements.
#[track_caller]
pub fn uniform(key: &Key, out: &mut Buffer) {
    fill_with(Variant::Fast, Distribution::Uniform, key, out);
}

/// Fills `out` with normal numbers of mean 0 and variance 1, by the Box–Muller
/// transform in `f64`: √(−2 ln u) · (cos, sin)(2π v).
///
/// # Panics
/// As [`uniform`].
#[track_caller]
pub fn normal(key: &Key, out: &mut Buffer) {
    fill_with(Variant::Fast, Distribution::Normal, key, out);
}

/// Fills `out` with 1/`keep`, with probability `keep`, and 0: a mask whose mean is
/// 1.
///
/// # Panics
/// When `keep` is not in (0, 1], and as [`uniform`].
#[track_caller]
pub fn bernoulli(key: &Key, keep: f64, out: &mut Buffer) {
    fill_with(Variant::Fast, Distribution::Bernoulli(keep), key, out);
}

/// A draw by the implementation of one's choice.
///
/// # Panics
/// As [`uniform`] and [`bernoulli`].
#[track_caller]
pub fn fill_with(variant: Variant, distribution: Distribution, key: &Key, out: &mut Buffer) {
    if let Distribution::Bernoulli(keep) = distribution {
        assert!(
            keep > 0.0 && keep <= 1.0,
            "bernoulli: keep {keep} is not in (0, 1]"
        );
    }
    assert!(
        out.len().div_ceil(4) as u64 <= 1 << 32,
        "{distribution:?}: {} numbers are more than a draw has",
        out.len()
    );
    key.check();
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::fill(distribution, key, out),
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::fill::<T>(distribution, key, out));
        }
        (Device::Cuda(device), ..) => cuda::fill(device, distribution, key, out),
    }
}

/// The smallest 24-bit number that is not below `keep`, on the scale where 2²⁴ is 1.
fn threshold(keep: f64) -> u32 {
    (keep * f64::from(1 << 24)).ceil() as u32
}

/// Uniform integers below 2³² on the host: the words of a draw, in order.
#[derive(Clone, Debug)]
pub struct Ints {
    key: Key,
    index: u32,
    words: [u32; 4],
    used: usize,
}

impl Ints {
    /// The integers of this draw.
    ///
    /// # Panics
    /// When the key's stream or step is too large.
    #[track_caller]
    pub fn new(key: Key) -> Self {
        Self {
            words: block(&key, 0),
            key,
            index: 0,
            used: 0,
        }
    }

    /// The next integer: all 2³² are equally likely.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.index = self.index.wrapping_add(1);
            self.words = block(&self.key, self.index);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }
}

impl Iterator for Ints {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        Some(self.next_u32())
    }
}

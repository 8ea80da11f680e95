//! Random tensors, as a pure function of (seed, stream, step, draw).

use crate::array::result;
use crate::profile::timed;
use crate::shape::assert_possible;
use crate::{Array, Count, Kind, Layout, Tensor};
use detach_kernels::Buffer;
use detach_kernels::philox::{self, Ints, Key};
use std::cell::Cell;

/// What random numbers are for. Each purpose has its own stream, so that taking a
/// picture or scoring a model never changes what training draws next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Initial weights.
    Init = 0,
    /// The order of the data.
    Shuffle = 1,
    /// Latent vectors of training.
    Noise = 2,
    /// Dropout masks.
    Dropout = 3,
    /// Latent vectors of pictures and samples.
    Sample = 4,
    /// Data augmentation.
    Augment = 5,
}

/// A source of random tensors: Philox4x32-10 (Salmon et al., SC 2011) on one stream.
///
/// The n-th draw at a step depends on nothing but (seed, stream, step, n): training
/// resumed at step 500 draws what an uninterrupted run draws there.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    stream: Stream,
    step: Count,
    draws: Cell<u32>,
}

impl Random {
    /// The stream at step 0.
    pub fn new(seed: u64, stream: Stream) -> Self {
        Self {
            seed,
            stream,
            step: Count::default(),
            draws: Cell::new(0),
        }
    }

    /// The same stream at the start of `step`. Where that is a [`Count`] that goes on, a
    /// replayed step draws what belongs to the step it stands for.
    #[must_use]
    pub fn at(&self, step: impl Into<Count>) -> Self {
        Self {
            step: step.into(),
            ..Self::new(self.seed, self.stream)
        }
    }

    fn next_key(&self) -> Key {
        let draw = self.draws.get();
        self.draws.set(draw + 1);
        Key {
            seed: self.seed,
            stream: self.stream as u32,
            step: self.step.clone(),
            draw,
        }
    }

    #[track_caller]
    fn fill(&self, shape: &[usize], kind: Kind, fill: impl FnOnce(Key, &mut Buffer)) -> Tensor {
        assert_possible("random", shape);
        let layout = Layout::contiguous(shape);
        let mut out = result("random", &layout, kind);
        let draw = || {
            fill(self.next_key(), &mut out);
            Tensor::constant(Array::from_buffer(out, layout))
        };
        timed("random", &[], draw, |x| [x.value()])
    }

    /// A tensor of standard normal numbers.
    #[must_use]
    #[track_caller]
    pub fn normal(&self, shape: &[usize], kind: impl Into<Kind>) -> Tensor {
        self.fill(shape, kind.into(), |key, out| philox::normal(&key, out))
    }

    /// A tensor of numbers that are uniform in [0, 1).
    #[must_use]
    #[track_caller]
    pub fn uniform(&self, shape: &[usize], kind: impl Into<Kind>) -> Tensor {
        self.fill(shape, kind.into(), |key, out| philox::uniform(&key, out))
    }

    /// A dropout mask: 1 / `keep` with probability `keep`, else 0.
    #[must_use]
    #[track_caller]
    pub fn mask(&self, shape: &[usize], keep: f64, kind: impl Into<Kind>) -> Tensor {
        self.fill(shape, kind.into(), |key, out| {
            philox::bernoulli(&key, keep, out);
        })
    }

    /// Integers for the host: shuffles and choices.
    #[must_use]
    pub fn ints(&self) -> Ints {
        Ints::new(self.next_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    #[test]
    fn draws_depend_on_position_only() {
        let draw = |r: &Random| r.normal(&[7], DType::F32).to_vec::<f32>();
        let random = Random::new(3, Stream::Noise);
        let (first, second) = (draw(&random.at(5)), draw(&random.at(6)));
        let at5 = random.at(5);
        assert_eq!(draw(&at5), first);
        assert_ne!(draw(&at5), first);
        assert_ne!(first, second);
        assert_ne!(draw(&Random::new(3, Stream::Sample).at(5)), first);
        assert_ne!(draw(&Random::new(4, Stream::Noise).at(5)), first);
    }

    #[test]
    fn both_types_draw_the_same_numbers() {
        let random = Random::new(9, Stream::Init);
        let wide = random.at(0).normal(&[100], DType::F64).to_vec::<f64>();
        let narrow = random.at(0).normal(&[100], DType::F32).to_vec::<f32>();
        assert!(wide.iter().zip(&narrow).all(|(&w, &n)| w as f32 == n));
    }
}

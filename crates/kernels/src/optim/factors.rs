//! What a step's formulas need of its numbers, computed once, in `f64`.

use super::{Clip, Rule, Update};
use crate::Buffer;

/// Of one step, on the CPU; a GPU computes the same in its kernels.
pub(super) struct Factors {
    /// Adam's lr / (1 − β₁ᵗ), or the learning rate.
    pub(super) size: f64,
    /// What Adam's √v is divided by, √(1 − β₂ᵗ), or the weight of a gradient in SGD's sum of
    /// them.
    pub(super) other: f64,
    pub(super) gradient: Gradient,
}

/// What is done to a gradient before it is used.
#[derive(Clone, Copy)]
pub(super) struct Gradient {
    /// Of all elements.
    pub(super) scale: f64,
    /// Of an element's distance from 0.
    pub(super) limit: f64,
    pub(super) weight_decay: f64,
}

impl Factors {
    /// `scale` is what clipping by norm has found.
    pub(super) fn of(update: &Update, scale: Option<&Buffer>) -> Self {
        let (lr, t) = (update.lr.get(), update.step.get());
        let (size, other) = match update.rule {
            Rule::Adam(adam) => {
                let root = (1.0 - power(adam.beta2, t)).sqrt();
                match adam.keras {
                    false => (lr / (1.0 - power(adam.beta1, t)), root),
                    true => (lr * root / (1.0 - power(adam.beta1, t)), 1.0),
                }
            }
            Rule::RmsProp(_) => (lr, 1.0),
            // The first gradient is the sum, all of it.
            Rule::Sgd(_) if t == 1 => (lr, 1.0),
            Rule::Sgd(sgd) => (lr, 1.0 - sgd.dampening),
        };
        let scale = scale.map_or(1.0, |scale| scale.as_slice::<f64>()[0]);
        Self {
            size,
            other,
            gradient: Gradient {
                scale,
                ..Gradient::of(update)
            },
        }
    }
}

impl Gradient {
    /// All but the scale, which only the device may know.
    pub(super) fn of(update: &Update) -> Self {
        Self {
            scale: 1.0,
            limit: match update.clip {
                Clip::Value(limit) => limit,
                _ => f64::INFINITY,
            },
            weight_decay: update.weight_decay,
        }
    }

    /// Whether gradients are used as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.scale == 1.0 && self.limit == f64::INFINITY && self.weight_decay == 0.0
    }
}

/// `x` to the power of `n`, by squaring: a sequence of multiplications, which every device
/// rounds alike, where a library's `pow` is one of many.
pub(super) fn power(mut x: f64, mut n: u64) -> f64 {
    let mut out = 1.0;
    while n > 0 {
        if n % 2 == 1 {
            out *= x;
        }
        x *= x;
        n /= 2;
    }
    out
}

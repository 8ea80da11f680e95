//! Steps of the optimiser, each one pass over memory.
//!
//! Adam (Kingma and Ba, 2015), in the order of operations of
//! `torch.optim.Adam`, so that `f64` runs can be compared digit by digit:
//!
//! `m ← m + (g − m)(1 − β₁)`, `v ← β₂·v + (1 − β₂)·g²`,
//! `p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)`.
//!
//! Note where ε is: Keras adds it before the correction of v, which for small
//! gradients is another step.

mod cpu;
mod cuda;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, Count, DType, Device, Variant, dispatch};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// A step of Adam.
#[derive(Clone, Debug)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Added to the root of that mean.
    pub eps: f64,
    /// Number of this step, from 1. A captured step reads it anew at every replay; the
    /// other numbers it keeps.
    pub step: Count,
}

/// A parameter, the running means of its gradient and of its square, and its gradient.
#[derive(Debug)]
pub struct Moving<'a> {
    /// Is moved by a step.
    pub param: &'a mut Buffer,
    /// Running mean of the gradient; is updated.
    pub m: &'a mut Buffer,
    /// Running mean of its square; is updated.
    pub v: &'a mut Buffer,
    /// At the parameter.
    pub grad: &'a Buffer,
}

/// Moves all parameters by one step, in one pass over memory: many are too small to
/// be worth handing to other threads one by one.
///
/// # Panics
/// When lengths, types or devices differ, or `step` is 0.
#[track_caller]
pub fn adam(adam: &Adam, all: &mut [Moving<'_>]) {
    adam_with(Variant::Fast, adam, all);
}

/// [`adam()`] by the implementation of one's choice.
///
/// # Panics
/// As [`adam()`].
#[track_caller]
pub fn adam_with(variant: Variant, adam: &Adam, all: &mut [Moving<'_>]) {
    assert!(adam.step.peek() > 0, "adam: steps count from 1");
    let Some(first) = all.first() else {
        return;
    };
    let (device, dtype) = (first.grad.device(), first.grad.dtype());
    for Moving { param, m, v, grad } in &*all {
        for (what, x) in [("parameter", &**param), ("m", m), ("v", v)] {
            assert_eq!(x.len(), grad.len(), "adam: elements of {what} and gradient");
        }
        for x in [param, m, v, *grad] {
            assert_eq!(x.dtype(), dtype, "adam: types");
            assert_eq!(x.device(), device, "adam: devices");
        }
    }
    match (device, variant, dtype) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::adam(&adam.factors(), all),
        (Device::Cpu, _, dtype) => {
            let factors = adam.factors();
            for one in all {
                dispatch!(dtype, T => reference::adam::<T>(&factors, one));
            }
        }
        (Device::Cuda(device), ..) => cuda::adam(device, adam, all),
    }
}

/// What the formula needs of a step's numbers, computed in `f64`.
struct Factors {
    /// 1 − β₁
    weight: f64,
    beta2: f64,
    /// lr / (1 − β₁ᵗ)
    size: f64,
    /// √(1 − β₂ᵗ)
    correction: f64,
    eps: f64,
}

impl Adam {
    fn factors(&self) -> Factors {
        let t = self.step.get();
        Factors {
            weight: 1.0 - self.beta1,
            beta2: self.beta2,
            size: self.lr / (1.0 - power(self.beta1, t)),
            correction: (1.0 - power(self.beta2, t)).sqrt(),
            eps: self.eps,
        }
    }
}

/// `x` to the power of `n`, by squaring: a sequence of multiplications, which every device
/// rounds alike, where a library's `pow` is one of many.
fn power(mut x: f64, mut n: u64) -> f64 {
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

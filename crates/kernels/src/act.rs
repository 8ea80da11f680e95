//! Activations that other kernels apply on their way: what would be a pass over
//! memory of its own costs nothing where the value is in a register already.

use crate::Real;
use crate::map::fastmath;

/// A function of each element of a result, applied before it is stored.
///
/// A NaN stays a NaN.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Act {
    /// x
    #[default]
    Identity,
    /// max(x, 0)
    Relu,
    /// x where x > 0, this slope times x elsewhere. An `f64`, as 0.2 is another number
    /// in each type.
    LeakyRelu(f64),
    /// Hyperbolic tangent.
    Tanh,
}

impl Act {
    /// The value at `x`, in the plain loops.
    pub fn value<T: Real>(self, x: T) -> T {
        match self {
            Self::Identity => x,
            Self::Relu if x <= T::ZERO => T::ZERO,
            Self::LeakyRelu(slope) if x <= T::ZERO => T::of(slope) * x,
            Self::Relu | Self::LeakyRelu(_) => x,
            Self::Tanh => x.tanh(),
        }
    }

    /// The derivative at `x`, in the plain loops.
    pub fn slope<T: Real>(self, x: T) -> T {
        match self {
            Self::Identity => T::ONE,
            Self::Relu | Self::LeakyRelu(_) if x > T::ZERO => T::ONE,
            Self::Relu => T::ZERO,
            Self::LeakyRelu(slope) => T::of(slope),
            Self::Tanh => {
                let y = x.tanh();
                T::ONE - y * y
            }
        }
    }
}

/// An [`Act`] known to the compiler: the fast loops are compiled once for each.
pub(crate) trait Activation: Copy + Send + Sync {
    /// The value at `x`.
    fn value(self, x: f32) -> f32;

    /// The derivative at `x`: a factor, because a choice between a gradient and 0 would
    /// become a load under a mask, which waits for x.
    fn slope(self, x: f32) -> f32;
}

#[derive(Clone, Copy)]
pub(crate) struct Identity;
#[derive(Clone, Copy)]
pub(crate) struct Relu;
#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu(pub(crate) f32);
#[derive(Clone, Copy)]
pub(crate) struct Tanh;

impl Activation for Identity {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn slope(self, _: f32) -> f32 {
        1.0
    }
}

impl Activation for Relu {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x <= 0.0 { 0.0 } else { x }
    }
    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }
}

impl Activation for LeakyRelu {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x > 0.0 { x } else { self.0 * x }
    }
    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { self.0 }
    }
}

impl Activation for Tanh {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        fastmath::tanh(x)
    }
    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        let y = fastmath::tanh(x);
        1.0 - y * y
    }
}

/// Runs `$body` with `$a` bound to the [`Activation`] that `$act` names.
macro_rules! with_activation {
    ($act:expr, $a:ident => $body:expr) => {
        match $act {
            $crate::act::Act::Identity => {
                let $a = $crate::act::Identity;
                $body
            }
            $crate::act::Act::Relu => {
                let $a = $crate::act::Relu;
                $body
            }
            $crate::act::Act::LeakyRelu(slope) => {
                let $a = $crate::act::LeakyRelu(slope as f32);
                $body
            }
            $crate::act::Act::Tanh => {
                let $a = $crate::act::Tanh;
                $body
            }
        }
    };
}
pub(crate) use with_activation;

#[cfg(test)]
mod tests {
    use super::*;

    const ACTS: [Act; 4] = [Act::Identity, Act::Relu, Act::LeakyRelu(0.2), Act::Tanh];

    #[test]
    fn the_compiled_ones_are_the_named_ones() {
        let xs = [-3.0_f32, -0.5, -0.0, 0.0, 1e-30, 0.7, 4.0, f32::INFINITY];
        for act in ACTS {
            for x in xs {
                with_activation!(act, a => {
                    let (fast, plain) = (a.value(x), act.value(x));
                    assert!((fast - plain).abs() <= 2e-7 || fast == plain, "{act:?}({x})");
                    let (fast, plain) = (a.slope(x), act.slope(x));
                    assert!((fast - plain).abs() <= 1e-6, "{act:?}'({x})");
                });
            }
            assert!(act.value(f32::NAN).is_nan());
            with_activation!(act, a => assert!(a.value(f32::NAN).is_nan()));
        }
        assert_eq!(Act::default(), Act::Identity);
    }

    #[test]
    fn slopes_are_those_of_the_values() {
        for act in ACTS {
            for x in [-2.0, -0.3, 0.4, 1.7] {
                let h = 1e-6;
                let slope = (act.value(x + h) - act.value(x - h)) / (2.0 * h);
                assert!((act.slope(x) - slope).abs() < 1e-8, "{act:?}");
            }
        }
    }
}

//! `+`, `-`, `*` and `/` between tensors, and with a number.

use super::{Map1, Map2};
use crate::{Tensor, apply};
use detach_kernels::map::{Binary, Unary};
use std::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! operator {
    ($trait:ident, $method:ident, $scalar:expr) => {
        impl $trait<&Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                apply(Map2(Binary::$trait), &[self, other])
            }
        }
        impl $trait<f64> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, c: f64) -> Tensor {
                let op: fn(f64) -> Unary = $scalar;
                apply(Map1(op(c)), &[self])
            }
        }
        // By value, so that formulas read without a forest of `&`.
        impl $trait<Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                $trait::$method(&self, &other)
            }
        }
        impl $trait<&Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                $trait::$method(&self, other)
            }
        }
        impl $trait<Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                $trait::$method(self, &other)
            }
        }
        impl $trait<f64> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, c: f64) -> Tensor {
                $trait::$method(&self, c)
            }
        }
    };
}

operator!(Add, add, Unary::Shift);
operator!(Sub, sub, |c| Unary::Shift(-c));
operator!(Mul, mul, Unary::Scale);
operator!(Div, div, quotient);

/// x / c. A power of two has a reciprocal in both types, and a product with that is the same number
/// and faster; with any other it would be rounded twice.
fn quotient(c: f64) -> Unary {
    let reciprocal = 1.0 / c;
    let is_power = |x: f64| (x as f32).is_normal() && x.to_bits() << 12 == 0;
    match is_power(c) && is_power(reciprocal) {
        true => Unary::Scale(reciprocal),
        false => Unary::Div(c),
    }
}

impl Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        apply(Map1(Unary::Neg), &[self])
    }
}

impl Neg for Tensor {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        -&self
    }
}

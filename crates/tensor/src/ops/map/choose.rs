//! Comparisons, choices between two, limits, and powers, whose rules choose.

use super::{Map1, Map2, layout_of_result};
use crate::array::result;
use crate::shape::assert_same;
use crate::{Array, Op, Tensor, apply};
use detach_kernels::map::{self, Binary, Unary};

/// `(condition, a, b)`: a where the condition is not 0, else b.
#[derive(Clone, Copy, Debug)]
struct Select;

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [condition, a, b] = [inputs[0], inputs[1], inputs[2]];
        assert_same("select", condition.shape(), a.shape());
        assert_same("select", a.shape(), b.shape());
        let layout = layout_of_result(a, b);
        let (x, y, z) = (condition.read(), a.read(), b.read());
        let mut out = result("select", &layout, a.kind());
        let operands = [condition.view(&x), a.view(&y), b.view(&z)];
        map::select(operands, &mut out, &layout);
        Array::from_buffer(out, layout)
    }

    /// To the chosen one.
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let none = dy.full_like(0.0);
        match arg {
            0 => None,
            1 => Some(inputs[0].select(dy, &none)),
            _ => Some(inputs[0].select(&none, dy)),
        }
    }
}

/// The derivative of `y = aᵇ` in `a` (`arg` 0): b·aᵇ⁻¹, and 0 of 0⁰; or in `b`: y·ln a, and 0 where
/// a is 0 and b is not negative. What a choice leaves out is replaced before it is computed with, so
/// that its derivatives are no 0·∞.
pub(super) fn slope_of_power(arg: usize, a: &Tensor, b: &Tensor, y: &Tensor) -> Tensor {
    let (zero, one) = (a.full_like(0.0), a.full_like(1.0));
    if arg == 0 {
        let flat = a.equal(&zero) * b.equal(&zero);
        let power = flat.select(&one, b) - 1.0;
        flat.select(&zero, b) * a.pow(&power)
    } else {
        let flat = a.equal(&zero) * b.greater_equal(&zero);
        flat.select(&zero, y) * flat.select(&one, a).ln()
    }
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => {
        impl Tensor {
            $($(#[$doc])*
            ///
            /// # Panics
            /// When the shapes differ.
            #[must_use]
            #[track_caller]
            pub fn $name(&self, other: &Self) -> Self {
                apply(Map2(Binary::$op), &[self, other])
            }
            )*
        }
    };
}

comparisons! {
    /// 1 where the elements differ, else 0; a NaN differs from everything. Its derivative is 0.
    not_equal => NotEqual;
    /// 1 where this is less than the other, else 0; its derivative is 0.
    less => Less;
    /// 1 where this is not more than the other, else 0; its derivative is 0.
    less_equal => LessEqual;
    /// The smaller of each pair; equal elements share the gradient.
    minimum => Minimum;
    /// This to the power of the other, element by element; 1 where that is 0.
    ///
    /// The derivatives are b·aᵇ⁻¹ and aᵇ·ln a, where 0⁰ has none in a and 0ᵇ none in a b from 0 on: both are 0
    /// there, as PyTorch's. Below 0 a power that is not whole is NaN, and so is the derivative in any
    /// power. A power that is one number for all is [`powf`](Tensor::powf), which is cheaper.
    pow => Pow;
}

impl Tensor {
    /// 1 where this is more than the other, else 0; its derivative is 0.
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn greater(&self, other: &Self) -> Self {
        other.less(self)
    }

    /// 1 where this is not less than the other, else 0; its derivative is 0.
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn greater_equal(&self, other: &Self) -> Self {
        other.less_equal(self)
    }

    /// `a` where this is not 0, else `b`: what a comparison is for. The gradient goes to the chosen one
    /// only. A value that was not chosen does not show, whatever it is; but where a rule behind it makes
    /// an infinity of it, the gradient there is 0 · ∞, NaN, as PyTorch's `where`.
    ///
    /// ```
    /// # use detach_tensor::{grad, Array, Tensor};
    /// let x = Tensor::variable(Array::from_slice(&[4.0_f32, 0.0], &[2]));
    /// let zero = x.full_like(0.0);
    /// let y = x.greater(&zero).select(&x.square(), &x);
    /// assert_eq!(y.to_vec::<f32>(), [16.0, 0.0]);
    /// assert_eq!(grad(&y.sum(), &[&x], false)[0].to_vec::<f32>(), [8.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn select(&self, a: &Self, b: &Self) -> Self {
        apply(Select, &[self, a, b])
    }

    /// The nearest number to x from `low` to `high`, and `high` where that is below `low`. The gradient
    /// is that of x from bound to bound, both included, and 0 outside, as PyTorch's `clamp`.
    #[must_use]
    #[track_caller]
    pub fn clip(&self, low: f64, high: f64) -> Self {
        apply(Map1(Unary::Clip(low, high)), &[self])
    }

    /// max(x, c); no gradient where x ≤ c.
    #[must_use]
    #[track_caller]
    pub fn clamp_min(&self, c: f64) -> Self {
        apply(Map1(Unary::ClampMin(c)), &[self])
    }

    /// The larger of each pair; equal elements share the gradient.
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn maximum(&self, other: &Self) -> Self {
        apply(Map2(Binary::Maximum), &[self, other])
    }

    /// 1 where the elements are equal, else 0; its derivative is 0.
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn equal(&self, other: &Self) -> Self {
        apply(Map2(Binary::Equal), &[self, other])
    }
}

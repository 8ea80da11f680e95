//! Sums, means, maxima and norms over axes.
//!
//! y = Σ x over some axes gives dx = dy repeated over them: sum and
//! [`expand`](Tensor::expand) are each other's adjoint.

use crate::array::result;
use crate::check::Case;
use crate::info::list;
use crate::shape::{expanded_axes, reduced, reduced_from_some};
use crate::{Array, Info, Layout, Op, Tensor, apply};
use detach_kernels::reduce::{self, Reduction};
use detach_kernels::{Buffer, View};

/// A reduction's kernel.
type Kernel = fn(View<'_>, &mut Buffer, &Layout);

/// A reduction to a shape that has a 1 where an axis is reduced. A layout's shape, as
/// an op must be `Copy`.
#[derive(Clone, Copy, Debug)]
struct Reduce(Reduction, Layout);

impl Reduce {
    fn kernel(&self) -> Kernel {
        match self.0 {
            Reduction::Sum => reduce::sum,
            Reduction::Mean => reduce::mean,
            Reduction::Max => reduce::max,
            Reduction::Norm => reduce::norm,
        }
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        match self.0 {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
            Reduction::Max => "max",
            Reduction::Norm => "norm",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let buffer = x.read();
        let mut out = result(self.name(), &self.1, x.kind());
        self.kernel()(x.view(&buffer), &mut out, &self.1);
        Array::from_buffer(out, self.1)
    }

    fn grad(&self, _: usize, inputs: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let x = &inputs[0];
        let over = |t: &Tensor| t.expand(x.shape());
        Some(match self.0 {
            Reduction::Sum => over(dy),
            Reduction::Mean => over(&(dy / (x.len() as f64 / y.len() as f64))),
            // The gradient goes to the maximum; equal maxima share it.
            Reduction::Max => {
                let hit = x.equal(&over(y));
                let axes = expanded_axes(y.shape(), x.shape());
                let share = dy / hit.sum_axes(&axes);
                hit * over(&share)
            }
            // The unit vector, and 0 where there is none. Its length is 1 or 0, so nothing
            // overflows on the way; the zeros are factors that no derivative revives.
            Reduction::Norm => {
                let none = y.equal(&y.full_like(0.0));
                let some = -&none + 1.0;
                x / over(&(y + none)) * over(&(dy * some))
            }
        })
    }

    /// n elements are added, or compared, in n − 1 operations; a mean divides as well, a norm takes squares and a root.
    fn info(&self, inputs: &[&[usize]], output: &[usize]) -> Info {
        let elements = |shape: &[usize]| shape.iter().product::<usize>();
        let (from, to) = (elements(inputs[0]), elements(output));
        let flops = match self.0 {
            Reduction::Sum | Reduction::Max => from.saturating_sub(to),
            Reduction::Mean => from,
            Reduction::Norm => 2 * from,
        };
        let axes = expanded_axes(output, inputs[0]);
        Info::of(flops).set(format!("over {}", list(&axes)))
    }
}

impl Tensor {
    #[track_caller]
    fn reduce(&self, op: Reduction, shape: &[usize]) -> Self {
        apply(Reduce(op, Layout::contiguous(shape)), &[self])
    }

    fn all_axes(&self) -> Vec<usize> {
        (0..self.shape().len()).collect()
    }

    /// The sum over `axes`, which stay as dimensions of size 1 ([`squeeze`](Self::squeeze) drops
    /// them). That of no elements is 0.
    ///
    /// # Panics
    /// When an axis is not one of the shape's, or named twice.
    #[must_use]
    #[track_caller]
    pub fn sum_axes(&self, axes: &[usize]) -> Self {
        let shape = reduced("sum", self.shape(), axes);
        if shape == self.shape() {
            return self.clone();
        }
        self.reduce(Reduction::Sum, &shape)
    }

    /// The sum of all elements, a scalar `[]`.
    #[must_use]
    #[track_caller]
    pub fn sum(&self) -> Self {
        self.sum_axes(&self.all_axes()).reshape(&[])
    }

    /// The mean over `axes`, which stay as dimensions of size 1. Sum and division are in `f64`, so
    /// that of equal `f32` is what they are.
    ///
    /// # Panics
    /// When an axis is not one of the shape's, named twice, or empty.
    #[must_use]
    #[track_caller]
    pub fn mean_axes(&self, axes: &[usize]) -> Self {
        let shape = reduced_from_some("mean", self.shape(), axes);
        if shape == self.shape() {
            return self.clone();
        }
        self.reduce(Reduction::Mean, &shape)
    }

    /// The mean of all elements, a scalar `[]`.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    #[track_caller]
    pub fn mean(&self) -> Self {
        self.mean_axes(&self.all_axes()).reshape(&[])
    }

    /// The largest element along `axes`, which stay as dimensions of size 1; NaN where there is one.
    /// Equal ones share the gradient.
    ///
    /// # Panics
    /// When an axis is not one of the shape's, named twice, or empty.
    #[must_use]
    #[track_caller]
    pub fn max_axes(&self, axes: &[usize]) -> Self {
        let shape = reduced_from_some("max", self.shape(), axes);
        self.reduce(Reduction::Max, &shape)
    }

    /// The smallest element along `axes`, which stay as dimensions of size 1; NaN where there is one.
    /// Equal ones share the gradient.
    ///
    /// # Panics
    /// When an axis is not one of the shape's, named twice, or empty.
    #[must_use]
    #[track_caller]
    pub fn min_axes(&self, axes: &[usize]) -> Self {
        // Before the negation, so that the error names the right op.
        reduced_from_some("min", self.shape(), axes);
        -(-self).max_axes(axes)
    }

    /// The Euclidean norm √Σx² over `axes`, which stay as dimensions of size 1
    /// ([`squeeze`](Self::squeeze) drops them). That of no elements is 0.
    ///
    /// The gradient is x/‖x‖, and 0 where x is 0, as PyTorch's; there the derivatives of every
    /// order are 0. Squares are summed in `f64`, so of `f32` they neither overflow nor vanish; those
    /// of `f64` beyond 1e±154 do.
    ///
    /// ```
    /// # use detach_tensor::{grad, Array, Tensor};
    /// let x = Tensor::variable(Array::from_slice(&[3.0_f32, 4.0, 0.0, 0.0], &[2, 2]));
    /// let norms = x.norm_axes(&[1]);
    /// assert_eq!(norms.shape(), [2, 1]);
    /// assert_eq!(norms.squeeze(&[1]).to_vec::<f32>(), [5.0, 0.0]);
    /// let dx = grad(&norms.sum(), &[&x], false).remove(0);
    /// assert_eq!(dx.to_vec::<f32>(), [0.6, 0.8, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When an axis is not one of the shape's, or named twice.
    #[must_use]
    #[track_caller]
    pub fn norm_axes(&self, axes: &[usize]) -> Self {
        let shape = reduced("norm", self.shape(), axes);
        self.reduce(Reduction::Norm, &shape)
    }

    /// The Euclidean norm of all elements, a scalar `[]`; see [`norm_axes`](Self::norm_axes).
    #[must_use]
    #[track_caller]
    pub fn norm(&self) -> Self {
        self.norm_axes(&self.all_axes()).reshape(&[])
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let s = &[3, 4, 2, 3][..];
    let range = (-2.0, 2.0);
    vec![
        Case::new("sum", |x| x[0].sum()).input(s, range),
        Case::new("sum of rows", |x| x[0].sum_axes(&[1])).input(&[5, 7], range),
        Case::new("sum of columns", |x| x[0].sum_axes(&[0])).input(&[5, 7], range),
        Case::new("sum per channel", |x| x[0].sum_axes(&[0, 2, 3]))
            .input(s, range)
            .channels_last(),
        Case::new("sum of a transposed view", |x| x[0].t().sum_axes(&[1])).input(&[5, 7], range),
        Case::new("mean", |x| x[0].square().mean()).input(s, range),
        Case::new("mean per image", |x| x[0].mean_axes(&[1, 2, 3])).input(s, range),
        Case::new("max", |x| x[0].max_axes(&[1, 2])).input(s, range),
        Case::new("min", |x| x[0].min_axes(&[1, 2])).input(s, range),
        Case::new("norm", |x| x[0].norm()).input(s, range),
        Case::new("norm per image", |x| x[0].norm_axes(&[1, 2, 3]))
            .input(s, range)
            .channels_last(),
        Case::new("norm of one", |x| x[0].norm_axes(&[1])).input(&[5, 1], (0.2, 2.0)),
    ]
}

//! Sums, means and maxima over axes.
//!
//! y = Σ x over some axes gives dx = dy repeated over them: sum and
//! [`expand`](Tensor::expand) are each other's adjoint.

use crate::check::Case;
use crate::shape::{expanded_axes, reduced};
use crate::{Array, Layout, Op, Tensor, apply};
use detach_kernels::{Buffer, reduce};

/// Sum to `shape`, which has a 1 where an axis is summed over. A layout's shape, as
/// an op must be `Copy`.
#[derive(Clone, Copy, Debug)]
struct Sum(Layout);

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let buffer = x.read();
        let mut out = Buffer::scratch(x.kind().device, x.dtype(), self.0.len());
        reduce::sum(x.view(&buffer), &mut out, &self.0);
        Array::from_buffer(out, self.0)
    }

    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy.expand(inputs[0].shape()))
    }
}

/// Maximum to `shape`.
#[derive(Clone, Copy, Debug)]
struct Max(Layout);

impl Op for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let buffer = x.read();
        let mut out = Buffer::scratch(x.kind().device, x.dtype(), self.0.len());
        reduce::max(x.view(&buffer), &mut out, &self.0);
        Array::from_buffer(out, self.0)
    }

    /// The gradient goes to the maximum; equal maxima share it.
    fn grad(&self, _: usize, inputs: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let x = &inputs[0];
        let hit = x.equal(&y.expand(x.shape()));
        let axes = expanded_axes(y.shape(), x.shape());
        let share = dy / hit.sum_axes(&axes);
        Some(hit * share.expand(x.shape()))
    }
}

impl Tensor {
    /// The sum over `axes`, which stay as dimensions of size 1.
    ///
    /// # Panics
    /// When an axis is not one of the shape's.
    #[must_use]
    #[track_caller]
    pub fn sum_axes(&self, axes: &[usize]) -> Self {
        let shape = reduced(self.shape(), axes);
        if shape == self.shape() {
            return self.clone();
        }
        apply(Sum(Layout::contiguous(&shape)), &[self])
    }

    /// The sum of all elements, a scalar `[]`.
    #[must_use]
    pub fn sum(&self) -> Self {
        let axes: Vec<usize> = (0..self.shape().len()).collect();
        self.sum_axes(&axes).reshape(&[])
    }

    /// The mean over `axes`, which stay as dimensions of size 1.
    ///
    /// # Panics
    /// When an axis is not one of the shape's.
    #[must_use]
    #[track_caller]
    pub fn mean_axes(&self, axes: &[usize]) -> Self {
        let sum = self.sum_axes(axes);
        let count = self.len() as f64 / sum.len() as f64;
        sum / count
    }

    /// The mean of all elements, a scalar `[]`.
    #[must_use]
    pub fn mean(&self) -> Self {
        self.sum() / self.len() as f64
    }

    /// The largest element along `axes`, which stay as dimensions of size 1.
    ///
    /// # Panics
    /// When an axis is not one of the shape's.
    #[must_use]
    #[track_caller]
    pub fn max_axes(&self, axes: &[usize]) -> Self {
        let shape = reduced(self.shape(), axes);
        apply(Max(Layout::contiguous(&shape)), &[self])
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
    ]
}

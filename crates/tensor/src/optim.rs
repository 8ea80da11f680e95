//! Writes in place: the one place where an array changes.

use crate::profile::timed;
use crate::{AdamStep, Array, Tensor};
use detach_kernels::norm::{self, Norm};
use detach_kernels::{Act, copy, optim};

/// Writes `values` into the memory of `tensor`, whose storage order stays as it is.
/// `by` names the write to whoever later reads a value that was saved before it.
///
/// # Panics
/// When shape, type or device differ, `tensor` is not a leaf, or both are the same
/// memory.
#[track_caller]
pub fn assign(by: &str, tensor: &mut Tensor, values: &Array) {
    let same = tensor.shape() == values.shape() && tensor.kind() == values.kind();
    assert!(
        same,
        "{by}: {:?} {:?} written to {:?} {:?}",
        values.shape(),
        values.kind(),
        tensor.shape(),
        tensor.kind()
    );
    let layout = *tensor.value().layout();
    let from = values.read();
    tensor.write(by, |to| copy::copy(values.view(&from), to, &layout));
}

/// A parameter with its moments, and the gradient to move it by: what [`adam`] takes.
#[derive(Debug)]
pub struct Moving<'a> {
    /// Is moved.
    pub param: &'a mut Tensor,
    /// Running mean of the gradient.
    pub m: &'a mut Tensor,
    /// Running mean of its square.
    pub v: &'a mut Tensor,
    /// Of the shape of the parameter.
    pub gradient: &'a Tensor,
}

/// One step of Adam (Kingma & Ba, arXiv:1412.6980) on all parameters and their moments,
/// in one pass. `by` names the step to whoever later reads a value that was saved before
/// it.
///
/// # Panics
/// When the shapes of one differ, or a parameter is not a leaf.
#[track_caller]
pub fn adam(step: &AdamStep, by: &str, all: &mut [Moving<'_>]) {
    let gradients: Vec<Array> = all.iter().map(|one| one.gradient_laid_out(by)).collect();
    let read: Vec<&Array> = gradients.iter().collect();
    timed("adam", &read, || move_all(step, by, all, &read), |()| []);
}

fn move_all(step: &AdamStep, by: &str, all: &mut [Moving<'_>], gradients: &[&Array]) {
    let gradients: Vec<_> = gradients.iter().map(|array| array.read()).collect();
    let writers = all.iter_mut().map(|one| {
        let Moving { param, m, v, .. } = one;
        [param, m, v].map(|tensor| tensor.writer(by))
    });
    let mut writers: Vec<_> = writers.collect();
    let buffers = writers.iter_mut().zip(&gradients);
    let mut buffers: Vec<_> = buffers
        .map(|([param, m, v], grad)| optim::Moving { param, m, v, grad })
        .collect();
    optim::adam(step, &mut buffers);
}

impl Moving<'_> {
    /// The gradient as the parameter is stored, and the moments with it.
    #[track_caller]
    fn gradient_laid_out(&self, by: &str) -> Array {
        assert_eq!(
            self.param.shape(),
            self.gradient.shape(),
            "{by}: gradient of another shape"
        );
        let layout = *self.param.value().layout();
        let same = [&self.m, &self.v].map(|moment| *moment.value().layout() == layout);
        assert!(
            same == [true, true],
            "{by}: moments stored otherwise than their parameter"
        );
        self.gradient.value().laid_out(layout)
    }
}

/// Takes `statistics` `[2, C]` (mean and biased variance) of a batch with `rows` elements
/// per channel into the running `mean` and `var` `[C]`:
///
/// running ← (1 − momentum) · running + momentum · batch, with the unbiased variance.
///
/// `by` names the write to whoever later reads a value that was saved before it.
///
/// # Panics
/// When the shapes differ, or there is one row only, which has no unbiased variance.
#[track_caller]
pub fn track_statistics(
    by: &str,
    statistics: &Array,
    rows: usize,
    momentum: f64,
    mean: &mut Tensor,
    var: &mut Tensor,
) {
    let geometry = Norm {
        rows,
        channels: mean.len(),
        eps: 0.0,
        act: Act::Identity,
    };
    let statistics = statistics.contiguous();
    let statistics = statistics.read();
    let (mut mean, mut var) = (mean.writer(by), var.writer(by));
    norm::track(&geometry, &statistics, momentum, &mut mean, &mut var);
}

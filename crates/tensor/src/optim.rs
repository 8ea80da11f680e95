//! Writes in place: the one place where an array changes.

use crate::profile::timed;
use crate::stale::Writing;
use crate::{Array, Scalar, Tensor};
use detach_kernels::norm::{self, Norm};
use detach_kernels::{Act, Buffer, copy, optim};
use std::cell::RefMut;

pub use detach_kernels::optim::{Adam, Clip, Kept, RmsProp, Rule, Sgd, Update};

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

/// A parameter with what is kept of its gradients, and the gradient to move it by: what
/// [`update`] takes.
#[derive(Debug)]
pub struct Moving<'a> {
    /// What the parameter is called, told to whoever later reads a value of it that was saved before: "`4.weight` of `d`".
    pub name: &'a str,
    /// The parameter, which is moved.
    pub param: &'a mut Tensor,
    /// What [`Rule::state`] names, in its order.
    pub state: Kept<&'a mut Tensor>,
    /// The parameter's gradient, of its shape.
    pub gradient: &'a Tensor,
}

/// One step of an optimiser on all parameters and their state, in one pass. `by` names the
/// step to whoever later reads a value that was saved before it.
///
/// # Panics
/// When the shapes of one differ, or a parameter is not a leaf.
#[track_caller]
pub fn update(step: &Update, by: &str, all: &mut [Moving<'_>]) {
    let gradients: Vec<Array> = all.iter().map(|one| one.gradient_laid_out(by)).collect();
    let read: Vec<&Array> = gradients.iter().collect();
    let write = Writing::new(by);
    let run = || move_all(step, &write, all, &read);
    timed(step.rule.name(), &read, run, |()| []);
}

fn move_all(step: &Update, write: &Writing<'_>, all: &mut [Moving<'_>], gradients: &[&Array]) {
    let gradients: Vec<_> = gradients.iter().map(|array| array.read()).collect();
    let writers = all.iter_mut().map(|one| {
        let write = Writing {
            to: one.name,
            ..*write
        };
        let state = one.state.iter_mut().map(|tensor| tensor.writer(&write));
        (one.param.writer(&write), state.collect())
    });
    let mut writers: Vec<(RefMut<'_, Buffer>, Kept<RefMut<'_, Buffer>>)> = writers.collect();
    let buffers = writers.iter_mut().zip(&gradients);
    let mut buffers: Vec<_> = buffers
        .map(|((param, state), grad)| optim::Moving {
            param,
            state: state.iter_mut().map(|state| &mut **state).collect(),
            grad,
        })
        .collect();
    optim::update(step, &mut buffers);
}

impl Moving<'_> {
    /// The gradient as the parameter is stored, and its state with it.
    #[track_caller]
    fn gradient_laid_out(&self, by: &str) -> Array {
        assert_eq!(
            self.param.shape(),
            self.gradient.shape(),
            "{by}: gradient of another shape"
        );
        let layout = *self.param.value().layout();
        let mut state = self.state.iter();
        assert!(
            state.all(|state| *state.value().layout() == layout),
            "{by}: state stored otherwise than its parameter"
        );
        self.gradient.value().laid_out(layout)
    }
}

/// Moves each average towards its value, in one pass: `e ← e + (1 − decay)(p − e)`. `by` names
/// the write to whoever later reads a value that was saved before it.
///
/// # Panics
/// When the shapes of two differ, or an average is not a leaf.
#[track_caller]
pub fn average(decay: &Scalar, by: &str, all: &mut [(&mut Tensor, &Tensor)]) {
    let values: Vec<Array> = all
        .iter()
        .map(|(e, p)| {
            assert_eq!(e.shape(), p.shape(), "{by}: average of another shape");
            p.value().laid_out(*e.value().layout())
        })
        .collect();
    let read: Vec<&Array> = values.iter().collect();
    let write = Writing::new(by);
    let run = || {
        let values: Vec<_> = values.iter().map(Array::read).collect();
        let mut writers: Vec<_> = all.iter_mut().map(|(e, _)| e.writer(&write)).collect();
        let pairs = writers.iter_mut().zip(&values);
        let mut pairs: Vec<_> = pairs.map(|(e, p)| (&mut **e, &**p)).collect();
        optim::average(decay, &mut pairs);
    };
    timed("average", &read, run, |()| []);
}

/// Brings every element into [−limit, limit], in one pass. `by` names the write to whoever
/// later reads a value that was saved before it.
///
/// # Panics
/// When `limit` is negative or NaN, or one is not a leaf.
#[track_caller]
pub fn clamp(limit: f64, by: &str, all: &mut [&mut Tensor]) {
    let arrays: Vec<Array> = all.iter().map(|x| x.value().clone()).collect();
    let named: Vec<&Array> = arrays.iter().collect();
    let write = Writing::new(by);
    let run = || {
        let mut writers: Vec<_> = all.iter_mut().map(|x| x.writer(&write)).collect();
        optim::clamp(
            limit,
            &mut writers.iter_mut().map(|x| &mut **x).collect::<Vec<_>>(),
        );
    };
    timed("clamp", &named, run, |()| []);
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
        groups: 1,
        rows,
        channels: mean.len(),
        eps: 0.0,
        act: Act::Identity,
    };
    let statistics = statistics.contiguous();
    let statistics = statistics.read();
    let write = Writing::new(by);
    let (mut mean, mut var) = (mean.writer(&write), var.writer(&write));
    norm::track(&geometry, &statistics, momentum, &mut mean, &mut var);
}

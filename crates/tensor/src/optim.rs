//! Writes in place: the one place where an array changes.

use crate::profile::timed;
use crate::{AdamStep, Array, Tensor};
use detach_kernels::{copy, optim};

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

/// One step of Adam (Kingma & Ba, arXiv:1412.6980) on `param` and its moments `m`
/// and `v`, in one pass. `by` names the step to whoever later reads a value that was
/// saved before it.
///
/// # Panics
/// When the shapes differ, or `param` is not a leaf.
#[track_caller]
pub fn adam(
    step: &AdamStep,
    by: &str,
    param: &mut Tensor,
    m: &mut Tensor,
    v: &mut Tensor,
    gradient: &Tensor,
) {
    assert_eq!(
        param.shape(),
        gradient.shape(),
        "{by}: gradient of another shape"
    );
    let layout = *param.value().layout();
    let same = *m.value().layout() == layout && *v.value().layout() == layout;
    assert!(same, "{by}: moments stored otherwise than their parameter");
    let gradient = gradient.value().laid_out(layout);
    let update = || {
        let gradient = gradient.read();
        param.write(by, |param| {
            m.write(by, |m| {
                v.write(by, |v| optim::adam(step, param, m, v, &gradient));
            });
        });
    };
    timed("adam", &[&gradient], update, |()| []);
}

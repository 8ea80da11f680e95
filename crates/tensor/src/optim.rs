//! Writes in place: the one place where an array changes.

use crate::{AdamStep, Tensor};
use detach_kernels::optim;

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
    let gradient = gradient.read();
    param.write(by, |param| {
        m.write(by, |m| {
            v.write(by, |v| optim::adam(step, param, m, v, &gradient));
        });
    });
}

//! Shapes: what they must satisfy, and how errors say that they do not.
//!
//! Strides live in [`detach_kernels::Layout`], because kernels need them too.

/// # Panics
/// When `len` values are not what `shape` holds.
#[track_caller]
pub(crate) fn assert_shape_len(len: usize, shape: &[usize]) {
    assert_eq!(
        len,
        shape.iter().product::<usize>(),
        "{len} values for the shape {shape:?}"
    );
}

/// # Panics
/// When two operands of an element-wise op differ in shape.
#[track_caller]
pub(crate) fn assert_same(op: &str, a: &[usize], b: &[usize]) {
    assert!(
        a == b,
        "{op}: shapes {a:?} and {b:?} differ; broadcasting is explicit: \
         use `.expand(&{a:?})` on the smaller one"
    );
}

/// `shape` with the dimensions `axes` set to 1.
#[track_caller]
pub(crate) fn reduced(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let mut out = shape.to_vec();
    for &axis in axes {
        assert!(axis < shape.len(), "axis {axis} of the shape {shape:?}");
        out[axis] = 1;
    }
    out
}

/// The axes along which `from` (size 1) was repeated to make `to`.
pub(crate) fn expanded_axes(from: &[usize], to: &[usize]) -> Vec<usize> {
    (0..from.len()).filter(|&i| from[i] != to[i]).collect()
}

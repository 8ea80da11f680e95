//! Shapes: what they must satisfy, and how errors say that they do not.
//!
//! Strides live in [`detach_kernels::Layout`], because kernels need them too.

use detach_kernels::MAX_RANK;
use detach_kernels::layout::elements;

/// # Panics
/// When `len` values are not what `shape` holds.
#[track_caller]
pub(crate) fn assert_shape_len(len: usize, shape: &[usize]) {
    assert!(
        elements(shape) == Some(len),
        "{len} values for the shape {shape:?}: their number must be the product of its sizes"
    );
}

/// # Panics
/// When there is no room for elements of `shape` in any memory, or it has too many dimensions.
#[track_caller]
pub(crate) fn assert_possible(op: &str, shape: &[usize]) {
    let rank = shape.len();
    assert!(
        rank <= MAX_RANK,
        "{op}: {shape:?} has {rank} dimensions, and {MAX_RANK} is the most; merge some by `reshape`"
    );
    assert!(
        elements(shape).is_some(),
        "{op}: {shape:?} has more elements than memory can hold; check its sizes"
    );
}

/// # Panics
/// When two operands of an element-wise op differ in shape.
#[track_caller]
pub(crate) fn assert_same(op: &str, a: &[usize], b: &[usize]) {
    if a != b {
        differ(op, a, b);
    }
}

#[track_caller]
#[cold]
fn differ(op: &str, a: &[usize], b: &[usize]) -> ! {
    let cure = match broadcast(a, b) {
        Some(common) if common == b => format!("use `.expand(&{common:?})` on the first"),
        Some(common) if common == a => format!("use `.expand(&{common:?})` on the second"),
        Some(common) => format!("use `.expand(&{common:?})` on both"),
        None => "no `expand` makes these fit: one of them needs another shape, by `reshape`, \
                 `permute` or `slice`"
            .to_owned(),
    };
    panic!("{op}: shapes {a:?} and {b:?} differ; broadcasting is explicit: {cure}")
}

/// The smallest shape that both can be expanded to.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i],
        None => 1,
    };
    let size = |i| match (at(a, i), at(b, i)) {
        (a, b) if a == b => Some(a),
        (1, size) | (size, 1) => Some(size),
        _ => None,
    };
    (0..rank).map(size).collect()
}

/// # Panics
/// When there is no such axis.
#[track_caller]
pub(crate) fn assert_axis(op: &str, shape: &[usize], axis: usize) {
    let rank = shape.len();
    assert!(
        axis < rank,
        "{op}: there is no axis {axis} of the shape {shape:?}, which has {rank}, from 0 on"
    );
}

/// `shape` with the dimensions `axes` set to 1.
///
/// # Panics
/// When there is no such axis, or one is named twice.
#[track_caller]
pub(crate) fn reduced(op: &str, shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let mut out = shape.to_vec();
    for (i, &axis) in axes.iter().enumerate() {
        assert_axis(op, shape, axis);
        assert!(
            !axes[..i].contains(&axis),
            "{op}: axis {axis} of the shape {shape:?} is named twice in {axes:?}; name it once"
        );
        out[axis] = 1;
    }
    out
}

/// [`reduced`] for what needs one element at least.
///
/// # Panics
/// As [`reduced`], and when an axis has size 0.
#[track_caller]
pub(crate) fn reduced_from_some(op: &str, shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let out = reduced(op, shape, axes);
    let empty = axes.iter().find(|axis| shape[**axis] == 0);
    assert!(
        empty.is_none(),
        "{op}: there is none of no elements: the shape {shape:?} is empty along the axes {axes:?}; \
         leave out empty batches"
    );
    out
}

/// # Panics
/// When `from` cannot be repeated to `to`.
#[track_caller]
pub(crate) fn assert_expands(from: &[usize], to: &[usize]) {
    assert_possible("expand", to);
    let fits = broadcast(from, to).is_some_and(|common| common == to);
    assert!(
        fits,
        "expand: {from:?} to {to:?}: only dimensions of size 1 are repeated, and new ones come \
         first; give it the dimensions it lacks by `reshape`"
    );
}

/// The shape of `inputs`, one at least, joined along `axis`.
///
/// # Panics
/// When there is no such axis, or another dimension differs.
#[track_caller]
pub(crate) fn joined(inputs: &[&[usize]], axis: usize) -> Vec<usize> {
    let first = inputs[0];
    assert_axis("concat", first, axis);
    let mut shape = first.to_vec();
    let mut size: usize = 0;
    for &x in inputs {
        let others = |shape: &[usize]| [&shape[..axis], &shape[axis + 1..]].concat();
        assert!(
            x.len() == first.len() && others(x) == others(first),
            "concat: {x:?} does not continue {first:?} along axis {axis}: their other dimensions \
             must agree; give them one shape by `reshape`, `expand` or `slice`"
        );
        size = size.saturating_add(x[axis]);
    }
    shape[axis] = size;
    assert_possible("concat", &shape);
    shape
}

/// The shape of rows of `x`, one for each of `index`.
///
/// # Panics
/// When there are no rows, or the index has another rank than 1.
#[track_caller]
pub(crate) fn gathered(x: &[usize], index: &[usize]) -> Vec<usize> {
    let ([_, row @ ..], &[n]) = (x, index) else {
        panic!(
            "gather: {x:?} by an index {index:?}; expected rows [R, …] and an index [n]: `reshape` \
             gives either the dimensions it lacks"
        )
    };
    let shape = [&[n], row].concat();
    assert_possible("gather", &shape);
    shape
}

/// The axes along which `from` (size 1) was repeated to make `to`.
pub(crate) fn expanded_axes(from: &[usize], to: &[usize]) -> Vec<usize> {
    (0..from.len()).filter(|&i| from[i] != to[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_can_be_expanded_to() {
        assert_eq!(broadcast(&[2, 1], &[2, 3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[3], &[2, 1]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[], &[4]), Some(vec![4]));
        assert_eq!(broadcast(&[0], &[1]), Some(vec![0]));
        assert_eq!(broadcast(&[2], &[3]), None);
        assert_eq!(broadcast(&[2, 1], &[2]), Some(vec![2, 2]));
    }
}

//! Moving elements without changing them: from any strides to any strides
//! (`out[i, j, …] = x[i, j, …]`), whole rows picked by index, the adjoint of
//! that, rows added up by index, and images picked out of bytes ([`pick`]).
//!
//! The strided copy is what changes NCHW into channels-last and back, pads and
//! concatenates. Where the two sides disagree about which dimension is
//! contiguous it goes tile by tile, so that every cache line is used while it is
//! near.

mod cpu;
mod cuda;
mod images;
pub(crate) mod places;
mod reference;
#[cfg(test)]
mod tests;
mod transpose;

pub use images::{Images, Taps};

use crate::walk::{Walk, assert_fits, assert_operands};
use crate::{Buffer, DType, Device, Layout, MAX_RANK, Variant, View, dispatch};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// Writes `x` into the places of `out` that `out_layout` names, and nowhere else.
///
/// # Panics
/// When shapes, types or devices differ, when a layout reaches past its buffer,
/// or when two elements of `out_layout` share a place.
#[track_caller]
pub fn copy(x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    copy_with(Variant::Fast, x, out, out_layout);
}

/// Rows of `x` `[R, …]` picked by `index` `[I]`: `out[i] = x[index[i]]`, `out` being
/// row-major `[I, …]`.
///
/// Indices are integers stored as floats.
///
/// # Panics
/// When an index is not an integer in `0..R` (on a GPU, where looking would be waiting, the
/// row of such an index is NaN), when types differ, or when `out`
/// has not as many elements as the rows.
#[track_caller]
pub fn gather(x: View<'_>, index: &Buffer, out: &mut Buffer) {
    gather_with(Variant::Fast, x, index, out);
}

/// The adjoint of [`gather`]: row-major `out` `[rows, …]` is zero except that row
/// `i` of `x` `[I, …]` is added to row `index[i]`. Rows that share an index are
/// added in order.
///
/// # Panics
/// As [`gather`]; on a GPU an index that is not an integer in `0..rows` makes all of `out` NaN.
#[track_caller]
pub fn scatter_add(x: View<'_>, index: &Buffer, out: &mut Buffer, rows: usize) {
    scatter_add_with(Variant::Fast, x, index, out, rows);
}

/// Images `index` `[n]` of a set of bytes `[len, C, h, w]` as `f32` in `[-1, 1]`, with the taps of
/// rows and columns: `out` is a channels-last `[n, C, H, W]`.
///
/// Indices are integers stored as floats.
///
/// # Panics
/// When an index is not an integer in `0..len` (on a GPU, where looking would be waiting, its image
/// is NaN), when types or devices differ or are not `f32`, or sizes do not fit.
#[track_caller]
pub fn pick(images: &Images<'_>, index: &Buffer, taps: [&Taps; 2], out: &mut Buffer) {
    pick_with(Variant::Fast, images, index, taps, out);
}

/// [`copy`] by the implementation of one's choice.
///
/// # Panics
/// As [`copy`].
#[track_caller]
pub fn copy_with(variant: Variant, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    assert_eq!(
        x.layout.shape(),
        out_layout.shape(),
        "copy: operand and output shapes"
    );
    assert_same_kind("copy", x.buffer, out);
    assert_fits("copy", x.buffer, &x.layout);
    assert_fits("copy", out, out_layout);
    if out_layout.is_empty() {
        return;
    }
    assert_no_overlap(out_layout);
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let walk = Walk::new([out_layout, &x.layout]);
            cpu::copy(x.buffer.as_slice(), &walk, out.as_mut_slice());
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::copy::<T>(x, out, out_layout));
        }
        (Device::Cuda(device), ..) => cuda::copy(device, x, out, out_layout),
    }
}

/// [`gather`] by the implementation of one's choice.
///
/// # Panics
/// As [`gather`].
#[track_caller]
pub fn gather_with(variant: Variant, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    let rows = Rows::of("gather", x, x.layout.shape().first().copied(), index, out);
    assert_eq!(
        out.len(),
        index.len() * rows.len,
        "gather: elements of the output, for {} rows of {:?}",
        index.len(),
        x.layout
    );
    if out.is_empty() {
        return;
    }
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::gather(&rows, x.buffer.as_slice(), index.as_slice(), out);
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::gather::<T>(&rows, x, index, out));
        }
        (Device::Cuda(device), ..) => cuda::gather(device, &rows, x, index, out),
    }
}

/// [`scatter_add`] by the implementation of one's choice.
///
/// # Panics
/// As [`scatter_add`].
#[track_caller]
pub fn scatter_add_with(
    variant: Variant,
    x: View<'_>,
    index: &Buffer,
    out: &mut Buffer,
    rows: usize,
) {
    let row = Rows::of("scatter_add", x, Some(rows), index, out);
    assert_eq!(
        x.layout.shape()[0],
        index.len(),
        "scatter_add: rows of {:?} and number of indices",
        x.layout
    );
    assert_eq!(
        out.len(),
        rows * row.len,
        "scatter_add: elements of the output, for {rows} rows like those of {:?}",
        x.layout
    );
    if out.is_empty() {
        return;
    }
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::scatter_add(&row, x.buffer.as_slice(), index.as_slice(), out);
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::scatter_add::<T>(&row, x, index, out));
        }
        (Device::Cuda(device), ..) => cuda::scatter_add(device, &row, x, index, out),
    }
}

/// [`pick`] by the implementation of one's choice.
///
/// # Panics
/// As [`pick`].
#[track_caller]
pub fn pick_with(
    variant: Variant,
    images: &Images<'_>,
    index: &Buffer,
    taps: [&Taps; 2],
    out: &mut Buffer,
) {
    assert_pick(images, index, taps, out);
    if out.is_empty() {
        return;
    }
    match (out.device(), variant) {
        (Device::Cpu, Variant::Reference) => reference::pick(images, index, taps, out),
        (Device::Cpu, _) => cpu::pick(images, index.as_slice(), taps, out),
        (Device::Cuda(device), _) => cuda::pick(device, images, index, taps, out),
    }
}

/// A row of `x` `[R, …]`: the geometry of [`gather`] and [`scatter_add`].
struct Rows {
    /// Row 0 in the buffer of `x`, of shape `[1, …]`.
    layout: Layout,
    /// From one row of `x` to the next.
    stride: usize,
    /// Elements of a row.
    len: usize,
}

impl Rows {
    /// # Panics
    /// When `x` has no rows to speak of, when types differ, or when an index is
    /// not an integer below `bound`.
    #[track_caller]
    fn of(op: &str, x: View<'_>, bound: Option<usize>, index: &Buffer, out: &Buffer) -> Self {
        let Some(bound) = bound.filter(|_| x.layout.rank() > 0) else {
            panic!("{op}: an operand of rank 0 has no rows");
        };
        let whole = Layout::contiguous(&[out.len()]);
        assert_operands(op, &[x], out, &whole);
        assert_same_kind(op, index, out);
        assert_rows(op, index, bound);
        let mut shape = [1; MAX_RANK];
        let rank = x.layout.rank();
        shape[1..rank].copy_from_slice(&x.layout.shape()[1..]);
        Self {
            layout: Layout::strided(&shape[..rank], x.layout.strides(), x.layout.offset()),
            stride: x.layout.strides()[0],
            len: shape[..rank].iter().product(),
        }
    }
}

#[track_caller]
fn assert_pick(images: &Images<'_>, index: &Buffer, taps: [&Taps; 2], out: &Buffer) {
    let [len, channels, height, width] = images.shape;
    let [rows, columns] = taps;
    for buffer in [images.words, index, rows.values(), columns.values()] {
        assert_eq!(buffer.dtype(), DType::F32, "pick: operand type");
        assert_eq!(buffer.device(), out.device(), "pick: devices");
    }
    assert_eq!(out.dtype(), DType::F32, "pick: output type");
    assert!(
        len * images.image_len() <= 4 * images.words.len(),
        "pick: {:?} bytes in {} words",
        images.shape,
        images.words.len()
    );
    assert_eq!(
        [rows.from(), columns.from()],
        [height, width],
        "pick: source pixels of the taps and of images {:?}",
        images.shape
    );
    assert_eq!(
        out.len(),
        index.len() * channels * rows.to() * columns.to(),
        "pick: elements of the output, for {} images of {channels} channels, {} by {}",
        index.len(),
        rows.to(),
        columns.to()
    );
    assert_rows("pick", index, len);
}

/// Panics where an index is not an integer in `0..bound`. On a GPU looking would wait for the
/// device; its kernels take care of themselves.
#[track_caller]
fn assert_rows(op: &str, index: &Buffer, bound: usize) {
    if index.device() != Device::Cpu {
        return;
    }
    dispatch!(index.dtype(), T => {
        for (i, v) in index.as_slice::<T>().iter().enumerate() {
            let v = crate::Real::f64(*v);
            assert!(
                v >= 0.0 && v < bound as f64 && v.fract() == 0.0,
                "{op}: index [{i}] is {v}, not an integer in 0..{bound}"
            );
        }
    });
}

#[track_caller]
fn assert_same_kind(op: &str, x: &Buffer, out: &Buffer) {
    assert_eq!(x.dtype(), out.dtype(), "{op}: operand and output types");
    assert_eq!(x.device(), out.device(), "{op}: devices");
}

/// Panics unless every element has a place of its own: sorted by stride, each
/// dimension must step over all that the inner ones reach.
#[track_caller]
fn assert_no_overlap(layout: &Layout) {
    let mut axes = [(0, 1); MAX_RANK];
    for (i, axis) in axes[..layout.rank()].iter_mut().enumerate() {
        *axis = (layout.strides()[i], layout.shape()[i]);
    }
    axes.sort_unstable();
    let mut reach = 0;
    for (stride, size) in axes.into_iter().filter(|(_, size)| *size > 1) {
        assert!(
            stride > reach,
            "copy: elements of the output {layout:?} share places"
        );
        reach += stride * (size - 1);
    }
}

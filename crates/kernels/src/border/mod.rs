//! Pads that repeat what is in the image, mirrored or its outermost pixels, and the adjoint, which
//! folds the border back: what stands for a pixel is added to it.
//!
//! Buffers are dense and channels-last. Pads of zeros are a copy between zeros
//! ([`copy`](crate::copy)).

mod cpu;
mod cuda;
mod geometry;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, DType, Device, Variant, dispatch};
pub use geometry::{Border, Edge};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// The images `y` with their borders, of the images `x`.
///
/// # Panics
/// When a buffer's length is not the geometry's, or types or devices differ.
#[track_caller]
pub fn pad(of: &Border, x: &Buffer, y: &mut Buffer) {
    pad_with(Variant::Fast, of, x, y);
}

/// The adjoint of [`pad`]: images `x`, of which each pixel is the sum of what stands for it in `y`.
///
/// # Panics
/// As [`pad`].
#[track_caller]
pub fn fold(of: &Border, y: &Buffer, x: &mut Buffer) {
    fold_with(Variant::Fast, of, y, x);
}

/// [`pad`] by the implementation of one's choice.
///
/// # Panics
/// As [`pad`].
#[track_caller]
pub fn pad_with(variant: Variant, of: &Border, x: &Buffer, y: &mut Buffer) {
    check("pad", of, x, y);
    if y.is_empty() {
        return;
    }
    match (y.device(), variant, y.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::pad(of, x.as_slice(), y.as_mut_slice()),
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            reference::pad::<T>(of, x.as_slice(), y.as_mut_slice());
        }),
        (Device::Cuda(device), ..) => cuda::pad(device, of, x, y),
    }
}

/// [`fold`] by the implementation of one's choice.
///
/// # Panics
/// As [`pad`].
#[track_caller]
pub fn fold_with(variant: Variant, of: &Border, y: &Buffer, x: &mut Buffer) {
    check("fold", of, x, y);
    if x.is_empty() {
        return;
    }
    match (x.device(), variant, x.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::fold(of, y.as_slice(), x.as_mut_slice()),
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            reference::fold::<T>(of, y.as_slice(), x.as_mut_slice());
        }),
        (Device::Cuda(device), ..) => cuda::fold(device, of, y, x),
    }
}

#[track_caller]
fn check(op: &str, of: &Border, x: &Buffer, y: &Buffer) {
    for (buffer, shape) in [(x, of.in_shape()), (y, of.out_shape())] {
        assert_eq!(
            buffer.len(),
            shape.iter().product::<usize>(),
            "{op}: elements of images {shape:?}"
        );
    }
    assert_eq!(x.dtype(), y.dtype(), "{op}: operand and output types");
    assert_eq!(x.device(), y.device(), "{op}: devices");
}

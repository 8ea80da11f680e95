//! Resampling: a separable filter with up to eight taps, the same for every channel, between zeros
//! put among the pixels and pixels left out. Enlarging (nearest, bilinear, with a filter), blurring
//! and average pooling are this.
//!
//! It is linear, and its adjoint is of the same kind: what was put in is left out, the taps are
//! read backwards, and the padding is what makes both sizes fit ([`Resample::adjoint`]).
//!
//! Buffers are dense and channels-last.

mod cpu;
mod cuda;
mod geometry;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, DType, Device, Variant, dispatch};
pub use geometry::{Fir, MOST_TAPS, Resample};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// The resampled images `y` of the images `x`.
///
/// # Panics
/// When a buffer's length is not the geometry's, or types or devices differ.
#[track_caller]
pub fn resample(of: &Resample, x: &Buffer, y: &mut Buffer) {
    resample_with(Variant::Fast, of, x, y);
}

/// [`resample`] by the implementation of one's choice.
///
/// # Panics
/// As [`resample`].
#[track_caller]
pub fn resample_with(variant: Variant, of: &Resample, x: &Buffer, y: &mut Buffer) {
    for (buffer, shape) in [(x, of.in_shape()), (&*y, of.out_shape())] {
        assert_eq!(
            buffer.len(),
            shape.iter().product::<usize>(),
            "resample: elements of images {shape:?}"
        );
    }
    assert_eq!(x.dtype(), y.dtype(), "resample: operand and output types");
    assert_eq!(x.device(), y.device(), "resample: devices");
    if y.is_empty() {
        return;
    }
    match (y.device(), variant, y.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::resample(of, x.as_slice(), y.as_mut_slice());
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            reference::resample::<T>(of, x.as_slice(), y.as_mut_slice());
        }),
        (Device::Cuda(device), ..) => cuda::resample(device, of, x, y),
    }
}

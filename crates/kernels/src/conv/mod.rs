//! Convolutions: three operations over one geometry.
//!
//! With `s` the stride, `p` the padding, `c` channels of the big image `x` and
//! `o` channels of the small image `y`,
//!
//! ```text
//! fprop:  y[n, o, i] = sum over c, k of w[o, c, k] * x[n, c, s * i + k - p]
//! ```
//!
//! (one spatial dimension shown) and `dgrad` and `wgrad` are its gradients in `x`
//! and `w`. `ConvTranspose2d` is `dgrad`. Each of the three is linear in either
//! argument and its derivatives are the other two, so the set is closed under
//! differentiation.
//!
//! Buffers are dense and channels-last: `x` `[N, H, W, C]`, `y` `[N, h, w, O]`, `w`
//! `[O, kh, kw, C]`.

mod cpu;
mod geometry;
mod narrow;
mod patches;
mod reference;
#[cfg(test)]
mod tests;
mod winograd;

use crate::{Buffer, DType, Device, Real, Variant};
pub use geometry::Conv;

/// What runs on the CPU: [`Variant::Reference`], then [`Variant::Fast`].
pub const VARIANTS: &[&str] = &["reference", "im2col+matrixmultiply"];

/// Runs one of the three on the output's device.
macro_rules! run {
    ($variant:expr, $name:ident, $conv:expr, $a:expr, $b:expr, $out:expr) => {{
        let dtype = $out.dtype();
        match ($out.device(), dtype, $variant) {
            _ if $conv.is_empty() => {
                crate::dispatch!(dtype, T => $out.as_mut_slice::<T>().fill(T::ZERO));
            }
            (Device::Cpu, DType::F32, Variant::Fast) => {
                cpu::$name($conv, $a.as_slice(), $b.as_slice(), $out.as_mut_slice());
            }
            (Device::Cpu, dtype, _) => crate::dispatch!(dtype, T => {
                reference::$name::<T>($conv, $a.as_slice(), $b.as_slice(), $out.as_mut_slice());
            }),
        }
    }};
}
/// The small image `y` from the big image `x` and the weight: `Conv2d` forward.
///
/// # Panics
/// When a buffer's length is not the geometry's, or types or devices differ.
#[track_caller]
pub fn fprop(conv: &Conv, x: &Buffer, w: &Buffer, y: &mut Buffer) {
    fprop_with(Variant::Fast, conv, x, w, y);
}

/// The big image `x` from the small image `y` and the weight: the gradient of
/// [`fprop`] in `x`, and `ConvTranspose2d` forward.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn dgrad(conv: &Conv, y: &Buffer, w: &Buffer, x: &mut Buffer) {
    dgrad_with(Variant::Fast, conv, y, w, x);
}

/// The weight from the images: the gradient of [`fprop`] in `w` for the gradient
/// `y`.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn wgrad(conv: &Conv, x: &Buffer, y: &Buffer, w: &mut Buffer) {
    wgrad_with(Variant::Fast, conv, x, y, w);
}

/// [`fprop`] by the implementation named.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn fprop_with(variant: Variant, conv: &Conv, x: &Buffer, w: &Buffer, y: &mut Buffer) {
    check("fprop", conv, [x, y, w]);
    run!(variant, fprop, conv, x, w, y);
}

/// [`dgrad`] by the implementation named.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn dgrad_with(variant: Variant, conv: &Conv, y: &Buffer, w: &Buffer, x: &mut Buffer) {
    check("dgrad", conv, [x, y, w]);
    run!(variant, dgrad, conv, y, w, x);
}

/// [`wgrad`] by the implementation named.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn wgrad_with(variant: Variant, conv: &Conv, x: &Buffer, y: &Buffer, w: &mut Buffer) {
    check("wgrad", conv, [x, y, w]);
    run!(variant, wgrad, conv, x, y, w);
}

#[track_caller]
fn check(name: &str, conv: &Conv, [x, y, w]: [&Buffer; 3]) {
    let operands = [
        ("big image", x, conv.big_shape()),
        ("small image", y, conv.small_shape()),
        ("weight", w, conv.weight_shape()),
    ];
    for (what, buffer, shape) in operands {
        assert_eq!(
            buffer.len(),
            shape.iter().product::<usize>(),
            "{name}: the {what} is {shape:?}, the buffer has another number of elements"
        );
        assert_eq!(
            (buffer.dtype(), buffer.device()),
            (w.dtype(), w.device()),
            "{name}: type and device of {what} and weight"
        );
    }
}

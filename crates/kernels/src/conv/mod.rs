//! Convolutions: three operations over one geometry.
//!
//! With `s` the stride, `p` the padding, `c` channels of the big image `x` and
//! `o` channels of the small image `y`,
//!
//! ```text
//! fprop:  y[n, o, i] = sum over c, k of w[o, c, k] * x[n, c, s * i + k - p]
//! ```
//!
//! (one spatial dimension shown; with a dilation `d` it is `d * k`) and `dgrad` and `wgrad` are its gradients in `x`
//! and `w`. `ConvTranspose2d` is `dgrad`. Each of the three is linear in either
//! argument and its derivatives are the other two, so the set is closed under
//! differentiation.
//!
//! Buffers are dense and channels-last: `x` `[N, H, W, C]`, `y` `[N, h, w, O]`, `w`
//! `[O, kh, kw, C]`.

mod cpu;
mod cuda;
mod geometry;
mod im2col;
mod narrow;
mod patches;
mod reference;
pub(crate) mod scratch;
#[cfg(test)]
mod tests;
mod winograd;

pub use crate::gemm::Epilogue;
use crate::gemm::TypedEpilogue;
use crate::{Buffer, DType, Device, Real, Variant};
pub use cpu::Form;
pub use geometry::Conv;

/// What runs on the CPU: [`Variant::Reference`], [`Variant::Peer`], [`Variant::Fast`].
pub const VARIANTS: &[&str] = &[
    "reference",
    "im2col",
    "direct, Winograd or im2col by geometry",
];

/// The small image `y` from the big image `x` and the weight: `Conv2d` forward.
///
/// # Panics
/// When a buffer's length is not the geometry's, or types or devices differ.
#[track_caller]
pub fn fprop(conv: &Conv, x: &Buffer, w: &Buffer, y: &mut Buffer) {
    fprop_with(Variant::Fast, conv, [x, w], &Epilogue::NONE, y);
}

/// The big image `x` from the small image `y` and the weight: the gradient of
/// [`fprop`] in `x`, and `ConvTranspose2d` forward.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn dgrad(conv: &Conv, y: &Buffer, w: &Buffer, x: &mut Buffer) {
    dgrad_with(Variant::Fast, conv, [y, w], &Epilogue::NONE, x);
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

/// [`fprop`] of `[x, w]` by the implementation named, and what follows it:
/// `y = act(sum + bias)`.
///
/// # Panics
/// As [`fprop`], and when the bias has not one value for each small channel.
#[track_caller]
pub fn fprop_with(
    variant: Variant,
    conv: &Conv,
    [x, w]: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    y: &mut Buffer,
) {
    check("fprop", conv, [x, y, w]);
    check_bias("fprop", epilogue, conv.small_channels);
    let dtype = y.dtype();
    match (y.device(), dtype, variant) {
        (Device::Cpu, DType::F32, Variant::Fast | Variant::Peer) if !conv.is_empty() => {
            let form = form(variant, conv);
            cpu::fprop(
                form,
                conv,
                x.as_slice(),
                w.as_slice(),
                epilogue,
                y.as_mut_slice(),
            );
        }
        (Device::Cpu, ..) => crate::dispatch!(dtype, T => {
            let y = y.as_mut_slice::<T>();
            match conv.is_empty() {
                true => y.fill(T::ZERO),
                false => reference::fprop(conv, x.as_slice(), w.as_slice(), y),
            }
            finish(epilogue, conv.small_channels, y);
        }),
        (Device::Cuda(device), ..) => cuda::fprop(device, conv, [x, w], epilogue, y),
    }
}

/// [`dgrad`] of `[y, w]` by the implementation named, and what follows it:
/// `x = act(sum + bias)`.
///
/// # Panics
/// As [`fprop`], and when the bias has not one value for each big channel.
#[track_caller]
pub fn dgrad_with(
    variant: Variant,
    conv: &Conv,
    [y, w]: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    x: &mut Buffer,
) {
    check("dgrad", conv, [x, y, w]);
    check_bias("dgrad", epilogue, conv.big_channels);
    let dtype = x.dtype();
    match (x.device(), dtype, variant) {
        (Device::Cpu, DType::F32, Variant::Fast | Variant::Peer) if !conv.is_empty() => {
            let form = form(variant, conv);
            cpu::dgrad(
                form,
                conv,
                y.as_slice(),
                w.as_slice(),
                epilogue,
                x.as_mut_slice(),
            );
        }
        (Device::Cpu, ..) => crate::dispatch!(dtype, T => {
            let x = x.as_mut_slice::<T>();
            match conv.is_empty() {
                true => x.fill(T::ZERO),
                false => reference::dgrad(conv, y.as_slice(), w.as_slice(), x),
            }
            finish(epilogue, conv.big_channels, x);
        }),
        (Device::Cuda(device), ..) => cuda::dgrad(device, conv, [y, w], epilogue, x),
    }
}

/// [`wgrad`] by the implementation named.
///
/// # Panics
/// As [`fprop`].
#[track_caller]
pub fn wgrad_with(variant: Variant, conv: &Conv, x: &Buffer, y: &Buffer, w: &mut Buffer) {
    check("wgrad", conv, [x, y, w]);
    let dtype = w.dtype();
    match (w.device(), dtype, variant) {
        (Device::Cpu, DType::F32, Variant::Fast | Variant::Peer) if !conv.is_empty() => {
            let form = form(variant, conv);
            cpu::wgrad(form, conv, x.as_slice(), y.as_slice(), w.as_mut_slice());
        }
        (Device::Cpu, ..) => crate::dispatch!(dtype, T => {
            let w = w.as_mut_slice::<T>();
            match conv.is_empty() {
                true => w.fill(T::ZERO),
                false => reference::wgrad(conv, x.as_slice(), y.as_slice(), w),
            }
        }),
        (Device::Cuda(device), ..) => cuda::wgrad(device, conv, [x, y], w),
    }
}

/// The form that a fast variant takes.
fn form(variant: Variant, conv: &Conv) -> Form {
    match variant {
        Variant::Peer => Form::Im2col,
        _ => conv.form(),
    }
}

/// What follows the sum, as a plain loop.
fn finish<T: Real>(epilogue: &Epilogue<'_>, channels: usize, out: &mut [T]) {
    let act = TypedEpilogue::<T>::new(epilogue);
    for pixel in out.chunks_exact_mut(channels.max(1)) {
        act.finish(pixel, 0);
    }
}

#[track_caller]
fn check_bias(name: &str, epilogue: &Epilogue<'_>, channels: usize) {
    if let Some(bias) = epilogue.bias {
        assert_eq!(bias.len(), channels, "{name}: a bias for each channel");
    }
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

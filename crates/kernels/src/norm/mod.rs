//! Batch normalisation (Ioffe and Szegedy, 2015): every channel shifted and
//! scaled to mean 0 and variance 1 over the batch, then by what was learned, and
//! then an activation: `y = act(z)` with `z = γ·x̂ + β` and
//! `x̂ = (x − mean) / √(var + ε)`.
//!
//! Operands are dense `[rows, channels]`: a channels-last image is that with the
//! pixels of the batch as rows, and a batch of vectors is that already.
//!
//! The backward pass is the one through the batch's own statistics: with
//! `dz = act′(z)·dy` and sums over the n rows,
//! `dβ = Σ dz`, `dγ = Σ dz·x̂`, `dx = γ/√(var + ε) · (dz − dβ/n − x̂·dγ/n)`.
//!
//! All of it is bound by memory, so it is two passes forward and two backward, and
//! neither z nor dz is ever stored.

mod cpu;
mod cuda;
mod reference;
#[cfg(test)]
mod tests;
mod tiles;

use crate::{Act, Buffer, DType, Device, Variant, dispatch};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// The geometry of a batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// What statistics are taken over: images times pixels, or the batch.
    pub rows: usize,
    /// Neighbours in memory.
    pub channels: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Of what is normalised.
    pub act: Act,
}

/// Mean and biased variance of each channel of `x` `[rows, channels]` into `out`
/// `[2, channels]`.
///
/// # Panics
/// When a buffer has not as many elements as its shape here, when types or devices
/// differ, or when there are no rows or
/// no channels.
#[track_caller]
pub fn stats(norm: &Norm, x: &Buffer, out: &mut Buffer) {
    stats_with(Variant::Fast, norm, x, out);
}

/// `y = act(γ·(x − mean)/√(var + ε) + β)`; `stats` as [`stats`] leaves them, or any
/// other mean and variance `[2, channels]`; `affine` is γ and β, `[channels]` each.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn forward(norm: &Norm, x: &Buffer, stats: &Buffer, affine: [&Buffer; 2], y: &mut Buffer) {
    forward_with(Variant::Fast, norm, x, stats, affine, y);
}

/// `dγ = Σ dz·x̂` and `dβ = Σ dz` into `out` `[2, channels]`, with `images` x and dy, and
/// `affine` γ and β.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_affine(
    norm: &Norm,
    images: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    grad_affine_with(Variant::Fast, norm, images, stats, affine, out);
}

/// Gradient of the input through the batch's statistics,
/// `dx = γ/√(var + ε) · (dz − dβ/n − x̂·dγ/n)`, with the `sums` that [`grad_affine`]
/// leaves. With sums of 0 it is the gradient where the statistics are constants.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_input(
    norm: &Norm,
    images: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    sums: &Buffer,
    dx: &mut Buffer,
) {
    grad_input_with(Variant::Fast, norm, images, stats, affine, sums, dx);
}

/// Takes the `stats` of a batch into running ones:
/// `running ← (1 − momentum)·running + momentum·batch`, with the unbiased variance.
///
/// # Panics
/// As [`stats`], and when there is one row only, which has no unbiased variance.
#[track_caller]
pub fn track(norm: &Norm, stats: &Buffer, momentum: f64, mean: &mut Buffer, var: &mut Buffer) {
    norm.check("norm::track", &[], &[mean, var], &[stats], stats);
    assert!(
        norm.rows > 1,
        "norm::track: the unbiased variance of one row"
    );
    let unbiased = norm.rows as f64 / (norm.rows - 1) as f64;
    match stats.device() {
        // As many numbers as there are channels: the plain loop will do.
        Device::Cpu => dispatch!(stats.dtype(), T => {
            let (batch_mean, batch_var) = stats.as_slice::<T>().split_at(norm.channels);
            reference::mix(momentum, 1.0, batch_mean, mean.as_mut_slice::<T>());
            reference::mix(momentum, unbiased, batch_var, var.as_mut_slice::<T>());
        }),
        Device::Cuda(device) => cuda::track(device, norm, stats, momentum, [mean, var]),
    }
}

/// [`stats`] by the implementation of one's choice.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn stats_with(variant: Variant, norm: &Norm, x: &Buffer, out: &mut Buffer) {
    norm.check("norm::stats", &[x], &[], &[out], out);
    match (x.device(), variant, x.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::stats(norm, x, out),
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => reference::stats::<T>(norm, x, out)),
        (Device::Cuda(device), ..) => cuda::stats(device, norm, x, out),
    }
}

/// [`forward`] by the implementation of one's choice; `affine` is γ and β.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn forward_with(
    variant: Variant,
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    affine: [&Buffer; 2],
    y: &mut Buffer,
) {
    norm.check("norm::forward", &[x, y], &affine, &[stats], y);
    match (x.device(), variant, x.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::forward(norm, x, stats, affine, y),
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::forward::<T>(norm, x, stats, affine, y));
        }
        (Device::Cuda(device), ..) => cuda::forward(device, norm, x, stats, affine, y),
    }
}

/// [`grad_affine`] by the implementation of one's choice.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_affine_with(
    variant: Variant,
    norm: &Norm,
    images: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    norm.check("norm::grad_affine", &images, &affine, &[stats, out], out);
    match (out.device(), variant, out.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::grad_affine(norm, images, stats, affine, out);
        }
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::grad_affine::<T>(norm, images, stats, affine, out));
        }
        (Device::Cuda(device), ..) => cuda::grad_affine(device, norm, images, stats, affine, out),
    }
}

/// [`grad_input`] by the implementation of one's choice.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_input_with(
    variant: Variant,
    norm: &Norm,
    images: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    sums: &Buffer,
    dx: &mut Buffer,
) {
    let [x, dy] = images;
    let pairs = [stats, sums];
    norm.check("norm::grad_input", &[x, dy, dx], &affine, &pairs, dx);
    match (dx.device(), variant, dx.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::grad_input(norm, images, stats, affine, sums, dx);
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            reference::grad_input::<T>(norm, images, stats, affine, sums, dx);
        }),
        (Device::Cuda(device), ..) => {
            cuda::grad_input(device, norm, images, stats, affine, sums, dx);
        }
    }
}

impl Norm {
    /// Panics unless `images` are `[rows, channels]`, `vectors` `[channels]` and
    /// `pairs` `[2, channels]`, all of the kind of `like`.
    #[track_caller]
    fn check(
        &self,
        op: &str,
        images: &[&Buffer],
        vectors: &[&Buffer],
        pairs: &[&Buffer],
        like: &Buffer,
    ) {
        let Self { rows, channels, .. } = *self;
        assert!(
            rows > 0 && channels > 0,
            "{op}: no statistics of {rows} rows of {channels} channels"
        );
        let groups = [
            (images, [rows, channels]),
            (vectors, [1, channels]),
            (pairs, [2, channels]),
        ];
        for (buffers, shape) in groups {
            for buffer in buffers {
                assert_eq!(
                    buffer.len(),
                    shape[0] * shape[1],
                    "{op}: elements of an operand of shape {shape:?}"
                );
                assert_eq!(buffer.dtype(), like.dtype(), "{op}: operand types");
                assert_eq!(buffer.device(), like.device(), "{op}: devices");
            }
        }
    }
}

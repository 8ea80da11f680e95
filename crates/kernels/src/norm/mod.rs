//! Batch normalisation (Ioffe and Szegedy, 2015): every channel shifted and
//! scaled to mean 0 and variance 1 over the batch, then by what was learned:
//! `y = γ·x̂ + β` with `x̂ = (x − mean) / √(var + ε)`.
//!
//! Operands are dense `[rows, channels]`: a channels-last image is that with the
//! pixels of the batch as rows, and a batch of vectors is that already.
//!
//! The backward pass is the one through the batch's own statistics: with sums over
//! the n rows,
//! `dβ = Σ dy`, `dγ = Σ dy·x̂`, `dx = γ/√(var + ε) · (dy − dβ/n − x̂·dγ/n)`.

mod cpu;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, DType, Device, Variant, dispatch};

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

/// `y = γ·(x − mean)/√(var + ε) + β`; `stats` as [`stats`] leaves them, or any
/// other mean and variance `[2, channels]`; `gamma` and `beta` `[channels]`.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn forward(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    gamma: &Buffer,
    beta: &Buffer,
    y: &mut Buffer,
) {
    forward_with(Variant::Fast, norm, x, stats, [gamma, beta], y);
}

/// `dγ = Σ dy·x̂` and `dβ = Σ dy` into `out` `[2, channels]`.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_affine(norm: &Norm, x: &Buffer, stats: &Buffer, dy: &Buffer, out: &mut Buffer) {
    grad_affine_with(Variant::Fast, norm, x, stats, dy, out);
}

/// Gradient of the input through the batch's statistics,
/// `dx = γ/√(var + ε) · (dy − dβ/n − x̂·dγ/n)`.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_input(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    gamma: &Buffer,
    dy: &Buffer,
    dx: &mut Buffer,
) {
    let mut sums = Buffer::scratch(x.device(), x.dtype(), 2 * norm.channels);
    grad_affine(norm, x, stats, dy, &mut sums);
    grad_input_given(norm, x, stats, gamma, &sums, dy, dx);
}

/// [`grad_input`] for who has the `sums` that [`grad_affine`] leaves: one pass over
/// memory instead of two.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_input_given(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    gamma: &Buffer,
    sums: &Buffer,
    dy: &Buffer,
    dx: &mut Buffer,
) {
    grad_input_with(Variant::Fast, norm, [x, dy], stats, gamma, sums, dx);
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
    x: &Buffer,
    stats: &Buffer,
    dy: &Buffer,
    out: &mut Buffer,
) {
    norm.check("norm::grad_affine", &[x, dy], &[], &[stats, out], out);
    match (x.device(), variant, x.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => cpu::grad_affine(norm, x, stats, dy, out),
        (Device::Cpu, _, dtype) => {
            dispatch!(dtype, T => reference::grad_affine::<T>(norm, x, stats, dy, out));
        }
    }
}

/// [`grad_input_given`] by the implementation of one's choice; `inputs` is x and dy.
///
/// # Panics
/// As [`stats`].
#[track_caller]
pub fn grad_input_with(
    variant: Variant,
    norm: &Norm,
    inputs: [&Buffer; 2],
    stats: &Buffer,
    gamma: &Buffer,
    sums: &Buffer,
    dx: &mut Buffer,
) {
    let [x, dy] = inputs;
    norm.check(
        "norm::grad_input",
        &[x, dy, dx],
        &[gamma],
        &[stats, sums],
        dx,
    );
    match (x.device(), variant, x.dtype()) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::grad_input(norm, inputs, stats, gamma, sums, dx);
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            reference::grad_input::<T>(norm, inputs, stats, gamma, sums, dx);
        }),
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

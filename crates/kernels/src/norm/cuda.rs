//! The GPU's side: launches.
#![allow(unused_variables)]

use super::Norm;
use crate::Buffer;
use crate::device::Cuda;

pub(super) fn stats(cuda: Cuda, norm: &Norm, x: &Buffer, out: &mut Buffer) {
    todo!()
}

pub(super) fn forward(
    cuda: Cuda,
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    affine: [&Buffer; 2],
    y: &mut Buffer,
) {
    todo!()
}

pub(super) fn grad_affine(
    cuda: Cuda,
    norm: &Norm,
    images: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    todo!()
}

pub(super) fn grad_input(
    cuda: Cuda,
    norm: &Norm,
    images: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    sums: &Buffer,
    dx: &mut Buffer,
) {
    todo!()
}

pub(super) fn track(
    cuda: Cuda,
    norm: &Norm,
    stats: &Buffer,
    momentum: f64,
    running: [&mut Buffer; 2],
) {
    todo!()
}

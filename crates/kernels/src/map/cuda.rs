//! The GPU's side: launches.
#![allow(unused_variables)]

use super::{Binary, Unary};
use crate::device::Cuda;
use crate::{Buffer, Layout, View};

pub(super) fn unary(cuda: Cuda, op: Unary, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    todo!()
}

pub(super) fn binary(
    cuda: Cuda,
    op: Binary,
    operands: [View<'_>; 2],
    out: &mut Buffer,
    out_layout: &Layout,
) {
    todo!()
}

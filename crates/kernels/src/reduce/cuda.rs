//! The GPU's side: launches.
#![allow(unused_variables)]

use super::Reduction;
use crate::device::Cuda;
use crate::{Buffer, Layout, View};

pub(super) fn reduce(
    cuda: Cuda,
    op: Reduction,
    x: View<'_>,
    out: &mut Buffer,
    out_layout: &Layout,
) {
    todo!()
}

//! The GPU's side: launches.
#![allow(unused_variables)]

use super::Rows;
use crate::device::Cuda;
use crate::{Buffer, Layout, View};

pub(super) fn copy(cuda: Cuda, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    todo!()
}

pub(super) fn gather(cuda: Cuda, rows: &Rows, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    todo!()
}

pub(super) fn scatter_add(cuda: Cuda, rows: &Rows, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    todo!()
}

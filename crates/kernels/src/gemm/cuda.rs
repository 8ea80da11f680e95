//! The GPU's side: launches.
#![allow(unused_variables)]

use super::Epilogue;
use crate::device::Cuda;
use crate::{Buffer, View};

pub(super) fn gemm(cuda: Cuda, operands: [View<'_>; 2], epilogue: &Epilogue<'_>, out: &mut Buffer) {
    todo!()
}

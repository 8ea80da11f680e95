//! The GPU's side: launches.
#![allow(unused_variables)]

use super::{Conv, Epilogue};
use crate::Buffer;
use crate::device::Cuda;

pub(super) fn fprop(
    cuda: Cuda,
    conv: &Conv,
    operands: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    y: &mut Buffer,
) {
    todo!()
}

pub(super) fn dgrad(
    cuda: Cuda,
    conv: &Conv,
    operands: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    x: &mut Buffer,
) {
    todo!()
}

pub(super) fn wgrad(cuda: Cuda, conv: &Conv, operands: [&Buffer; 2], w: &mut Buffer) {
    todo!()
}

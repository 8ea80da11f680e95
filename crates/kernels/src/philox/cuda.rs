//! The GPU's side: launches.
#![allow(unused_variables)]

use super::{Distribution, Key};
use crate::Buffer;
use crate::device::Cuda;

pub(super) fn fill(cuda: Cuda, distribution: Distribution, key: &Key, out: &mut Buffer) {
    todo!()
}

//! The GPU's side: launches.
#![allow(unused_variables)]

use super::{Adam, Moving};
use crate::device::Cuda;

pub(super) fn adam(cuda: Cuda, adam: &Adam, all: &mut [Moving<'_>]) {
    todo!()
}

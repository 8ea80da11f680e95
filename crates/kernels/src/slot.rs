//! Where kernels read the numbers of the host that change from step to step.

use crate::buffer::Buffer;
use crate::cuda::{Cuda, Ptr};
use crate::device::Device;
use crate::recording::Number;

/// Where a kernel finds a number of the host's.
pub(crate) enum Slot {
    /// In the slots of the step that is being captured.
    Captured(Ptr),
    /// In a buffer of its own.
    Own(Buffer),
}

impl Slot {
    /// A place on the device where `number` is, now and at every replay.
    pub(crate) fn of(cuda: Cuda, number: &impl Number) -> Self {
        match number.recorded() {
            Some(ptr) => Self::Captured(ptr),
            None => Self::Own(Buffer::from_slice(Device::Cuda(cuda), &[number.value()])),
        }
    }

    /// Its address; a kernel reads it as an `f64`.
    pub(crate) fn ptr(&self) -> Ptr {
        match self {
            Self::Captured(ptr) => *ptr,
            Self::Own(buffer) => buffer.ptr(),
        }
    }
}

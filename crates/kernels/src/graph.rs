//! A step captured: the kernels that a piece of host code asked for, kept by the driver to
//! be run again with one call.
//!
//! A captured kernel has the same arguments at every replay: the same addresses, the same
//! numbers. Its buffers are therefore of a [`Home`] of their own, and the numbers that change
//! from step to step, [`Count`](crate::Count)s and [`Scalar`](crate::Scalar)s, are read from a
//! buffer that is written before each replay.

use crate::buffer::Buffer;
use crate::cuda::{Captured, Cuda, Home};
use crate::device::Device;
use crate::real::DType;
use crate::recording::Recording;

/// Numbers of the host that one captured step may read: as many as travel with one launch.
const SLOTS: usize = 128;

/// A step's kernels, and what its host code counted and they read.
pub(crate) struct Graph {
    kernels: Captured,
    counted: Recording,
    /// What the kernels read their numbers from.
    slots: Buffer,
}

impl Graph {
    /// Runs `f`, whose kernels are not run but kept. Its other effects happen.
    pub(crate) fn capture<R>(cuda: Cuda, home: Home, f: impl FnOnce() -> R) -> (Self, R) {
        let gpu = cuda.gpu();
        gpu.at_home(home, || {
            let slots = Buffer::scratch(Device::Cuda(cuda), DType::F64, SLOTS);
            let record = || Recording::of(slots.ptr(), SLOTS, f);
            let (kernels, (counted, out)) = Captured::of(gpu, record);
            let graph = Self {
                kernels,
                counted,
                slots,
            };
            (graph, out)
        })
    }

    /// Runs the kernels, and counts as `f` would have.
    pub(crate) fn replay(&mut self) {
        let mut values = [0.0; SLOTS];
        let used = self.counted.values(&mut values);
        self.slots.write(&values[..used]);
        self.kernels.run();
        self.counted.advance();
    }

    /// Runs the kernels for the step that was captured, which has counted already.
    pub(crate) fn first(&mut self) {
        self.counted.rewind();
        self.replay();
    }
}

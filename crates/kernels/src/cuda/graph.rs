//! A step captured: the kernels that a piece of host code asked for, kept by the driver to
//! be run again with one call.
//!
//! A captured kernel has the same arguments at every replay: the same addresses, the same
//! numbers. Its buffers are therefore of a [`Home`] of their own, and the numbers that change
//! from step to step, [`Count`](crate::Count)s and [`Scalar`](crate::Scalar)s, are read from a
//! buffer that is written before each replay.

use super::driver::Gpu;
use super::memory::{Home, Ptr};
use crate::device::Cuda;
use crate::recording::{Number, Recording};
use crate::{Buffer, DType, Device};
use cudarc::driver::{result, sys};

/// Numbers of the host that one captured step may read: as many as travel with one launch.
const SLOTS: usize = 128;

/// Captured kernels.
pub(crate) struct Graph {
    cuda: Cuda,
    exec: sys::CUgraphExec,
    counted: Recording,
    /// What the kernels read their numbers from.
    slots: Buffer,
}

impl Graph {
    /// Runs `f`, whose kernels are not run but kept. Its other effects happen.
    #[allow(unsafe_code)]
    pub(crate) fn capture<R>(cuda: Cuda, home: Home, f: impl FnOnce() -> R) -> (Self, R) {
        let gpu = cuda.gpu();
        gpu.enter();
        gpu.at_home(home, || {
            let slots = Buffer::scratch(Device::Cuda(cuda), DType::F64, SLOTS);
            // Relaxed: the pool may grow meanwhile, and other threads' calls to the driver are
            // none of this capture's business.
            let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
            // SAFETY: the stream lives as long as the process.
            let begun = unsafe { result::stream::begin_capture(gpu.stream, mode) };
            gpu.must("beginning to capture a step", begun);
            gpu.set_capturing(true);
            let ending = Ending(gpu);
            let (counted, out) = Recording::of(slots.ptr(), SLOTS, f);
            let exec = ending.instantiate();
            let graph = Self {
                cuda,
                exec,
                counted,
                slots,
            };
            (graph, out)
        })
    }

    /// Runs the kernels. `since` counts as `f` would have.
    #[allow(unsafe_code)]
    pub(crate) fn replay(&mut self) {
        let gpu = self.cuda.gpu();
        gpu.enter();
        let mut values = [0.0; SLOTS];
        let used = self.counted.values(&mut values);
        self.slots.write(&values[..used]);
        // SAFETY: the graph was instantiated for this device and is destroyed in `drop`.
        let launched = unsafe { result::graph::launch(self.exec, gpu.stream) };
        gpu.must("running a captured step", launched);
        self.counted.advance();
    }

    /// Runs the kernels for the step that was captured, which has counted already.
    pub(crate) fn first(&mut self) {
        self.counted.rewind();
        self.replay();
    }
}

impl Drop for Graph {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        let gpu = self.cuda.gpu();
        // What it reads and writes may be given away next.
        gpu.synchronize();
        // SAFETY: made by `instantiate`, and not used any more.
        let _ = unsafe { result::graph::exec_destroy(self.exec) };
    }
}

/// Ends the capture, also where the host code panics.
struct Ending<'a>(&'a Gpu);

impl Ending<'_> {
    #[allow(unsafe_code)]
    fn instantiate(self) -> sys::CUgraphExec {
        let gpu = self.0;
        std::mem::forget(self);
        gpu.set_capturing(false);
        // SAFETY: the stream is capturing, and the graph is destroyed once instantiated.
        unsafe {
            let graph = result::stream::end_capture(gpu.stream);
            let graph = gpu.must("capturing a step", graph);
            let exec = result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0));
            let exec = gpu.must("instantiating a captured step", exec);
            gpu.must("after capturing a step", result::graph::destroy(graph));
            exec
        }
    }
}

impl Drop for Ending<'_> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        self.0.set_capturing(false);
        // SAFETY: the stream is capturing; what was captured is not wanted.
        unsafe {
            if let Ok(graph) = result::stream::end_capture(self.0.stream) {
                let _ = result::graph::destroy(graph);
            }
        }
    }
}

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

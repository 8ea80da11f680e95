//! Kernels captured: kept by the driver to be run again with one call.

use super::gpu::Gpu;
use cudarc::driver::{result, sys};

/// Captured kernels of one GPU.
pub(crate) struct Captured {
    gpu: &'static Gpu,
    exec: sys::CUgraphExec,
}

impl Captured {
    /// Runs `f`, whose kernels are not run but kept. Its other effects happen.
    #[allow(unsafe_code)]
    pub(crate) fn of<R>(gpu: &'static Gpu, f: impl FnOnce() -> R) -> (Self, R) {
        let context = &gpu.context;
        context.enter();
        // Relaxed: the pool may grow meanwhile, and other threads' calls to the driver are
        // none of this capture's business.
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        // SAFETY: the stream lives as long as the process.
        let begun = unsafe { result::stream::begin_capture(context.stream, mode) };
        context.must("beginning to capture a step", begun);
        gpu.set_capturing(true);
        let ending = Ending(gpu);
        let out = f();
        let exec = ending.instantiate();
        (Self { gpu, exec }, out)
    }

    /// Runs the kernels.
    #[allow(unsafe_code)]
    pub(crate) fn run(&self) {
        let context = &self.gpu.context;
        context.enter();
        // SAFETY: the graph was instantiated for this device and is destroyed in `drop`.
        let launched = unsafe { result::graph::launch(self.exec, context.stream) };
        context.must("running a captured step", launched);
    }
}

impl Drop for Captured {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // What it reads and writes may be given away next.
        self.gpu.context.synchronize();
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
        let context = &gpu.context;
        // SAFETY: the stream is capturing, and the graph is destroyed once instantiated.
        unsafe {
            let graph = result::stream::end_capture(context.stream);
            let graph = context.must("capturing a step", graph);
            let exec = result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0));
            let exec = context.must("instantiating a captured step", exec);
            context.must("after capturing a step", result::graph::destroy(graph));
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
            if let Ok(graph) = result::stream::end_capture(self.0.context.stream) {
                let _ = result::graph::destroy(graph);
            }
        }
    }
}

//! Memory that a task needs while it runs.

use crate::parallel::task;
use crate::{Buffer, DType, Device};
use std::sync::{Mutex, PoisonError};

/// Scratch for whichever task a thread is at: as many slices as threads, so that
/// the memory in use does not depend on which tasks happen to overlap.
pub(crate) struct PerThread<'a>(Vec<Mutex<&'a mut [f32]>>);

impl PerThread<'_> {
    /// Lends `f` slices of `len` elements.
    pub(crate) fn lend<R>(len: usize, f: impl FnOnce(&PerThread<'_>) -> R) -> R {
        let threads = rayon::current_num_threads();
        let mut scratch = Buffer::scratch(Device::Cpu, DType::F32, threads * len);
        let slices = scratch.as_mut_slice().chunks_exact_mut(len.max(1));
        f(&PerThread(slices.map(Mutex::new).collect()))
    }

    /// Calls `f` with the current thread's slice. No other thread takes it, so
    /// the lock is free; `f` must not start parallel work.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut [f32]) -> R) -> R {
        let thread = rayon::current_thread_index().unwrap_or(0);
        let mut slice = self.0[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        task(|| f(&mut slice))
    }
}

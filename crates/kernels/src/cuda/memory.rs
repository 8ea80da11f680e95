//! A GPU's memory: the same spans that join as on the host, cut from chunks of the
//! driver's.
//!
//! A captured step (`graph.rs`) writes to the same addresses at every replay, so what it
//! takes must not be handed to anybody else in between: it takes from a [`Home`] of its own.

use super::driver::Gpu;
use crate::arena::{Arena, Span, round_up};
use crate::buffer::PoolStats;
use cudarc::driver::{result, sys};
use std::num::NonZero;
use std::ptr::NonNull;

/// What `cuMemAlloc` aligns to.
const ALIGN: usize = 256;
/// Buffers of fewer bytes are small, as on the host.
const LARGE: usize = 64 * 1024;
const SMALL_CHUNK: usize = 2 << 20;
const LARGE_CHUNK: usize = 64 << 20;

/// An address of a GPU's memory, as a kernel's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Ptr(pub(super) u64);

impl Ptr {
    /// Where a span starts.
    pub(crate) fn of(start: NonNull<u8>) -> Self {
        Self(start.addr().get() as u64)
    }

    /// This many bytes further on.
    pub(crate) fn plus(self, bytes: usize) -> Self {
        Self(self.0 + bytes as u64)
    }

    /// No address: for an operand that is not there.
    pub(crate) const NULL: Self = Self(0);
}

/// Whose memory a buffer is: everybody's, or that of captured steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home(usize);

impl Home {
    /// Everybody's; and that of a home that was closed.
    pub(crate) const SHARED: Self = Self(0);
}

/// Memory of one home.
struct Arenas {
    small: Arena,
    large: Arena,
    open: bool,
}

pub(super) struct Memory {
    homes: Vec<Arenas>,
    /// Where buffers are taken from now.
    current: Home,
    /// What was dropped during a capture and is not of the capture's home: the captured
    /// kernels may read it at every replay. Kept with the home.
    parked: Vec<(Home, Span)>,
    capturing: bool,
    /// Every buffer is an allocation of its own, of its own length, so that a memory
    /// checker sees where each ends. `DETACH_NO_POOL=1`.
    exact: bool,
    stats: PoolStats,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            homes: vec![Arenas::new()],
            current: Home::SHARED,
            parked: Vec::new(),
            capturing: false,
            exact: std::env::var_os("DETACH_NO_POOL").is_some_and(|value| value == "1"),
            stats: PoolStats::default(),
        }
    }
}

impl Arenas {
    fn new() -> Self {
        Self {
            small: Arena::new(ALIGN, SMALL_CHUNK),
            large: Arena::new(4096, LARGE_CHUNK),
            open: true,
        }
    }

    fn arena(&mut self, bytes: usize) -> &mut Arena {
        match bytes < LARGE {
            true => &mut self.small,
            false => &mut self.large,
        }
    }
}

impl Gpu {
    /// Memory for `bytes`, and whose it is.
    pub(crate) fn take(&self, bytes: usize) -> (Span, Home) {
        let mut memory = self.memory();
        let home = memory.current;
        let (span, fresh) = match memory.exact {
            true => (self.chunk(bytes.max(1)), bytes),
            false => {
                let bytes = round_up(bytes, ALIGN);
                memory.homes[home.0]
                    .arena(bytes)
                    .take(bytes, |bytes| self.chunk(bytes))
            }
        };
        memory.stats.took(span.bytes, fresh);
        (span, home)
    }

    /// Takes memory back.
    pub(crate) fn give(&self, span: Span, home: Home) {
        self.enter();
        let mut memory = self.memory();
        memory.stats.gave(span.bytes);
        let current = memory.current;
        if memory.capturing && home != current {
            memory.parked.push((current, span));
            return;
        }
        memory.keep(span, home);
    }

    /// New memory of the driver's.
    #[allow(unsafe_code)]
    fn chunk(&self, bytes: usize) -> Span {
        self.enter();
        // SAFETY: the memory is handed out as a span that nobody else has.
        let start = self.must(&format!("taking {bytes} bytes of its memory"), unsafe {
            result::malloc_sync(bytes)
        });
        let start = NonZero::new(start as usize).unwrap_or_else(|| unreachable!("address 0"));
        Span {
            start: NonNull::without_provenance(start),
            bytes,
        }
    }

    /// A new home, and from now on the one that is taken from.
    pub(crate) fn open_home(&self) -> Home {
        let mut memory = self.memory();
        memory.homes.push(Arenas::new());
        Home(memory.homes.len() - 1)
    }

    /// Whatever a home has becomes everybody's, now or when it is dropped.
    pub(crate) fn close_home(&self, home: Home) {
        self.enter();
        self.memory().close(home);
    }

    /// Runs `f` with buffers taken from `home`.
    pub(crate) fn at_home<R>(&self, home: Home, f: impl FnOnce() -> R) -> R {
        struct Back<'a>(&'a Gpu, Home);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.memory().current = self.1;
            }
        }
        let before = std::mem::replace(&mut self.memory().current, home);
        let _back = Back(self, before);
        f()
    }

    /// Says whether kernels are being captured for later.
    pub(super) fn set_capturing(&self, capturing: bool) {
        self.memory().capturing = capturing;
    }

    /// What was done with its memory so far.
    pub(crate) fn pool_stats(&self) -> PoolStats {
        self.memory().stats
    }

    /// Copies `values` to the device. They may change when this returns.
    #[allow(unsafe_code)]
    pub(crate) fn upload<T: bytemuck::Pod>(&self, to: Ptr, values: &[T]) {
        self.enter();
        // SAFETY: `to` is a span of at least this many bytes, which the caller owns, and
        // from memory that is not pinned the driver has copied before it returns.
        self.must("copying to the device", unsafe {
            result::memcpy_htod_async(to.0, values, self.stream)
        });
    }

    /// Copies from the device, after everything asked of it so far.
    #[allow(unsafe_code)]
    pub(crate) fn download<T: bytemuck::Pod>(&self, from: Ptr, values: &mut [T]) {
        self.enter();
        // SAFETY: `from` is a span of at least this many bytes, and `values` is not read
        // before the copy is waited for.
        self.must("copying from the device", unsafe {
            result::memcpy_dtoh_async(values, from.0, self.stream)
        });
        self.synchronize();
    }

    /// Writes the same 32 bits into `len` words.
    #[allow(unsafe_code)]
    pub(crate) fn fill(&self, to: Ptr, bits: u32, len: usize) {
        if len == 0 {
            return;
        }
        self.enter();
        // SAFETY: `to` is a span of at least this many words, which the caller owns.
        let status = unsafe { sys::cuMemsetD32Async(to.0, bits, len, self.stream) };
        self.must("filling memory", status.result());
    }
}

impl Memory {
    #[allow(unsafe_code)]
    fn keep(&mut self, span: Span, home: Home) {
        let home = match self.homes[home.0].open {
            true => home,
            false => Home::SHARED,
        };
        if !self.exact {
            return self.homes[home.0].arena(span.bytes).give(span);
        }
        // What a captured step wrote to, it writes to again.
        if home == Home::SHARED {
            // SAFETY: the span is an allocation of its own, which nobody has any more; the
            // driver waits for the kernels that use it.
            let _ = unsafe { result::free_sync(span.start.addr().get() as u64) };
        }
    }

    fn close(&mut self, home: Home) {
        self.homes[home.0].open = false;
        let arenas = std::mem::replace(&mut self.homes[home.0], Arenas::new());
        self.homes[home.0].open = false;
        self.homes[0].small.absorb(arenas.small);
        self.homes[0].large.absorb(arenas.large);
        let (parked, rest) = std::mem::take(&mut self.parked)
            .into_iter()
            .partition(|(of, _)| *of == home);
        self.parked = rest;
        for (_, span) in Vec::<(Home, Span)>::into_iter(parked) {
            self.keep(span, Home::SHARED);
        }
    }
}

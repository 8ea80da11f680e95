//! A GPU's memory: the same spans that join as on the host, cut from chunks of the
//! driver's.
//!
//! A captured step (`graph.rs`) writes to the same addresses at every replay, so what it
//! takes must not be handed to anybody else in between: it takes from a [`Home`] of its own.

use super::context::Context;
use super::ptr::Home;
use crate::arena::{Arena, PoolStats, Span, round_up};
use cudarc::driver::result;
use std::num::NonZero;
use std::ptr::NonNull;

/// What `cuMemAlloc` aligns to.
const ALIGN: usize = 256;
/// Buffers of fewer bytes are small, as on the host.
const LARGE: usize = 64 * 1024;
const SMALL_CHUNK: usize = 2 << 20;
const LARGE_CHUNK: usize = 64 << 20;

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

/// New memory of the driver's.
#[allow(unsafe_code)]
fn chunk(context: &Context, bytes: usize) -> Span {
    context.enter();
    // SAFETY: the memory is handed out as a span that nobody else has.
    let start = context.must(&format!("taking {bytes} bytes of its memory"), unsafe {
        result::malloc_sync(bytes)
    });
    let start = NonZero::new(start as usize).unwrap_or_else(|| unreachable!("address 0"));
    Span {
        start: NonNull::without_provenance(start),
        bytes,
    }
}

impl Memory {
    /// Memory for `bytes`, and whose it is.
    pub(super) fn take(&mut self, context: &Context, bytes: usize) -> (Span, Home) {
        let home = self.current;
        let (span, fresh) = match self.exact {
            true => (chunk(context, bytes.max(1)), bytes),
            false => {
                let bytes = round_up(bytes, ALIGN);
                let arena = self.homes[home.0].arena(bytes);
                let taken = arena.take(bytes, |bytes| Some(chunk(context, bytes)));
                taken.unwrap_or_else(|| unreachable!("a chunk is there or was fatal"))
            }
        };
        self.stats.took(span.bytes, fresh);
        (span, home)
    }

    /// Takes memory back; the context is this thread's.
    pub(super) fn give(&mut self, span: Span, home: Home) {
        self.stats.gave(span.bytes);
        if self.capturing && home != self.current {
            self.parked.push((self.current, span));
            return;
        }
        self.keep(span, home);
    }

    /// A new home.
    pub(super) fn open(&mut self) -> Home {
        self.homes.push(Arenas::new());
        Home(self.homes.len() - 1)
    }

    /// Takes from `home` from now on; returns what was taken from before.
    pub(super) fn move_to(&mut self, home: Home) -> Home {
        std::mem::replace(&mut self.current, home)
    }

    /// Says whether kernels are being captured for later.
    pub(super) fn set_capturing(&mut self, capturing: bool) {
        self.capturing = capturing;
    }

    /// What was done with it so far.
    pub(super) fn stats(&self) -> PoolStats {
        self.stats
    }

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

    /// Whatever a home has becomes everybody's, now or when it is dropped; the context is
    /// this thread's.
    pub(super) fn close(&mut self, home: Home) {
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

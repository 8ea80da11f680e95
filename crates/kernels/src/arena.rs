//! Where buffers come from: long stretches of memory, cut into spans and joined again.
//!
//! A size-class pool keeps a free block for the one size it was made for, and a training
//! step, whose phases want different sizes, ends up with a block of each. Here a span
//! that is given back joins its free neighbours, and the next phase cuts it anew, so
//! that what is held stays near the most that is in use at once.
//!
//! An arena keeps its books beside the memory, never in it: the memory may be a GPU's.

use std::alloc::{Layout, alloc_zeroed};
use std::ptr::NonNull;

/// A chunk from here on is worth a system call.
const HUGE: usize = 4 << 20;

/// Memory that belongs to whoever took it from an [`Arena`].
#[derive(Debug)]
pub(crate) struct Span {
    /// The first byte.
    pub(crate) start: NonNull<u8>,
    /// A multiple of the arena's grain.
    pub(crate) bytes: usize,
}

// SAFETY: a span is exclusively owned memory; nothing in it is tied to a thread.
#[allow(unsafe_code)]
unsafe impl Send for Span {}
// SAFETY: shared access to a span only ever reads it.
#[allow(unsafe_code)]
unsafe impl Sync for Span {}

/// Memory of the system or of a GPU, and which of it is free. It never gives any back.
#[derive(Debug)]
pub(crate) struct Arena {
    /// Every span is a multiple of this and starts at one.
    grain: usize,
    /// What is asked of the system at once, at least.
    chunk: usize,
    /// Free and used before, by address; no two of them touch.
    free: Vec<Span>,
    /// The ends of chunks, which nobody has had yet and which the system has therefore
    /// not had to provide.
    fresh: Vec<Span>,
}

/// What the pool has done so far; see [`pool_stats`](crate::pool_stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// How often memory was handed out that no buffer had had before.
    pub system_allocations: u64,
    /// Bytes of that memory. The pool never gives memory back, so this is also its
    /// footprint.
    pub system_bytes: u64,
    /// Bytes that buffers hold now.
    pub bytes_in_use: u64,
    /// The most that `bytes_in_use` has been.
    pub peak_bytes_in_use: u64,
}

impl PoolStats {
    /// `bytes` were handed out, and `fresh` of them for the first time.
    pub(crate) fn took(&mut self, bytes: usize, fresh: usize) {
        self.system_allocations += u64::from(fresh > 0);
        self.system_bytes += fresh as u64;
        self.bytes_in_use += bytes as u64;
        self.peak_bytes_in_use = self.peak_bytes_in_use.max(self.bytes_in_use);
    }

    pub(crate) fn gave(&mut self, bytes: usize) {
        self.bytes_in_use -= bytes as u64;
    }
}

/// The next multiple of `grain`, and `grain` itself for 0.
///
/// # Panics
/// When it is beyond the address space.
pub(crate) fn round_up(bytes: usize, grain: usize) -> usize {
    bytes
        .max(1)
        .checked_next_multiple_of(grain)
        .unwrap_or_else(|| panic!("buffer of {bytes} bytes: larger than memory can be"))
}

impl Span {
    fn addr(&self) -> usize {
        self.start.addr().get()
    }

    fn end(&self) -> usize {
        self.addr() + self.bytes
    }

    /// Cuts `bytes` off the front.
    fn cut(&mut self, bytes: usize) -> Self {
        assert!(bytes <= self.bytes, "a span is cut within its length");
        let start = self.start;
        // At most the span's end, which is not beyond the chunk's.
        self.start = start.map_addr(|at| at.saturating_add(bytes));
        self.bytes -= bytes;
        Self { start, bytes }
    }
}

impl Arena {
    /// An arena without memory.
    ///
    /// # Panics
    /// When `grain` is no power of two, or `chunk` no multiple of it.
    pub(crate) const fn new(grain: usize, chunk: usize) -> Self {
        assert!(grain.is_power_of_two() && chunk.is_multiple_of(grain));
        Self {
            grain,
            chunk,
            free: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// What every span is a multiple of.
    pub(crate) fn grain(&self) -> usize {
        self.grain
    }

    /// At least `bytes` of memory, and how many of them nobody has had before: zeroed,
    /// and new to the process.
    ///
    /// The smallest free span that is large enough, the lowest of equal ones; new memory
    /// only where none is: `chunk` provides as much as it is asked for, or nothing, and then there
    /// is nothing to hand out.
    pub(crate) fn take(
        &mut self,
        bytes: usize,
        chunk: impl FnOnce(usize) -> Option<Span>,
    ) -> Option<(Span, usize)> {
        let bytes = round_up(bytes, self.grain);
        let fits = self
            .free
            .iter()
            .enumerate()
            .filter(|(_, s)| s.bytes >= bytes);
        if let Some((index, span)) = fits.min_by_key(|(_, span)| span.bytes) {
            if span.bytes == bytes {
                return Some((self.free.remove(index), 0));
            }
            return Some((self.free[index].cut(bytes), 0));
        }
        self.take_fresh(bytes, chunk)
    }

    /// `bytes` of new memory, less what is free straight before it.
    fn take_fresh(
        &mut self,
        bytes: usize,
        chunk: impl FnOnce(usize) -> Option<Span>,
    ) -> Option<(Span, usize)> {
        for fresh in &mut self.fresh {
            let before = self.free.iter().position(|s| s.end() == fresh.addr());
            let used = before.map_or(0, |index| self.free[index].bytes);
            if used + fresh.bytes < bytes {
                continue;
            }
            // No free span has room for all, so this one has not.
            let mut span = fresh.cut(bytes - used);
            if let Some(index) = before {
                span.start = self.free.remove(index).start;
                span.bytes = bytes;
            }
            return Some((span, bytes - used));
        }
        let mut fresh = chunk(bytes.max(self.chunk))?;
        let span = fresh.cut(bytes);
        self.fresh.push(fresh);
        Some((span, bytes))
    }

    /// Takes memory back.
    pub(crate) fn give(&mut self, span: Span) {
        let at = self.free.partition_point(|other| other.start < span.start);
        let next = self.free.get(at);
        let touches_next = next.is_some_and(|next| next.addr() == span.end());
        let before = at.checked_sub(1).map(|index| &mut self.free[index]);
        match before.filter(|before| before.end() == span.addr()) {
            Some(before) => {
                before.bytes += span.bytes;
                if touches_next {
                    self.free[at - 1].bytes += self.free.remove(at).bytes;
                }
            }
            None if touches_next => {
                let next = &mut self.free[at];
                next.start = span.start;
                next.bytes += span.bytes;
            }
            None => self.free.insert(at, span),
        }
    }

    /// Takes over all that another arena has free.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn absorb(&mut self, other: Self) {
        other.free.into_iter().for_each(|span| self.give(span));
        self.fresh.extend(other.fresh);
    }
}

/// A chunk of the host's memory, zeroed, that starts at a multiple of `grain`; `None` where the
/// system has no room for it.
#[allow(unsafe_code)]
pub(crate) fn host_chunk(bytes: usize, grain: usize) -> Option<Span> {
    // Two grains more than is handed out: one to align in, and one that keeps the
    // spans of neighbouring chunks from touching, so that no span reaches across
    // two allocations. The alignment asked for is what zeroed memory has anyway;
    // for a greater one it would be cleared by hand, page by page.
    let layout = Layout::from_size_align(bytes.saturating_add(2 * grain), 16).ok()?;
    // SAFETY: the layout's size is not zero.
    let memory = unsafe { alloc_zeroed(layout) };
    let memory = NonNull::new(memory)?;
    let to_grain = memory.addr().get().next_multiple_of(grain) - memory.addr().get();
    // SAFETY: less than a grain in, and the allocation has two more than `bytes`.
    let start = unsafe { memory.add(to_grain) };
    let chunk = Span { start, bytes };
    if bytes >= HUGE {
        ask_for_huge_pages(&chunk);
    }
    Some(chunk)
}

/// Asks for pages of 2 MiB: a process that touches a hundred megabytes for the first
/// time otherwise spends more time on that than on computing with them.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn ask_for_huge_pages(chunk: &Span) {
    use std::ffi::{c_int, c_void};
    const MADV_HUGEPAGE: c_int = 14;
    // The C library that the standard library links anyway.
    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    // SAFETY: the advice changes no contents, and the chunk is this process's memory.
    // Refused (another page size, a kernel without such pages), it was only advice.
    let _ = unsafe { madvise(chunk.start.as_ptr().cast(), chunk.bytes, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_: &Span) {}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAIN: usize = 64;

    fn arena() -> Arena {
        Arena::new(GRAIN, 16 * GRAIN)
    }

    fn take(arena: &mut Arena, grains: usize) -> Span {
        fresh_take(arena, grains * GRAIN).0
    }

    fn fresh_take(arena: &mut Arena, bytes: usize) -> (Span, usize) {
        let taken = arena.take(bytes, |bytes| host_chunk(bytes, GRAIN));
        taken.expect("as little as this there is")
    }

    fn place(span: &Span) -> usize {
        span.addr() / GRAIN
    }

    #[test]
    fn neighbours_join_in_any_order() {
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut arena = arena();
            let mut spans: Vec<Option<Span>> = (0..3).map(|_| Some(take(&mut arena, 2))).collect();
            let behind = take(&mut arena, 1);
            let first = place(spans[0].as_ref().expect("taken"));
            for index in order {
                arena.give(spans[index].take().expect("given once"));
            }
            let (whole, fresh) = fresh_take(&mut arena, 6 * GRAIN);
            assert_eq!((place(&whole), fresh), (first, 0), "{order:?}");
            assert_eq!(place(&behind), first + 6);
        }
    }

    #[test]
    fn the_smallest_that_fits_is_cut() {
        let mut arena = arena();
        let large = take(&mut arena, 4);
        let _wall = take(&mut arena, 1);
        let small = take(&mut arena, 2);
        let _wall = take(&mut arena, 1);
        let (large_at, small_at) = (place(&large), place(&small));
        arena.give(large);
        arena.give(small);
        assert_eq!(place(&take(&mut arena, 1)), small_at);
        assert_eq!(place(&take(&mut arena, 3)), large_at);
        // Both have one left.
        assert_eq!(place(&take(&mut arena, 1)), large_at + 3);
        assert_eq!(place(&take(&mut arena, 1)), small_at + 1);
    }

    #[test]
    fn only_what_nobody_had_is_fresh() {
        let mut arena = arena();
        let (a, fresh) = fresh_take(&mut arena, 3 * GRAIN - 1);
        assert_eq!((a.bytes, fresh), (3 * GRAIN, 3 * GRAIN));
        let at = place(&a);
        arena.give(a);
        // Three grains are there; two more come from behind them.
        let (b, fresh) = fresh_take(&mut arena, 5 * GRAIN);
        assert_eq!((place(&b), fresh), (at, 2 * GRAIN));
        // What is left of the chunk does not hold this: a chunk of its own.
        let (c, fresh) = fresh_take(&mut arena, 100 * GRAIN);
        assert_eq!(fresh, 100 * GRAIN);
        // The old chunk's rest was not lost.
        let d = take(&mut arena, 11);
        assert_eq!(place(&d), at + 5);
        for span in [b, c, d] {
            arena.give(span);
        }
        assert_eq!(fresh_take(&mut arena, 100 * GRAIN).1, 0);
    }

    #[test]
    fn what_the_system_refuses_changes_nothing() {
        let mut arena = arena();
        assert!(arena.take(5 * GRAIN, |_| None).is_none());
        assert!(host_chunk(usize::MAX - 4 * GRAIN, GRAIN).is_none());
        assert_eq!(fresh_take(&mut arena, GRAIN).1, GRAIN);
    }

    #[test]
    fn chunks_do_not_join() {
        let mut arena = arena();
        let spans: Vec<Span> = (0..50).map(|_| take(&mut arena, 16)).collect();
        spans.into_iter().for_each(|span| arena.give(span));
        assert_eq!(arena.free.len(), 50);
        assert!(arena.free.iter().all(|span| span.bytes == 16 * GRAIN));
    }

    /// What is out never overlaps, and comes to rest: the same requests again need
    /// nothing new.
    #[test]
    #[allow(unsafe_code)]
    fn any_order_of_requests() {
        let mut arena = Arena::new(GRAIN, 1000 * GRAIN);
        let mut last = None;
        for round in 0..20 {
            let mut out: Vec<(Span, u8)> = Vec::new();
            let (mut state, mut fresh) = (1_u64, 0);
            for turn in 0..400_u32 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let dice = (state >> 33) as usize;
                if dice.is_multiple_of(3) && !out.is_empty() {
                    let (span, mark) = out.swap_remove(dice / 3 % out.len());
                    // SAFETY: a span that is out is this test's to read.
                    let bytes =
                        unsafe { std::slice::from_raw_parts(span.start.as_ptr(), span.bytes) };
                    assert!(bytes.iter().all(|byte| *byte == mark), "{round} {turn}");
                    arena.give(span);
                } else {
                    let (span, new) = fresh_take(&mut arena, dice % 3000);
                    assert!(span.addr().is_multiple_of(GRAIN));
                    // SAFETY: and to write.
                    unsafe { span.start.write_bytes(turn as u8, span.bytes) };
                    out.push((span, turn as u8));
                    fresh += new;
                }
            }
            out.into_iter().for_each(|(span, _)| arena.give(span));
            last = Some(fresh);
        }
        assert_eq!(last, Some(0));
    }
}

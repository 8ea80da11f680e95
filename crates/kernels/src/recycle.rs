//! A global allocator that keeps what it is given back.
//!
//! A training step builds a graph of small boxes (nodes, lists of inputs, names) and
//! drops it again. The boxes are as many and as large in every step, so the memory of
//! the last graph serves the next one, and from the third step on the system is asked
//! for nothing. That leaves the engine as plain as it is: `Rc`, `Vec`, `Box`.
//!
//! ```
//! use detach_kernels::recycle::Recycling;
//! use std::alloc::System;
//!
//! #[global_allocator]
//! static ALLOCATOR: Recycling = Recycling::new(System);
//! # fn main() { drop(vec![1]); }
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Larger blocks are passed on; what is large in a step is a buffer, and has a pool.
const LARGEST: usize = 64 * 1024;
/// Stricter alignments are passed on.
const ALIGN: usize = 4096;
/// What every block is aligned to.
const GRAIN: usize = 16;
/// Eight classes of 16 to 128 bytes, then four for every doubling.
const CLASSES: usize = 44;

/// An allocator of small blocks over `A`: a list of free blocks for each of 44 sizes,
/// which all threads share, so that one thread may free what another one allocated
/// and neither starves. A list is locked for a few instructions at a time.
///
/// Blocks are cut from chunks as they are first needed, and never given back.
#[derive(Debug)]
pub struct Recycling<A = System> {
    inner: A,
    classes: [Class; CLASSES],
}

/// The blocks of one size, on a cache line of their own.
#[derive(Debug)]
#[repr(align(64))]
struct Class {
    locked: AtomicBool,
    blocks: UnsafeCell<Blocks>,
}

// SAFETY: `blocks` is only reached through `Class::lock`, by one thread at a time; the
// memory that it points to belongs to no thread.
#[allow(unsafe_code)]
unsafe impl Sync for Class {}
// SAFETY: as above; nothing in it is tied to a thread.
#[allow(unsafe_code)]
unsafe impl Send for Class {}

#[derive(Debug)]
struct Blocks {
    /// The first free block; each holds the address of the next.
    free: *mut Link,
    /// What is left of the newest chunk.
    rest: *mut u8,
    rest_bytes: usize,
}

struct Link {
    next: *mut Link,
}

impl<A> Recycling<A> {
    /// Over `inner`, which is asked for large blocks and for chunks of small ones.
    pub const fn new(inner: A) -> Self {
        Self {
            inner,
            classes: [const { Class::new() }; CLASSES],
        }
    }

    /// What is below.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    fn class(&self, layout: Layout) -> Option<(&Class, usize)> {
        let index = class_of(layout)?;
        Some((&self.classes[index], block_size(index)))
    }
}

impl Class {
    const fn new() -> Self {
        Self {
            locked: AtomicBool::new(false),
            blocks: UnsafeCell::new(Blocks {
                free: ptr::null_mut(),
                rest: ptr::null_mut(),
                rest_bytes: 0,
            }),
        }
    }

    /// `f` neither panics nor comes back here: an allocator must not unwind, and what
    /// it calls is the allocator below.
    #[allow(unsafe_code)]
    fn lock<R>(&self, f: impl FnOnce(&mut Blocks) -> R) -> R {
        let mut tries = 0_u32;
        while self.locked.swap(true, Ordering::Acquire) {
            // Held for a few instructions, unless its thread was put to sleep there.
            tries = tries.wrapping_add(1);
            match tries.is_multiple_of(64) {
                true => std::thread::yield_now(),
                false => std::hint::spin_loop(),
            }
        }
        // SAFETY: whoever has set `locked` is alone until it is cleared.
        let out = f(unsafe { &mut *self.blocks.get() });
        self.locked.store(false, Ordering::Release);
        out
    }
}

impl Blocks {
    /// A block of `size` bytes; null when `inner` has no more memory.
    #[allow(unsafe_code)]
    fn take(&mut self, size: usize, inner: &impl GlobalAlloc) -> *mut u8 {
        if !self.free.is_null() {
            let block = self.free;
            // SAFETY: a free block holds a link, written by `give`, and is nobody's.
            self.free = unsafe { (*block).next };
            return block.cast();
        }
        if self.rest_bytes < size {
            let chunk = chunk_layout(size);
            // SAFETY: a chunk's size is not zero.
            let memory = unsafe { inner.alloc(chunk) };
            if memory.is_null() {
                return memory;
            }
            (self.rest, self.rest_bytes) = (memory, chunk.size());
        }
        let block = self.rest;
        // SAFETY: `size` bytes are left of the chunk; the result is in it or at its end.
        self.rest = unsafe { block.add(size) };
        self.rest_bytes -= size;
        block
    }

    /// # Safety
    /// `block` came from `take` with this list's size, and nobody uses it any more.
    #[allow(unsafe_code)]
    unsafe fn give(&mut self, block: *mut u8) {
        let link = block.cast::<Link>();
        // SAFETY: the caller's; a block has at least 16 bytes, aligned to 16.
        unsafe { link.write(Link { next: self.free }) };
        self.free = link;
    }
}

/// The class that holds blocks for `layout`, if one does.
fn class_of(layout: Layout) -> Option<usize> {
    if layout.size() > LARGEST || layout.align() > ALIGN {
        return None;
    }
    // A block whose size is a power of two is aligned to it.
    let size = match layout.align() {
        ..=GRAIN => layout.size().max(1),
        align => layout.size().max(align).next_power_of_two(),
    };
    if size <= 8 * GRAIN {
        return Some((size - 1) / GRAIN);
    }
    // 2^power < size <= 2^(power + 1).
    let power = (size - 1).ilog2() as usize;
    let quarter = (size - 1 - (1 << power)) >> (power - 2);
    Some(8 + 4 * (power - 7) + quarter)
}

/// Bytes of a block of the class.
const fn block_size(class: usize) -> usize {
    match class {
        0..8 => (class + 1) * GRAIN,
        _ => {
            let (power, quarter) = (7 + (class - 8) / 4, (class - 8) % 4);
            (1 << power) + ((quarter + 1) << (power - 2))
        }
    }
}

/// What is asked of the allocator below for blocks of `size`: enough that the order in
/// which threads happen to run does not ask for more.
#[allow(unsafe_code)]
fn chunk_layout(size: usize) -> Layout {
    let bytes = (16 * 1024 / size).max(4) * size;
    let align = match size.is_power_of_two() {
        true => size.min(ALIGN),
        false => GRAIN,
    };
    // SAFETY: `align` is a power of two, and `bytes` is below 300 KiB.
    unsafe { Layout::from_size_align_unchecked(bytes, align) }
}

// SAFETY: a small block comes from the list of its layout's class, is as large and as
// aligned as the layout says, and is in the hands of one owner until it is back in that
// list; the class is a function of the layout alone, and `dealloc` gets the layout that
// `alloc` got. All else is passed on unchanged.
#[allow(unsafe_code)]
unsafe impl<A: GlobalAlloc> GlobalAlloc for Recycling<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.class(layout) {
            Some((class, size)) => class.lock(|blocks| blocks.take(size, &self.inner)),
            // SAFETY: the caller's.
            None => unsafe { self.inner.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.class(layout) {
            // SAFETY: the caller's: `block` was allocated with this layout.
            Some((class, _)) => class.lock(|blocks| unsafe { blocks.give(block) }),
            // SAFETY: the caller's.
            None => unsafe { self.inner.dealloc(block, layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class_of(layout).is_none() {
            // SAFETY: the caller's. The system knows which of its memory is zero.
            return unsafe { self.inner.alloc_zeroed(layout) };
        }
        // SAFETY: the caller's.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block has that size, and is this function's alone.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size`, rounded up to the alignment, fits.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class_of(layout), class_of(new)) {
            // SAFETY: the caller's. A large block may grow without being copied.
            (None, None) => unsafe { self.inner.realloc(block, layout, size) },
            (old, new) if old == new => block,
            _ => {
                // SAFETY: the caller's; the new block is another one, and both hold the
                // smaller of the two sizes.
                unsafe {
                    let moved = self.alloc(new);
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(block, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }
}

/// The system's allocator, counting how often it is asked for memory: what proves that
/// [`Recycling`] above it asks for none.
#[derive(Debug)]
pub struct Counting {
    calls: AtomicU64,
    last_size: AtomicUsize,
}

impl Counting {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self {
            calls: AtomicU64::new(0),
            last_size: AtomicUsize::new(0),
        }
    }

    /// Requests for memory so far, by any thread.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Bytes that the last request was for.
    pub fn last_size(&self) -> usize {
        self.last_size.load(Ordering::SeqCst)
    }

    fn count(&self, size: usize) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.last_size.store(size, Ordering::SeqCst);
    }
}

impl Default for Counting {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: every call is the system's own.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size());
        // SAFETY: the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(size);
        // SAFETY: the caller's.
        unsafe { System.realloc(block, layout, size) }
    }
}

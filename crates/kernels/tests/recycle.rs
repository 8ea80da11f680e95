//! The recycling allocator, by itself and under everything that this program does.

#![allow(unsafe_code)]

use detach_kernels::recycle::{Counting, Recycling};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::mpsc::TrySendError::{Disconnected, Full};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// All tests' own memory comes from one, too.
#[global_allocator]
static GLOBAL: Recycling = Recycling::new(System);

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("a layout")
}

/// A block, filled with a mark of its own.
struct Marked {
    start: *mut u8,
    layout: Layout,
    mark: u8,
}

// SAFETY: a block belongs to whoever holds it, on any thread.
unsafe impl Send for Marked {}

impl Marked {
    fn new(allocator: &impl GlobalAlloc, layout: Layout, mark: u8) -> Self {
        // SAFETY: no size here is zero.
        let start = unsafe { allocator.alloc(layout) };
        assert!(!start.is_null());
        assert_eq!(start.addr() % layout.align(), 0, "{layout:?}");
        // SAFETY: the block is as large.
        unsafe { start.write_bytes(mark, layout.size()) };
        Self {
            start,
            layout,
            mark,
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the block is as large, and was written by `new`.
        unsafe { std::slice::from_raw_parts(self.start, self.layout.size()) }
    }

    /// Nobody else has written to it.
    fn free(self, allocator: &impl GlobalAlloc) {
        let same = self.bytes().iter().all(|byte| *byte == self.mark);
        assert!(same, "{:?} was overwritten", self.layout);
        // SAFETY: from this allocator, with this layout, freed once.
        unsafe { allocator.dealloc(self.start, self.layout) };
    }
}

/// Sizes around every border of a class, alignments up to what is passed on.
fn layouts() -> Vec<Layout> {
    let mut out = Vec::new();
    for power in 0..18 {
        for quarter in [0, 1, 2, 3] {
            let size = (1 << power) + quarter * (1_usize << power) / 4;
            for size in [size - 1, size, size + 1] {
                for align in [1, 8, 16, 32, 64, 512, 4096, 8192] {
                    out.push(layout(size.max(1), align));
                }
            }
        }
    }
    out
}

#[test]
fn blocks_are_aligned_and_apart_and_serve_again() {
    let allocator = Recycling::new(Counting::new());
    let small = layouts()
        .into_iter()
        .filter(|l| l.size() <= 65536 && l.align() <= 4096);
    let small: Vec<Layout> = small.collect();
    let mut calls = Vec::new();
    for round in 0..3 {
        let marks = (0..=u8::MAX).cycle().skip(round);
        let blocks: Vec<Marked> = small
            .iter()
            .zip(marks)
            .map(|(layout, mark)| Marked::new(&allocator, *layout, mark))
            .collect();
        blocks.into_iter().for_each(|block| block.free(&allocator));
        calls.push(allocator.inner().calls());
    }
    assert!(calls[0] > 0 && calls[0] < small.len() as u64);
    assert_eq!(calls, [calls[0]; 3]);
}

#[test]
fn large_and_strictly_aligned_blocks_are_passed_on() {
    let allocator = Recycling::new(Counting::new());
    for (n, layout) in (1..).zip([layout(65537, 8), layout(1, 8192), layout(1 << 20, 64)]) {
        Marked::new(&allocator, layout, 7).free(&allocator);
        assert_eq!(allocator.inner().calls(), n);
        assert_eq!(allocator.inner().last_size(), layout.size());
    }
}

#[test]
fn growing_and_shrinking_keeps_the_contents() {
    let allocator = Recycling::new(Counting::new());
    for align in [1, 16, 64, 8192] {
        let mut size = 1;
        // SAFETY: the size is not zero.
        let mut block = unsafe { allocator.alloc(layout(size, align)) };
        // SAFETY: one byte fits.
        unsafe { block.write(0) };
        let sizes = (1..60)
            .map(|n| n * n * n)
            .chain([65536, 65537, 9, 70_000, 1000, 2]);
        for new in sizes {
            // SAFETY: from this allocator, with this layout; the new size is not zero.
            block = unsafe { allocator.realloc(block, layout(size, align), new) };
            assert_eq!(block.addr() % align, 0);
            // SAFETY: the block has `new` bytes, of which the smaller of the two sizes
            // was written.
            let bytes = unsafe { std::slice::from_raw_parts(block, size.min(new)) };
            assert!(bytes.iter().zip(0_u32..).all(|(byte, i)| *byte == i as u8));
            for i in size..new {
                // SAFETY: inside.
                unsafe { block.add(i).write(i as u8) };
            }
            size = new;
        }
        // SAFETY: as above.
        unsafe { allocator.dealloc(block, layout(size, align)) };
    }
}

#[test]
fn zeroed_means_zero() {
    let allocator = Recycling::new(System);
    for layout in layouts() {
        Marked::new(&allocator, layout, 0xff).free(&allocator);
        // SAFETY: the size is not zero.
        let start = unsafe { allocator.alloc_zeroed(layout) };
        let block = Marked {
            start,
            layout,
            mark: 0,
        };
        block.free(&allocator);
    }
}

/// Blocks wander: each thread frees what its neighbour allocated.
#[test]
fn threads_free_each_others_blocks() {
    const THREADS: usize = 8;
    const BLOCKS: usize = 20_000;
    let allocator = Recycling::new(Counting::new());
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..THREADS).map(|_| sync_channel::<Marked>(64)).unzip();
    let mut receivers: Vec<_> = receivers.into_iter().map(Some).collect();
    thread::scope(|scope| {
        for (number, receiver) in receivers.iter_mut().enumerate() {
            let receiver = receiver.take().expect("one each");
            let to_next = senders[(number + 1) % THREADS].clone();
            let allocator = &allocator;
            scope.spawn(move || {
                let mut dice = number as u64 + 1;
                for _ in 0..BLOCKS {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let size = 1 + (dice >> 33) as usize % 3000;
                    let align = 1 << (dice >> 60);
                    let block = Marked::new(allocator, layout(size, align.min(256)), dice as u8);
                    // A neighbour that is behind, or done, takes none.
                    if let Err(Full(block) | Disconnected(block)) = to_next.try_send(block) {
                        block.free(allocator);
                    }
                    receiver.try_iter().for_each(|block| block.free(allocator));
                }
                drop(to_next);
                receiver.try_iter().for_each(|block| block.free(allocator));
            });
        }
    });
    let calls = allocator.inner().calls();
    // 160,000 blocks, of which at most a few thousand were out at once.
    assert!(calls < 2000, "{calls}");
}

/// The whole standard library on top: collections that grow, shrink and cross threads.
#[test]
fn it_carries_a_program() {
    let (to, from) = channel::<BTreeMap<String, Vec<u64>>>();
    let makers: Vec<_> = (0..6_u64)
        .map(|maker| {
            let to = to.clone();
            thread::spawn(move || {
                for round in 0..50_u64 {
                    let entry = |i: u64| (format!("{maker}/{round}/{i}"), (0..i * 7).collect());
                    to.send((0..40).map(entry).collect()).expect("a listener");
                }
            })
        })
        .collect();
    drop(to);
    let mut count = 0;
    for map in from {
        for (name, values) in map {
            let i: u64 = name
                .rsplit('/')
                .next()
                .and_then(|i| i.parse().ok())
                .expect("i");
            assert!(values.iter().copied().eq(0..i * 7), "{name}");
            count += 1;
        }
    }
    makers
        .into_iter()
        .for_each(|maker| maker.join().expect("no panic"));
    assert_eq!(count, 6 * 50 * 40);
}

/// An allocator without memory.
struct Nothing;

// SAFETY: it never hands anything out.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        std::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[test]
fn no_memory_is_said_not_made_up() {
    let allocator = Recycling::new(Nothing);
    for layout in layouts() {
        // SAFETY: the size is not zero.
        unsafe {
            assert!(allocator.alloc(layout).is_null());
            assert!(allocator.alloc_zeroed(layout).is_null());
        }
    }
}

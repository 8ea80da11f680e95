//! How loops are cut and shared out: into pieces of a fixed size, so that no result
//! depends on who computes which.
//!
//! Each thread begins with a share of neighbouring pieces, the same one in every loop of
//! as many pieces: what it wrote in one loop is in its own cache in the next. A thread
//! that is done takes over pieces from the far end of another's share, so that nobody
//! waits longer than a piece for one that started late or was held up.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Runs one of several tasks that run at once. It must take no memory of the pool: which span it got would depend on which
/// task came first, and what the next step needs on that.
pub(crate) fn task<R>(f: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            IN_TASK.set(self.0);
        }
    }
    let _back = Back(IN_TASK.replace(true));
    f()
}

/// Whether this thread is at a [`task`].
pub(crate) fn in_task() -> bool {
    IN_TASK.get()
}

/// Elements in a piece: 64 KiB of `f32`, which a core's own cache holds.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Shares of a loop, at most; more threads than that have some in common.
const SHARES: usize = 32;

/// True when a loop over `work` elements, read and written, is worth waking other
/// threads for.
pub(crate) fn pays(work: usize) -> bool {
    work >= 32 * 1024
}

/// Calls `f(i, piece)` for every piece of `chunk` elements of `out`; `work` as in
/// [`pays`].
pub(crate) fn for_each_chunk<T: Send>(
    out: &mut [T],
    chunk: usize,
    work: usize,
    f: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    if pays(work) && out.len() > chunk {
        share_chunks(out, chunk, f);
    } else {
        out.chunks_mut(chunk).enumerate().for_each(|(i, c)| f(i, c));
    }
}

/// Calls `f(i)` for `i` in `0..n`; `work` as in [`pays`].
pub(crate) fn for_each_index(n: usize, work: usize, f: impl Fn(usize) + Sync + Send) {
    if pays(work) {
        share(n, Order::Forwards, f);
    } else {
        (0..n).for_each(f);
    }
}

/// [`for_each_index`] with every thread's indices in descending order.
pub(crate) fn for_each_index_backwards(n: usize, work: usize, f: impl Fn(usize) + Sync + Send) {
    if pays(work) {
        share(n, Order::Backwards, f);
    } else {
        (0..n).rev().for_each(f);
    }
}

/// Calls `f(i, piece)` for every piece of `chunk` elements of `out`, shared out among the
/// threads of the pool.
///
/// # Panics
/// When `chunk` is 0.
#[allow(unsafe_code)]
pub(crate) fn share_chunks<T: Send>(
    out: &mut [T],
    chunk: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    /// The start of the slice, for all threads.
    struct Start<T>(*mut T);
    // SAFETY: threads take disjoint pieces of what may be sent to them.
    unsafe impl<T: Send> Sync for Start<T> {}
    impl<T> Start<T> {
        fn get(&self) -> *mut T {
            self.0
        }
    }

    let (start, len) = (Start(out.as_mut_ptr()), out.len());
    share(len.div_ceil(chunk), Order::Forwards, |i| {
        let at = i * chunk;
        // SAFETY: a piece of the slice that is borrowed until all are done, and each
        // index is handed out once.
        let piece =
            unsafe { std::slice::from_raw_parts_mut(start.get().add(at), chunk.min(len - at)) };
        f(i, piece);
    });
}

/// In which direction a thread goes through its share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Forwards,
    Backwards,
}

/// Calls `f(i)` for `i` in `0..count`, each once, with the threads of the pool.
pub(crate) fn share(count: usize, order: Order, f: impl Fn(usize) + Sync) {
    let threads = rayon::current_num_threads().min(count);
    if threads <= 1 {
        return match order {
            Order::Forwards => (0..count).for_each(f),
            Order::Backwards => (0..count).rev().for_each(f),
        };
    }
    let shares = Shares::new(count, order);
    fork(threads, &|| shares.take_each(&f));
}

/// Calls `f` so many times, on as many threads as are free.
fn fork(times: usize, f: &(impl Fn() + Sync)) {
    match times {
        0 => {}
        1 => f(),
        _ => {
            rayon::join(|| fork(times / 2, f), || fork(times.div_ceil(2), f));
        }
    }
}

/// What is left to do of a loop: a range for each thread.
pub(crate) struct Shares {
    left: [Share; SHARES],
    count: usize,
    order: Order,
}

/// First and end of a range, in one word so that they change together; alone in its
/// cache line.
#[repr(align(64))]
struct Share(AtomicU64);

impl Shares {
    /// Equal shares of `0..count`, one for each thread of the pool.
    ///
    /// # Panics
    /// When `count` does not fit into 32 bits.
    pub(crate) fn new(count: usize, order: Order) -> Self {
        assert!(u32::try_from(count).is_ok(), "a loop of {count} pieces");
        let shares = rayon::current_num_threads().min(SHARES);
        let cut = |i: usize| (count * i.min(shares) / shares) as u64;
        Self {
            left: std::array::from_fn(|i| Share(AtomicU64::new(cut(i) << 32 | cut(i + 1)))),
            count: shares,
            order,
        }
    }

    /// Calls `f` on the calling thread for what is left of its own share, then of others.
    pub(crate) fn take_each(&self, mut f: impl FnMut(usize)) {
        let own = rayon::current_thread_index().unwrap_or(0);
        for i in 0..self.count {
            let share = &self.left[(own + i) % self.count];
            // Of another's share from its far end.
            let first = (i == 0) == (self.order == Order::Forwards);
            while let Some(index) = share.take(first) {
                f(index);
            }
        }
    }
}

impl Share {
    /// The first or the last index of the range, which then is one shorter.
    ///
    /// What `f` did with an index is handed on by the end of the loop, so the order in
    /// which others see this change is of no matter.
    fn take(&self, first: bool) -> Option<usize> {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (start, end) = (now >> 32, now & u64::from(u32::MAX));
            if start >= end {
                return None;
            }
            let (index, then) = match first {
                true => (start, (start + 1) << 32 | end),
                false => (end - 1, start << 32 | (end - 1)),
            };
            match self
                .0
                .compare_exchange_weak(now, then, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some(index as usize),
                Err(changed) => now = changed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads start")
    }

    /// More threads than cores, than pieces and than shares.
    #[test]
    fn every_index_comes_once() {
        for threads in [1, 2, 3, 5, 40] {
            pool(threads).install(|| {
                for count in [0, 1, 2, 3, 7, 64, 1001] {
                    for order in [Order::Forwards, Order::Backwards] {
                        let calls: Vec<AtomicUsize> =
                            (0..count).map(|_| AtomicUsize::new(0)).collect();
                        share(count, order, |i| {
                            calls[i].fetch_add(1, Ordering::Relaxed);
                        });
                        let once = |calls: &AtomicUsize| calls.load(Ordering::Relaxed) == 1;
                        assert!(
                            calls.iter().all(once),
                            "{threads} threads, {count}, {order:?}"
                        );
                    }
                }
            });
        }
    }

    /// Also from outside a pool, and with a piece cut short.
    #[test]
    fn chunks_are_disjoint_and_cover_all() {
        let fill = |len: usize| {
            let mut out = vec![0; len];
            share_chunks(&mut out, 7, |i, piece| {
                for (k, x) in piece.iter_mut().enumerate() {
                    *x += 7 * i + k + 1;
                }
            });
            assert!(out.iter().copied().eq(1..=len), "{len}");
        };
        for len in [0, 1, 7, 8, 700, 703] {
            fill(len);
            pool(3).install(|| fill(len));
        }
    }

    /// One thread does all when the others never come, from both ends alike.
    #[test]
    fn shares_of_others_are_taken_over() {
        pool(3).install(|| {
            for order in [Order::Forwards, Order::Backwards] {
                let shares = Shares::new(10, order);
                let mut taken = Vec::new();
                shares.take_each(|i| taken.push(i));
                taken.sort_unstable();
                assert!(taken.into_iter().eq(0..10));
            }
        });
    }

    #[test]
    fn a_share_is_walked_in_order_and_taken_from_behind() {
        let share = Share(AtomicU64::new(3 << 32 | 7));
        assert_eq!(share.take(true), Some(3));
        assert_eq!(share.take(false), Some(6));
        assert_eq!(share.take(true), Some(4));
        assert_eq!(share.take(true), Some(5));
        assert_eq!(share.take(false), None);
    }
}

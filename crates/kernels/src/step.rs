//! A training step as one unit.
//!
//! A step is some hundred short parallel loops with serial moments between them. A thread
//! of rayon's pool that finds no work for some ten microseconds goes to sleep, and waking it
//! costs as much again: for a small network, a good part of the step. So while a step
//! runs, its threads stay awake.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A thread that has looked for work so often in vain, a millisecond or two, goes to sleep
/// after all. It is also the longest that waiting can hold up the job it waits inside of,
/// should the scheduler nest the two. Looks are counted, not time: a thread that another
/// program kept from its core has not waited.
const PATIENCE: u32 = 20_000;
/// Looks after which it offers its core to whoever else wants it: on a machine with other
/// work, a thread that only spins takes the time from the very threads it waits for.
const LOOKS: u32 = 64;

thread_local! {
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, which is one step, with the threads of the current pool kept from sleeping
/// between its parallel loops.
pub fn step<R>(f: impl FnOnce() -> R) -> R {
    // Outside a pool every loop goes through another thread anyway.
    let Some(caller) = rayon::current_thread_index() else {
        return f();
    };
    if rayon::current_num_threads() == 1 {
        return f();
    }
    let done = AtomicBool::new(false);
    rayon::in_place_scope(|scope| {
        scope.spawn_broadcast(|_, thread| {
            if thread.index() != caller {
                wait_for(&done);
            }
        });
        // Also when `f` panics, or the scope would wait for threads that wait for it.
        let _finished = Finish(&done);
        f()
    })
}

struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Does the pool's work until the step is done. Jobs run in here may come by here
/// again; they must not wait, for the step may be waiting for them.
fn wait_for(done: &AtomicBool) {
    if WAITING.replace(true) {
        return;
    }
    let mut looks = 0_u32;
    while looks < PATIENCE && !done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            looks = 0;
            continue;
        }
        std::hint::spin_loop();
        looks += 1;
        if looks.is_multiple_of(LOOKS) {
            std::thread::yield_now();
        }
    }
    WAITING.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads start")
    }

    /// Loops inside loops, on more threads than there are cores: nobody waits forever.
    #[test]
    fn steps_end_and_return() {
        for threads in [1, 2, 3, 8] {
            let sum = pool(threads).install(|| {
                let one = |i: u64| -> u64 {
                    let inner =
                        |j: u64| -> u64 { (0..50_u64).into_par_iter().map(|k| k + j).sum() };
                    step(|| (0..40_u64).into_par_iter().map(|j| inner(j) + i).sum())
                };
                (0..200).map(one).sum::<u64>()
            });
            assert_eq!(sum, (0..200).map(|i| 40 * i + 40 * 1225 + 50 * 780).sum());
        }
    }

    #[test]
    fn a_panic_passes_through() {
        let caught =
            pool(2).install(|| std::panic::catch_unwind(|| step(|| panic!("in the step"))));
        assert!(caught.is_err());
        assert_eq!(pool(2).install(|| step(|| 3)), 3);
    }

    #[test]
    fn outside_a_pool_it_is_just_a_call() {
        assert_eq!(step(|| 5), 5);
    }
}

//! A training step as one unit.
//!
//! **On the CPU** a step is some hundred short parallel loops with serial moments between them. A
//! thread of rayon's pool that finds no work for some ten microseconds goes to sleep, and
//! waking it costs as much again: for a small network, a good part of the step. So while a
//! step runs, its threads stay awake ([`step`]).
//!
//! **On a GPU** asking for a kernel costs the host more than a small kernel takes, and making a
//! graph of tensors more than that. But a step asks for the same kernels every time. So its
//! host code runs a few times, is captured, and from then on its kernels are run by one call
//! to the driver ([`Steps`]).

use crate::cuda::Home;
use crate::device::Device;
use crate::graph::Graph;
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

/// Steps of one training loop. On a GPU, of the steps of each key the first [`Steps::WARM_UP`]
/// are run as they are, the next one is captured, and the rest are replays of it.
///
/// A replay runs the step's **kernels** and counts its [`Count`](crate::Count)s, and that is all.
/// So on a GPU a step may depend on nothing else of the host that changes but its key and the
/// [`Scalar`](crate::Scalar)s and counts that its kernels read, and must carry over whatever the
/// next one needs in buffers that it writes in place and that were made before the first step.
/// What it returns are the same tensors every time, with new values: read them before the
/// next step.
#[derive(Debug)]
pub struct Steps<K, R> {
    device: Device,
    /// Every step is run as it is.
    eager: bool,
    kinds: Vec<Kind<K, R>>,
    /// Where captured steps keep what they compute.
    home: Option<Home>,
}

/// What the kernels that a training step asks for depend on: steps of two keys never share
/// a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepKey {
    /// Which of the step's branches are taken, by a number of the recipe's own.
    pub phase: u32,
    /// Samples in each batch that the step takes, in order.
    pub batches: Vec<usize>,
}

/// Steps that ask for the same kernels.
struct Kind<K, R> {
    key: K,
    done: u32,
    captured: Option<(Graph, R)>,
}

impl<K: PartialEq, R: Clone> Steps<K, R> {
    /// How often a step of a key is run before it is captured: kernels are loaded when they
    /// are first asked for, and moments and buffers made.
    pub const WARM_UP: u32 = 2;

    /// Steps on a device. With `DETACH_EAGER=1` in the environment all of them are run as
    /// they are, so that a fault shows in the op that it is of.
    pub fn new(device: Device) -> Self {
        Self {
            device,
            eager: std::env::var_os("DETACH_EAGER").is_some_and(|value| value == "1"),
            kinds: Vec::new(),
            home: None,
        }
    }

    /// Runs a step as it is, on any device; for a step whose key is only known afterwards.
    pub fn run_eager<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let Device::Cuda(cuda) = self.device else {
            return step(f);
        };
        let home = *self.home.get_or_insert_with(|| cuda.gpu().open_home());
        cuda.gpu().at_home(home, f)
    }

    /// Counts a step that was [run eagerly](Self::run_eager) among those of its key.
    pub fn ran(&mut self, key: K) {
        if let Device::Cuda(_) = self.device {
            let index = self.index(key);
            self.kinds[index].done += 1;
        }
    }

    /// The place of a key's steps.
    fn index(&mut self, key: K) -> usize {
        let of_key = self.kinds.iter().position(|kind| kind.key == key);
        of_key.unwrap_or_else(|| {
            self.kinds.push(Kind {
                key,
                done: 0,
                captured: None,
            });
            self.kinds.len() - 1
        })
    }

    /// Runs a step, or what was captured of one. Steps of the same `key` are taken to ask
    /// for the same kernels: whatever else decides on them belongs into the key.
    pub fn run(&mut self, key: K, f: impl FnOnce() -> R) -> R {
        let Device::Cuda(cuda) = self.device else {
            return step(f);
        };
        let home = *self.home.get_or_insert_with(|| cuda.gpu().open_home());
        let index = self.index(key);
        let kind = &mut self.kinds[index];
        kind.done = kind.done.saturating_add(1);
        if let Some((graph, out)) = &mut kind.captured {
            graph.replay();
            return out.clone();
        }
        if self.eager || kind.done <= Self::WARM_UP {
            return cuda.gpu().at_home(home, f);
        }
        let (mut graph, out) = Graph::capture(cuda, home, f);
        graph.first();
        kind.captured = Some((graph, out.clone()));
        out
    }
}

impl<K, R> Drop for Steps<K, R> {
    fn drop(&mut self) {
        // The graphs first: what they write to is everybody's afterwards.
        self.kinds.clear();
        if let (Device::Cuda(cuda), Some(home)) = (self.device, self.home) {
            cuda.gpu().close_home(home);
        }
    }
}

impl<K: std::fmt::Debug, R> std::fmt::Debug for Kind<K, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind")
            .field("key", &self.key)
            .field("done", &self.done)
            .field("captured", &self.captured.is_some())
            .finish()
    }
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

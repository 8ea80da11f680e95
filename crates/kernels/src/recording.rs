//! What of a captured step is the host's: the numbers that it counts, and those that its
//! kernels read.
//!
//! On a GPU a step's host code runs once and its kernels many times (`step.rs`). Counting is
//! what of the host code has to happen every time, so while a step is captured, what it
//! counts is recorded, and where kernels read a number, from where.

use crate::cuda::Ptr;
use crate::{Count, Scalar};
use std::cell::RefCell;

/// A number of the host that kernels read, as an `f64`.
pub(crate) trait Number {
    /// Where the kernels of the step that is being captured find it, if one is.
    fn recorded(&self) -> Option<Ptr>;
    /// What it is now.
    fn value(&self) -> f64;
}

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

/// Calls `f` with the recording of the step that is being captured, if one is.
pub(crate) fn with_recording<R>(f: impl FnOnce(&mut Recording) -> R) -> Option<R> {
    RECORDING.with_borrow_mut(|recording| recording.as_mut().map(f))
}

/// Panics where a step is being captured: what the host reads there is the same at every
/// replay, whatever becomes of the number.
#[track_caller]
pub(crate) fn frozen(what: &str) {
    let captured = RECORDING.with_borrow(Option::is_some);
    assert!(
        !captured,
        "host code of a captured step read a {what}: its replays run kernels only, and would go \
         on with the number of this one. Let kernels read it; a branch on it belongs into \
         `Recipe::phase`"
    );
}

/// What a captured step counts, and which numbers its kernels read.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The counts it moves, and by how much in all.
    added: Vec<(Count, u64)>,
    followed: Vec<Followed>,
    slots: Vec<Slot>,
    /// Where the kernels read them.
    base: Ptr,
    most: usize,
}

/// A count that becomes what another is.
#[derive(Debug)]
struct Followed {
    count: Count,
    /// What it was before the step.
    before: u64,
    other: Count,
    /// How far the step had moved the other by then.
    moved: u64,
}

/// A number that kernels read.
#[derive(Debug)]
enum Slot {
    /// A count, and how far the step had moved it by then.
    Count(Count, u64),
    Scalar(Scalar),
}

impl Recording {
    /// Runs `f` and records it; its kernels read numbers from `base`, `most` at most.
    pub(crate) fn of<R>(base: Ptr, most: usize, f: impl FnOnce() -> R) -> (Self, R) {
        struct Stop;
        impl Drop for Stop {
            fn drop(&mut self) {
                RECORDING.take();
            }
        }
        let recording = Self {
            added: Vec::new(),
            followed: Vec::new(),
            slots: Vec::new(),
            base,
            most,
        };
        let outer = RECORDING.replace(Some(recording));
        assert!(outer.is_none(), "a step is captured inside of another");
        let stop = Stop;
        let out = f();
        let recording = RECORDING.take();
        drop(stop);
        (recording.unwrap_or_else(|| unreachable!("set above")), out)
    }

    fn moved(&self, count: &Count) -> u64 {
        let of = self.added.iter().find(|(other, _)| other.is(count));
        of.map_or(0, |(_, by)| *by)
    }

    pub(crate) fn added(&mut self, count: &Count, by: u64) {
        self.assert_does_not_follow(count);
        match self.added.iter_mut().find(|(other, _)| other.is(count)) {
            Some((_, sum)) => *sum += by,
            None => self.added.push((count.clone(), by)),
        }
    }

    #[track_caller]
    pub(crate) fn followed(&mut self, count: &Count, other: &Count) {
        self.assert_does_not_follow(other);
        assert_eq!(
            self.moved(count),
            0,
            "a training step counts on a count that also follows another"
        );
        let moved = self.moved(other);
        match self.followed.iter_mut().find(|f| f.count.is(count)) {
            Some(earlier) => (earlier.other, earlier.moved) = (other.clone(), moved),
            None => self.followed.push(Followed {
                count: count.clone(),
                before: count.peek(),
                other: other.clone(),
                moved,
            }),
        }
    }

    #[track_caller]
    fn assert_does_not_follow(&self, count: &Count) {
        assert!(
            !self.followed.iter().any(|f| f.count.is(count)),
            "a training step uses a count after it followed another"
        );
    }

    pub(crate) fn slot_of_count(&mut self, count: &Count) -> Ptr {
        self.assert_does_not_follow(count);
        let moved = self.moved(count);
        let same = |slot: &Slot| matches!(slot, Slot::Count(c, m) if c.is(count) && *m == moved);
        self.slot(same, || Slot::Count(count.clone(), moved))
    }

    pub(crate) fn slot_of_scalar(&mut self, scalar: &Scalar) -> Ptr {
        let same = |slot: &Slot| matches!(slot, Slot::Scalar(s) if s.is(scalar));
        self.slot(same, || Slot::Scalar(scalar.clone()))
    }

    fn slot(&mut self, same: impl Fn(&Slot) -> bool, new: impl FnOnce() -> Slot) -> Ptr {
        let index = self.slots.iter().position(same).unwrap_or_else(|| {
            self.slots.push(new());
            self.slots.len() - 1
        });
        assert!(index < self.most, "a step reads too many numbers");
        self.base.plus(index * size_of::<f64>())
    }

    /// What the slots hold in the next replay; returns how many there are.
    pub(crate) fn values(&self, out: &mut [f64]) -> usize {
        for (out, slot) in out.iter_mut().zip(&self.slots) {
            *out = match slot {
                Slot::Count(count, moved) => (count.peek() + moved) as f64,
                Slot::Scalar(scalar) => scalar.peek(),
            };
        }
        self.slots.len()
    }

    /// Counts as the host code would have.
    pub(crate) fn advance(&self) {
        for Followed {
            count,
            other,
            moved,
            ..
        } in &self.followed
        {
            count.put(other.peek() + moved);
        }
        for (count, by) in &self.added {
            count.put(count.peek() + by);
        }
    }

    /// Takes back what the host code has counted.
    pub(crate) fn rewind(&self) {
        for (count, by) in &self.added {
            count.put(count.peek() - by);
        }
        for Followed { count, before, .. } in &self.followed {
            count.put(*before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Ptr = Ptr::NULL;

    fn at(slot: usize) -> Option<Ptr> {
        Some(BASE.plus(8 * slot))
    }

    /// Two updates of one count in a step, and a kernel that reads it after each.
    #[test]
    fn a_replay_counts_as_the_step_did() {
        let (t, clock) = (Count::from(10), Count::from(5));
        let (recording, addresses) = Recording::of(BASE, 8, || {
            let mut read = vec![clock.recorded()];
            for _ in 0..2 {
                t.add(1);
                read.push(t.recorded());
            }
            read.push(t.clone().recorded());
            read
        });
        assert_eq!(addresses, [at(0), at(1), at(2), at(2)]);
        assert_eq!((t.get(), clock.get()), (12, 5));
        recording.rewind();
        assert_eq!(t.get(), 10);
        recording.advance();
        clock.add(1);
        let mut values = [0.0; 8];
        assert_eq!(recording.values(&mut values), 3);
        assert_eq!(values[..3], [6.0, 13.0, 14.0]);
        recording.advance();
        assert_eq!(t.get(), 14);
        assert_eq!(t.recorded(), None);
    }

    /// What was set between replays is what their kernels read.
    #[test]
    fn a_replay_reads_scalars_as_they_are() {
        let (lr, other) = (Scalar::from(0.5), Scalar::from(0.5));
        let (recording, addresses) = Recording::of(BASE, 8, || {
            [lr.recorded(), other.recorded(), lr.clone().recorded()]
        });
        assert_eq!(addresses, [at(0), at(1), at(0)]);
        lr.set(0.25);
        let mut values = [0.0; 8];
        assert_eq!(recording.values(&mut values), 2);
        assert_eq!(values[..2], [0.25, 0.5]);
        assert_eq!((lr.get(), lr.recorded()), (0.25, None));
    }

    /// Whatever the two have become between replays.
    #[test]
    fn a_count_that_follows_is_what_the_other_was_there() {
        let (average, seen) = (Count::from(3), Count::from(10));
        let (recording, ()) = Recording::of(BASE, 1, || {
            seen.add(1);
            average.follow(&seen);
            seen.add(1);
        });
        assert_eq!((average.get(), seen.get()), (11, 12));
        recording.rewind();
        assert_eq!((average.get(), seen.get()), (3, 10));
        recording.advance();
        assert_eq!((average.get(), seen.get()), (11, 12));
        seen.add(5);
        recording.advance();
        assert_eq!((average.get(), seen.get()), (18, 19));
    }

    #[test]
    #[should_panic(expected = "set inside of a training step")]
    fn a_step_only_counts_on() {
        Recording::of(BASE, 1, || Count::default().set(3));
    }

    #[test]
    #[should_panic(expected = "set it between steps")]
    fn a_step_sets_no_scalar() {
        Recording::of(BASE, 1, || Scalar::default().set(3.0));
    }

    #[test]
    #[should_panic(expected = "host code of a captured step read a count")]
    fn a_count_is_not_for_the_host_of_a_captured_step() {
        let count = Count::from(16);
        Recording::of(BASE, 1, || count.get().is_multiple_of(16));
    }

    #[test]
    #[should_panic(expected = "a branch on it belongs into `Recipe::phase`")]
    fn a_scalar_is_not_for_the_host_of_a_captured_step() {
        let scalar = Scalar::from(0.5);
        Recording::of(BASE, 1, || scalar.get() > 0.0);
    }

    #[test]
    fn an_error_ends_the_recording() {
        let count = Count::from(1);
        let caught = std::panic::catch_unwind(|| {
            let count = Count::from(1);
            Recording::of(BASE, 1, || count.get());
        });
        assert!(caught.is_err());
        assert_eq!(count.get(), 1);
    }
}

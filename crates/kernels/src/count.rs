//! Numbers that a training step counts up: how often an optimiser has stepped, how many
//! batches were seen, which step it is.

use crate::cuda::Ptr;
use crate::recording::{Number, Tally, frozen, with_recording};
use std::cell::Cell;
use std::rc::Rc;

/// A number that steps count up. Clones are the same number.
///
/// On a GPU a step's host code runs once and its kernels many times ([`Steps`](crate::Steps)):
/// what it counts is counted again at every replay, and its kernels read the number of
/// the day, as an `f64`, which is exact up to 2⁵³.
#[derive(Clone, Debug, Default)]
pub struct Count(Tally);

impl From<u64> for Count {
    fn from(value: u64) -> Self {
        Self(Rc::new(Cell::new(value)))
    }
}

impl Count {
    /// The number.
    ///
    /// # Panics
    /// Inside of a step that is being captured: a replay would keep what the host made of it.
    #[track_caller]
    pub fn get(&self) -> u64 {
        frozen("count");
        self.peek()
    }

    /// The number, for those who pass it on as a slot or only check it.
    pub(crate) fn peek(&self) -> u64 {
        self.0.get()
    }

    /// Counts on by `by`.
    pub fn add(&self, by: u64) {
        self.0.set(self.peek() + by);
        with_recording(|recording| recording.added(&self.0, by));
    }

    /// Becomes what `other` is now; in a captured step, at every replay anew.
    ///
    /// # Panics
    /// When a captured step also counts this on, which has no one meaning.
    #[track_caller]
    pub fn follow(&self, other: &Self) {
        if Rc::ptr_eq(&self.0, &other.0) {
            return;
        }
        with_recording(|recording| recording.followed(&self.0, &other.0));
        self.0.set(other.peek());
    }

    /// Starts again from `value`.
    ///
    /// # Panics
    /// Inside of a step that is being captured: a replay could not do the same.
    pub fn set(&self, value: u64) {
        with_recording(|_| {
            panic!("a count was set inside of a training step; only count on there")
        });
        self.0.set(value);
    }
}

impl Number for Count {
    fn recorded(&self) -> Option<Ptr> {
        with_recording(|recording| recording.slot_of_count(&self.0))
    }

    fn value(&self) -> f64 {
        self.peek() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;
    use crate::recording::Recording;

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

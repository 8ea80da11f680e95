//! Numbers that a training step counts up: how often an optimiser has stepped, how many
//! batches were seen, which step it is.

use crate::cuda::Ptr;
use crate::recording::{Number, frozen, with_recording};
use std::cell::Cell;
use std::rc::Rc;

/// A number that steps count up. Clones are the same number.
///
/// On a GPU a step's host code runs once and its kernels many times ([`Steps`](crate::Steps)):
/// what it counts is counted again at every replay, and its kernels read the number of
/// the day, as an `f64`, which is exact up to 2⁵³.
#[derive(Clone, Debug, Default)]
pub struct Count(Rc<Cell<u64>>);

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
        with_recording(|recording| recording.added(self, by));
    }

    /// Becomes what `other` is now; in a captured step, at every replay anew.
    ///
    /// # Panics
    /// When a captured step also counts this on, which has no one meaning.
    #[track_caller]
    pub fn follow(&self, other: &Self) {
        if self.is(other) {
            return;
        }
        with_recording(|recording| recording.followed(self, other));
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
        self.put(value);
    }

    /// [`Count::set`] by a recording, which does what the host code did.
    pub(crate) fn put(&self, value: u64) {
        self.0.set(value);
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Number for Count {
    fn recorded(&self) -> Option<Ptr> {
        with_recording(|recording| recording.slot_of_count(self))
    }

    fn value(&self) -> f64 {
        self.peek() as f64
    }
}

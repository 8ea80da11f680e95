//! Numbers that a training step counts up: how often an optimiser has stepped, how many
//! batches were seen, which step it is.
//!
//! On a GPU a step's host code runs once and its kernels many times (`step.rs`). Counting is
//! what of the host code has to happen every time, so while a step is captured, what it
//! counts is recorded, and where kernels read a count, from where.

use crate::cuda::Ptr;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A number that steps count up. Clones are the same number.
///
/// On a GPU it is read as an `f64`, which is exact up to 2⁵³.
#[derive(Clone, Debug, Default)]
pub struct Count(Rc<Cell<u64>>);

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

impl From<u64> for Count {
    fn from(value: u64) -> Self {
        Self(Rc::new(Cell::new(value)))
    }
}

impl Count {
    /// The number.
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    /// Counts on by `by`.
    pub fn add(&self, by: u64) {
        self.0.set(self.get() + by);
        with_recording(|recording| recording.added(self, by));
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

    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Where the kernels of the step that is being captured find this number, if one is.
    pub(crate) fn recorded(&self) -> Option<Ptr> {
        with_recording(|recording| recording.slot(self))
    }
}

fn with_recording<R>(f: impl FnOnce(&mut Recording) -> R) -> Option<R> {
    RECORDING.with_borrow_mut(|recording| recording.as_mut().map(f))
}

/// What a captured step counts, and reads of it.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The counts it moves, and by how much in all.
    added: Vec<(Count, u64)>,
    /// The counts that its kernels read, and how far each had been moved by then.
    slots: Vec<(Count, u64)>,
    /// Where the kernels read them.
    base: Ptr,
    most: usize,
}

impl Recording {
    /// Runs `f` and records it; its kernels read counts from `base`, `most` at most.
    pub(crate) fn of<R>(base: Ptr, most: usize, f: impl FnOnce() -> R) -> (Self, R) {
        struct Stop;
        impl Drop for Stop {
            fn drop(&mut self) {
                RECORDING.take();
            }
        }
        let recording = Self {
            added: Vec::new(),
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

    fn added(&mut self, count: &Count, by: u64) {
        match self.added.iter_mut().find(|(other, _)| other.is(count)) {
            Some((_, sum)) => *sum += by,
            None => self.added.push((count.clone(), by)),
        }
    }

    fn slot(&mut self, count: &Count) -> Ptr {
        let wanted = (count, self.moved(count));
        let same = |(other, moved): &(Count, u64)| other.is(wanted.0) && *moved == wanted.1;
        let index = self.slots.iter().position(same).unwrap_or_else(|| {
            self.slots.push((count.clone(), wanted.1));
            self.slots.len() - 1
        });
        assert!(index < self.most, "a step reads too many counts");
        self.base.plus(index * size_of::<f64>())
    }

    /// What the slots hold in the next replay; returns how many there are.
    pub(crate) fn values(&self, out: &mut [f64]) -> usize {
        for (out, (count, moved)) in out.iter_mut().zip(&self.slots) {
            *out = (count.get() + moved) as f64;
        }
        self.slots.len()
    }

    /// Counts as the host code would have.
    pub(crate) fn advance(&self) {
        for (count, by) in &self.added {
            count.add(*by);
        }
    }

    /// Takes back what the host code has counted.
    pub(crate) fn rewind(&self) {
        for (count, by) in &self.added {
            count.0.set(count.get() - by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two updates of one count in a step, and a kernel that reads it after each.
    #[test]
    fn a_replay_counts_as_the_step_did() {
        let (t, clock) = (Count::from(10), Count::from(5));
        let (recording, addresses) = Recording::of(Ptr::NULL.plus(800), 8, || {
            let mut read = vec![clock.recorded()];
            for _ in 0..2 {
                t.add(1);
                read.push(t.recorded());
            }
            read.push(t.clone().recorded());
            read
        });
        let at = |bytes| Some(Ptr::NULL.plus(bytes));
        assert_eq!(addresses, [at(800), at(808), at(816), at(816)]);
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

    #[test]
    #[should_panic(expected = "set inside of a training step")]
    fn a_step_only_counts_on() {
        Recording::of(Ptr::NULL, 1, || Count::default().set(3));
    }
}

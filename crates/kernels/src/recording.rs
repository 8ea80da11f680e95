//! What of a captured step is the host's: the numbers that it counts, and those that its
//! kernels read.
//!
//! On a GPU a step's host code runs once and its kernels many times (`step.rs`). Counting is
//! what of the host code has to happen every time, so while a step is captured, what it
//! counts is recorded, and where kernels read a number, from where.

use crate::cuda::Ptr;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What a [`Count`](crate::Count) is, and its clones.
pub(crate) type Tally = Rc<Cell<u64>>;
/// What a [`Scalar`](crate::Scalar) is, and its clones.
pub(crate) type Dial = Rc<Cell<f64>>;

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
    added: Vec<(Tally, u64)>,
    followed: Vec<Followed>,
    slots: Vec<Slot>,
    /// Where the kernels read them.
    base: Ptr,
    most: usize,
}

/// A count that becomes what another is.
#[derive(Debug)]
struct Followed {
    count: Tally,
    /// What it was before the step.
    before: u64,
    other: Tally,
    /// How far the step had moved the other by then.
    moved: u64,
}

/// A number that kernels read.
#[derive(Debug)]
enum Slot {
    /// A count, and how far the step had moved it by then.
    Count(Tally, u64),
    Scalar(Dial),
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

    fn moved(&self, count: &Tally) -> u64 {
        let of = self
            .added
            .iter()
            .find(|(other, _)| Rc::ptr_eq(other, count));
        of.map_or(0, |(_, by)| *by)
    }

    pub(crate) fn added(&mut self, count: &Tally, by: u64) {
        self.assert_does_not_follow(count);
        match self
            .added
            .iter_mut()
            .find(|(other, _)| Rc::ptr_eq(other, count))
        {
            Some((_, sum)) => *sum += by,
            None => self.added.push((count.clone(), by)),
        }
    }

    #[track_caller]
    pub(crate) fn followed(&mut self, count: &Tally, other: &Tally) {
        self.assert_does_not_follow(other);
        assert_eq!(
            self.moved(count),
            0,
            "a training step counts on a count that also follows another"
        );
        let moved = self.moved(other);
        match self
            .followed
            .iter_mut()
            .find(|f| Rc::ptr_eq(&f.count, count))
        {
            Some(earlier) => (earlier.other, earlier.moved) = (other.clone(), moved),
            None => self.followed.push(Followed {
                count: count.clone(),
                before: count.get(),
                other: other.clone(),
                moved,
            }),
        }
    }

    #[track_caller]
    fn assert_does_not_follow(&self, count: &Tally) {
        assert!(
            !self.followed.iter().any(|f| Rc::ptr_eq(&f.count, count)),
            "a training step uses a count after it followed another"
        );
    }

    pub(crate) fn slot_of_count(&mut self, count: &Tally) -> Ptr {
        self.assert_does_not_follow(count);
        let moved = self.moved(count);
        let same =
            |slot: &Slot| matches!(slot, Slot::Count(c, m) if Rc::ptr_eq(c, count) && *m == moved);
        self.slot(same, || Slot::Count(count.clone(), moved))
    }

    pub(crate) fn slot_of_scalar(&mut self, scalar: &Dial) -> Ptr {
        let same = |slot: &Slot| matches!(slot, Slot::Scalar(s) if Rc::ptr_eq(s, scalar));
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
                Slot::Count(count, moved) => (count.get() + moved) as f64,
                Slot::Scalar(scalar) => scalar.get(),
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
            count.set(other.get() + moved);
        }
        for (count, by) in &self.added {
            count.set(count.get() + by);
        }
    }

    /// Takes back what the host code has counted.
    pub(crate) fn rewind(&self) {
        for (count, by) in &self.added {
            count.set(count.get() - by);
        }
        for Followed { count, before, .. } in &self.followed {
            count.set(*before);
        }
    }
}

//! Numbers that the host sets between steps: learning rates, decays, probabilities.

use crate::cuda::Ptr;
use crate::recording::{Dial, Number, frozen, with_recording};
use std::cell::Cell;
use std::rc::Rc;

/// A number that the host sets between steps and kernels read. Clones are the same number.
///
/// On a GPU, kernels of a captured step ([`Steps`](crate::Steps)) read at every replay what it
/// was set to last.
#[derive(Clone, Debug, Default)]
pub struct Scalar(Dial);

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Self(Rc::new(Cell::new(value)))
    }
}

impl Scalar {
    /// The number.
    ///
    /// # Panics
    /// Inside of a step that is being captured: a replay would keep what the host made of it.
    #[track_caller]
    pub fn get(&self) -> f64 {
        frozen("scalar");
        self.peek()
    }

    /// The number, for those who pass it on as a slot.
    pub(crate) fn peek(&self) -> f64 {
        self.0.get()
    }

    /// Changes it, for the steps that follow.
    ///
    /// # Panics
    /// Inside of a step that is being captured: a replay would not do the same.
    pub fn set(&self, value: f64) {
        with_recording(|_| {
            panic!("a scalar was set inside of a training step; set it between steps")
        });
        self.0.set(value);
    }
}

impl Number for Scalar {
    fn recorded(&self) -> Option<Ptr> {
        with_recording(|recording| recording.slot_of_scalar(&self.0))
    }

    fn value(&self) -> f64 {
        self.peek()
    }
}

//! What a run can do without.

use crate::describe::describe;
use anyhow::Result;
use detach_nn::Checkpoint;
use detach_recipes::{At, Detail, End, Flow, Metrics, Observer};
use detach_tensor::Tensor;

/// An observer whose failures do not end the session: pictures, logs, events. The first one is warned of, and it
/// is called on, in case there is room again.
///
/// One that could not even be opened is left out, with the same warning.
pub struct Cosmetic<O> {
    what: &'static str,
    observer: Option<O>,
    warned: bool,
}

impl<O> Cosmetic<O> {
    /// `observer`, which writes `what`, such as `pictures`.
    pub fn new(what: &'static str, observer: O) -> Self {
        Self {
            what,
            observer: Some(observer),
            warned: false,
        }
    }

    /// The same of one that may have failed to open.
    pub fn opened(what: &'static str, observer: Result<O>) -> Self {
        let (observer, error) = match observer {
            Ok(observer) => (Some(observer), None),
            Err(error) => (None, Some(error)),
        };
        let mut out = Self {
            what,
            observer,
            warned: false,
        };
        error.iter().for_each(|error| out.warn(error));
        out
    }

    /// The observer; `None` of one that could not be opened.
    pub fn observer(&self) -> Option<&O> {
        self.observer.as_ref()
    }

    fn call<R: Default>(&mut self, call: impl FnOnce(&mut O) -> Result<R>) -> Result<R> {
        let Some(observer) = &mut self.observer else {
            return Ok(R::default());
        };
        call(observer).or_else(|error| {
            self.warn(&error);
            Ok(R::default())
        })
    }

    fn warn(&mut self, error: &anyhow::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                "training goes on without {}: {}",
                self.what,
                describe(error)
            );
        }
    }
}

impl<O: Observer> Observer for Cosmetic<O> {
    fn step(&mut self, at: At<'_>) -> Result<Flow> {
        self.call(|observer| observer.step(at))
    }

    fn metrics(&mut self, at: At<'_>, metrics: &Metrics) -> Result<Flow> {
        self.call(|observer| observer.metrics(at, metrics))
    }

    fn wants_details(&self) -> bool {
        self.observer.as_ref().is_some_and(O::wants_details)
    }

    fn detail(&mut self, at: At<'_>, detail: &Detail) -> Result<Flow> {
        self.call(|observer| observer.detail(at, detail))
    }

    fn picture(&mut self, at: At<'_>, samples: &Tensor) -> Result<Flow> {
        self.call(|observer| observer.picture(at, samples))
    }

    fn save(&mut self, at: At<'_>, checkpoint: &Checkpoint) -> Result<()> {
        self.call(|observer| observer.save(at, checkpoint))
    }

    fn saved(&mut self, at: At<'_>) -> Result<()> {
        self.call(|observer| observer.saved(at))
    }

    fn end(&mut self, at: At<'_>, end: End) -> Result<()> {
        self.call(|observer| observer.end(at, end))
    }
}

//! A diagnosis of a run that goes on.

use super::record::Record;
use super::rules::of;
use super::verdict::Verdict;
use crate::run::Run;
use crate::run::scores::scores;
use anyhow::Result;
use detach_recipes::{At, Detail, End, Flow, Metrics, Observer};

/// Judges a run while it goes on, and tells at the first sign of a failure, once.
///
/// It keeps the record itself, so that a disk that is full does not make it blind.
pub struct Watcher<'a> {
    run: &'a Run,
    record: Record,
    tell: Box<dyn FnMut(&Verdict) + 'a>,
    has_told: bool,
    verdict: Option<Verdict>,
}

impl<'a> Watcher<'a> {
    /// Goes on from the record of `run`, which is trimmed to where it stands, and calls `tell` at the first sign. A record
    /// that cannot be read begins anew: those who write to it say so.
    pub fn new(run: &'a Run, tell: impl FnMut(&Verdict) + 'a) -> Self {
        Self {
            run,
            record: Record::of(run).unwrap_or_default(),
            tell: Box::new(tell),
            has_told: false,
            verdict: None,
        }
    }

    /// What was to be said when it judged last.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    fn judge(&mut self) {
        if let Ok(scores) = scores(self.run) {
            self.record.scores = scores;
        }
        let verdict = of(&self.record);
        if verdict.kind.is_failure() && !self.has_told {
            self.has_told = true;
            (self.tell)(&verdict);
        }
        self.verdict = Some(verdict);
    }
}

impl Observer for Watcher<'_> {
    fn wants_details(&self) -> bool {
        true
    }

    fn metrics(&mut self, _: At<'_>, metrics: &Metrics) -> Result<Flow> {
        self.record.history.push(metrics);
        Ok(Flow::Continue)
    }

    fn detail(&mut self, _: At<'_>, detail: &Detail) -> Result<Flow> {
        self.record.details.push(detail.clone());
        self.judge();
        Ok(Flow::Continue)
    }

    fn end(&mut self, _: At<'_>, _: End) -> Result<()> {
        self.judge();
        Ok(())
    }
}

//! A step made without and with an edit, beside each other.

use super::Span;
use super::difference::{Names, Part, States, first};
use super::edit::{Change, Edited};
use super::made::{Made, Piece, make, pieces};
use super::reason::{Pair, Reason};
use super::source::{Record, Source, Steps};
use crate::lesson::microscope::hash;
use anyhow::{Result, bail};
use detach_recipes::{Setup, Trainer};
use serde::Serialize;

/// A step without and with an edit, from the same state, and how both went on.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// What is the same in both steps and not in the run's; nothing where the first step is the run's own.
    pub both: Vec<Change>,
    /// The edit.
    pub changes: Vec<Change>,
    /// Whether the step without the edit left the run's own weights.
    pub is_run: bool,
    /// SHA-256 of every weight after the step, without and with the edit.
    pub weights: [String; 2],
    /// Whether every weight and buffer is the same to the bit.
    pub same: bool,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence.
    pub why: String,
    /// The first tensor that differs in the order of updates: a weight, or where none does a buffer.
    pub first: Option<String>,
    /// Tensor by tensor, in the order of updates.
    pub parts: Vec<Part>,
    /// What both told of this step and of those after it.
    pub told: Vec<Told>,
    /// SHA-256 of every weight after the last of these.
    pub weights_then: [String; 2],
}

/// What a step told, without and with the edit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// The step.
    pub step: u64,
    /// The recipe's numbers, in its order.
    pub numbers: Vec<Number>,
}

/// A number of a step, without and with the edit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Number {
    /// `d_loss`.
    pub name: &'static str,
    /// Without the edit.
    pub run: f64,
    /// With it; `None` where that step does not tell of it.
    pub edited: Option<f64>,
    /// edited − run.
    pub difference: Option<f64>,
}

/// Where a step is made several times over.
pub(super) struct Bench<'a> {
    source: &'a Source,
    /// The run before the step. It stays there: what is made is made by a fork of it.
    start: Trainer,
    before: Vec<Piece>,
    names: Names,
    span: Span,
    steps: Steps<'a>,
}

/// A step that was made, and those after it.
pub(super) struct Arm {
    made: Made,
    /// What each told, this one first.
    told: Vec<Vec<(&'static str, f64)>>,
    hash_then: String,
}

impl<'a> Bench<'a> {
    pub(super) fn new(source: &'a Source, start: Trainer, span: Span, steps: Steps<'a>) -> Self {
        Self {
            before: pieces(start.recipe(), false),
            names: Names::of(start.recipe()),
            source,
            start,
            span,
            steps,
        }
    }

    /// The step as the run made it, and those after it, held against the run's record of them.
    pub(super) fn run(&mut self, record: &mut Record) -> Result<Arm> {
        let source = self.source;
        let arm = self.arm(&source.setup)?;
        for (step, told) in (self.span.step..).zip(&arm.told) {
            source.check(record, step, || told.clone());
        }
        Ok(arm)
    }

    /// That the step of `lab` is the run's, to the bit.
    ///
    /// # Errors
    /// When it is not, with the first tensor that differs.
    pub(super) fn ensure_is_run(&mut self, lab: &Setup, run: &Arm) -> Result<()> {
        let mut trainer = self.source.fork(&self.start, lab)?;
        let made = make(&mut trainer, lab);
        self.steps.did_one();
        let parts = self
            .states(&run.made, &made)
            .parts(&self.names, &made.updates);
        if let Some(tensor) = first(&parts) {
            bail!(
                "the step of `{}` is not the same in `lab`, where its switches are: `{}` comes out as another, so that no difference \
                 would be the edit's",
                self.source.setup.recipe().name(),
                tensor.name
            );
        }
        Ok(())
    }

    /// The step of `setup`, and those after it.
    fn arm(&mut self, setup: &Setup) -> Result<Arm> {
        let mut trainer = self.source.fork(&self.start, setup)?;
        let made = make(&mut trainer, setup);
        self.steps.did_one();
        if self.span.once && *setup != self.source.setup {
            trainer = self.source.fork(&trainer, &self.source.setup)?;
        }
        let mut told = vec![made.told.clone()];
        for _ in 0..self.span.more {
            told.push(trainer.step().read());
            self.steps.did_one();
        }
        Ok(Arm {
            hash_then: hash(trainer.recipe()),
            made,
            told,
        })
    }

    fn states<'s>(&'s self, run: &'s Made, edited: &'s Made) -> States<'s> {
        States {
            before: &self.before,
            run: &run.pieces,
            edited: &edited.pieces,
        }
    }

    /// What an edit does to a step; `both` are changes that the step without it has, too, where that is not the run's own.
    pub(super) fn compared(
        &mut self,
        run: &Arm,
        edited: &Edited,
        both: Option<Vec<Change>>,
    ) -> Result<Compared> {
        let other = match &both {
            Some(_) => Some(self.arm(&edited.plain)?),
            None => None,
        };
        let plain = other.as_ref().unwrap_or(run);
        let with = self.arm(&edited.setup)?;
        let states = self.states(&plain.made, &with.made);
        let parts = states.parts(&self.names, &with.made.updates);
        let first = first(&parts);
        let pair = Pair {
            plain: (&edited.plain, &plain.made),
            edited: (&edited.setup, &with.made),
            changes: &edited.changes,
            first,
        };
        let (reason, why) = pair.reason();
        let told = (self.span.step..).zip(plain.told.iter().zip(&with.told));
        Ok(Compared {
            both: both.unwrap_or_default(),
            changes: edited.changes.clone(),
            is_run: plain.made.hash == run.made.hash,
            weights: [plain.made.hash.clone(), with.made.hash.clone()],
            same: first.is_none(),
            reason,
            why,
            first: first.map(|tensor| tensor.name.clone()),
            told: told
                .map(|(step, (run, edited))| Told::of(step, run, edited))
                .collect(),
            weights_then: [plain.hash_then.clone(), with.hash_then.clone()],
            parts,
        })
    }
}

impl Told {
    fn of(step: u64, run: &[(&'static str, f64)], edited: &[(&'static str, f64)]) -> Self {
        let number = |(name, run): &(&'static str, f64)| {
            let edited = edited.iter().find(|(other, _)| other == name);
            let edited = edited.map(|(_, value)| *value);
            Number {
                name,
                run: *run,
                edited,
                difference: edited.map(|edited| edited - run),
            }
        };
        Self {
            step,
            numbers: run.iter().map(number).collect(),
        }
    }
}

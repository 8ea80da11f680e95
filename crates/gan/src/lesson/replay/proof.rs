//! A run made again without an edit, held against the checkpoint that it wrote.

use super::made::{Piece, pieces};
use super::source::{Rebuilt, Source, Steps};
use crate::lesson::microscope::hash;
use anyhow::{Context, Result, ensure};
use detach_recipes::checkpoint::{other_arithmetic, restore};
use detach_recipes::{DataKind, Recipe};
use serde::Serialize;
use std::path::Path;

/// What a run that was made again is beside what it had written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The step of the checkpoint that it was held against; `None` where the run has none at or after the step asked for, and its
    /// metrics alone say what it was.
    pub checkpoint: Option<u64>,
    /// SHA-256 of every weight as it was made again.
    pub weights: String,
    /// The same of the checkpoint.
    pub saved: Option<String>,
    /// Whether every bit is the run's: weights, buffers and what optimisers keep, or where there is no checkpoint the numbers on
    /// record.
    pub same: bool,
    /// The first tensor that is not, in the order of the state.
    pub first: Option<String>,
    /// How many tensors are not, and how many there are.
    pub differ: [usize; 2],
    /// What may have made them others.
    pub causes: Vec<String>,
}

/// The run at the end of `step`, or at its next checkpoint from there on, made again.
///
/// # Errors
/// When a checkpoint cannot be used, or there is nothing to compare with.
pub(super) fn proof(
    source: &Source,
    step: u64,
    told: &mut dyn FnMut(u64, u64),
) -> Result<(Rebuilt, Proof)> {
    let saved = source.run.saved().into_iter().find(|(of, _)| *of >= step);
    let until = saved.as_ref().map_or(step, |(of, _)| *of);
    let from = source.nearest(step - 1).map_or(0, |(of, _)| of);
    let mut steps = Steps::new(until - from, told);
    let (mut trainer, mut rebuilt) = source.at(step - 1, &mut steps)?;
    while trainer.steps_done() < until {
        let report = trainer.step();
        source.check(&mut rebuilt.record, trainer.steps_done(), || report.read());
        rebuilt.steps += 1;
        steps.did_one();
    }
    let proof = match saved {
        Some((of, path)) => by_checkpoint(source, trainer.recipe(), (of, &path), &rebuilt)?,
        None => by_record(source, trainer.recipe(), &rebuilt, step)?,
    };
    Ok((rebuilt, proof))
}

/// The run as it was made again, `is`, beside its checkpoint.
fn by_checkpoint(
    source: &Source,
    is: &dyn Recipe,
    (step, path): (u64, &Path),
    rebuilt: &Rebuilt,
) -> Result<Proof> {
    let checkpoint = source.load(step, path)?;
    let arithmetic = other_arithmetic(&checkpoint, source.kind);
    let arithmetic = arithmetic.map(|(before, now)| [before.to_owned(), now.to_owned()]);
    let was = source.setup.build(source.kind)?;
    let cannot_use = || format!("cannot use the checkpoint {}", path.display());
    restore(&*was, &source.setup, checkpoint).with_context(cannot_use)?;
    let (ours, theirs) = (pieces(is, true), pieces(&*was, true));
    let pairs = ours.iter().zip(&theirs);
    let differ: Vec<&Piece> = pairs
        .filter_map(|(ours, theirs)| (!ours.is(theirs)).then_some(ours))
        .collect();
    let causes = causes(source, rebuilt, arithmetic.as_ref());
    let same = differ.is_empty();
    Ok(Proof {
        checkpoint: Some(step),
        weights: hash(is),
        saved: Some(hash(&*was)),
        same,
        first: differ.first().map(|piece| piece.name.clone()),
        differ: [differ.len(), ours.len()],
        causes: if same { Vec::new() } else { causes },
    })
}

/// The run as it was made again, of which there is no checkpoint from `step` on, by what its metrics say of it.
fn by_record(source: &Source, is: &dyn Recipe, rebuilt: &Rebuilt, step: u64) -> Result<Proof> {
    ensure!(
        rebuilt.record.lines > 0,
        "there is nothing to hold it against: the run has no checkpoint at step {step} or after, and metrics.jsonl has no line \
         of the steps from {} on",
        rebuilt.from + 1
    );
    let same = rebuilt.record.differs.is_none();
    let causes = causes(source, rebuilt, None);
    Ok(Proof {
        checkpoint: None,
        weights: hash(is),
        saved: None,
        same,
        first: None,
        differ: [0, 0],
        causes: if same { Vec::new() } else { causes },
    })
}

/// What can make other numbers of a run, the likeliest first.
fn causes(source: &Source, rebuilt: &Rebuilt, later: Option<&[String; 2]>) -> Vec<String> {
    let mut causes = Vec::new();
    if let Some([before, now]) = later.or(rebuilt.arithmetic.as_ref()) {
        causes.push(format!(
            "the run was computed with {before}, and this is {now}: last digits differ"
        ));
    }
    let has_images = source
        .setup
        .data()
        .is_ok_and(|all| all.iter().any(|data| *data != DataKind::Gaussian));
    if has_images && source.config.data_checksum.is_none() {
        causes.push("the run has no record of its images, and these may be others".to_owned());
    }
    if rebuilt.from == 0 {
        causes.push(
            "it began with weights that were imported, and their checkpoint is not there any more"
                .to_owned(),
        );
    }
    causes.push("another version of the program, whose numbers were others".to_owned());
    causes.push("a file of the run was changed, or written by something else".to_owned());
    causes
}

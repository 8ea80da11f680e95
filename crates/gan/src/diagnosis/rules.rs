//! From a record to a verdict.

use super::record::Record;
use super::verdict::{Kind, Verdict};

/// What is to be said of a run with this record.
pub fn of(record: &Record) -> Verdict {
    let step = record.step();
    let diverged = record
        .details
        .iter()
        .rev()
        .find_map(|detail| detail.diverged.as_ref());
    match diverged {
        Some(why) => verdict(
            Kind::Diverged,
            step,
            [
                format!("at step {step}"),
                why.clone(),
                "Start a new run with a smaller learning rate (lr=…).".to_owned(),
            ],
        ),
        None if record.details.is_empty() => verdict(
            Kind::TooEarly,
            step,
            [
                format!("after {step} steps"),
                "No step of it was looked at closely.".to_owned(),
                "Train on.".to_owned(),
            ],
        ),
        None => verdict(
            Kind::Alive,
            step,
            [
                format!("after {step} steps"),
                "Both networks learn.".to_owned(),
                "Train on.".to_owned(),
            ],
        ),
    }
}

fn verdict(kind: Kind, step: u64, [sentence, cause, advice]: [String; 3]) -> Verdict {
    Verdict {
        kind,
        sentence: format!("{}: {sentence}.", kind.words()),
        cause,
        advice,
        checks: Vec::new(),
        step,
    }
}

//! A step of a run made again: as the run made it, and with one thing changed.
//!
//! A run is a function of its seed, its data and the number of the step, so it can be brought to any of its steps, from the
//! checkpoint before it. There the step is made twice from the same weights, images and noise, and both go on.

mod compared;
mod difference;
mod edit;
mod made;
mod proof;
mod reason;
mod source;

pub use compared::{Compared, Number, Told};
pub use difference::{Layer, Part, Tensor};
pub use edit::{Asked, Change, Edited};
pub use made::Held;
pub use proof::Proof;
pub use reason::Reason;
pub use source::{Off, Rebuilt, Record, Source};

use crate::describe::describe;
use crate::lesson::variants::{ADDING_UP, text};
use anyhow::Result;
use compared::Bench;
use serde::Serialize;
use source::Steps;

/// The version of [`Replay`] as JSON.
pub const VERSION: u32 = 1;

/// What came of replaying a step.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// [`VERSION`].
    pub version: u32,
    /// The run's folder.
    pub run: String,
    /// Its recipe.
    pub recipe: &'static str,
    /// The preset that its settings started from.
    pub preset: &'static str,
    /// The step that was made again, from 1.
    pub step: u64,
    /// How the run was brought there.
    pub rebuilt: Rebuilt,
    /// Without an edit: whether it is the run.
    pub proof: Option<Proof>,
    /// With an edit: what it did.
    pub edited: Option<Compared>,
    /// Where the edit takes D's detach away and gradients do not add up: the same edit where they do.
    pub beside: Option<Beside>,
}

/// An edit in a loop where it counts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beside {
    /// What it did there.
    Compared(Box<Compared>),
    /// Why the loop cannot be made of this one.
    Refused(String),
}

/// Which step, and how far to go on.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The step, from 1.
    pub step: u64,
    /// Steps to make after it.
    pub more: u64,
    /// Whether the edit is of that step alone, and those after it are the run's; else it stays.
    pub once: bool,
}

/// Makes a run again up to its step, and on to its next checkpoint, and holds it against that. `told` hears of steps done and
/// steps in all.
///
/// # Errors
/// When there is no such step, a checkpoint cannot be used, or there is nothing to compare with.
pub fn prove(source: &Source, step: u64, told: &mut dyn FnMut(u64, u64)) -> Result<Replay> {
    source.ensure_has(step)?;
    let (rebuilt, proof) = proof::proof(source, step, told)?;
    Ok(Replay {
        proof: Some(proof),
        ..empty(source, step, rebuilt)
    })
}

/// Makes a step of a run again, without and with an edit. `told` hears of steps done and steps in all.
///
/// # Errors
/// When there is no such step, a checkpoint cannot be used, the edit makes other networks or other state, or the run's loop has
/// no like in `lab` where the edit is one of its switches.
pub fn replay(
    source: &Source,
    edited: &Edited,
    span: Span,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Replay> {
    source.ensure_has(span.step)?;
    edited.ensure_same_state(source.kind)?;
    let beside = beside(edited);
    let pairs = if let Some(Ok(_)) = &beside { 2 } else { 1 };
    let from = source.nearest(span.step - 1).map_or(0, |(of, _)| of);
    let is_of_lab = edited.plain != source.setup;
    let arms = 2 * pairs * (1 + span.more) + u64::from(is_of_lab);
    let mut steps = Steps::new(span.step - 1 - from + arms, told);
    let (start, mut rebuilt) = source.at(span.step - 1, &mut steps)?;
    let mut bench = Bench::new(source, start, span, steps);
    let run = bench.run(&mut rebuilt.record)?;
    if is_of_lab {
        bench.ensure_is_run(&edited.plain, &run)?;
    }
    let compared = bench.compared(&run, edited, None)?;
    let beside = match beside {
        None => None,
        Some(Err(why)) => Some(Beside::Refused(why)),
        Some(Ok(other)) => {
            let both = Edited::of_both(&edited.plain, other.plain.clone())?.changes;
            let compared = bench.compared(&run, &other, Some(both))?;
            Some(Beside::Compared(Box::new(compared)))
        }
    };
    Ok(Replay {
        edited: Some(compared),
        beside,
        ..empty(source, span.step, rebuilt)
    })
}

fn empty(source: &Source, step: u64, rebuilt: Rebuilt) -> Replay {
    Replay {
        version: VERSION,
        run: source.run.dir().display().to_string(),
        recipe: source.setup.recipe().name(),
        preset: source.setup.preset.name(),
        step,
        rebuilt,
        proof: None,
        edited: None,
        beside: None,
    }
}

/// Where an edit takes D's detach away in a loop that zeroes gradients each turn, nothing comes of it, and what one wants to see
/// lies in another loop: the same edit where gradients add up. The other changes are in both steps there, so that the difference
/// is the detach's.
fn beside(edited: &Edited) -> Option<Result<Edited, String>> {
    let is_taken_away = edited
        .changes
        .iter()
        .any(|change| change.key == "detach-d" && change.is.as_deref() == Some("false"));
    let setup = &edited.setup;
    let is_lab = setup.recipe().name() == "lab";
    if !(is_lab && is_taken_away && text(setup, "zero-grad") == "each-turn") {
        return None;
    }
    let adding_up = || -> Result<Edited> {
        let mut plain = setup.clone();
        for switch in ["detach-d=true"].into_iter().chain(ADDING_UP) {
            plain.set(switch)?;
        }
        let mut edited = plain.clone();
        edited.set("detach-d=false")?;
        Edited::of_both(&plain, edited)
    };
    Some(adding_up().map_err(|error| describe(&error)))
}

//! Scores while training, and what is kept by them.

use super::Args;
use crate::cli::score::bench::{self, Source};
use crate::cli::usage::usage;
use crate::run::Config;
use crate::run::observers::{Better, Goal};
use crate::score;
use crate::score::bench::Bench;
use anyhow::{Result, anyhow};
use detach_data::Wanted;
use detach_recipes::{DataKind, Setup};
use std::rc::Rc;

/// Scores that are wanted while training, and what is kept by them.
pub(super) struct Scoring {
    /// What `--best` is to keep the best of.
    pub(super) goal: Option<Goal>,
    /// What samples are compared with, where scores are wanted.
    pub(super) bench: Option<Rc<Bench>>,
}

impl Scoring {
    /// What the flags say of it.
    ///
    /// # Errors
    /// When it cannot be done.
    pub(super) fn of(args: &Args, setup: &Setup, config: &Config) -> Result<Self> {
        Ok(Self {
            goal: goal(args)?,
            bench: bench(args, setup, config)?,
        })
    }
}

/// What samples are compared with while `setup` is trained, where scores are wanted.
///
/// # Errors
/// When its samples cannot be scored.
fn bench(args: &Args, setup: &Setup, config: &Config) -> Result<Option<Rc<Bench>>> {
    if args.score_every.is_none() {
        return Ok(None);
    }
    let DataKind::Images(size) = setup.data()?[0] else {
        return Err(usage(anyhow!(
            "`{}` makes numbers, and scores are of images; its metrics say how near they are: leave out --score-every",
            setup.recipe().name()
        )));
    };
    let source = Source {
        wanted: Wanted::new(size.channels, size.side),
        run: Some(config.clone()),
        given: None,
    };
    bench::find(&source, args.score_count as usize, &mut Vec::new()).map(Some)
}

/// What `--best` is to keep the best of.
///
/// # Errors
/// When there is no such way to be better, or it is a score and there are none.
fn goal(args: &Args) -> Result<Option<Goal>> {
    let Some(best) = &args.best else {
        return Ok(None);
    };
    let (key, better) = match best.split_once(':') {
        None => (best.as_str(), score::better(best)),
        Some((key, "lower")) => (key, Better::Lower),
        Some((key, "higher")) => (key, Better::Higher),
        Some((_, other)) => {
            return Err(usage(anyhow!(
                "--best {best}: `{other}` is neither `lower` nor `higher`"
            )));
        }
    };
    let is_score = score::is_score(key);
    if is_score && args.score_every.is_none() {
        return Err(usage(anyhow!(
            "--best {key}: that is a score; say how often to score with --score-every N"
        )));
    }
    Ok(Some(Goal {
        key: key.to_owned(),
        better,
        is_score,
    }))
}

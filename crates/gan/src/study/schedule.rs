//! What is to be done next in a study, and which trial is best: functions of its description and its results.

use super::description::Study;
use super::suggest::{AT_RANDOM, Sampler, suggest};
use crate::run::observers::Better;
use crate::score::Record;
use anyhow::Result;
use std::collections::BTreeMap;

/// What trials came to, by their number and steps.
pub type Results = BTreeMap<(usize, u64), Record>;

/// A trial that is to be trained up to a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its number, from 0.
    pub trial: usize,
    /// Steps in all.
    pub steps: u64,
    /// What it tries, one value a parameter.
    pub values: Vec<String>,
}

/// What is next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Any of these, in whatever order.
    Jobs(Vec<Job>),
    /// Nothing: the study is done.
    Done,
}

/// The steps at which trials are ranked, from few to all. Without halving these are all steps; with it, each has so many
/// times the steps of the one before, as many of them as the trials last. Rounded up to lines of metrics, so that a run
/// that stops there has no line that an uninterrupted one lacks.
pub fn rungs(study: &Study) -> Vec<u64> {
    let Some(factor) = study.halving else {
        return vec![study.steps];
    };
    let mut rungs = vec![study.steps];
    let mut trials = study.trials;
    let mut steps = study.steps;
    while trials / factor > 0 {
        trials /= factor;
        steps = (steps / factor as u64)
            .max(1)
            .next_multiple_of(study.log_every);
        if steps >= rungs[rungs.len() - 1] {
            break;
        }
        rungs.push(steps);
    }
    rungs.reverse();
    rungs
}

/// What is next in a study that has these results.
///
/// # Errors
/// When no values can be suggested.
pub fn next(study: &Study, results: &Results) -> Result<Next> {
    let rungs = rungs(study);
    let tried = tried(study, results)?;
    let jobs = |steps: u64, trials: Vec<usize>| -> Vec<Job> {
        let open = trials
            .into_iter()
            .filter(|trial| !results.contains_key(&(*trial, steps)));
        let job = |trial: usize| Job {
            trial,
            steps,
            values: tried[trial].clone(),
        };
        open.map(job).collect()
    };
    // What is not known yet depends on trials that are missing.
    let mut open = jobs(rungs[0], (0..tried.len()).collect());
    for rung in 1..rungs.len() {
        if open.is_empty() {
            open = jobs(rungs[rung], promoted(study, results, &rungs, rung));
        }
    }
    Ok(match open.is_empty() {
        true => Next::Done,
        false => Next::Jobs(open),
    })
}

/// The trials that go on from the rung before this one, the best of it first.
fn promoted(study: &Study, results: &Results, rungs: &[u64], rung: usize) -> Vec<usize> {
    let before = rungs[rung - 1];
    let factor = study.halving.unwrap_or(1);
    let most = study.trials / factor.pow(u32::try_from(rung).unwrap_or(u32::MAX));
    let there = (0..study.trials).filter(|trial| {
        let record = results.get(&(*trial, before));
        record.is_some_and(|record| record.failed.is_none())
    });
    let mut there: Vec<usize> = there.collect();
    // Equal ones in the order of their numbers: the sort is stable.
    there.sort_by(|a, b| {
        let of = |trial: &usize| came_to(study, results.get(&(*trial, before)));
        of(a).total_cmp(&of(b))
    });
    there.truncate(most.max(1));
    there
}

/// What a trial came to, less being better; infinity where it failed or lacks the metric.
fn came_to(study: &Study, record: Option<&Record>) -> f64 {
    let value = record.and_then(|record| record.scores.get(&study.metric));
    let value = value.copied().filter(|value| !value.is_nan());
    match (value, study.better) {
        (None, _) => f64::INFINITY,
        (Some(value), Better::Lower) => value,
        (Some(value), Better::Higher) => -value,
    }
}

/// What trials try, from the first one on: all whose values are known, as the results that they are told are there.
fn tried(study: &Study, results: &Results) -> Result<Vec<Vec<String>>> {
    let first = rungs(study)[0];
    let mut told: Vec<(Vec<String>, f64)> = Vec::new();
    for trial in 0..study.trials {
        let known = study.told(trial);
        if (0..known).any(|earlier| !results.contains_key(&(earlier, first))) {
            break;
        }
        let values = suggest(
            &study.params,
            study.sampler,
            study.seed,
            trial,
            &told[..known],
        )?;
        told.push((values, came_to(study, results.get(&(trial, first)))));
    }
    Ok(told.into_iter().map(|(values, _)| values).collect())
}

/// A trial's place in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Rank {
    /// Its number, from 0.
    pub trial: usize,
    /// Steps that it was trained for.
    pub steps: u64,
    /// What it tried, one value a parameter.
    pub values: Vec<String>,
    /// The study's metric; none where it failed.
    pub metric: Option<f64>,
}

/// The trials that have results, the best first: those that got furthest, and among these by the metric.
///
/// # Errors
/// When their values cannot be found again.
pub fn ranking(study: &Study, results: &Results) -> Result<Vec<Rank>> {
    let mut furthest: BTreeMap<usize, (u64, &Record)> = BTreeMap::new();
    for ((trial, rung), record) in results
        .iter()
        .filter(|((trial, _), _)| *trial < study.trials)
    {
        furthest.insert(*trial, (*rung, record));
    }
    let tried = tried(study, results)?;
    let mut ranks: Vec<(f64, Rank)> = Vec::new();
    for (trial, (rung, record)) in furthest {
        let Some(values) = tried.get(trial) else {
            continue;
        };
        let rank = Rank {
            trial,
            // When a divergence is noticed depends on when a checkpoint was due, by the clock.
            steps: match record.failed {
                Some(_) => rung,
                None => record.steps,
            },
            values: values.clone(),
            metric: record.scores.get(&study.metric).copied(),
        };
        ranks.push((came_to(study, Some(record)), rank));
    }
    ranks.sort_by(|(a, x), (b, y)| {
        let failed = |rank: &Rank| rank.metric.is_none();
        let order = failed(x).cmp(&failed(y)).then(y.steps.cmp(&x.steps));
        order.then(a.total_cmp(b)).then(x.trial.cmp(&y.trial))
    });
    Ok(ranks.into_iter().map(|(_, rank)| rank).collect())
}

impl Study {
    /// How many trials' results the one of this number is told: a whole number of batches of those that are suggested at
    /// once. Those at random are told nothing.
    fn told(&self, trial: usize) -> usize {
        match self.sampler {
            Sampler::Random => 0,
            Sampler::Tpe if trial < AT_RANDOM => 0,
            Sampler::Tpe => {
                let batch = (trial - AT_RANDOM) / self.at_once;
                AT_RANDOM + batch * self.at_once
            }
        }
    }
}

#[cfg(test)]
mod tests;

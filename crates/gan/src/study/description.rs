//! What a study is.

use super::param::Param;
use super::suggest::Sampler;
use crate::run::observers::Better;
use anyhow::{Result, ensure};
use detach_recipes::{Preset, find};
use serde::{Deserialize, Serialize};

/// The version of `study.toml`.
pub(super) const VERSION: u32 = 1;

/// What a study is: everything that decides its table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Study {
    /// The version of its file.
    pub version: u32,
    /// The recipe's name.
    pub recipe: String,
    /// The preset that all trials start from.
    pub preset: Preset,
    /// Changes that all trials have, `KEY=VALUE`.
    pub set: Vec<String>,
    /// What is varied.
    pub params: Vec<Param>,
    /// The score by which trials are ranked.
    pub metric: String,
    /// Which way it is better.
    pub better: Better,
    /// How values are chosen.
    pub sampler: Sampler,
    /// Trials that are suggested from the same results, at least 1.
    pub at_once: usize,
    /// How many trials there are.
    pub trials: usize,
    /// Steps of a whole trial.
    pub steps: u64,
    /// Steps between two lines of metrics, at least 1.
    pub log_every: u64,
    /// Every rung of trials has so many times the steps of the one before, at least 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<usize>,
    /// The seed of the trials' runs and of what is tried.
    #[serde(with = "detach_recipes::whole")]
    pub seed: u64,
}

impl Study {
    /// A study of a recipe by `metric`, whose runs have so many steps; all else as usual.
    pub fn new(recipe: &str, params: Vec<Param>, metric: &str, steps: u64) -> Self {
        Self {
            version: VERSION,
            recipe: recipe.to_owned(),
            preset: Preset::default(),
            set: Vec::new(),
            params,
            metric: metric.to_owned(),
            better: crate::score::better(metric),
            sampler: Sampler::default(),
            at_once: 4,
            trials: 20,
            steps,
            log_every: 10,
            halving: None,
            seed: 0,
        }
    }

    /// Refuses what no study can be.
    ///
    /// # Errors
    /// When there is no such recipe, or a number is out of its range, naming it.
    pub fn check(&self) -> Result<()> {
        const MOST: usize = 100_000;
        find(&self.recipe)?;
        let halving = self.halving.unwrap_or(2);
        ensure!(
            !self.params.is_empty(),
            "a study varies something: it needs params"
        );
        ensure!(
            (1..=MOST).contains(&self.trials),
            "trials must be from 1 to {MOST}, not {}",
            self.trials
        );
        ensure!(
            (1..=MOST).contains(&self.at_once),
            "at-once must be from 1 to {MOST}, not {}",
            self.at_once
        );
        ensure!(
            (2..=MOST).contains(&halving),
            "halving must be from 2 to {MOST}, not {halving}"
        );
        ensure!(self.steps > 0, "steps must be at least 1");
        let every = self.log_every;
        ensure!(
            (1..=u64::MAX / 2).contains(&every),
            "log-every must be at least 1, not {every}"
        );
        Ok(())
    }

    /// The first difference to `other` that makes another study of it: a key of `study.toml`. More trials are the same
    /// study, unless these decide which ones go on.
    pub fn differs_in(&self, other: &Self) -> Option<String> {
        let [mine, theirs] =
            [self, other].map(|study| toml::Table::try_from(study).unwrap_or_default());
        let may_grow = self.halving.is_none() && other.trials >= self.trials;
        let keys = mine.keys().chain(theirs.keys());
        let mut differ = keys.filter(|key| mine.get(*key) != theirs.get(*key));
        differ.find(|key| !(may_grow && *key == "trials")).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_trials_are_the_same_study() {
        let params = ["lr=log:1e-5..1e-3", "beta1=0,0.5"];
        let params = params.map(|text| Param::parse(text).expect(text)).into();
        let is = Study::new("mlp", params, "energy", 1000);
        let with = |change: &dyn Fn(&mut Study)| {
            let mut other = is.clone();
            change(&mut other);
            is.differs_in(&other)
        };
        assert_eq!(with(&|_| ()), None);
        assert_eq!(with(&|study| study.trials = 21), None);
        let other = [
            with(&|study| study.trials = 19),
            with(&|study| study.halving = Some(2)),
            with(&|study| study.seed = 1),
            with(&|study| drop(study.params.pop())),
        ];
        assert_eq!(
            other,
            ["trials", "halving", "seed", "params"].map(|key| Some(key.to_owned()))
        );
    }

    #[test]
    fn what_no_study_can_be_is_refused() {
        let params = vec![Param::parse("lr=log:1e-5..1e-3").expect("a parameter")];
        let is = Study::new("mlp", params, "energy", 1000);
        is.check().expect("a study");
        type Change = fn(&mut Study);
        let changes: [(&str, Change); 9] = [
            ("nosuch", |study| study.recipe = "nosuch".to_owned()),
            ("params", |study| study.params.clear()),
            ("trials", |study| study.trials = 0),
            ("trials", |study| study.trials = usize::MAX),
            ("at-once", |study| study.at_once = 0),
            ("halving", |study| study.halving = Some(0)),
            ("halving", |study| study.halving = Some(1)),
            ("steps", |study| study.steps = 0),
            ("log-every", |study| study.log_every = 0),
        ];
        for (name, change) in changes {
            let mut study = is.clone();
            change(&mut study);
            let error = study.check().expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}

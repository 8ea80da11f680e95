//! What a run's `metrics.jsonl` tells, read back.

use super::folder::Run;
use super::metrics;
use anyhow::Result;
use detach_recipes::Metrics;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a line has besides the numbers of the recipe.
const NOT_OF_THE_RECIPE: [&str; 5] = ["version", "step", "epoch", "step_ms", "images_per_s"];

/// The lines of a run's metrics, in the order of their steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    lines: BTreeMap<u64, BTreeMap<String, f64>>,
}

impl History {
    /// The history of `run`; without lines where it has written none.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn of(run: &Run) -> Result<Self> {
        let mut history = Self::default();
        metrics::for_each_line(&run.metrics(), |line| history.add(line))?;
        Ok(history)
    }

    /// One line more, as it is told.
    pub fn push(&mut self, metrics: &Metrics) {
        let own = metrics.scalars.iter().copied();
        let numbers = own
            .chain([("epoch", metrics.epoch), ("step_ms", metrics.step_ms)])
            .map(|(name, value)| (name.to_owned(), value));
        self.lines.insert(metrics.step, numbers.collect());
    }

    /// One line more. One without a step, such as a person's, or of no JSON tells nothing.
    pub(crate) fn add(&mut self, line: &str) {
        let Ok(Value::Object(line)) = serde_json::from_str(line) else {
            return;
        };
        let Some(step) = line.get("step").and_then(Value::as_u64) else {
            return;
        };
        let numbers = line
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
        self.lines.insert(step, numbers.collect());
    }

    /// The step of the last line; `None` where there are no lines.
    pub fn last(&self) -> Option<u64> {
        self.lines.last_key_value().map(|(step, _)| *step)
    }

    /// The numbers of the line of this step, by name; `None` where it has none.
    pub fn line(&self, step: u64) -> Option<&BTreeMap<String, f64>> {
        self.lines.get(&step)
    }

    /// The names of the recipe's own numbers.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.lines.values().flat_map(BTreeMap::keys) {
            if !NOT_OF_THE_RECIPE.contains(&name.as_str()) && !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// The steps that have the number `name`, and what it was.
    pub fn series(&self, name: &str) -> Vec<(u64, f64)> {
        let of =
            |(step, numbers): (&u64, &BTreeMap<String, f64>)| Some((*step, *numbers.get(name)?));
        self.lines.iter().filter_map(of).collect()
    }

    /// The mean of the number `name` over the last tenth of the steps: one step's value is mostly noise.
    pub fn lately(&self, name: &str) -> Option<f64> {
        let last = self.last()?;
        let series = self.series(name);
        let late: Vec<f64> = series
            .iter()
            .filter(|(step, _)| step * 10 > last * 9)
            .map(|(_, value)| *value)
            .collect();
        (!late.is_empty()).then(|| late.iter().sum::<f64>() / late.len() as f64)
    }

    /// Milliseconds that a step takes: the median of the lines.
    pub fn step_ms(&self) -> Option<f64> {
        let mut times: Vec<f64> = self.series("step_ms").iter().map(|(_, ms)| *ms).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    }

    /// Seconds that the steps took, without what is between them: pictures, checkpoints, pauses.
    pub fn seconds(&self) -> f64 {
        let mut before = 0;
        let mut seconds = 0.0;
        for (step, ms) in self.series("step_ms") {
            seconds += (step - before) as f64 * ms / 1e3;
            before = step;
        }
        seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut history = History::default();
        for line in [
            r#"{"version":1,"step":1,"epoch":0.1,"w":9.0,"step_ms":4.0,"images_per_s":1}"#,
            "a person's note",
            r#"{"step":10,"w":2.0,"d_loss":0.5,"step_ms":2.0}"#,
            r#"{"step":20,"w":4.0,"step_ms":1.0}"#,
            r#"{"step":19,"w":6.0,"step_ms":2.0}"#,
            r#"{"wrong":true}"#,
            r#"{"step":20,"#,
        ] {
            history.add(line);
        }
        assert_eq!(history.names(), ["w", "d_loss"]);
        assert_eq!(
            history.series("w"),
            [(1, 9.0), (10, 2.0), (19, 6.0), (20, 4.0)]
        );
        // Of the steps 19 and 20.
        assert_eq!(history.lately("w"), Some(5.0));
        assert_eq!(history.lately("d_loss"), None);
        assert_eq!(history.step_ms(), Some(2.0));
        assert!((history.seconds() - (4.0 + 18.0 + 18.0 + 1.0) / 1e3).abs() < 1e-12);
        assert_eq!(History::default().lately("w"), None);
    }
}

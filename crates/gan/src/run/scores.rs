//! `scores.jsonl`: what samples came to at a few moments of a run, beside what real images come to, a line of JSON each.

use super::folder::Run;
use super::metrics::for_each_line;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers by name; none of one that is no number.
pub type Named = BTreeMap<String, Option<f64>>;

/// A line of `scores.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The version of the line, [`Scored::VERSION`] where it is written.
    #[serde(default)]
    pub version: u32,
    /// Steps done.
    pub step: u64,
    /// Epochs done, with a fraction.
    #[serde(default)]
    pub epoch: f64,
    /// How many samples were judged.
    #[serde(default)]
    pub samples: u64,
    /// The hash of the classifier that judged them.
    #[serde(default)]
    pub classifier: String,
    /// What they came to: `fid`, `precision`, …
    pub scores: Named,
    /// How far the interval of each reaches to either side, where that is known.
    #[serde(default)]
    pub reach: Named,
    /// What real images come to.
    #[serde(default)]
    pub floor: Named,
    /// How many samples are of each class, as the classifier sees them.
    #[serde(default)]
    pub classes: Vec<u64>,
}

impl Scored {
    /// The version of what is written.
    pub const VERSION: u32 = 1;

    /// The score called `name`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.scores.get(name).copied().flatten()
    }

    /// What real images come to in it.
    pub fn floor(&self, name: &str) -> Option<f64> {
        self.floor.get(name).copied().flatten()
    }

    /// How far its interval reaches to either side, in which 95 of 100 such scores would be.
    pub fn reach(&self, name: &str) -> Option<f64> {
        self.reach.get(name).copied().flatten()
    }

    /// The score called `name`, and what real images come to.
    pub fn beside(&self, name: &str) -> Option<[f64; 2]> {
        Some([self.get(name)?, self.floor(name)?])
    }

    /// The share of the rarest class.
    pub fn rarest(&self) -> Option<f64> {
        let all: u64 = self.classes.iter().sum();
        let least = self.classes.iter().min()?;
        (all > 0).then(|| *least as f64 / all as f64)
    }
}

/// The scores of `run` in the order of their steps, the later line of two; none where it has written none. A line of a newer
/// version, or of a person, tells nothing.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn scores(run: &Run) -> Result<Vec<Scored>> {
    let mut all = BTreeMap::new();
    for_each_line(&run.scores(), |line| {
        if let Ok(scored) = serde_json::from_str::<Scored>(line)
            && scored.version <= Scored::VERSION
        {
            all.insert(scored.step, scored);
        }
    })?;
    Ok(all.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_in_order_and_others_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run");
        let (run, _lock) = Run::create(Some(&path), "mlp").expect("a run");
        assert!(scores(&run).expect("nothing").is_empty());
        let line = |step: u64, fid: &str| {
            format!(
                r#"{{"version":1,"step":{step},"epoch":0.5,"samples":9,"classifier":"ab","scores":{{"fid":{fid}}},"classes":[3,1]}}"#
            )
        };
        let text = [
            line(20, "2.5"),
            "a person's note".to_owned(),
            line(10, "null"),
            line(20, "1.5"),
            r#"{"step":30"#.to_owned(),
        ];
        std::fs::write(path.join("scores.jsonl"), text.join("\n")).expect("a file");
        let all = scores(&run).expect("read");
        let steps: Vec<u64> = all.iter().map(|scored| scored.step).collect();
        assert_eq!(steps, [10, 20]);
        assert_eq!([all[0].get("fid"), all[1].get("fid")], [None, Some(1.5)]);
        assert_eq!((all[1].rarest(), all[1].floor("fid")), (Some(0.25), None));
    }
}

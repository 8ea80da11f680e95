//! `scores.jsonl`: what the samples of a run came to at a few moments, read back.

use crate::run::Run;
use crate::run::metrics::for_each_line;
use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Scores by name; none of a score that is no number.
type Named = BTreeMap<String, Option<f64>>;

/// A moment of `scores.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub struct Scored {
    /// Steps done.
    pub step: u64,
    /// How many samples were scored.
    pub samples: u64,
    /// The hash of the classifier that judged them.
    pub classifier: String,
    scores: Named,
    #[serde(default)]
    floor: Named,
    /// How far the interval of each reaches to either side, where that is on record.
    #[serde(default)]
    reach: Named,
    /// How many samples are of each class.
    #[serde(default)]
    pub classes: Vec<f64>,
}

impl Scored {
    /// The score called `name`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.scores.get(name).copied().flatten()
    }

    /// What real data comes to in it.
    pub fn floor(&self, name: &str) -> Option<f64> {
        self.floor.get(name).copied().flatten()
    }

    /// How far its interval reaches to either side, in which 95 of 100 such scores would be.
    pub fn reach(&self, name: &str) -> Option<f64> {
        self.reach.get(name).copied().flatten()
    }

    /// The share of the rarest class.
    pub fn rarest(&self) -> Option<f64> {
        let all: f64 = self.classes.iter().sum();
        let least = self.classes.iter().copied().reduce(f64::min)?;
        (all > 0.0).then(|| least / all)
    }
}

/// The scores of a run in the order of their steps, the later line of two; none where it has written none.
///
/// # Errors
/// When the file is there and cannot be read.
pub(super) fn scores(run: &Run) -> Result<Vec<Scored>> {
    let mut found = BTreeMap::new();
    for_each_line(&run.scores(), |line| {
        if let Ok(scored) = serde_json::from_str::<Scored>(line) {
            found.insert(scored.step, scored);
        }
    })?;
    Ok(found.into_values().collect())
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

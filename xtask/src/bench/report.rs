//! The table of ratios, and its place in `benches/RESULTS.md`.

use super::rows::{Goal, Measure, Row};
use crate::marks::placed;
use anyhow::{Context, Result};
use std::path::Path;

/// Who writes the table.
const COMMAND: &str = "cargo xtask bench --peers";

pub(super) const HEAD: &str = "\
| what | ours | peer | ratio (min to max) | of FMA peak | at least | reach for | reached |
|---|--:|--:|--:|--:|--:|--:|---|";

/// What the rounds of a row gave: one number a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    pub(super) ours: Vec<f64>,
    /// Empty when there is no peer.
    pub(super) peer: Vec<f64>,
    /// Shares of the FMA peak that was measured in the same round.
    pub(super) shares: Vec<f64>,
}

impl Rounds {
    /// How many times as fast as the peer ours was in each round; of memory, how many
    /// times less. `more` says that more is better.
    fn ratios(&self, more: bool) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&self.peer);
        let ratio = |(ours, peer): (&f64, &f64)| if more { ours / peer } else { peer / ours };
        pairs.map(ratio).collect()
    }
}

/// The middle one; between the two in the middle, their mean.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ => (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
    }
}

/// A row of the table.
pub(super) fn line(row: &Row, rounds: &Rounds) -> String {
    let images = matches!(row.measure, Measure::Images { .. });
    let plain = images || matches!(row.measure, Measure::Memory { .. });
    let figure = |values: &[f64]| match (values.is_empty(), plain) {
        (true, _) => String::new(),
        (false, true) => format!("{:.0}", median(values)),
        (false, false) => milliseconds(median(values)),
    };
    let ratios = rounds.ratios(images);
    let ratio = spread(&ratios, |x| format!("{x:.2}"));
    let share = spread(&rounds.shares, |x| format!("{:.0}%", 100.0 * x));
    let goal = row.goal.for_peer(median(&rounds.peer));
    let (words, value) = match goal {
        Goal::Ratio(least, reach) => (texts(least, reach, |x| format!("{x}×")), &ratios),
        Goal::Share(least, reach) => {
            let percent = |x: f64| format!("{:.0}% of peak", 100.0 * x);
            (texts(least, reach, percent), &rounds.shares)
        }
        Goal::AtMost(least, reach) => {
            let unit = if plain { "MiB" } else { "ms" };
            (texts(least, reach, |x| format!("{x} {unit}")), &rounds.ours)
        }
        Goal::WhereSlow(..) | Goal::None => (Default::default(), &ratios),
    };
    let reached = reached(goal, median(value));
    format!(
        "| {} | {} | {} | {ratio} | {share} | {} | {} | {reached} |",
        row.what,
        figure(&rounds.ours),
        figure(&rounds.peer),
        words[0],
        words[1]
    )
}

fn texts(least: f64, reach: Option<f64>, text: impl Fn(f64) -> String) -> [String; 2] {
    [text(least), reach.map_or(String::new(), &text)]
}

fn spread(values: &[f64], text: impl Fn(f64) -> String) -> String {
    if values.is_empty() {
        return String::new();
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = text(median(values));
    format!("**{middle}** ({} to {})", text(least), text(most))
}

fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 1.0 => format!("{ms:.3} ms"),
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms => format!("{ms:.1} ms"),
    }
}

/// How far a row has come: nothing when there is no goal, or nothing to hold against it.
fn reached(goal: Goal, value: f64) -> &'static str {
    let (least, reach) = match goal {
        Goal::Ratio(least, reach) | Goal::Share(least, reach) => {
            (value >= least, reach.is_some_and(|reach| value >= reach))
        }
        Goal::AtMost(least, reach) => (value <= least, reach.is_some_and(|reach| value <= reach)),
        Goal::WhereSlow(..) | Goal::None => return "",
    };
    match (value.is_nan(), reach, least) {
        (true, ..) => "",
        (_, true, _) => "reached for",
        (_, false, true) => "at least",
        (_, false, false) => "**no**",
    }
}

/// Puts `text` between the marks of the file at `path`, or behind everything when it
/// has none.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    std::fs::write(path, placed(&old, COMMAND, text))
        .with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::engines::Engine;
    use super::*;

    fn row(measure: Measure, goal: Goal) -> Row {
        let what = "x".to_owned();
        Row {
            what,
            measure,
            goal,
        }
    }

    fn time(goal: Goal) -> Row {
        let measure = Measure::Time {
            case: "x".to_owned(),
            peer: Engine::PyTorch,
            flops: None,
        };
        row(measure, goal)
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let rounds = Rounds {
            ours: vec![1.0, 2.0, 4.0],
            peer: vec![2.0, 6.0, 4.0],
            shares: Vec::new(),
        };
        assert_eq!(
            line(&time(Goal::Ratio(1.9, Some(2.4))), &rounds),
            "| x | 2.00 ms | 4.00 ms | **2.00** (1.00 to 3.00) |  | 1.9× | 2.4× | at least |"
        );
    }

    #[test]
    fn more_images_and_less_memory_are_better() {
        let rounds = Rounds {
            ours: vec![200.0],
            peer: vec![100.0],
            shares: Vec::new(),
        };
        let images = Measure::Images {
            recipe: "dcgan",
            batch: 16,
        };
        let images = line(&row(images, Goal::Ratio(1.0, None)), &rounds);
        assert!(
            images.contains("**2.00**") && images.ends_with("at least |"),
            "{images}"
        );
        let memory = Measure::Memory {
            recipe: "dcgan",
            peer: Engine::PyTorch,
        };
        let memory = line(&row(memory, Goal::AtMost(150.0, Some(100.0))), &rounds);
        assert!(
            memory.contains("**0.50**") && memory.ends_with("**no** |"),
            "{memory}"
        );
    }

    #[test]
    fn goals_are_met_or_not() {
        let share = Goal::Share(0.85, Some(0.93));
        let words = [0.8, 0.85, 0.95, f64::NAN].map(|value| reached(share, value));
        assert_eq!(words, ["**no**", "at least", "reached for", ""]);
        let most = Goal::AtMost(100.0, Some(40.0));
        let words = [101.0, 100.0, 40.0].map(|value| reached(most, value));
        assert_eq!(words, ["**no**", "at least", "reached for"]);
    }

    #[test]
    fn without_a_peer_its_columns_are_empty() {
        let rounds = Rounds {
            ours: vec![0.5],
            ..Rounds::default()
        };
        let text = line(&time(Goal::Ratio(1.9, None)), &rounds);
        assert_eq!(text, "| x | 0.500 ms |  |  |  | 1.9× |  |  |");
    }

    #[test]
    fn the_middle_is_the_median() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}

//! How a learning rate changes over a run.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// A learning rate's share over epochs, written `constant`, `linear:FROM:TO`, `cosine:TO` or
/// `step:EVERY:FACTOR`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// 1 throughout.
    #[default]
    Constant,
    /// 1 until epoch `from`, then straight to 0 at epoch `to`.
    Linear {
        /// The epoch from which it falls.
        from: f64,
        /// The epoch from which it is 0.
        to: f64,
    },
    /// ½(1 + cos π·e/`to`) at epoch e, 0 from `to` on.
    Cosine {
        /// The epoch from which it is 0.
        to: f64,
    },
    /// `factor` to the power of ⌊e/`every`⌋ at epoch e.
    Step {
        /// Epochs between two steps.
        every: f64,
        /// What each multiplies by.
        factor: f64,
    },
}

impl Schedule {
    /// The share at `epoch`, which may lie between two: 0 is the start, 0.5 the middle of the
    /// first epoch.
    #[must_use]
    pub fn factor(&self, epoch: f64) -> f64 {
        match *self {
            Self::Constant => 1.0,
            Self::Linear { from, to } => ((to - epoch) / (to - from)).clamp(0.0, 1.0),
            Self::Cosine { to } => 0.5 * (1.0 + (PI * (epoch / to).clamp(0.0, 1.0)).cos()),
            // Multiplied, because a library's power is one of many.
            Self::Step { every, factor } => {
                (0..(epoch / every) as u64).fold(1.0, |share, _| share * factor)
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Linear { from, to } => write!(f, "linear:{from}:{to}"),
            Self::Cosine { to } => write!(f, "cosine:{to}"),
            Self::Step { every, factor } => write!(f, "step:{every}:{factor}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = |why: &str| {
            format!(
                "`{text}` is no schedule{why}: use constant, linear:FROM:TO, cosine:TO or \
                 step:EVERY:FACTOR, with epochs for FROM, TO and EVERY"
            )
        };
        let mut words = text.split(':');
        let name = words.next().unwrap_or_default();
        let numbers: Result<Vec<f64>, _> = words.map(str::parse).collect();
        let numbers = numbers.map_err(|_| refused(""))?;
        match (name, &numbers[..]) {
            ("constant", []) => Ok(Self::Constant),
            ("linear", &[from, to]) if 0.0 <= from && from < to && to.is_finite() => {
                Ok(Self::Linear { from, to })
            }
            ("linear", [_, _]) => Err(refused(" (0 ≤ FROM < TO)")),
            ("cosine", &[to]) if to > 0.0 && to.is_finite() => Ok(Self::Cosine { to }),
            ("cosine", [_]) => Err(refused(" (TO is above 0)")),
            ("step", &[every, factor])
                if every > 0.0 && every.is_finite() && (0.0..=1.0).contains(&factor) =>
            {
                Ok(Self::Step { every, factor })
            }
            ("step", [_, _]) => Err(refused(" (EVERY is above 0, FACTOR within 0 and 1)")),
            _ => Err(refused("")),
        }
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Schedule {
        text.parse().expect(text)
    }

    #[test]
    fn factors_by_hand() {
        let factors = |text, epochs: &[f64]| -> Vec<f64> {
            epochs.iter().map(|e| parsed(text).factor(*e)).collect()
        };
        assert_eq!(factors("constant", &[0.0, 1e9]), [1.0, 1.0]);
        assert_eq!(
            factors("linear:100:200", &[0.0, 100.0, 125.0, 200.0, 300.0]),
            [1.0, 1.0, 0.75, 0.0, 0.0]
        );
        let cosine = factors("cosine:10", &[0.0, 5.0, 10.0, 11.0]);
        assert_eq!((cosine[0], cosine[2], cosine[3]), (1.0, 0.0, 0.0));
        assert!((cosine[1] - 0.5).abs() < 1e-15);
        assert_eq!(
            factors("step:2.5:0.5", &[0.0, 2.4, 2.5, 7.5]),
            [1.0, 1.0, 0.5, 0.125]
        );
    }

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in ["constant", "linear:100:200", "cosine:0.5", "step:30:0.1"] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, why) in [
            (
                "",
                "is no schedule: use constant, linear:FROM:TO, cosine:TO or step:EVERY:FACTOR",
            ),
            ("linear:1", "use constant"),
            ("linear:5:5", "(0 ≤ FROM < TO)"),
            ("linear:0:inf", "(0 ≤ FROM < TO)"),
            ("cosine:x", "use constant"),
            ("cosine:0", "(TO is above 0)"),
            ("step:0:0.1", "(EVERY is above 0, FACTOR within 0 and 1)"),
            ("step:1:NaN", "(EVERY is above 0, FACTOR within 0 and 1)"),
        ] {
            let error = text.parse::<Schedule>().expect_err(text);
            assert!(error.contains(why), "{error}");
        }
    }
}

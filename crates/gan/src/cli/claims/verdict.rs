//! What paired differences say of a claim.

use super::table::Expects;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;

/// What the trick does to a score: the mean of paired differences, and an interval around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Effect {
    /// The mean of the differences, with minus without.
    pub(super) mean: f64,
    /// The ends of the interval; infinite where there is one pair only.
    pub(super) low: f64,
    /// See `low`.
    pub(super) high: f64,
    /// Pairs.
    pub(super) pairs: usize,
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// The whole interval is on the claimed side.
    Holds,
    /// The whole interval is on the other side.
    DoesNotHold,
    /// The interval is on both.
    CannotTell,
}

impl Effect {
    /// The effect of these paired differences by Student's t at 95%; `None` without any.
    pub(super) fn of(differences: &[f64]) -> Option<Self> {
        let pairs = differences.len();
        if pairs == 0 {
            return None;
        }
        let mean = differences.iter().sum::<f64>() / pairs as f64;
        let squares = differences.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let freedom = pairs as f64 - 1.0;
        let reach = match StudentsT::new(0.0, 1.0, freedom) {
            Ok(student) => {
                let quantile = student.inverse_cdf(0.5 + CONFIDENCE / 2.0);
                quantile * (squares / freedom / pairs as f64).sqrt()
            }
            // One difference has no spread to judge it by.
            Err(_) => f64::INFINITY,
        };
        Some(Self {
            mean,
            low: mean - reach,
            high: mean + reach,
            pairs,
        })
    }

    /// What it says of a claim.
    pub(super) fn verdict(&self, expects: Expects) -> Verdict {
        let is_zero = self.low == 0.0 && self.high == 0.0;
        let (above, below) = (self.low > 0.0, self.high < 0.0);
        match expects {
            Expects::Higher if above => Verdict::Holds,
            Expects::Lower if below => Verdict::Holds,
            Expects::Same if is_zero => Verdict::Holds,
            Expects::Same if !(above || below) => Verdict::CannotTell,
            // A trick that does nothing at all does not do what is claimed.
            _ if above || below || is_zero => Verdict::DoesNotHold,
            _ => Verdict::CannotTell,
        }
    }
}

impl Verdict {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::CannotTell => "cannot tell",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_students() {
        // t of 2 degrees at 97.5% is 4.3027; the spread of 1, 2, 3 is 1.
        let effect = Effect::of(&[1.0, 2.0, 3.0]).expect("an effect");
        let reach = 4.302_652_73 / 3.0_f64.sqrt();
        assert_eq!((effect.mean, effect.pairs), (2.0, 3));
        assert!((effect.high - 2.0 - reach).abs() < 1e-6, "{effect:?}");
        assert!((effect.low - 2.0 + reach).abs() < 1e-6, "{effect:?}");
        // Of 10 degrees, 2.2281.
        let eleven: Vec<f64> = (-5..=5).map(f64::from).collect();
        let effect = Effect::of(&eleven).expect("an effect");
        assert!((effect.high - 2.228_138_85).abs() < 1e-6, "{effect:?}");
        assert_eq!(Effect::of(&[]), None);
    }

    #[test]
    fn verdicts() {
        use Expects::*;
        use Verdict::*;
        for (differences, higher, lower, same) in [
            (&[1.0, 1.1, 0.9][..], Holds, DoesNotHold, DoesNotHold),
            (&[-1.0, -1.1, -0.9], DoesNotHold, Holds, DoesNotHold),
            (&[-1.0, 2.0, 0.9], CannotTell, CannotTell, CannotTell),
            (&[0.0, 0.0, 0.0], DoesNotHold, DoesNotHold, Holds),
            // One pair says nothing, however large.
            (&[7.0], CannotTell, CannotTell, CannotTell),
        ] {
            let effect = Effect::of(differences).expect("an effect");
            let verdicts = [Higher, Lower, Same].map(|expects| effect.verdict(expects));
            assert_eq!(verdicts, [higher, lower, same], "{differences:?}");
        }
    }
}

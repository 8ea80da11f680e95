//! What a step that was looked at closely tells: networks layer by layer, what D answered, how samples differ.

use crate::theory::mean_and_deviation;
use serde::{Deserialize, Serialize};

/// What a step was like, from close up: a line of `detail.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The version of the line, [`Detail::VERSION`] where it is written.
    pub version: u32,
    /// Steps done.
    pub step: u64,
    /// Epochs done, with a fraction.
    pub epoch: f64,
    /// Every network that was updated, under the name of its option table. Of one that was updated
    /// several times, the last time.
    #[serde(default)]
    pub networks: Vec<NetworkDetail>,
    /// What D answered before its last update; none of a recipe whose D answers otherwise than by a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// The step's fakes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Spread>,
    /// The step's reals, of the first data set: what `samples` is to be compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reals: Option<Spread>,
    /// Why training ended with this step: a number that is not finite any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<String>,
}

impl Detail {
    /// The version of what is written.
    pub const VERSION: u32 = 1;

    /// Whether a line about a step is due by its number alone: ⌈1.25ᵏ⌉, so that there are as many of the first hundred
    /// steps as of the next thousand.
    pub fn is_due(step: u64) -> bool {
        let mut due = 1.0_f64;
        while due.ceil() < step as f64 {
            due *= 1.25;
        }
        due.ceil() == step as f64
    }

    /// Whether all of its numbers are finite. Others cannot be written.
    pub fn is_finite(&self) -> bool {
        let layers = self.networks.iter().flat_map(|network| &network.layers);
        let norms = self.networks.iter().map(|network| network.norm);
        let spreads = self.samples.iter().chain(&self.reals);
        let answers = self.answers.iter().flat_map(|answers| {
            let [lo, hi] = answers.range;
            let [real, fake] = [answers.real_deviation, answers.fake_deviation];
            [lo, hi, real, fake]
        });
        norms
            .chain(layers.map(|layer| layer.norm))
            .chain(spreads.flat_map(|spread| [spread.deviation, spread.distance]))
            .chain(answers)
            .all(f64::is_finite)
    }

    /// The network called `name`.
    pub fn network(&self, name: &str) -> Option<&NetworkDetail> {
        self.networks.iter().find(|network| network.name == name)
    }
}

/// The gradient of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkDetail {
    /// Its option table: `g`, `d`.
    pub name: String,
    /// The L2 norm of its gradient.
    pub norm: f64,
    /// Its layers with parameters, in order.
    pub layers: Vec<LayerDetail>,
}

/// The gradient of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerDetail {
    /// What it is: `Linear 784→512`.
    pub name: String,
    /// The L2 norm of its gradient.
    pub norm: f64,
    /// The share of its units whose gradient is exactly 0 over the whole batch. A unit is an output: a row of the
    /// weight and its element of the bias.
    pub dead: f64,
}

/// What the numbers are that a discriminator answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// Logits. They are told as probabilities, σ(logit).
    Logits,
    /// Numbers without bounds.
    Scores,
}

/// What D answered to a batch of reals and one of fakes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// What its answers are.
    pub kind: AnswerKind,
    /// Where the first bin begins and the last one ends: 0 and 1 of probabilities.
    pub range: [f64; 2],
    /// How many answers to reals lie in each of [`Answers::BINS`] bins of one width.
    pub real: Vec<u64>,
    /// The same of fakes.
    pub fake: Vec<u64>,
    /// The probability that a real one is answered higher than a fake one, equal ones counting half: ½ where D
    /// cannot tell them apart.
    pub auc: f64,
    /// The mean answer to reals.
    pub real_mean: f64,
    /// The standard deviation of the answers to reals.
    pub real_deviation: f64,
    /// The mean answer to fakes.
    pub fake_mean: f64,
    /// The standard deviation of the answers to fakes.
    pub fake_deviation: f64,
}

impl Answers {
    /// Bins of a histogram.
    pub const BINS: usize = 40;

    /// What was answered to `real` and to `fake` ones, one number each.
    pub fn of(kind: AnswerKind, mut real: Vec<f64>, mut fake: Vec<f64>) -> Self {
        let all = || real.iter().chain(&fake).copied();
        let range = match kind {
            AnswerKind::Logits => [0.0, 1.0],
            AnswerKind::Scores => [
                all().reduce(f64::min).unwrap_or(0.0),
                all().reduce(f64::max).unwrap_or(0.0),
            ],
        };
        // By logits, whose order is that of the probabilities as long as these differ.
        let auc = auc(&mut real, &mut fake);
        if kind == AnswerKind::Logits {
            for answer in real.iter_mut().chain(&mut fake) {
                *answer = 1.0 / (1.0 + (-*answer).exp());
            }
        }
        let (real_mean, real_deviation) = mean_and_deviation(&real);
        let (fake_mean, fake_deviation) = mean_and_deviation(&fake);
        Self {
            kind,
            range,
            real: histogram(&real, range),
            fake: histogram(&fake, range),
            auc,
            real_mean,
            real_deviation,
            fake_mean,
            fake_deviation,
        }
    }
}

/// How many of `values` lie in each of [`Answers::BINS`] bins; what lies at an end or beyond is in the outermost one.
fn histogram(values: &[f64], [lo, hi]: [f64; 2]) -> Vec<u64> {
    let mut bins = vec![0; Answers::BINS];
    let width = (hi - lo) / Answers::BINS as f64;
    for value in values {
        // Where all are equal the width is 0, and 0 / 0 counts as bin 0.
        let bin = ((value - lo) / width) as usize;
        bins[bin.min(Answers::BINS - 1)] += 1;
    }
    bins
}

/// The share of pairs in which the real one is higher, equal ones counting half; ½ where there are no pairs. Sorts both.
pub fn auc(real: &mut [f64], fake: &mut [f64]) -> f64 {
    real.sort_by(f64::total_cmp);
    fake.sort_by(f64::total_cmp);
    let (mut below, mut up_to, mut pairs) = (0, 0, 0);
    for answer in &*real {
        while fake.get(below).is_some_and(|fake| fake < answer) {
            below += 1;
        }
        while fake.get(up_to).is_some_and(|fake| fake <= answer) {
            up_to += 1;
        }
        // Twice the pairs, so that halves are whole.
        pairs += below + up_to;
    }
    match real.len() * fake.len() {
        0 => 0.5,
        all => pairs as f64 / (2 * all) as f64,
    }
}

/// How a batch of samples differs within itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The standard deviation of all their values.
    pub deviation: f64,
    /// How far two of them are apart on average: the root of the mean squared difference of their values.
    pub distance: f64,
}

impl Spread {
    /// Of `n` samples whose values follow each other; none of fewer than two, or of samples without values.
    pub fn of(values: &[f64], n: usize) -> Option<Self> {
        let size = values.len() / n.max(1);
        if n < 2 || size == 0 {
            return None;
        }
        let mut means = vec![0.0; size];
        for sample in values.chunks(size) {
            for (mean, value) in means.iter_mut().zip(sample) {
                *mean += value / n as f64;
            }
        }
        let from_mean = |sample: &[f64]| -> f64 {
            let pairs = sample.iter().zip(&means);
            pairs.map(|(value, mean)| (value - mean).powi(2)).sum()
        };
        let squares: f64 = values.chunks(size).map(from_mean).sum();
        // E‖x − y‖² = 2·E‖x − mean‖², of two that are not the same one.
        let distance = (2.0 * squares / ((n - 1) * size) as f64).sqrt();
        let (_, deviation) = mean_and_deviation(values);
        Some(Self {
            deviation,
            distance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_due_at_powers() {
        let due: Vec<u64> = (1..=100).filter(|step| Detail::is_due(*step)).collect();
        assert_eq!(
            due,
            [
                1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 23, 29, 36, 45, 56, 70, 87
            ]
        );
        let many = (1..=100_000).filter(|step| Detail::is_due(*step)).count();
        assert!((45..60).contains(&many), "{many}");
    }

    #[test]
    fn answers_by_hand() {
        let logits = Answers::of(AnswerKind::Logits, vec![0.0, 40.0], vec![0.0, -40.0, 0.0]);
        // 0 beats −40 and is equal to two; 40 beats all three: (1 + 2/2 + 3) / 6.
        assert!((logits.auc - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(logits.range, [0.0, 1.0]);
        assert_eq!([logits.real[20], logits.real[39]], [1, 1]);
        assert_eq!([logits.fake[0], logits.fake[20]], [1, 2]);
        assert!((logits.real_mean - 0.75).abs() < 1e-12);
        assert!((logits.real_deviation - 0.25).abs() < 1e-12);

        let scores = Answers::of(AnswerKind::Scores, vec![-3.0, 1.0], vec![-7.0, -3.0]);
        assert_eq!(scores.range, [-7.0, 1.0]);
        assert_eq!([scores.real[20], scores.real[39]], [1, 1]);
        assert_eq!([scores.fake[0], scores.fake[20]], [1, 1]);
        assert!((scores.auc - 0.875).abs() < 1e-12);

        let same = Answers::of(AnswerKind::Scores, vec![2.0; 3], vec![2.0; 3]);
        assert_eq!((same.auc, same.real[0], same.fake[0]), (0.5, 3, 3));
        assert_eq!(same.real_deviation, 0.0);
    }

    #[test]
    fn spreads_by_hand() {
        // Pairs differ by (1, 3), (2, 0), (1, -3): mean squares 5, 2, 5.
        let spread = Spread::of(&[0.0, 0.0, 1.0, 3.0, 2.0, 0.0], 3).expect("three samples");
        assert!((spread.distance - 4.0_f64.sqrt()).abs() < 1e-12);
        let same = Spread::of(&[0.5, -1.0].repeat(7), 7).expect("seven samples");
        assert!(same.distance < 1e-9 && (same.deviation - 0.75).abs() < 1e-12);
        assert_eq!(Spread::of(&[1.0, 2.0], 1), None);
        assert_eq!(Spread::of(&[], 0), None);
    }
}

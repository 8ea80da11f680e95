//! What a step that was looked at closely tells: networks layer by layer, what D answered, how samples differ.

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
}

/// How a batch of samples differs within itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The standard deviation of all their values.
    pub deviation: f64,
    /// How far two of them are apart on average: the root of the mean squared difference of their values.
    pub distance: f64,
}

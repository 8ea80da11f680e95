//! What a training step tells.

use crate::detail::{AnswerKind, Answers};
use crate::theory::mean_and_deviation;
use detach_nn::{Param, State, parameters};
use detach_tensor::Tensor;

/// What a step tells: named numbers, and the samples that it made.
///
/// Everything is detached and still on the device: reading a value waits for it, so it is read
/// only when it is due to be shown, and before the next step.
#[derive(Clone, Debug, Default)]
pub struct Report {
    measures: Vec<(&'static str, Measure)>,
    samples: Option<Tensor>,
    /// Numbers of which there is one a sample.
    distributions: Vec<(&'static str, Tensor)>,
    /// What D answered to reals and to fakes.
    answers: Option<(AnswerKind, [Tensor; 2])>,
    /// What D answered to the fakes of G's turn, as logits.
    in_g_turn: Option<Tensor>,
}

/// How a number is read off a tensor.
#[derive(Clone, Debug)]
enum Measure {
    /// The scalar itself.
    Value(Tensor),
    /// The share of elements above 0.
    Positive(Tensor),
    /// The share of elements below 0.
    Negative(Tensor),
    /// The standard deviation of the elements.
    Deviation(Tensor),
}

impl Measure {
    fn read(&self) -> f64 {
        match self {
            Self::Value(x) => x.item(),
            Self::Positive(x) => share(x, |x| x > 0.0),
            Self::Negative(x) => share(x, |x| x < 0.0),
            Self::Deviation(x) => mean_and_deviation(&x.to_vec()).1,
        }
    }
}

fn share(of: &Tensor, is: fn(f64) -> bool) -> f64 {
    let values = of.to_vec::<f64>();
    values.iter().filter(|x| is(**x)).count() as f64 / values.len() as f64
}

impl Report {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number `name` is the scalar `value`; what it was before in this step is forgotten.
    pub fn scalar(&mut self, name: &'static str, value: &Tensor) {
        self.set(name, Measure::Value(value.detach()));
    }

    /// What D made of reals and fakes before its (last) update of the step: its answers, its loss, the loss of each
    /// half `[real, fake]` as `d_loss_real` and `d_loss_fake`, and from the logits `[real, fake]` `real_acc`,
    /// the share of D(x) > ½, and `fake_acc`, the share of D(G(z)) < ½.
    pub fn discriminator(&mut self, loss: &Tensor, halves: [&Tensor; 2], logits: [&Tensor; 2]) {
        self.scalar("d_loss", loss);
        self.scalar("d_loss_real", halves[0]);
        self.scalar("d_loss_fake", halves[1]);
        self.set("real_acc", Measure::Positive(logits[0].detach()));
        self.set("fake_acc", Measure::Negative(logits[1].detach()));
        self.answers = Some((AnswerKind::Logits, logits.map(Tensor::detach)));
    }

    /// What a critic made of reals and fakes before its (last) update of the step, where its answers are
    /// no logits: its loss, its mean answers `real_score` and `fake_score`.
    pub fn critic(&mut self, loss: &Tensor, answers: [&Tensor; 2]) {
        self.scalar("d_loss", loss);
        self.scalar("real_score", &answers[0].detach().mean());
        self.scalar("fake_score", &answers[1].detach().mean());
        self.answers = Some((AnswerKind::Scores, answers.map(Tensor::detach)));
    }

    /// A penalty on a critic's slope with its weight, and the norms `[N]` that it is of: `penalty`,
    /// their mean and deviation as `slope` and `slope_deviation`, and how they are distributed.
    pub fn penalty(&mut self, [penalty, norms]: [&Tensor; 2]) {
        self.scalar("penalty", penalty);
        self.scalar("slope", &norms.detach().mean());
        self.set("slope_deviation", Measure::Deviation(norms.detach()));
        self.distributions.retain(|(name, _)| *name != "slope");
        self.distributions.push(("slope", norms.detach()));
    }

    /// The number `name` is the share of a network's weights that are at least `limit` from 0, as they are now: a later
    /// step writes to them before a captured one's report is read.
    pub fn weights_beyond(&mut self, name: &'static str, net: &dyn State, limit: f64) {
        let weights = parameters(net);
        let beyond = |param: &Param| {
            let size = param.get().detach().abs();
            size.greater_equal(&size.full_like(limit)).sum()
        };
        let counts = weights.iter().map(|(_, param)| beyond(param));
        let all: usize = weights.iter().map(|(_, param)| param.get().len()).sum();
        if let Some(count) = counts.reduce(|a, b| a + b) {
            self.scalar(name, &(count / all as f64));
        }
    }

    /// G's loss, and the samples of the step.
    pub fn generator(&mut self, loss: &Tensor, samples: &Tensor) {
        self.scalar("g_loss", loss);
        self.samples = Some(samples.detach());
    }

    /// What D answered to the fakes that G learns from, as logits: no number of the step's, but of a published log.
    pub fn g_turn(&mut self, logits: &Tensor) {
        self.in_g_turn = Some(logits.detach());
    }

    fn set(&mut self, name: &'static str, measure: Measure) {
        match self.measures.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = measure,
            None => self.measures.push((name, measure)),
        }
    }

    /// The names of the numbers, in the order in which they were first told.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.measures.iter().map(|(name, _)| *name)
    }

    /// Reads the number `name` from the device; `None` where there is none.
    pub fn get(&self, name: &str) -> Option<f64> {
        let (_, measure) = self.measures.iter().find(|(known, _)| *known == name)?;
        Some(measure.read())
    }

    /// Reads all numbers from the device.
    pub fn read(&self) -> Vec<(&'static str, f64)> {
        let read = |(name, measure): &(&'static str, Measure)| (*name, measure.read());
        self.measures.iter().map(read).collect()
    }

    /// Reads numbers of which there is one a sample from the device, by name.
    pub fn distributions(&self) -> Vec<(&'static str, Vec<f64>)> {
        let read = |(name, values): &(&'static str, Tensor)| (*name, values.to_vec());
        self.distributions.iter().map(read).collect()
    }

    /// Reads what D answered to reals and fakes from the device; `None` of a step that did not tell.
    pub fn answers(&self) -> Option<Answers> {
        let (kind, answers) = self.answers.as_ref()?;
        let [real, fake] = answers.each_ref().map(Tensor::to_vec);
        Some(Answers::of(*kind, real, fake))
    }

    /// What D answered to the fakes of G's turn, as logits; `None` of a step that did not tell.
    pub fn answers_in_g_turn(&self) -> Option<&Tensor> {
        self.in_g_turn.as_ref()
    }

    /// The step's samples, `[N, …]`.
    ///
    /// # Panics
    /// When the step told of none.
    #[track_caller]
    pub fn samples(&self) -> &Tensor {
        let samples = self.samples.as_ref();
        samples.expect("a training step reports its samples: Report::generator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_nn::{Initialiser, Linear, clip_weights};
    use detach_tensor::{Array, DType};

    /// A bound such as 0.01 is no `f32`, and a weight that was clipped to it lies below.
    #[test]
    fn weights_at_the_bound_are_counted_and_kept_as_they_were() {
        let net = Linear::new(3, 2, &Initialiser::zeros(DType::F32));
        let weight = parameters(&net)[0].1;
        let values = [1.0_f32, -1.0, 0.02, 0.0, 0.009, -0.005];
        weight.set("a test", &Array::from_slice(&values, &[2, 3]));
        clip_weights(&net, 0.01);
        let mut report = Report::new();
        report.weights_beyond("clipped", &net, 0.01);
        weight.set("a test", &Array::zeros(&[2, 3], DType::F32));
        assert_eq!(report.get("clipped"), Some(3.0 / 8.0));
    }
}

//! The line that a tutorial prints after each step, with the numbers of this run.

use detach_recipes::{At, Field, Metrics, PublishedLog, Report};
use detach_tensor::Tensor;

/// The line of `log` for the step that `metrics` are of; `None` where a number of it was not told.
pub fn line(log: &PublishedLog, at: At<'_>, metrics: &Metrics) -> Option<String> {
    let values = log.fields.iter().map(|field| value(*field, at, metrics));
    let values: Option<Vec<f64>> = values.collect();
    Some(log.line(&values?))
}

fn value(field: Field, at: At<'_>, metrics: &Metrics) -> Option<f64> {
    let (done, an_epoch) = (metrics.step - 1, at.trainer.steps_per_epoch());
    let answers = || at.report.and_then(Report::answers);
    Some(match field {
        Field::Epoch => (done / an_epoch) as f64,
        Field::Epochs => at.trainer.setup().settings.epochs as f64,
        Field::Batch => (done % an_epoch) as f64,
        Field::Batches => an_epoch as f64,
        Field::Iteration => done as f64,
        Field::Number(name) => metrics.get(name)?,
        Field::Accuracy => 50.0 * (metrics.get("real_acc")? + metrics.get("fake_acc")?),
        Field::DOfReals => answers()?.real_mean,
        Field::DOfFakes => answers()?.fake_mean,
        Field::DOfFakesInGTurn => mean_probability(at.report?.answers_in_g_turn()?),
    })
}

fn mean_probability(logits: &Tensor) -> f64 {
    let logits = logits.to_vec::<f64>();
    let probabilities = logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp()));
    probabilities.sum::<f64>() / logits.len() as f64
}

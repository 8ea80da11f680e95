//! What a trained discriminator says of images, outside of its step.

use crate::batch::Batch;
use detach_nn::{Mode, Module, Sequential};
use detach_tensor::Tensor;

/// A network that says how real images are.
pub trait Discriminator {
    /// How real it finds each of a batch, `[N]`: logits or scores, more of them for more real ones.
    fn answers(&self, batch: &Batch, mode: Mode<'_>) -> Tensor;
}

/// The first of the numbers that are answered; of an [autoencoder](crate::recipes), which answers images, how little they
/// differ from its input: −mean |x − D(x)|.
impl Discriminator for Sequential {
    fn answers(&self, batch: &Batch, mode: Mode<'_>) -> Tensor {
        let x = &batch.images;
        let y = self.forward(x, mode);
        match x.shape() {
            &[n, _, _, _] if y.shape() == x.shape() => {
                let off = (&y - x).abs().reshape(&[n, x.len() / n]);
                -off.mean_axes(&[1]).reshape(&[n])
            }
            _ => first(&y),
        }
    }
}

/// The first number of each row, `[N]`.
pub(crate) fn first(answers: &Tensor) -> Tensor {
    let n = answers.shape()[0];
    let rows = answers.reshape(&[n, answers.len() / n]);
    rows.slice(1, 0, 1).reshape(&[n])
}

//! A batch of real samples.

use detach_tensor::{Array, Kind, Tensor};

/// Real samples, and what they are of.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[N, C, side, side]` in [-1, 1], or `[N, 1]` of a distribution.
    pub images: Tensor,
    labels: Labels,
}

#[derive(Clone, Debug)]
enum Labels {
    /// All of one class.
    None,
    Host(Vec<f32>, Kind),
    /// Of all images, and which of them.
    Device(Box<[Tensor; 2]>),
    /// Of these images, `[N]`.
    Sent(Tensor),
}

impl Batch {
    /// Samples without labels.
    pub fn of(images: Tensor) -> Self {
        Self {
            images,
            labels: Labels::None,
        }
    }

    /// Samples of these classes, one for each.
    ///
    /// # Panics
    /// When they are asked for and are more or fewer than samples.
    pub fn labelled(images: Tensor, labels: Vec<f32>) -> Self {
        let kind = images.kind();
        Self {
            images,
            labels: Labels::Host(labels, kind),
        }
    }

    /// Samples that were picked out of all.
    pub(crate) fn picked(images: Tensor, labels: Tensor, chosen: Tensor) -> Self {
        Self {
            images,
            labels: Labels::Device(Box::new([labels, chosen])),
        }
    }

    /// Samples whose labels `[N]` are on the device as they are.
    pub(crate) fn sent(images: Tensor, labels: Tensor) -> Self {
        Self {
            images,
            labels: Labels::Sent(labels),
        }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.images.shape()[0]
    }

    /// Whether there are none, which no source of batches gives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of each sample as a number, `[N]`; 0 where the data has no labels.
    pub fn labels(&self) -> Tensor {
        match &self.labels {
            Labels::None => Tensor::constant(Array::full(0.0, &[self.len()], self.images.kind())),
            Labels::Host(labels, kind) => {
                let array = Array::from_slice(labels, &[labels.len()]);
                Tensor::constant(array.to_kind(*kind))
            }
            Labels::Device(both) => {
                let [all, chosen] = &**both;
                all.gather(chosen)
            }
            Labels::Sent(labels) => labels.clone(),
        }
    }
}

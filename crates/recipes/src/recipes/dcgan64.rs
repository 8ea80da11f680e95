//! `dcgan64`: the all-convolutional GAN of the DCGAN paper, RGB at 64×64, with the loop of
//! `dcgan-light` (`smoothed.rs`).

use super::smoothed::{Published, Smoothed};
use crate::nets::dcgan::{Size, rgb_discriminator, rgb_generator};
use crate::{About, ImageSize};
use detach_nn::{Initialiser, Sequential};

/// The recipe in training.
pub(crate) type Dcgan64 = Smoothed<Rgb>;

/// What `dcgan64` has of its own.
pub(crate) struct Rgb;

impl Published for Rgb {
    const ABOUT: About = About {
        name: "dcgan64",
        summary: "RGB at 64×64, no biases, five convolutions each; the paper's size",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
        losses: &[
            "D: BCE(D(x), 0.9) + BCE(D(G(z)), 0.1)",
            "G: BCE(D(G(z′)), 0.9)",
        ],
        sources: &[
            "of the source: the networks, and nothing else",
            "our choice: the loop of `dcgan-light` with its labels, optimisers, batches and pictures",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made; G's update names G alone",
        notes: &[
            "Only the networks are published; the loop is that of `dcgan-light`, which is our choice.",
            "Digits are enlarged to 64×64 (bilinear) and shown in all three channels; `--data shapes` has coloured images of this \
             size, and is what is trained on where no data is found.",
            "D's BatchNorm sees three batches a step, so its running statistics move three times; \
             `fixed` leaves them alone in G's update (d-stats-in-g-step = false). Nothing reads them while D is not \
             evaluated in eval mode: losses and weights are the same either way.",
            "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
        ],
    };
    const IMAGE: ImageSize = ImageSize {
        channels: 3,
        side: 64,
    };

    fn generator(channels: usize, size: Size, init: &Initialiser) -> Sequential {
        rgb_generator(channels, size, init)
    }

    fn discriminator(
        channels: usize,
        width: usize,
        batch_norm: bool,
        init: &Initialiser,
    ) -> Sequential {
        rgb_discriminator(channels, width, batch_norm, init)
    }
}

//! `dcgan-light`: a small all-convolutional GAN with smoothed labels; the default, as
//! it makes digits soonest. Its loop is in `smoothed.rs`.

use super::smoothed::{Published, Smoothed};
use crate::nets::dcgan::{Size, light_discriminator, light_generator};
use crate::{About, ImageSize};
use detach_nn::{Initialiser, Sequential};

/// The recipe in training.
pub(crate) type DcganLight = Smoothed<Light>;

/// What `dcgan-light` has of its own.
pub(crate) struct Light;

impl Published for Light {
    const ABOUT: About = About {
        name: "dcgan-light",
        summary: "small and all-convolutional, smoothed labels; digits within two minutes",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
        losses: &[
            "D: BCE(D(x), 0.9) + BCE(D(G(z)), 0.1), never below 0.650",
            "G: BCE(D(G(z′)), 0.9), never below 0.325",
        ],
        sources: &[
            "of the source: networks, labels, Adam 2e-4 with betas 0.5 and 0.999, batches of 64 with the short last \
             one, 50 epochs, an 8×8 picture from 64 fixed points of noise every epoch",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made, so G's graph is never built for \
                 them; G's update goes through D and names G alone: D is frozen",
        notes: &[
            "D's BatchNorm sees three batches a step, so its running statistics move three times; \
             `fixed` leaves them alone in G's update (d-stats-in-g-step = false). Nothing reads them while D is not \
             evaluated in eval mode: losses and weights are the same either way.",
            "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
        ],
    };
    const IMAGE: ImageSize = ImageSize {
        channels: 1,
        side: 28,
    };

    fn generator(channels: usize, size: Size, init: &Initialiser) -> Sequential {
        light_generator(channels, size, init)
    }

    fn discriminator(
        channels: usize,
        width: usize,
        batch_norm: bool,
        init: &Initialiser,
    ) -> Sequential {
        light_discriminator(channels, width, batch_norm, init)
    }
}

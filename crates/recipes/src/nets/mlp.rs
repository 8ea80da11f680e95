//! Fully connected networks.

use super::SLOPE;
use detach_nn::{
    BatchNorm, Dropout, Flatten, Initialiser, LeakyReLU, Linear, ReLU, Sequential, Tanh, Unflatten,
};

/// Pixels of an MNIST image.
const PIXELS: usize = 28 * 28;

/// Noise `[N, latent]` to images `[N, 1, 28, 28]` through layers of these widths, published
/// with 256, 512 and 1024; no batch normalisation.
pub fn keras_generator(latent: usize, widths: &[usize], init: &Initialiser) -> Sequential {
    let mut net = Sequential::new();
    let mut width = latent;
    for &next in widths {
        net = net
            .push(Linear::new(width, next, init))
            .push(LeakyReLU(SLOPE));
        width = next;
    }
    net.push(Linear::new(width, PIXELS, init))
        .push(Tanh)
        .push(Unflatten([1, 28, 28]))
}

/// Images to logits `[N, 1]` through layers of these widths, published with 1024, 512 and 256,
/// with dropout.
pub fn keras_discriminator(widths: &[usize], dropout: f64, init: &Initialiser) -> Sequential {
    let mut net = Sequential::new().push(Flatten);
    let mut width = PIXELS;
    for &next in widths {
        net = net
            .push(Linear::new(width, next, init))
            .push(LeakyReLU(SLOPE))
            .push(Dropout::new(dropout));
        width = next;
    }
    net.push(Linear::new(width, 1, init))
}

/// Noise `[N, latent]` to images through layers of these widths, published with 128, 256, 512 and
/// 1024; batch normalisation with eps `bn_eps`, where there is one, behind all but the first.
///
/// # Panics
/// When there are no widths.
pub fn generator(
    latent: usize,
    widths: &[usize],
    bn_eps: Option<f64>,
    init: &Initialiser,
) -> Sequential {
    let (&first, rest) = widths.split_first().expect("a hidden layer");
    let mut net = Sequential::new()
        .push(Linear::new(latent, first, init))
        .push(LeakyReLU(SLOPE));
    let mut width = first;
    for &next in rest {
        net = net.push(Linear::new(width, next, init));
        if let Some(eps) = bn_eps {
            net = net.push(BatchNorm::new(next, init).eps(eps));
        }
        net = net.push(LeakyReLU(SLOPE));
        width = next;
    }
    net.push(Linear::new(width, PIXELS, init))
        .push(Tanh)
        .push(Unflatten([1, 28, 28]))
}

/// Images to logits `[N, 1]` through layers of these widths, published with 512 and 256.
pub fn discriminator(widths: &[usize], init: &Initialiser) -> Sequential {
    let mut net = Sequential::new().push(Flatten);
    let mut width = PIXELS;
    for &next in widths {
        net = net
            .push(Linear::new(width, next, init))
            .push(LeakyReLU(SLOPE));
        width = next;
    }
    net.push(Linear::new(width, 1, init))
}

/// Images to logits `[N, 1]` through layers of these widths with ReLU, published with 512, 256
/// and 128. With `last_relu` there is one before σ too, as published, so that no logit is negative.
pub fn relu_discriminator(widths: &[usize], last_relu: bool, init: &Initialiser) -> Sequential {
    let mut net = Sequential::new().push(Flatten);
    let mut width = PIXELS;
    for &next in widths {
        net = net.push(Linear::new(width, next, init)).push(ReLU);
        width = next;
    }
    let net = net.push(Linear::new(width, 1, init));
    match last_relu {
        true => net.push(ReLU),
        false => net,
    }
}

/// Hidden layers of these widths with ReLU, `inputs` to 1, published with 50 and 50: both
/// networks of `gauss1d`.
pub fn small(inputs: usize, widths: &[usize], init: &Initialiser) -> Sequential {
    let mut net = Sequential::new();
    let mut width = inputs;
    for &next in widths {
        net = net.push(Linear::new(width, next, init)).push(ReLU);
        width = next;
    }
    net.push(Linear::new(width, 1, init))
}

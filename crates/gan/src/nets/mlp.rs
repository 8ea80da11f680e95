//! Fully connected networks.

use detach_nn::{
    BatchNorm, Dropout, Flatten, Initialiser, LeakyReLU, Linear, ReLU, Sequential, Tanh, Unflatten,
};

/// LeakyReLU's slope in every published network here.
const SLOPE: f64 = 0.2;
/// Pixels of an MNIST image.
const PIXELS: usize = 28 * 28;

/// Noise `[N, 100]` to images `[N, 1, 28, 28]` through 256, 512 and 1024 units.
pub fn keras_generator(init: &Initialiser) -> Sequential {
    let mut net = Sequential::new();
    let mut width = 100;
    for next in [256, 512, 1024] {
        net = net
            .push(Linear::new(width, next, init))
            .push(LeakyReLU(SLOPE));
        width = next;
    }
    net.push(Linear::new(width, PIXELS, init))
        .push(Tanh)
        .push(Unflatten([1, 28, 28]))
}

/// Images to logits `[N, 1]` through 1024, 512 and 256 units, with dropout.
pub fn keras_discriminator(dropout: f64, init: &Initialiser) -> Sequential {
    let mut net = Sequential::new().push(Flatten);
    let mut width = PIXELS;
    for next in [1024, 512, 256] {
        net = net
            .push(Linear::new(width, next, init))
            .push(LeakyReLU(SLOPE))
            .push(Dropout::new(dropout));
        width = next;
    }
    net.push(Linear::new(width, 1, init))
}

/// Noise `[N, 100]` to images through 128, 256, 512 and 1024 units, batch
/// normalisation with `bn_eps` behind all but the first.
pub fn generator(bn_eps: f64, init: &Initialiser) -> Sequential {
    let mut net = Sequential::new()
        .push(Linear::new(100, 128, init))
        .push(LeakyReLU(SLOPE));
    let mut width = 128;
    for next in [256, 512, 1024] {
        net = net
            .push(Linear::new(width, next, init))
            .push(BatchNorm::new(next, init).eps(bn_eps))
            .push(LeakyReLU(SLOPE));
        width = next;
    }
    net.push(Linear::new(width, PIXELS, init))
        .push(Tanh)
        .push(Unflatten([1, 28, 28]))
}

/// Images to logits `[N, 1]` through 512 and 256 units.
pub fn discriminator(init: &Initialiser) -> Sequential {
    Sequential::new()
        .push(Flatten)
        .push(Linear::new(PIXELS, 512, init))
        .push(LeakyReLU(SLOPE))
        .push(Linear::new(512, 256, init))
        .push(LeakyReLU(SLOPE))
        .push(Linear::new(256, 1, init))
}

/// Images to logits `[N, 1]` through 512, 256 and 128 units with ReLU. With
/// `last_relu` there is one before σ too, as published, so that no logit is negative.
pub fn relu_discriminator(last_relu: bool, init: &Initialiser) -> Sequential {
    let mut net = Sequential::new().push(Flatten);
    let mut width = PIXELS;
    for next in [512, 256, 128] {
        net = net.push(Linear::new(width, next, init)).push(ReLU);
        width = next;
    }
    let net = net.push(Linear::new(width, 1, init));
    match last_relu {
        true => net.push(ReLU),
        false => net,
    }
}

/// Two hidden layers of 50 units with ReLU, `inputs` to 1: both networks of `gauss1d`.
pub fn small(inputs: usize, init: &Initialiser) -> Sequential {
    Sequential::new()
        .push(Linear::new(inputs, 50, init))
        .push(ReLU)
        .push(Linear::new(50, 50, init))
        .push(ReLU)
        .push(Linear::new(50, 1, init))
}

//! Convolutional networks after DCGAN (Radford et al., arXiv:1511.06434).

use super::{SLOPE, normed};
use crate::{Generator, ImageSize};
use detach_nn::{
    Conv2d, ConvTranspose2d, Dropout2d, Flatten, Initialiser, LeakyReLU, Linear, ReLU, Sequential,
    Sigmoid, Tanh, Unflatten,
};

/// What a convolutional network is made of.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Dimensions of the noise.
    pub latent: usize,
    /// Channels of the widest images, those at full size but for the pictures themselves.
    pub width: usize,
    /// Whether there is batch normalisation.
    pub batch_norm: bool,
}

/// A transposed convolution that doubles height and width.
pub(super) fn double(from: usize, to: usize, init: &Initialiser) -> ConvTranspose2d {
    ConvTranspose2d::new(from, to, 4, init).stride(2).padding(1)
}

/// A convolution that halves height and width.
pub(super) fn halve(from: usize, to: usize, init: &Initialiser) -> Conv2d {
    Conv2d::new(from, to, 4, init).stride(2).padding(1)
}

/// Noise `[N, latent]` to images `[N, channels, 28, 28]`: a linear layer to 4·width×7×7, doubled
/// twice, and a 3×3 convolution to the channels. Published with a width of 64 and one channel.
pub fn generator(channels: usize, size: Size, init: &Initialiser) -> Sequential {
    let Size {
        latent,
        width,
        batch_norm,
    } = size;
    let (wide, half) = (4 * width, 2 * width);
    let mut net = Sequential::new().push(Linear::new(latent, wide * 7 * 7, init));
    net = normed(net, wide * 7 * 7, batch_norm, init)
        .push(ReLU)
        .push(Unflatten([wide, 7, 7]))
        .push(double(wide, half, init));
    net = normed(net, half, batch_norm, init)
        .push(ReLU)
        .push(double(half, width, init));
    normed(net, width, batch_norm, init)
        .push(ReLU)
        .push(Conv2d::new(width, channels, 3, init).padding(1))
        .push(Tanh)
}

/// Images `[N, channels, 28, 28]` to logits `[N, 1]`, with dropout of whole channels.
pub fn discriminator(
    channels: usize,
    width: usize,
    batch_norm: bool,
    dropout: f64,
    init: &Initialiser,
) -> Sequential {
    let net = Sequential::new()
        .push(halve(channels, width, init))
        .push(LeakyReLU(SLOPE))
        .push(Dropout2d::new(dropout))
        .push(halve(width, 2 * width, init));
    normed(net, 2 * width, batch_norm, init)
        .push(LeakyReLU(SLOPE))
        .push(Dropout2d::new(dropout))
        .push(Flatten)
        .push(Linear::new(2 * width * 7 * 7, 1, init))
}

/// Noise `[N, latent]`, seen as latent×1×1, to images `[N, channels, 28, 28]`: 7×7 at once, then
/// doubled twice. Published with a width of 64 and one channel.
pub fn light_generator(channels: usize, size: Size, init: &Initialiser) -> Sequential {
    let Size {
        latent,
        width,
        batch_norm,
    } = size;
    let net = Sequential::new()
        .push(Unflatten([latent, 1, 1]))
        .push(ConvTranspose2d::new(latent, 2 * width, 7, init));
    let net = normed(net, 2 * width, batch_norm, init)
        .push(ReLU)
        .push(double(2 * width, width, init));
    normed(net, width, batch_norm, init)
        .push(ReLU)
        .push(double(width, channels, init))
        .push(Tanh)
}

/// Images `[N, channels, 28, 28]` to logits `[N, 1]`, convolutions only.
pub fn light_discriminator(
    channels: usize,
    width: usize,
    batch_norm: bool,
    init: &Initialiser,
) -> Sequential {
    light_features(channels, width, batch_norm, init)
        .push(Conv2d::new(2 * width, 1, 7, init))
        .push(Flatten)
}

/// What [`light_discriminator`] has before its last convolution: images `[N, channels, 28, 28]` to features
/// `[N, 2·width, 7, 7]`.
pub fn light_features(
    channels: usize,
    width: usize,
    batch_norm: bool,
    init: &Initialiser,
) -> Sequential {
    let net = Sequential::new()
        .push(halve(channels, width, init))
        .push(LeakyReLU(SLOPE))
        .push(halve(width, 2 * width, init));
    normed(net, 2 * width, batch_norm, init).push(LeakyReLU(SLOPE))
}

/// Noise `[N, latent]`, seen as latent×1×1, to images `[N, colours, 64, 64]`: 4×4 at once, then
/// doubled four times; no biases. Published with a width of 64 and three colours.
pub fn rgb_generator(colours: usize, size: Size, init: &Initialiser) -> Sequential {
    let Size {
        latent,
        width,
        batch_norm,
    } = size;
    let mut channels = 8 * width;
    let mut net = Sequential::new()
        .push(Unflatten([latent, 1, 1]))
        .push(ConvTranspose2d::new(latent, channels, 4, init).without_bias());
    for next in [4 * width, 2 * width, width, colours] {
        net = normed(net, channels, batch_norm, init)
            .push(ReLU)
            .push(double(channels, next, init).without_bias());
        channels = next;
    }
    net.push(Tanh)
}

/// Images `[N, colours, 64, 64]` to logits `[N, 1]`: halved four times, no biases.
pub fn rgb_discriminator(
    colours: usize,
    width: usize,
    batch_norm: bool,
    init: &Initialiser,
) -> Sequential {
    let mut net = Sequential::new()
        .push(halve(colours, width, init).without_bias())
        .push(LeakyReLU(SLOPE));
    let mut channels = width;
    for next in [2 * width, 4 * width, 8 * width] {
        net = net.push(halve(channels, next, init).without_bias());
        net = normed(net, next, batch_norm, init).push(LeakyReLU(SLOPE));
        channels = next;
    }
    net.push(Conv2d::new(channels, 1, 4, init).without_bias())
        .push(Flatten)
}

/// [`light_generator`] where images have 28 pixels a side, [`rgb_generator`] where they have 64.
pub fn generator_of(image: ImageSize, size: Size, init: &Initialiser) -> Generator {
    Generator {
        net: match image.side {
            64 => rgb_generator(image.channels, size, init),
            _ => light_generator(image.channels, size, init),
        },
        latent: size.latent,
    }
}

/// [`light_discriminator`] where images have 28 pixels a side, [`rgb_discriminator`] where they have 64, in σ where that is
/// wanted. Without batch normalisation every convolution has a bias: there is no β to shift by.
pub fn critic(
    image: ImageSize,
    width: usize,
    batch_norm: bool,
    sigmoid: bool,
    init: &Initialiser,
) -> Sequential {
    let net = match (image.side, batch_norm) {
        (64, true) => rgb_discriminator(image.channels, width, true, init),
        (64, false) => rgb_critic(image.channels, width, init),
        _ => light_discriminator(image.channels, width, batch_norm, init),
    };
    match sigmoid {
        true => net.push(Sigmoid),
        false => net,
    }
}

/// Images `[N, colours, 64, 64]` to a number each, `[N, 1]`: halved four times, with biases and no
/// normalisation.
fn rgb_critic(colours: usize, width: usize, init: &Initialiser) -> Sequential {
    let (mut net, mut channels) = (Sequential::new(), colours);
    for next in [width, 2 * width, 4 * width, 8 * width] {
        net = net.push(halve(channels, next, init)).push(LeakyReLU(SLOPE));
        channels = next;
    }
    net.push(Conv2d::new(channels, 1, 4, init)).push(Flatten)
}

//! Convolutional networks after DCGAN (Radford et al., arXiv:1511.06434).

use detach_nn::{
    BatchNorm, Conv2d, ConvTranspose2d, Dropout2d, Flatten, Initialiser, LeakyReLU, Linear, ReLU,
    Sequential, Tanh, Unflatten,
};

const SLOPE: f64 = 0.2;

/// A transposed convolution that doubles height and width.
fn double(from: usize, to: usize, init: &Initialiser) -> ConvTranspose2d {
    ConvTranspose2d::new(from, to, 4, init).stride(2).padding(1)
}

/// A convolution that halves height and width.
fn halve(from: usize, to: usize, init: &Initialiser) -> Conv2d {
    Conv2d::new(from, to, 4, init).stride(2).padding(1)
}

/// Noise `[N, 100]` to images `[N, 1, 28, 28]`: a linear layer to 256×7×7, doubled
/// twice, and a 3×3 convolution to one channel.
pub fn generator(init: &Initialiser) -> Sequential {
    Sequential::new()
        .push(Linear::new(100, 256 * 7 * 7, init))
        .push(BatchNorm::new(256 * 7 * 7, init))
        .push(ReLU)
        .push(Unflatten([256, 7, 7]))
        .push(double(256, 128, init))
        .push(BatchNorm::new(128, init))
        .push(ReLU)
        .push(double(128, 64, init))
        .push(BatchNorm::new(64, init))
        .push(ReLU)
        .push(Conv2d::new(64, 1, 3, init).padding(1))
        .push(Tanh)
}

/// Images to logits `[N, 1]`, with dropout of whole channels.
pub fn discriminator(dropout: f64, init: &Initialiser) -> Sequential {
    Sequential::new()
        .push(halve(1, 64, init))
        .push(LeakyReLU(SLOPE))
        .push(Dropout2d::new(dropout))
        .push(halve(64, 128, init))
        .push(BatchNorm::new(128, init))
        .push(LeakyReLU(SLOPE))
        .push(Dropout2d::new(dropout))
        .push(Flatten)
        .push(Linear::new(128 * 7 * 7, 1, init))
}

/// Noise `[N, 100]`, seen as 100×1×1, to images: 7×7 at once, then doubled twice.
pub fn light_generator(init: &Initialiser) -> Sequential {
    Sequential::new()
        .push(Unflatten([100, 1, 1]))
        .push(ConvTranspose2d::new(100, 128, 7, init))
        .push(BatchNorm::new(128, init))
        .push(ReLU)
        .push(double(128, 64, init))
        .push(BatchNorm::new(64, init))
        .push(ReLU)
        .push(double(64, 1, init))
        .push(Tanh)
}

/// Noise `[N, 100]`, seen as 100×1×1, to images `[N, 3, 64, 64]`: 4×4 at once, then
/// doubled four times; no biases.
pub fn rgb_generator(init: &Initialiser) -> Sequential {
    let mut net = Sequential::new()
        .push(Unflatten([100, 1, 1]))
        .push(ConvTranspose2d::new(100, 512, 4, init).without_bias());
    let mut channels = 512;
    for next in [256, 128, 64, 3] {
        net = net
            .push(BatchNorm::new(channels, init))
            .push(ReLU)
            .push(double(channels, next, init).without_bias());
        channels = next;
    }
    net.push(Tanh)
}

/// Images `[N, 3, 64, 64]` to logits `[N, 1]`: halved four times, no biases.
pub fn rgb_discriminator(init: &Initialiser) -> Sequential {
    let mut net = Sequential::new()
        .push(halve(3, 64, init).without_bias())
        .push(LeakyReLU(SLOPE));
    let mut channels = 64;
    for next in [128, 256, 512] {
        net = net
            .push(halve(channels, next, init).without_bias())
            .push(BatchNorm::new(next, init))
            .push(LeakyReLU(SLOPE));
        channels = next;
    }
    net.push(Conv2d::new(channels, 1, 4, init).without_bias())
        .push(Flatten)
}

/// Images to logits `[N, 1]`, convolutions only.
pub fn light_discriminator(init: &Initialiser) -> Sequential {
    Sequential::new()
        .push(halve(1, 64, init))
        .push(LeakyReLU(SLOPE))
        .push(halve(64, 128, init))
        .push(BatchNorm::new(128, init))
        .push(LeakyReLU(SLOPE))
        .push(Conv2d::new(128, 1, 7, init))
        .push(Flatten)
}

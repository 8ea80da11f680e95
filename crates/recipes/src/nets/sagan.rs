//! The networks of `dcgan-light` and `dcgan64` with spectral normalisation and self-attention, after SAGAN
//! (Zhang et al., arXiv:1805.08318).

use super::dcgan::{Size, double, halve};
use super::normed;
use detach_nn::{
    Conv2d, ConvTranspose2d, Flatten, Initialiser, LeakyReLU, Mode, ReLU, SelfAttention,
    Sequential, SpectralNorm, Tanh, Unflatten,
};
use detach_tensor::{Array, DType, Tensor};

/// LeakyReLU's slope in D.
const SLOPE: f64 = 0.1;

/// `net` with a spectrally normalised transposed convolution, BatchNorm where it is wanted, and ReLU.
fn up(
    net: Sequential,
    conv: ConvTranspose2d,
    (channels, batch_norm): (usize, bool),
    init: &Initialiser,
) -> Sequential {
    normed(
        net.push(SpectralNorm::new(conv, init)),
        channels,
        batch_norm,
        init,
    )
    .push(ReLU)
}

/// `net` with a spectrally normalised convolution and LeakyReLU.
fn down(net: Sequential, conv: Conv2d, init: &Initialiser) -> Sequential {
    net.push(SpectralNorm::new(conv, init))
        .push(LeakyReLU(SLOPE))
}

/// Noise `[N, latent]` to images `[N, 1, 28, 28]`, or `[N, 3, 64, 64]` where `side` is 64; attention at half
/// their size. The last convolution is not normalised.
pub fn generator(side: usize, size: Size, init: &Initialiser) -> Sequential {
    let Size {
        latent,
        width,
        batch_norm,
    } = size;
    let net = Sequential::new().push(Unflatten([latent, 1, 1]));
    if side != 64 {
        let first = ConvTranspose2d::new(latent, 2 * width, 7, init);
        let net = up(net, first, (2 * width, batch_norm), init);
        let net = up(
            net,
            double(2 * width, width, init),
            (width, batch_norm),
            init,
        );
        return net
            .push(SelfAttention::new(width, init))
            .push(double(width, 1, init))
            .push(Tanh);
    }
    let mut channels = 8 * width;
    let first = ConvTranspose2d::new(latent, channels, 4, init).without_bias();
    let mut net = up(net, first, (channels, batch_norm), init);
    for next in [4 * width, 2 * width, width] {
        let conv = double(channels, next, init).without_bias();
        net = up(net, conv, (next, batch_norm), init);
        channels = next;
    }
    net.push(SelfAttention::new(channels, init))
        .push(double(channels, 3, init).without_bias())
        .push(Tanh)
}

/// Images `[N, 1, 28, 28]`, or `[N, 3, 64, 64]` where `side` is 64, to a number each, `[N, 1]`; attention at
/// half their size, no other normalisation.
pub fn discriminator(side: usize, width: usize, init: &Initialiser) -> Sequential {
    let (channels, more): (usize, &[usize]) = match side {
        64 => (3, &[2, 4, 8]),
        _ => (1, &[2]),
    };
    let mut net = down(Sequential::new(), halve(channels, width, init), init)
        .push(SelfAttention::new(width, init));
    let mut from = width;
    for times in more {
        net = down(net, halve(from, times * width, init), init);
        from = times * width;
    }
    let kernel = if side == 64 { 4 } else { 7 };
    net.push(SpectralNorm::new(Conv2d::new(from, 1, kernel, init), init))
        .push(Flatten)
}

/// Where the attention of a [generator] looks: images `[n·2q, 3, S, S]` in [-1, 1] from `z` `[n, latent]`, and for each of `q`
/// places two of them: the sample with the place in red, and the weights that its pixel gives the others, the largest
/// of them white.
///
/// # Panics
/// When there is no attention in `net`.
pub fn attention_maps(net: &Sequential, z: &Tensor, places: &[[f64; 2]]) -> Tensor {
    let mut x = z.clone();
    let mut weights = None;
    for layer in net.layers() {
        weights = weights.or(layer.attention(&x, Mode::eval()));
        x = layer.forward(&x, Mode::eval());
    }
    let weights = weights.expect("attention").to_vec::<f64>();
    let (samples, shape) = (x.to_vec::<f64>(), x.shape());
    let (n, side) = (shape[0], shape[2]);
    // A query for each 2×2 pixels, a key for each 4×4.
    let (queries, keys) = (side / 2, side / 4 * (side / 4));
    let mut out = Vec::new();
    for (number, sample) in samples.chunks_exact(samples.len() / n).enumerate() {
        for place in places {
            let [row, column] = place.map(|share| (share * queries as f64) as usize);
            let query = (number * queries + row) * queries + column;
            out.extend(marked(sample, side, [2 * row, 2 * column]));
            out.extend(map(&weights[query * keys..][..keys], side).repeat(3));
        }
    }
    let shape = [n * 2 * places.len(), 3, side, side];
    Tensor::constant(Array::from_f64(&out, &shape, DType::F32))
}

/// A sample `[C, side, side]` in three channels, with 2×2 pixels from this one on in red.
fn marked(sample: &[f64], side: usize, [row, column]: [usize; 2]) -> Vec<f64> {
    let planes = sample.chunks_exact(side * side).cycle().take(3);
    let mut image: Vec<f64> = planes.flatten().copied().collect();
    for (channel, plane) in image.chunks_exact_mut(side * side).enumerate() {
        for line in plane.chunks_exact_mut(side).skip(row).take(2) {
            line[column..column + 2].fill(if channel == 0 { 1.0 } else { -1.0 });
        }
    }
    image
}

/// The weights of a query as an image `[side, side]` in [-1, 1], the largest of them white.
fn map(weights: &[f64], side: usize) -> Vec<f64> {
    let most = weights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let key = |pixel: usize| pixel / side / 4 * (side / 4) + pixel % side / 4;
    let brightness = |pixel| 2.0 * weights[key(pixel)] / most - 1.0;
    (0..side * side).map(brightness).collect()
}

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
/// of them white. `None` where there is no attention.
pub fn attention_maps(net: &Sequential, z: &Tensor, places: &[[f64; 2]]) -> Option<Tensor> {
    let mut x = z.clone();
    let mut weights = None;
    for layer in net.layers() {
        weights = weights.or(layer.attention(&x, Mode::eval()));
        x = layer.forward(&x, Mode::eval());
    }
    let (weights, &[n, channels, side, _]) = (weights?.to_vec::<f64>(), x.shape()) else {
        unreachable!("a generator of images gives images")
    };
    let samples = x.to_vec::<f64>();
    let pixels = side * side;
    let (queries, keys) = (side / 2, side / 4);
    let mut out = Vec::with_capacity(n * places.len() * 6 * pixels);
    for sample in 0..n {
        for place in places {
            let [row, column] = place.map(|share| (share * queries as f64) as usize);
            for channel in 0..3 {
                let from = (sample * channels + channel.min(channels - 1)) * pixels;
                let mut image = samples[from..from + pixels].to_vec();
                for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    image[(2 * row + dy) * side + 2 * column + dx] =
                        if channel == 0 { 1.0 } else { -1.0 };
                }
                out.extend(image);
            }
            let query = (sample * queries + row) * queries + column;
            let of = &weights[query * keys * keys..][..keys * keys];
            let most = of.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
            let map =
                (0..pixels).map(|i| 2.0 * of[i / side / 4 * keys + i % side / 4] / most - 1.0);
            let map: Vec<f64> = map.collect();
            (0..3).for_each(|_| out.extend(&map));
        }
    }
    let shape = [n * 2 * places.len(), 3, side, side];
    Some(Tensor::constant(Array::from_f64(&out, &shape, DType::F32)))
}

//! Convolutional autoencoders after BEGAN (Berthelot et al., arXiv:1703.10717): 3×3 convolutions and
//! ELU, no normalisation.

use detach_nn::{Conv2d, ELU, Flatten, Initialiser, Linear, Sequential, Unflatten, Upsample};

/// What the networks of one system are made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Height and width of the images, 28 (grey) or 64 (RGB).
    pub side: usize,
    /// Dimensions of the code.
    pub code: usize,
    /// Filters n.
    pub filters: usize,
}

impl Shape {
    /// Height and width where images are smallest.
    fn base(self) -> usize {
        if self.side == 64 { 8 } else { 7 }
    }

    /// How many sizes of images there are.
    fn levels(self) -> usize {
        if self.side == 64 { 4 } else { 3 }
    }

    fn channels(self) -> usize {
        if self.side == 64 { 3 } else { 1 }
    }
}

fn conv(net: Sequential, from: usize, to: usize, init: &Initialiser) -> Sequential {
    net.push(Conv2d::new(from, to, 3, init).padding(1))
        .push(ELU(1.0))
}

/// Codes `[N, code]` to images `[N, C, side, side]`: n filters on every level, twice each, and no
/// bound at the end.
pub fn decoder(net: Sequential, shape: Shape, init: &Initialiser) -> Sequential {
    let (n, base) = (shape.filters, shape.base());
    let mut net = net
        .push(Linear::new(shape.code, base * base * n, init))
        .push(Unflatten([n, base, base]));
    for level in 0..shape.levels() {
        if level > 0 {
            net = net.push(Upsample::Nearest);
        }
        net = conv(conv(net, n, n, init), n, n, init);
    }
    net.push(Conv2d::new(n, shape.channels(), 3, init).padding(1))
}

/// Images to their codes and back, `[N, C, side, side]` each: i·n filters on level i, halved by a
/// stride between levels, and a [`decoder`].
pub fn autoencoder(shape: Shape, init: &Initialiser) -> Sequential {
    let (n, base, levels) = (shape.filters, shape.base(), shape.levels());
    let mut net = conv(Sequential::new(), shape.channels(), n, init);
    let mut from = n;
    for level in 1..=levels {
        let to = level * n;
        net = conv(conv(net, from, to, init), to, to, init);
        if level < levels {
            net = net
                .push(Conv2d::new(to, to, 3, init).stride(2).padding(1))
                .push(ELU(1.0));
        }
        from = to;
    }
    let net = net
        .push(Flatten)
        .push(Linear::new(base * base * from, shape.code, init));
    decoder(net, shape, init)
}

//! How much a batch varies, shown to a discriminator (Karras et al., arXiv:1710.10196).

use crate::module::{Mode, Module, Network, Slot, State};
use crate::name::Name;
use detach_tensor::Tensor;

/// Adds one channel to images `[N, C, H, W]`: the standard deviation over a group of samples,
/// √(variance + 1e-8), as the mean over all channels and pixels.
///
/// With groups of g samples, g the given size or the batch where that is smaller, sample i is in
/// group i mod N/g.
#[derive(Clone, Copy, Debug)]
pub struct MinibatchStddev(pub usize);

impl State for MinibatchStddev {
    fn visit<'a>(&'a self, _: Name<'_>, _: &mut dyn FnMut(Name<'_>, Slot<'a>)) {}
}

impl Module for MinibatchStddev {
    fn forward(&self, x: &Tensor, _: Mode<'_>) -> Tensor {
        let &[batch, channels, height, width] = x.shape() else {
            panic!(
                "{}: the input is {:?}; expected [N, C, H, W]",
                self.describe(),
                x.shape()
            );
        };
        let size = self.0.min(batch);
        assert!(
            size > 0 && batch.is_multiple_of(size),
            "{}: a batch of {batch} is no groups of {size}; use a batch that is",
            self.describe()
        );
        let groups = batch / size;
        let grouped = x.reshape(&[size, groups, channels, height, width]);
        let centred = &grouped - grouped.mean_axes(&[0]).expand(grouped.shape());
        let deviation = (centred.square().mean_axes(&[0]) + 1e-8).sqrt();
        let mean = deviation.mean_axes(&[2, 3, 4]).reshape(&[1, groups, 1, 1]);
        let map = mean.expand(&[size, groups, height, width]);
        Tensor::concat(&[x, &map.reshape(&[batch, 1, height, width])], 1).channels_last()
    }
}

impl Network for MinibatchStddev {
    fn describe(&self) -> String {
        format!("MinibatchStddev({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::Array;

    /// Samples 0 and 2 are a group, and 1 and 3.
    #[test]
    fn groups_are_every_so_many_th_sample() {
        let x = Tensor::constant(Array::from_slice(&[1.0, 10.0, 3.0, 10.0], &[4, 1, 1, 1]));
        let y = MinibatchStddev(2).forward(&x, Mode::eval());
        assert_eq!(y.shape(), [4, 2, 1, 1]);
        let map = y.slice(1, 1, 1).to_vec::<f64>();
        let expected = [1.0, 1e-4, 1.0, 1e-4];
        assert!(
            map.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-8),
            "{map:?}"
        );
        // A batch that is smaller than a group is one.
        let y = MinibatchStddev(32).forward(&x, Mode::eval());
        let map = y.slice(1, 1, 1).to_vec::<f64>();
        assert!(map.iter().all(|value| *value == map[0]));
    }

    #[test]
    #[should_panic(expected = "a batch of 4 is no groups of 3")]
    fn groups_are_whole() {
        let x = Tensor::constant(Array::from_slice(&[0.0; 4], &[4, 1, 1, 1]));
        let _ = MinibatchStddev(3).forward(&x, Mode::eval());
    }
}

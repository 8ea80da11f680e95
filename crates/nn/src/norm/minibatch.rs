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

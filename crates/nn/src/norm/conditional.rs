//! Batch normalisation whose scale and shift depend on a class (Dumoulin et al., arXiv:1610.07629).

use super::BatchNorm;
use crate::Initialiser;
use crate::module::{Mode, Module, Network, Param, Slot, State};
use crate::name::Name;
use detach_tensor::{Array, Tensor};

/// Batch normalisation of `[N, C, …]` with a γ and a β for each class: `bn` is the normalisation
/// without parameters, `embed.weight` `[classes, 2·C]` holds the γ of a class, then its β.
#[derive(Debug)]
pub struct ConditionalBatchNorm {
    bn: BatchNorm,
    embed: Param,
}

impl ConditionalBatchNorm {
    /// For `channels` channels and `classes` classes: γ = 1 and β = 0 for each.
    #[must_use]
    pub fn new(channels: usize, classes: usize, init: &Initialiser) -> Self {
        let row = [1.0, 0.0].map(|value| vec![value; channels]).concat();
        let rows = row.repeat(classes);
        Self {
            bn: BatchNorm::new(channels, init).without_affine(),
            embed: Param::new(Array::from_f64(
                &rows,
                &[classes, 2 * channels],
                init.kind(),
            )),
        }
    }

    /// The images `x` `[N, C, …]` of the classes `classes` `[N]`, whole numbers stored as floats.
    ///
    /// # Panics
    /// When the shapes do not fit, or there is no such class.
    #[must_use]
    #[track_caller]
    pub fn forward(&self, x: &Tensor, classes: &Tensor, mode: Mode<'_>) -> Tensor {
        let xhat = self.bn.forward(x, mode);
        let shape = x.shape();
        assert!(
            classes.shape() == [shape[0]],
            "{}: classes {:?} of images {shape:?}; expected [N]",
            self.describe(),
            classes.shape()
        );
        let rows = self.embed.get().gather(classes);
        let mut each = vec![1; shape.len()];
        each[..2].copy_from_slice(&shape[..2]);
        let [gamma, beta] = [0, 1].map(|half: usize| {
            let half = rows.slice(1, half * shape[1], shape[1]);
            half.reshape(&each).expand(shape)
        });
        xhat * gamma + beta
    }
}

impl State for ConditionalBatchNorm {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.bn.visit(path.dot("bn"), f);
        f(path.dot("embed.weight"), Slot::Param(&self.embed));
    }
}

impl Network for ConditionalBatchNorm {
    fn describe(&self) -> String {
        let [classes, both] = [0, 1].map(|axis: usize| self.embed.get().shape()[axis]);
        format!("ConditionalBatchNorm({}, {classes})", both / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scheme, count};
    use detach_tensor::{DType, Random, Stream};

    #[test]
    fn it_starts_as_batch_normalisation() {
        let random = Random::new(2, Stream::Noise);
        let init = Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64);
        let (layer, plain) = (
            ConditionalBatchNorm::new(3, 10, &init),
            BatchNorm::new(3, &init),
        );
        assert_eq!(count(&layer), 10 * 2 * 3);
        let x = random.normal(&[4, 3, 2, 2], DType::F64);
        let classes = Tensor::constant(Array::from_slice(&[9.0, 0.0, 3.0, 9.0], &[4]));
        for mode in [Mode::train(&random), Mode::eval()] {
            let y = layer.forward(&x, &classes, mode).to_vec::<f64>();
            assert_eq!(y, plain.forward(&x, mode).to_vec::<f64>());
        }
    }

    #[test]
    #[should_panic(expected = "ConditionalBatchNorm(3, 10): classes [2] of images [4, 3, 2, 2]")]
    fn each_image_has_a_class() {
        let init = Initialiser::zeros(DType::F64);
        let x = Tensor::constant(Array::zeros(&[4, 3, 2, 2], DType::F64));
        let classes = Tensor::constant(Array::zeros(&[2], DType::F64));
        let _ = ConditionalBatchNorm::new(3, 10, &init).forward(&x, &classes, Mode::eval());
    }
}

//! Self-attention over the pixels of an image (Zhang et al., arXiv:1805.08318).

use crate::Initialiser;
use crate::act::MaxPool2d;
use crate::conv::Conv2d;
use crate::module::{Mode, Module, Network, Param, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use crate::spectral::SpectralNorm;
use detach_tensor::{Array, Tensor};

/// Attention of each pixel of `[N, C, H, W]` to pools of 2×2 pixels, added to the image:
/// x + γ·o(softmax(θ(x)·φ(x)ᵀ)·g(x)), not scaled by the number of features, with γ a scalar that
/// starts at 0.
///
/// θ, φ, g and o are 1×1 convolutions without biases, spectrally normalised, to C/8, C/8, C/2 and C
/// channels (`theta`, `phi`, `g`, `o`; the scalar is `gamma`).
#[derive(Debug)]
pub struct SelfAttention {
    theta: SpectralNorm<Conv2d>,
    phi: SpectralNorm<Conv2d>,
    g: SpectralNorm<Conv2d>,
    o: SpectralNorm<Conv2d>,
    gamma: Param,
}

impl SelfAttention {
    /// For `channels` channels, 8 at least.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    #[track_caller]
    pub fn new(channels: usize, init: &Initialiser) -> Self {
        assert!(
            channels >= 8,
            "SelfAttention: {channels} channels; an eighth of them is used, so 8 at least"
        );
        let one = |from, to| SpectralNorm::new(Conv2d::new(from, to, 1, init).without_bias(), init);
        Self {
            theta: one(channels, channels / 8),
            phi: one(channels, channels / 8),
            g: one(channels, channels / 2),
            o: one(channels / 2, channels),
            gamma: Param::new(Array::zeros(&[], init.kind())),
        }
    }

    /// softmax(θ(x)·φ(x)ᵀ), `[N, H·W, H·W/4]`.
    fn weights(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        let queries = rows(&self.theta.forward(x, mode));
        let keys = rows(&self.phi.forward(x, mode).max_pool2(2));
        queries.matmul(&keys.t()).softmax(2)
    }
}

/// Images `[N, C, H, W]` as rows of pixels `[N, H·W, C]`.
fn rows(x: &Tensor) -> Tensor {
    let &[n, c, h, w] = x.shape() else {
        unreachable!("a convolution gives images")
    };
    x.permute(&[0, 2, 3, 1]).reshape(&[n, h * w, c])
}

/// The largest of each 2×2 pixels of what `conv` gives, `[N, C, H·W/4]`.
fn pooled(conv: &SpectralNorm<Conv2d>, x: &Value, mut scope: Scope<'_>) -> Result<Value, Untraced> {
    let images = conv.trace(x, &mut scope)?;
    let pools = MaxPool2d(2).trace(&images, &mut scope)?;
    Ok(scope.reshape(&pools, &[pools.shape[0], pools.shape[1] * pools.shape[2]]))
}

impl State for SelfAttention {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        f(path.dot("gamma"), Slot::Param(&self.gamma));
        for (name, layer) in [
            ("theta", &self.theta),
            ("phi", &self.phi),
            ("g", &self.g),
            ("o", &self.o),
        ] {
            layer.visit(path.dot(name), f);
        }
    }
}

impl Module for SelfAttention {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        let fits = matches!(x.shape(), &[_, _, h, w] if h.is_multiple_of(2) && w.is_multiple_of(2));
        assert!(
            fits,
            "{}: the input is {:?}; expected [N, C, H, W] with an even height and width",
            self.describe(),
            x.shape()
        );
        let weights = self.weights(x, mode);
        let values = rows(&self.g.forward(x, mode).max_pool2(2));
        let seen = weights.matmul(&values);
        let &[n, _, h, w] = x.shape() else {
            unreachable!("it has just been looked at")
        };
        let half = seen.shape()[2];
        let images = seen.reshape(&[n, h, w, half]).permute(&[0, 3, 1, 2]);
        let out = self.o.forward(&images, mode);
        let gamma = self.gamma.get().expand(out.shape());
        x + gamma * out
    }

    /// Of each pixel, row by row, to each pool, row by row: `[N, H·W, H·W/4]`, a sum of 1 for each pixel.
    fn attention(&self, x: &Tensor, mode: Mode<'_>) -> Option<Tensor> {
        Some(self.weights(x, mode))
    }
}

impl Network for SelfAttention {
    fn describe(&self) -> String {
        let channels = self.o.weight(Mode::eval()).shape()[0];
        format!("SelfAttention({channels})")
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let &[_, h, w] = &x.shape[..] else {
            return Err(Untraced(self.describe()));
        };
        let queries = self.theta.trace(x, &mut scope.inside("theta"))?;
        let keys = pooled(&self.phi, x, scope.inside("phi"))?;
        let values = pooled(&self.g, x, scope.inside("g"))?;
        let queries = scope.reshape(&queries, &[queries.shape[0], h * w]);
        let queries = scope.transpose(&queries);
        let call = scope.call("MatMul").value(&queries).value(&keys);
        let scores = call.gives(&[h * w, keys.shape[1]]);
        let call = scope.call("Softmax").value(&scores).with("axis", 2);
        let weights = call.gives(&scores.shape);
        let values = scope.transpose(&values);
        let half = values.shape[1];
        let call = scope.call("MatMul").value(&weights).value(&values);
        let seen = call.gives(&[h * w, half]);
        let seen = scope.transpose(&seen);
        let images = scope.reshape(&seen, &[half, h, w]);
        let out = self.o.trace(&images, &mut scope.inside("o"))?;
        let call = scope.call("Mul").value(&out);
        let out = call.tensor("gamma", &self.gamma.get()).gives(&x.shape);
        Ok(scope.pair("Add", x, &out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use detach_tensor::{DType, Random, Stream};

    #[test]
    fn it_starts_as_the_identity() {
        let random = Random::new(2, Stream::Noise);
        let init = Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64);
        let layer = SelfAttention::new(16, &init);
        let x = random.normal(&[2, 16, 4, 6], DType::F64);
        let y = layer.forward(&x, Mode::eval());
        assert_eq!(y.to_vec::<f64>(), x.to_vec::<f64>());
        assert_eq!(layer.describe(), "SelfAttention(16)");
    }

    #[test]
    #[should_panic(expected = "SelfAttention(8): the input is [1, 8, 3, 4]")]
    fn pools_are_whole() {
        let layer = SelfAttention::new(8, &Initialiser::zeros(DType::F64));
        let x = Tensor::constant(Array::zeros(&[1, 8, 3, 4], DType::F64));
        let _ = layer.forward(&x, Mode::eval());
    }
}

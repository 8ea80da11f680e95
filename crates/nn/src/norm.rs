//! Batch normalisation (Ioffe & Szegedy, arXiv:1502.03167), as a layer, and beside it the other
//! normalisations.

mod conditional;
mod instance;
mod layer;
mod minibatch;

use crate::Initialiser;
use crate::module::{Mode, Module, Network, Param, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
pub use conditional::ConditionalBatchNorm;
use detach_tensor::{Act, Array, Count, Tensor, track_statistics};
pub use instance::{AdaIn, InstanceNorm2d};
pub use layer::{LayerNorm, PixelNorm};
pub use minibatch::MinibatchStddev;

/// Normalises each channel of `[N, C]` or `[N, C, H, W]`: PyTorch's `BatchNorm1d` and
/// `BatchNorm2d` in one.
///
/// In training, by mean and biased variance of the batch, while
///
/// running ← (1 − momentum) · running + momentum · batch, with the **unbiased** variance.
///
/// In eval mode, by the running statistics.
#[derive(Debug)]
pub struct BatchNorm {
    weight: Param,
    bias: Param,
    /// Whether γ and β are parameters, or 1 and 0 for good.
    affine: bool,
    running_mean: Param,
    running_var: Param,
    num_batches_tracked: Count,
    eps: f64,
    momentum: f64,
}

impl BatchNorm {
    const EPS: f64 = 1e-5;
    const MOMENTUM: f64 = 0.1;

    /// For `channels` channels: γ = 1, β = 0, eps 1e-5, momentum 0.1. Draws no random
    /// number; `init` gives element type and device.
    #[must_use]
    pub fn new(channels: usize, init: &Initialiser) -> Self {
        Self {
            weight: Param::new(init.full(channels, 1.0)),
            bias: Param::new(init.full(channels, 0.0)),
            affine: true,
            running_mean: Param::buffer(init.full(channels, 0.0)),
            running_var: Param::buffer(init.full(channels, 1.0)),
            num_batches_tracked: Count::default(),
            eps: Self::EPS,
            momentum: Self::MOMENTUM,
        }
    }

    /// Without γ and β: what is normalised is not scaled and shifted.
    #[must_use]
    pub fn without_affine(self) -> Self {
        let constant = |param: Param| Param::buffer(param.get().value().clone());
        Self {
            weight: constant(self.weight),
            bias: constant(self.bias),
            affine: false,
            ..self
        }
    }

    /// What is added to the variance. The second positional argument of PyTorch's
    /// layer, where published code has put a momentum by mistake.
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The weight of a new batch in the running statistics (Keras calls `1 − momentum`
    /// momentum).
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Takes the `[2, C]` statistics of a batch with `rows` elements per channel into
    /// the running ones.
    fn track(&self, statistics: &Array, rows: usize) {
        track_statistics(
            "BatchNorm::forward",
            statistics,
            rows,
            self.momentum,
            &mut self.running_mean.borrow_mut(),
            &mut self.running_var.borrow_mut(),
        );
        self.num_batches_tracked.add(1);
    }

    /// x · scale + shift per channel, with γ and β differentiable as well as x.
    fn by_running_statistics(&self, x: &Tensor) -> Tensor {
        let scale = self.weight.get() / (self.running_var.get() + self.eps).sqrt();
        let shift = self.bias.get() - self.running_mean.get() * &scale;
        x * scale.expand_channels(x.shape()) + shift.expand_channels(x.shape())
    }
}

impl State for BatchNorm {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        if self.affine {
            f(path.dot("weight"), Slot::Param(&self.weight));
            f(path.dot("bias"), Slot::Param(&self.bias));
        }
        f(path.dot("running_mean"), Slot::Buffer(&self.running_mean));
        f(path.dot("running_var"), Slot::Buffer(&self.running_var));
        f(
            path.dot("num_batches_tracked"),
            Slot::Count(&self.num_batches_tracked),
        );
    }
}

impl Module for BatchNorm {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.forward_act(x, Act::Identity, mode)
    }

    fn forward_act(&self, x: &Tensor, act: Act, mode: Mode<'_>) -> Tensor {
        let channels = self.weight.get().len();
        assert!(
            x.shape().len() >= 2 && x.shape()[1] == channels,
            "{}: the input is {:?}; expected [N, {channels}] or [N, {channels}, H, W]",
            self.describe(),
            x.shape()
        );
        if !mode.uses_batch_stats() {
            return self.by_running_statistics(x).activate(act);
        }
        let affine = [&self.weight.get(), &self.bias.get()];
        let (y, statistics) = x.batch_norm_act(affine, self.eps, act);
        if mode.moves_running_stats() {
            self.track(&statistics, x.len() / channels);
        }
        y
    }
}

impl Network for BatchNorm {
    fn describe(&self) -> String {
        let mut out = format!("BatchNorm({}", self.weight.get().len());
        for (name, value, default) in [
            ("eps", self.eps, Self::EPS),
            ("momentum", self.momentum, Self::MOMENTUM),
        ] {
            if value != default {
                out += &format!(", {name}={value}");
            }
        }
        if !self.affine {
            out += ", affine=False";
        }
        out + ")"
    }

    /// By the running statistics.
    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let call = scope.call("BatchNormalization").value(x);
        let call = call
            .tensor("weight", &self.weight.get())
            .tensor("bias", &self.bias.get())
            .tensor("running_mean", &self.running_mean.get())
            .tensor("running_var", &self.running_var.get());
        Ok(call.with("epsilon", self.eps).gives(&x.shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scheme, parameters};
    use detach_tensor::check::check_gradient;
    use detach_tensor::{DType, Random, Stream};

    fn layer(channels: usize) -> BatchNorm {
        let random = Random::new(1, Stream::Init);
        BatchNorm::new(
            channels,
            &Initialiser::new(Scheme::PyTorch, random, DType::F64),
        )
    }

    fn tensor(values: &[f64], shape: &[usize]) -> Tensor {
        Tensor::constant(Array::from_slice(values, shape))
    }

    #[track_caller]
    fn assert_close(actual: &Tensor, expected: &[f64]) {
        let actual = actual.to_vec::<f64>();
        assert_eq!(actual.len(), expected.len());
        let close = actual
            .iter()
            .zip(expected)
            .all(|(a, e)| (a - e).abs() < 1e-14);
        assert!(close, "{actual:?}\n{expected:?}");
    }

    /// Channel 0: 1, 2, 3, 6, mean 3, variance 3.5 (unbiased 14/3). Channel 1: 0, 0, 4, 4,
    /// mean 2, variance 4 (unbiased 16/3).
    const X: [f64; 8] = [1.0, 0.0, 2.0, 0.0, 3.0, 4.0, 6.0, 4.0];

    #[test]
    fn statistics_by_hand() {
        let random = Random::new(1, Stream::Dropout);
        let layer = layer(2).eps(0.5);
        let x = tensor(&X, &[4, 2]);
        let y = layer.forward(&x, Mode::train(&random));
        let r = 1.0 / 4.5_f64.sqrt();
        let by_hand = [-2.0 / 2.0, -1.0 / 2.0, 0.0, 3.0 / 2.0];
        assert_close(&y.slice(1, 0, 1), &by_hand);
        assert_close(&y.slice(1, 1, 1), &[-2.0 * r, -2.0 * r, 2.0 * r, 2.0 * r]);
        assert_close(&layer.running_mean.get(), &[0.3, 0.2]);
        assert_close(
            &layer.running_var.get(),
            &[0.9 + 1.4 / 3.0, 0.9 + 1.6 / 3.0],
        );
        assert_eq!(layer.num_batches_tracked.get(), 1);

        let layer = layer.momentum(0.5);
        let _ = layer.forward(&(x * 2.0), Mode::train(&random));
        assert_close(&layer.running_mean.get(), &[0.15 + 3.0, 0.1 + 2.0]);
        assert_eq!(layer.num_batches_tracked.get(), 2);
    }

    #[test]
    fn images_are_normalised_per_channel() {
        let random = Random::new(1, Stream::Dropout);
        let (rows, images) = (layer(2), layer(2));
        let mode = Mode::train(&random);
        let by_rows = rows.forward(&tensor(&X, &[4, 2]), mode);
        // The same eight numbers as one image [1, 2, 2, 2].
        let image = tensor(&X, &[1, 2, 2, 2]).permute(&[0, 3, 1, 2]);
        let y = images.forward(&image, mode);
        assert_close(
            &y.permute(&[0, 2, 3, 1]).reshape(&[4, 2]),
            &by_rows.to_vec::<f64>(),
        );
        assert_close(
            &images.running_var.get(),
            &rows.running_var.get().to_vec::<f64>(),
        );
    }

    #[test]
    fn modes_say_what_moves() {
        let random = Random::new(1, Stream::Dropout);
        let layer = layer(2);
        let x = tensor(&X, &[4, 2]);
        let trained = layer.forward(&x, Mode::train(&random)).to_vec::<f64>();
        let before = layer.running_mean.get().to_vec::<f64>();
        for mode in [
            Mode::batch_stats(),
            Mode::train(&random).keep_running_stats(),
        ] {
            assert_close(&layer.forward(&x, mode), &trained);
        }
        let eval = layer.forward(&x, Mode::eval()).to_vec::<f64>();
        assert_close(&layer.running_mean.get(), &before);
        assert_eq!(layer.num_batches_tracked.get(), 1);
        let expected = (1.0 - 0.3) / (0.9 + 1.4 / 3.0 + 1e-5_f64).sqrt();
        assert!((eval[0] - expected).abs() < 1e-14);
    }

    #[test]
    fn eval_mode_is_differentiable() {
        let layer = layer(2);
        layer
            .running_mean
            .set("a test", &Array::from_slice(&[0.5, -1.0], &[2]));
        layer
            .running_var
            .set("a test", &Array::from_slice(&[2.0, 0.25], &[2]));
        let x = Tensor::variable(Array::from_slice(&X, &[4, 2]));
        check_gradient(
            &|x| layer.forward(&x[0], Mode::eval()),
            std::slice::from_ref(&x),
        )
        .unwrap();

        let y = layer.forward(&x, Mode::eval());
        let gradients = crate::gradients(&y.sum(), &layer);
        let r = [1.0 / 2.00001_f64.sqrt(), 1.0 / 0.25001_f64.sqrt()];
        assert_close(
            &gradients[0],
            &[(12.0 - 4.0 * 0.5) * r[0], (8.0 + 4.0) * r[1]],
        );
        assert_close(&gradients[1], &[4.0, 4.0]);
        assert_eq!(parameters(&layer).len(), 2);
    }

    #[test]
    #[should_panic(expected = "BatchNorm(2, eps=0.8): the input is [4, 3]; expected [N, 2]")]
    fn other_channels_are_refused() {
        layer(2)
            .eps(0.8)
            .forward(&tensor(&[0.0; 12], &[4, 3]), Mode::eval());
    }
}

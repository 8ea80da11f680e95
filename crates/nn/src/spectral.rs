//! Spectral normalisation (Miyato et al., arXiv:1802.05957): a weight divided by its largest
//! singular value.
//!
//! With the weight as a matrix W `[out, rest]` and two vectors that are kept, one iteration is
//! u ← Wv/‖Wv‖, v ← Wᵀu/‖Wᵀu‖, in PyTorch's order, and then σ = uᵀWv. The vectors are constants to the derivative:
//! that of the weight W/σ is dŵ/σ − (⟨dŵ, W⟩/σ²)·u vᵀ.

use crate::Initialiser;
use crate::module::{Mode, Module, Network, Param, Slot, State, Weighted};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::{Act, Array, Tensor};

/// Iterations at the start, as PyTorch's `parametrizations.spectral_norm` has them.
const AT_FIRST: usize = 15;
/// Norms are this at least.
const EPS: f64 = 1e-12;

/// A layer whose weight is divided by its largest singular value, as PyTorch's
/// `parametrizations.spectral_norm` makes one, with its names.
///
/// A forward pass in a mode that moves statistics takes an iteration first, or as many as
/// [`Mode::with_power_iterations`] says; others use the vectors as they are.
#[derive(Debug)]
pub struct SpectralNorm<L> {
    layer: L,
    u: Param,
    v: Param,
}

/// v / max(‖v‖, 1e-12)
fn unit(v: &Tensor) -> Tensor {
    let norm = v.norm().clamp_min(EPS);
    v / norm.reshape(&[1, 1]).expand(v.shape())
}

/// The weight as `[out, rest]`.
fn matrix(weight: &Tensor, output_axis: usize) -> Tensor {
    let shape = weight.shape();
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    axes[..=output_axis].rotate_right(1);
    let outputs = shape[output_axis];
    let rest = weight.len() / outputs.max(1);
    weight.permute(&axes).reshape(&[outputs, rest])
}

/// One iteration: u `[out, 1]` and v `[rest, 1]` from the v before.
fn iterate(matrix: &Tensor, v: &Tensor) -> [Tensor; 2] {
    let u = unit(&matrix.matmul(v));
    let v = unit(&matrix.t().matmul(&u));
    [u, v]
}

impl<L: Weighted> SpectralNorm<L> {
    /// `layer` with its weight normalised. The first v is drawn from `init`, after which there are
    /// 15 iterations.
    #[must_use]
    pub fn new(layer: L, init: &Initialiser) -> Self {
        let matrix = matrix(&layer.weight().get().detach(), layer.output_axis());
        let [outputs, rest] = [0, 1].map(|axis: usize| matrix.shape()[axis]);
        let first = unit(&Tensor::constant(init.normal(&[rest, 1], 1.0)));
        let none = Tensor::constant(Array::zeros(&[outputs, 1], init.kind()));
        let [u, v] = (0..AT_FIRST).fold([none, first], |[_, v], _| iterate(&matrix, &v));
        let flat = |x: &Tensor| Param::buffer(x.reshape(&[x.len()]).value().clone());
        Self {
            layer,
            u: flat(&u),
            v: flat(&v),
        }
    }

    /// The weight as the layer uses it, in the shape of the layer's own; see [`SpectralNorm`] for
    /// what `mode` decides.
    #[must_use]
    pub fn weight(&self, mode: Mode<'_>) -> Tensor {
        let weight = self.layer.weight().get();
        let matrix = matrix(&weight, self.layer.output_axis());
        let column = |x: &Param| x.get().reshape(&[x.get().len(), 1]);
        let (u, v) = (column(&self.u), column(&self.v));
        // Values of their own: the rule reads them after a later pass has written the buffers.
        let [u, v] = match mode.power_iterations() {
            0 => [u * 1.0, v * 1.0],
            count => {
                let matrix = matrix.detach();
                let [u, v] = (0..count).fold([u, v], |[_, v], _| iterate(&matrix, &v));
                for (param, now) in [(&self.u, &u), (&self.v, &v)] {
                    param.set("SpectralNorm::forward", now.reshape(&[now.len()]).value());
                }
                [u, v]
            }
        };
        let sigma = u.t().matmul(&matrix.matmul(&v));
        let each = vec![1; weight.shape().len()];
        &weight / sigma.reshape(&each).expand(weight.shape())
    }
}

impl<L: Weighted> State for SpectralNorm<L> {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        if let Some(bias) = self.layer.bias() {
            f(path.dot("bias"), Slot::Param(bias));
        }
        let path = path.dot("parametrizations");
        let path = path.dot("weight");
        f(path.dot("original"), Slot::Param(self.layer.weight()));
        let path = path.dot(0);
        f(path.dot("_u"), Slot::Buffer(&self.u));
        f(path.dot("_v"), Slot::Buffer(&self.v));
    }
}

impl<L: Weighted> Module for SpectralNorm<L> {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.forward_act(x, Act::Identity, mode)
    }

    fn forward_act(&self, x: &Tensor, act: Act, mode: Mode<'_>) -> Tensor {
        self.layer.forward_weight(x, &self.weight(mode), act)
    }
}

impl<L: Weighted> Network for SpectralNorm<L> {
    fn describe(&self) -> String {
        format!("SpectralNorm({})", self.layer.describe())
    }

    /// The layer with the normalised weight as its own.
    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        Ok(self
            .layer
            .trace_weight(x, &self.weight(Mode::eval()), scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv2d, ConvTranspose2d, Linear, Scheme, gradients, parameters};
    use detach_tensor::{DType, Random, Stream};

    fn init() -> Initialiser {
        Initialiser::new(Scheme::PyTorch, Random::new(2, Stream::Init), DType::F64)
    }

    /// By iterating long on WᵀW.
    fn largest_singular_value(weight: &Tensor, output_axis: usize) -> f64 {
        let matrix = matrix(&weight.detach(), output_axis);
        let mut v = Tensor::constant(Array::full(1.0, &[matrix.shape()[1], 1], DType::F64));
        for _ in 0..2000 {
            [_, v] = iterate(&matrix, &v);
        }
        matrix.matmul(&v).norm().item()
    }

    #[test]
    fn the_largest_singular_value_is_one_at_the_start() {
        let init = &init();
        let conv = SpectralNorm::new(Conv2d::new(16, 32, 4, init), init);
        let up = SpectralNorm::new(ConvTranspose2d::new(16, 32, 4, init), init);
        let linear = SpectralNorm::new(Linear::new(40, 30, init), init);
        for (weight, axis) in [
            (conv.weight(Mode::eval()), 0),
            (up.weight(Mode::eval()), 1),
            (linear.weight(Mode::eval()), 0),
        ] {
            let largest = largest_singular_value(&weight, axis);
            assert!((1.0..1.05).contains(&largest), "{largest}");
        }
    }

    /// Several passes of a step, and only then the derivative of the first: what its rule reads is
    /// not what later passes have written.
    #[test]
    fn a_later_pass_does_not_spoil_an_earlier_one() {
        let init = &init();
        let random = Random::new(1, Stream::Dropout);
        let layer = SpectralNorm::new(Linear::new(3, 2, init), init);
        let x = Random::new(3, Stream::Noise).normal(&[4, 3], DType::F64);
        for first in [Mode::train(&random), Mode::eval()] {
            let alone = gradients(&layer.forward(&x, Mode::eval()).square().sum(), &layer);
            let loss = layer.forward(&x, first).square().sum();
            let _ = layer.forward(&x, Mode::train(&random));
            let then = gradients(&loss, &layer);
            assert_eq!(then.len(), 2);
            let close = |a: &Tensor, b: &Tensor| (a - b).norm().item() < 1e-2 * b.norm().item();
            assert!(then.iter().zip(&alone).all(|(a, b)| close(a, b)));
        }
    }

    #[test]
    fn only_modes_that_move_statistics_iterate() {
        let init = &init();
        let random = Random::new(1, Stream::Dropout);
        let layer = SpectralNorm::new(Linear::new(5, 4, init), init);
        let x = Random::new(3, Stream::Noise).normal(&[2, 5], DType::F64);
        let kept = || layer.u.get().to_vec::<f64>();
        // Another weight, whose vectors are elsewhere.
        let (_, weight) = &parameters(&layer)[1];
        let other = Random::new(9, Stream::Noise).normal(&[4, 5], DType::F64);
        weight.set("a test", other.value());
        let before = kept();
        for mode in [
            Mode::eval(),
            Mode::batch_stats(),
            Mode::train(&random).keep_running_stats(),
        ] {
            let _ = layer.forward(&x, mode);
            assert_eq!(kept(), before);
        }
        let _ = layer.forward(&x, Mode::train(&random));
        assert_ne!(kept(), before);
    }

    /// Three iterations of one pass are those of three passes.
    #[test]
    fn iterations_of_a_pass() {
        let random = Random::new(1, Stream::Dropout);
        let train = Mode::train(&random);
        let other = Random::new(9, Stream::Noise).normal(&[4, 5], DType::F64);
        let [once, thrice] = [[1; 3].as_slice(), &[3]].map(|passes| {
            let init = &init();
            let layer = SpectralNorm::new(Linear::new(5, 4, init), init);
            let (_, weight) = &parameters(&layer)[1];
            weight.set("a test", other.value());
            for count in passes {
                let _ = layer.weight(train.with_power_iterations(*count));
            }
            assert_eq!(train.keep_running_stats().power_iterations(), 0);
            [&layer.u, &layer.v].map(|kept| kept.get().to_vec::<f64>())
        });
        assert_eq!(once, thrice);
    }

    #[test]
    fn names_are_those_of_pytorch() {
        let init = &init();
        let layer = SpectralNorm::new(Conv2d::new(2, 3, 3, init), init);
        let mut names = Vec::new();
        layer.visit(Name::from("0"), &mut |name, slot| {
            let (Slot::Param(piece) | Slot::Buffer(piece)) = slot else {
                unreachable!("it counts nothing")
            };
            names.push(format!("{name} {:?}", piece.get().shape()));
        });
        let expected = [
            "0.bias [3]",
            "0.parametrizations.weight.original [3, 2, 3, 3]",
            "0.parametrizations.weight.0._u [3]",
            "0.parametrizations.weight.0._v [18]",
        ];
        assert_eq!(names, expected);
    }

    /// Weights that a file will replace.
    #[test]
    fn zeros_make_no_nan() {
        let init = &Initialiser::zeros(DType::F64);
        let layer = SpectralNorm::new(Linear::new(3, 2, init), init);
        assert!(layer.u.get().value().is_finite() && layer.v.get().value().is_finite());
    }
}

//! Normalisations of each sample by itself, over more than one channel.

use crate::Initialiser;
use crate::module::{Mode, Module, Network, Param, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::{Array, Tensor};

/// Layer normalisation (Ba et al., arXiv:1607.06450): each sample by the mean and the biased
/// variance of its last dimensions, then scaled and shifted: PyTorch's `LayerNorm`.
#[derive(Debug)]
pub struct LayerNorm {
    weight: Param,
    bias: Param,
    eps: f64,
}

impl LayerNorm {
    const EPS: f64 = 1e-5;

    /// Over the last dimensions, which are `shape`: `weight` 1 and `bias` 0, both of that shape,
    /// eps 1e-5.
    #[must_use]
    pub fn new(shape: &[usize], init: &Initialiser) -> Self {
        let full = |value| Param::new(Array::full(value, shape, init.kind()));
        Self {
            weight: full(1.0),
            bias: full(0.0),
            eps: Self::EPS,
        }
    }

    /// What is added to the variance.
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }
}

impl State for LayerNorm {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        f(path.dot("weight"), Slot::Param(&self.weight));
        f(path.dot("bias"), Slot::Param(&self.bias));
    }
}

impl Module for LayerNorm {
    fn forward(&self, x: &Tensor, _: Mode<'_>) -> Tensor {
        let (weight, bias) = (self.weight.get(), self.bias.get());
        assert!(
            x.shape().len() > weight.shape().len() && x.shape().ends_with(weight.shape()),
            "{}: the input is {:?}; expected [N, …] that ends with {:?}",
            self.describe(),
            x.shape(),
            weight.shape()
        );
        let axes: Vec<usize> = (x.shape().len() - weight.shape().len()..x.shape().len()).collect();
        let centred = x - x.mean_axes(&axes).expand(x.shape());
        let r = (centred.square().mean_axes(&axes) + self.eps)
            .sqrt()
            .recip();
        let xhat = centred * r.expand(x.shape());
        xhat * weight.expand(x.shape()) + bias.expand(x.shape())
    }
}

impl Network for LayerNorm {
    fn describe(&self) -> String {
        let sizes: Vec<String> = self
            .weight
            .get()
            .shape()
            .iter()
            .map(usize::to_string)
            .collect();
        let shape = match &sizes[..] {
            [one] => one.clone(),
            all => format!("({})", all.join(", ")),
        };
        match self.eps == Self::EPS {
            true => format!("LayerNorm({shape})"),
            false => format!("LayerNorm({shape}, eps={})", self.eps),
        }
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let (weight, bias) = (self.weight.get(), self.bias.get());
        let axis = 1 + x.shape.len() - weight.shape().len();
        let call = scope.call("LayerNormalization").value(x);
        let call = call.tensor("weight", &weight).tensor("bias", &bias);
        Ok(call
            .with("axis", axis)
            .with("epsilon", self.eps)
            .gives(&x.shape))
    }
}

/// What [`PixelNorm`] adds to a mean square.
const EPS: f64 = 1e-8;

/// Each pixel, or each vector of `[N, C]`, by the root of its channels' mean square (Karras et al.,
/// arXiv:1710.10196): x / √(mean x² + 1e-8).
#[derive(Clone, Copy, Debug)]
pub struct PixelNorm;

impl State for PixelNorm {
    fn visit<'a>(&'a self, _: Name<'_>, _: &mut dyn FnMut(Name<'_>, Slot<'a>)) {}
}

impl Module for PixelNorm {
    fn forward(&self, x: &Tensor, _: Mode<'_>) -> Tensor {
        let r = (x.square().mean_axes(&[1]) + EPS).sqrt().recip();
        x * r.expand(x.shape())
    }
}

impl Network for PixelNorm {
    fn describe(&self) -> String {
        "PixelNorm()".into()
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let mut one = x.shape.clone();
        one[0] = 1;
        let square = scope.pair("Mul", x, x);
        let mean = scope
            .call("ReduceMean")
            .value(&square)
            .with("axes", &[1])
            .gives(&one);
        let call = scope.call("Add").value(&mean).number("eps", EPS);
        let root = call.gives(&one);
        let root = scope.map("Sqrt", &root);
        Ok(scope.pair("Div", x, &root))
    }
}

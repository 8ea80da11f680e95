//! Instance normalisation (Ulyanov et al., arXiv:1607.08022), as a layer, and the adaptive one of
//! Huang & Belongie, arXiv:1703.06868.

use crate::Initialiser;
use crate::linear::Linear;
use crate::module::{Mode, Module, Network, Param, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::{Act, Array, DType, Tensor};

/// What is added to a variance.
const EPS: f64 = 1e-5;

/// Normalises each channel of each image of `[N, C, H, W]` by its own mean and biased variance, in
/// every mode: PyTorch's `InstanceNorm2d`. Images have two pixels at least.
///
/// Without parameters, unless [`affine`](Self::affine).
#[derive(Debug)]
pub struct InstanceNorm2d {
    channels: usize,
    eps: f64,
    affine: Option<[Param; 2]>,
}

impl InstanceNorm2d {
    /// For `channels` channels, eps 1e-5.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self {
            channels,
            eps: EPS,
            affine: None,
        }
    }

    /// What is added to the variance.
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// With a `weight` of 1 and a `bias` of 0 for each channel, which are trained.
    #[must_use]
    pub fn affine(self, init: &Initialiser) -> Self {
        let each = |value| Param::new(init.full(self.channels, value));
        Self {
            affine: Some([each(1.0), each(0.0)]),
            ..self
        }
    }
}

impl State for InstanceNorm2d {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        if let Some([weight, bias]) = &self.affine {
            f(path.dot("weight"), Slot::Param(weight));
            f(path.dot("bias"), Slot::Param(bias));
        }
    }
}

impl Module for InstanceNorm2d {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.forward_act(x, Act::Identity, mode)
    }

    fn forward_act(&self, x: &Tensor, act: Act, _: Mode<'_>) -> Tensor {
        assert!(
            x.shape().len() == 4 && x.shape()[1] == self.channels,
            "{}: the input is {:?}; expected [N, {}, H, W]",
            self.describe(),
            x.shape(),
            self.channels
        );
        let each = &x.shape()[..2];
        let [gamma, beta] = match &self.affine {
            Some(affine) => affine.each_ref().map(|param| param.get().expand(each)),
            None => [1.0, 0.0].map(|value| Tensor::constant(Array::full(value, each, x.kind()))),
        };
        x.instance_norm_act([&gamma, &beta], self.eps, act)
    }
}

impl Network for InstanceNorm2d {
    fn describe(&self) -> String {
        let mut out = format!("InstanceNorm2d({}", self.channels);
        if self.eps != EPS {
            out += &format!(", eps={}", self.eps);
        }
        if self.affine.is_some() {
            out += ", affine=True";
        }
        out + ")"
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let [weight, bias] = match &self.affine {
            Some(affine) => affine.each_ref().map(Param::get),
            None => [1.0, 0.0]
                .map(|value| Tensor::constant(Array::full(value, &[self.channels], DType::F32))),
        };
        let call = scope.call("InstanceNormalization").value(x);
        let call = call.tensor("weight", &weight).tensor("bias", &bias);
        Ok(call.with("epsilon", self.eps).gives(&x.shape))
    }
}

/// Instance normalisation whose scale and shift depend on a style: `γ(w)·x̂ + β(w)` of images
/// `[N, C, H, W]` and styles `[N, S]`, with a [`Linear`] each (`scale`, `shift`).
#[derive(Debug)]
pub struct AdaIn {
    scale: Linear,
    shift: Linear,
    around: f64,
}

impl AdaIn {
    /// For styles of `style` numbers and `channels` channels. `scale` is drawn before `shift`.
    #[must_use]
    pub fn new(style: usize, channels: usize, init: &Initialiser) -> Self {
        Self {
            scale: Linear::new(style, channels, init),
            shift: Linear::new(style, channels, init),
            around: 0.0,
        }
    }

    /// With `1 + γ(w)` in place of γ(w), which is near 0 at the start.
    #[must_use]
    pub fn around_one(self) -> Self {
        Self {
            around: 1.0,
            ..self
        }
    }

    /// `act` of the images `x` `[N, C, H, W]` in the styles `w` `[N, S]`.
    ///
    /// # Panics
    /// When the shapes do not fit, or images have one pixel each.
    #[must_use]
    #[track_caller]
    pub fn forward(&self, x: &Tensor, w: &Tensor, act: Act, mode: Mode<'_>) -> Tensor {
        let mut gamma = self.scale.forward(w, mode);
        if self.around != 0.0 {
            gamma = gamma + self.around;
        }
        let beta = self.shift.forward(w, mode);
        x.instance_norm_act([&gamma, &beta], EPS, act)
    }
}

impl State for AdaIn {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.scale.visit(path.dot("scale"), f);
        self.shift.visit(path.dot("shift"), f);
    }
}

impl Network for AdaIn {
    fn describe(&self) -> String {
        format!(
            "AdaIn(\n  (scale): {}\n  (shift): {}\n)",
            self.scale.describe(),
            self.shift.describe()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scheme, parameters};
    use detach_tensor::{DType, Random, Stream};

    fn init() -> Initialiser {
        Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64)
    }

    /// One image whose two channels are 1, 3 and 5, 5, and another a hundred times as bright.
    fn images() -> Tensor {
        let x = [1.0, 3.0, 5.0, 5.0, 100.0, 300.0, 500.0, 500.0];
        Tensor::constant(Array::from_slice(&x, &[2, 2, 1, 2]))
    }

    #[test]
    fn images_do_not_see_each_other_in_any_mode() {
        let random = Random::new(1, Stream::Dropout);
        let layer = InstanceNorm2d::new(2).eps(0.0);
        let x = images().slice(1, 0, 1).expand(&[2, 2, 1, 2]);
        for mode in [Mode::train(&random), Mode::batch_stats(), Mode::eval()] {
            let y = layer.forward(&x, mode).to_vec::<f64>();
            assert_eq!(y, [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
        }
    }

    /// A map without any deviation: what is divided by is √ε.
    #[test]
    fn a_flat_map_is_steep() {
        let x = Tensor::variable(images().value().clone());
        let y = InstanceNorm2d::new(2).forward(&x, Mode::eval());
        assert_eq!(y.to_vec::<f64>()[2..4], [0.0, 0.0]);
        let first = y.slice(0, 0, 1).slice(1, 1, 1).slice(3, 0, 1).sum();
        let dx = detach_tensor::grad(&first, &[&x], false)
            .remove(0)
            .to_vec::<f64>();
        let slope = 0.5 / EPS.sqrt();
        assert!(
            (dx[2] - slope).abs() < 1e-9 && (dx[3] + slope).abs() < 1e-9,
            "{dx:?}"
        );
    }

    #[test]
    fn a_style_of_nothing_leaves_what_is_normalised() {
        let layer = AdaIn::new(3, 2, &init()).around_one();
        for (_, param) in parameters(&layer) {
            param.set("a test", param.get().full_like(0.0).value());
        }
        let style = Tensor::constant(Array::full(7.0, &[2, 3], DType::F64));
        let y = layer.forward(&images(), &style, Act::Identity, Mode::eval());
        let plain = InstanceNorm2d::new(2).forward(&images(), Mode::eval());
        assert_eq!(y.to_vec::<f64>(), plain.to_vec::<f64>());
    }

    #[test]
    fn descriptions_are_those_of_pytorch() {
        let layer = InstanceNorm2d::new(3);
        assert_eq!(layer.describe(), "InstanceNorm2d(3)");
        assert!(parameters(&layer).is_empty());
        let layer = layer.eps(0.5).affine(&init());
        assert_eq!(layer.describe(), "InstanceNorm2d(3, eps=0.5, affine=True)");
        assert_eq!(parameters(&layer).len(), 2);
    }

    #[test]
    #[should_panic(
        expected = "InstanceNorm2d(3): the input is [2, 2, 1, 2]; expected [N, 3, H, W]"
    )]
    fn other_channels_are_refused() {
        InstanceNorm2d::new(3).forward(&images(), Mode::eval());
    }
}

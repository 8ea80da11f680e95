//! The fully connected layer.

use crate::Initialiser;
use crate::module::{Mode, Module, Network, Param, Slot, State, Weighted};
use crate::name::Name;
use crate::onnx::{Call, Scope, Untraced, Value};
use detach_tensor::{Act, Epilogue, Tensor};

/// y = x·Wᵀ + b: `[N, in]` to `[N, out]`, with `weight` `[out, in]` and `bias` `[out]`.
#[derive(Debug)]
pub struct Linear {
    weight: Param,
    bias: Option<Param>,
}

impl Linear {
    /// A layer from `inputs` to `outputs` features, with a bias.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize, init: &Initialiser) -> Self {
        Self {
            weight: Param::new(init.weight(&[outputs, inputs], inputs, outputs)),
            bias: Some(Param::new(init.bias(outputs, inputs))),
        }
    }

    /// The layer without its bias. `new` has drawn one all the same, so layers made
    /// later start from the same weights with and without it.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }
}

/// Visits the parameters of a layer with a weight and maybe a bias.
pub(crate) fn visit_affine<'a>(
    weight: &'a Param,
    bias: Option<&'a Param>,
    path: Name<'_>,
    f: &mut dyn FnMut(Name<'_>, Slot<'a>),
) {
    f(path.dot("weight"), Slot::Param(weight));
    if let Some(bias) = bias {
        f(path.dot("bias"), Slot::Param(bias));
    }
}

impl State for Linear {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        visit_affine(&self.weight, self.bias.as_ref(), path, f);
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.forward_act(x, Act::Identity, mode)
    }

    fn forward_act(&self, x: &Tensor, act: Act, _: Mode<'_>) -> Tensor {
        self.forward_weight(x, &self.weight.get(), act)
    }
}

impl Weighted for Linear {
    fn weight(&self) -> &Param {
        &self.weight
    }

    fn bias(&self) -> Option<&Param> {
        self.bias.as_ref()
    }

    fn output_axis(&self) -> usize {
        0
    }

    fn forward_weight(&self, x: &Tensor, weight: &Tensor, act: Act) -> Tensor {
        assert!(
            x.shape().len() == 2 && x.shape()[1] == weight.shape()[1],
            "{}: the input is {:?}; expected [N, {}]",
            self.describe(),
            x.shape(),
            weight.shape()[1]
        );
        let bias = self.bias.as_ref().map(Param::get);
        let bias = bias.as_ref();
        x.matmul_fused(&weight.t(), Epilogue { bias, act })
    }

    fn trace_weight(&self, x: &Value, weight: &Tensor, scope: &mut Scope<'_>) -> Value {
        let call = scope.call("Gemm").value(x).with("transB", 1);
        affine(call, weight, self.bias.as_ref()).gives(&weight.shape()[..1])
    }
}

/// A node that also reads the weight of a layer and its bias, if it has one.
pub(crate) fn affine<'a>(call: Call<'a>, weight: &Tensor, bias: Option<&Param>) -> Call<'a> {
    let call = call.tensor("weight", weight);
    match bias {
        Some(bias) => call.tensor("bias", &bias.get()),
        None => call,
    }
}

impl Network for Linear {
    fn describe(&self) -> String {
        let weight = self.weight.get();
        let [outputs, inputs] = [weight.shape()[0], weight.shape()[1]];
        match self.bias {
            Some(_) => format!("Linear({inputs}, {outputs})"),
            None => format!("Linear({inputs}, {outputs}, bias=False)"),
        }
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        Ok(self.trace_weight(x, &self.weight.get(), scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use detach_tensor::{Array, DType, Random, Stream};

    fn layer() -> Linear {
        let random = Random::new(1, Stream::Init);
        Linear::new(2, 3, &Initialiser::new(Scheme::Keras, random, DType::F64))
    }

    #[test]
    fn a_row_by_hand() {
        let layer = layer();
        let weight = Array::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]);
        layer.weight.set("a test", &weight);
        let bias = layer.bias.as_ref().expect("it has one");
        bias.set("a test", &Array::from_slice(&[0.5, 0.0, -1.0], &[3]));
        let x = Tensor::constant(Array::from_slice(&[1.0, 10.0, 0.0, -1.0], &[2, 2]));
        let y = layer.forward(&x, Mode::eval());
        assert_eq!(y.to_vec::<f64>(), [21.5, 43.0, 64.0, -1.5, -4.0, -7.0]);
        let y = layer.without_bias().forward(&x, Mode::eval());
        assert_eq!(y.to_vec::<f64>(), [21.0, 43.0, 65.0, -2.0, -4.0, -6.0]);
    }

    #[test]
    #[should_panic(expected = "Linear(2, 3): the input is [4, 5]; expected [N, 2]")]
    fn another_width_is_refused() {
        layer().forward(
            &Tensor::constant(Array::zeros(&[4, 5], DType::F64)),
            Mode::eval(),
        );
    }
}

//! Layers without parameters: activations and changes of shape.

use crate::module::{Mode, Module, Network, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Value};
use detach_tensor::{Act, Tensor};
use std::f64::consts::FRAC_1_SQRT_2;

/// The rectifier: max(x, 0).
#[derive(Clone, Copy, Debug)]
pub struct ReLU;

/// The leaky rectifier: x where x > 0, else slope · x.
#[derive(Clone, Copy, Debug)]
pub struct LeakyReLU(pub f64);

/// The exponential linear unit: x where x > 0, else α · (eˣ − 1). α is 1 in most networks.
#[derive(Clone, Copy, Debug)]
pub struct ELU(pub f64);

/// The Gaussian error linear unit: x · Φ(x), Φ being the normal distribution.
#[derive(Clone, Copy, Debug)]
pub struct GELU;

/// The hyperbolic tangent.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// The logistic function: σ(x) = 1 / (1 + e⁻ˣ).
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// The largest of each square of pixels of images `[N, C, H, W]`, squares being this wide and as far
/// apart; see [`Tensor::max_pool2`].
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d(pub usize);

/// `[N, C, H, W]` to `[N, C·H·W]`, in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

/// `[N, C·H·W]` to images `[N, C, H, W]`, which are stored channels-last from here on.
#[derive(Clone, Copy, Debug)]
pub struct Unflatten(pub [usize; 3]);

macro_rules! stateless {
    ($($layer:ident: $forward:expr, $describe:expr, $trace:expr $(, $activation:expr)?;)*) => {$(
        impl State for $layer {
            fn visit<'a>(&'a self, _: Name<'_>, _: &mut dyn FnMut(Name<'_>, Slot<'a>)) {}
        }
        impl Module for $layer {
            fn forward(&self, x: &Tensor, _: Mode<'_>) -> Tensor {
                let forward: fn(&Self, &Tensor) -> Tensor = $forward;
                forward(self, x)
            }
            $(fn activation(&self) -> Option<Act> {
                let activation: fn(&Self) -> Act = $activation;
                Some(activation(self))
            })?
        }
        impl Network for $layer {
            fn describe(&self) -> String {
                let describe: fn(&Self) -> String = $describe;
                describe(self)
            }

            fn trace(
                &self,
                x: &crate::onnx::Value,
                scope: &mut crate::onnx::Scope<'_>,
            ) -> Result<crate::onnx::Value, crate::onnx::Untraced> {
                type Trace<L> = fn(
                    &L,
                    &crate::onnx::Value,
                    &mut crate::onnx::Scope<'_>,
                ) -> crate::onnx::Value;
                let trace: Trace<Self> = $trace;
                Ok(trace(self, x, scope))
            }
        }
    )*};
}
pub(crate) use stateless;

stateless! {
    ReLU: |_, x| x.relu(), |_| "ReLU()".into(), |_, x, scope| scope.map("Relu", x), |_| Act::Relu;
    LeakyReLU: |layer, x| x.leaky_relu(layer.0), |layer| format!("LeakyReLU({})", layer.0),
        |layer, x, scope| with_alpha("LeakyRelu", layer.0, x, scope),
        |layer| Act::LeakyRelu(layer.0);
    ELU: |layer, x| x.elu(layer.0), |layer| format!("ELU({})", layer.0),
        |layer, x, scope| with_alpha("Elu", layer.0, x, scope);
    GELU: |_, x| x.gelu(), |_| "GELU()".into(), |_, x, scope| trace_gelu(x, scope);
    Tanh: |_, x| x.tanh(), |_| "Tanh()".into(), |_, x, scope| scope.map("Tanh", x), |_| Act::Tanh;
    Sigmoid: |_, x| x.sigmoid(), |_| "Sigmoid()".into(), |_, x, scope| scope.map("Sigmoid", x);
    MaxPool2d: |layer, x| x.max_pool2(layer.0), |layer| format!("MaxPool2d({})", layer.0),
        |layer, x, scope| trace_pool("MaxPool", layer.0, x, scope);
    Flatten: |_, x| flatten(x), |_| "Flatten()".into(), |_, x, scope| trace_flatten(x, scope);
    Unflatten: unflatten, |&Unflatten([c, h, w])| format!("Unflatten(1, ({c}, {h}, {w}))"),
        |layer, x, scope| scope.reshape(x, &layer.0);
}

fn with_alpha(operator: &'static str, alpha: f64, x: &Value, scope: &mut Scope<'_>) -> Value {
    let call = scope.call(operator).value(x);
    call.with("alpha", alpha).gives(&x.shape)
}

/// x · ½(1 + erf(x / √2)): there is no operator for it in this version.
fn trace_gelu(x: &Value, scope: &mut Scope<'_>) -> Value {
    let call = scope.call("Mul").value(x).number("rsqrt2", FRAC_1_SQRT_2);
    let scaled = call.gives(&x.shape);
    let erf = scope.map("Erf", &scaled);
    let call = scope.call("Add").value(&erf).number("one", 1.0);
    let twice = call.gives(&x.shape);
    let call = scope.call("Mul").value(&twice).number("half", 0.5);
    let share = call.gives(&x.shape);
    scope.pair("Mul", x, &share)
}

/// Squares of pixels, this wide and as far apart, taken together by `operator`.
pub(crate) fn trace_pool(
    operator: &'static str,
    side: usize,
    x: &Value,
    scope: &mut Scope<'_>,
) -> Value {
    let call = scope.call(operator).value(x);
    let call = call.with("kernel_shape", &[side; 2]);
    let call = call.with("strides", &[side; 2]);
    call.gives(&[x.shape[0], x.shape[1] / side, x.shape[2] / side])
}

fn trace_flatten(x: &Value, scope: &mut Scope<'_>) -> Value {
    let call = scope.call("Flatten").value(x).with("axis", 1);
    call.gives(&[x.shape.iter().product()])
}

fn flatten(x: &Tensor) -> Tensor {
    let batch = x.shape()[0];
    x.reshape(&[batch, x.shape()[1..].iter().product()])
}

fn unflatten(&Unflatten([c, h, w]): &Unflatten, x: &Tensor) -> Tensor {
    x.reshape(&[x.shape()[0], c, h, w]).channels_last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::{Array, grad};

    fn run(layer: &dyn Module, values: &[f64], shape: &[usize]) -> Tensor {
        layer.forward(
            &Tensor::variable(Array::from_slice(values, shape)),
            Mode::eval(),
        )
    }

    #[test]
    fn activations() {
        let x = [-2.0, 0.0, 3.0];
        assert_eq!(run(&ReLU, &x, &[3]).to_vec::<f64>(), [0.0, 0.0, 3.0]);
        assert_eq!(
            run(&LeakyReLU(0.2), &x, &[3]).to_vec::<f64>(),
            [-0.4, 0.0, 3.0]
        );
        let close = |layer: &dyn Module, f: fn(f64) -> f64| {
            let y = run(layer, &x, &[3]).to_vec::<f64>();
            y.iter().zip(x).all(|(y, x)| (y - f(x)).abs() < 1e-15)
        };
        assert!(close(&Tanh, f64::tanh));
        assert!(close(&Sigmoid, |x| 1.0 / (1.0 + (-x).exp())));
        assert!(close(&ELU(1.0), |x| if x > 0.0 { x } else { x.exp_m1() }));
        assert_eq!(run(&GELU, &x, &[3]).to_vec::<f64>()[1], 0.0);
    }

    #[test]
    fn the_activation_a_layer_is() {
        let layers: [&dyn Module; 3] = [&ReLU, &LeakyReLU(0.2), &Tanh];
        let x = [-2.0, 0.0, 3.0];
        for layer in layers {
            let act = layer.activation().expect("it is one");
            let y = Tensor::constant(Array::from_slice(&x, &[3])).activate(act);
            assert_eq!(y.to_vec::<f64>(), run(layer, &x, &[3]).to_vec::<f64>());
        }
        assert_eq!(Flatten.activation(), None);
        assert_eq!(Sigmoid.activation(), None);
        assert_eq!(ELU(1.0).activation(), None);
    }

    #[test]
    fn shapes_and_storage() {
        let values: Vec<f64> = (0..24).map(f64::from).collect();
        let images = run(&Unflatten([3, 2, 2]), &values, &[2, 12]);
        assert_eq!(images.shape(), [2, 3, 2, 2]);
        assert!(images.value().layout().is_channels_last());
        assert_eq!(images.to_vec::<f64>(), values);
        let pooled = MaxPool2d(2).forward(&images, Mode::eval());
        assert_eq!(pooled.to_vec::<f64>(), [3.0, 7.0, 11.0, 15.0, 19.0, 23.0]);
        let rows = Flatten.forward(&images, Mode::eval());
        assert_eq!(rows.shape(), [2, 12]);
        assert_eq!(rows.to_vec::<f64>(), values);
    }

    #[test]
    fn gradients_come_back_in_row_major_order() {
        let values: Vec<f64> = (0..12).map(f64::from).collect();
        let x = Tensor::variable(Array::from_slice(&values, &[1, 12]));
        let images = Unflatten([3, 2, 2]).forward(&x, Mode::eval());
        let loss = Flatten.forward(&images.square(), Mode::eval()).sum();
        let twice: Vec<f64> = values.iter().map(|v| 2.0 * v).collect();
        assert_eq!(grad(&loss, &[&x], false)[0].to_vec::<f64>(), twice);
    }
}

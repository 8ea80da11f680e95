//! Convolution and its adjoint, as layers.
//!
//! Weights are stored channels-last, as images are: the kernels take both as they
//! are. Shapes and checkpoints are PyTorch's.

use crate::Initialiser;
use crate::linear::{affine, visit_affine};
use crate::module::{Mode, Module, Network, Param, Slot, State, Weighted};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::{Act, Epilogue, Tensor};

/// 2-D convolution with zero padding: `[N, I, H, W]` to
/// `[N, O, (H + 2·padding − kernel) / stride + 1, …]`, with `weight`
/// `[O, I, kernel, kernel]` and `bias` `[O]`.
#[derive(Debug)]
pub struct Conv2d {
    weight: Param,
    bias: Option<Param>,
    stride: usize,
    padding: usize,
    dilation: usize,
}

/// 2-D transposed convolution: `[N, I, H, W]` to
/// `[N, O, (H − 1)·stride − 2·padding + kernel + output_padding, …]`, with `weight`
/// `[I, O, kernel, kernel]` and `bias` `[O]`. With the same weight it is the adjoint
/// of a [`Conv2d`] from O to I channels.
#[derive(Debug)]
pub struct ConvTranspose2d {
    weight: Param,
    bias: Option<Param>,
    stride: usize,
    padding: usize,
    output_padding: usize,
    dilation: usize,
}

impl Conv2d {
    /// From `inputs` to `outputs` channels with a square kernel, stride 1, no padding
    /// and a bias.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize, kernel: usize, init: &Initialiser) -> Self {
        let area = kernel * kernel;
        let (fan_in, fan_out) = (inputs * area, outputs * area);
        let weight = init.weight(&[outputs, inputs, kernel, kernel], fan_in, fan_out);
        Self {
            weight: Param::new(weight.channels_last()),
            bias: Some(Param::new(init.bias(outputs, fan_in))),
            stride: 1,
            padding: 0,
            dilation: 1,
        }
    }

    /// Steps of `stride` pixels.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// `padding` rows and columns of zeros on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// `dilation` pixels from one tap of the kernel to the next.
    #[must_use]
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// The layer without its bias. `new` has drawn one all the same, so layers made
    /// later start from the same weights with and without it.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl ConvTranspose2d {
    /// From `inputs` to `outputs` channels with a square kernel, stride 1, no padding
    /// and a bias.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize, kernel: usize, init: &Initialiser) -> Self {
        let area = kernel * kernel;
        // PyTorch takes the fan-in from dimension 1 of the weight, which is the
        // output side of a transposed convolution.
        let (fan_in, fan_out) = (outputs * area, inputs * area);
        let weight = init.weight(&[inputs, outputs, kernel, kernel], fan_in, fan_out);
        Self {
            weight: Param::new(weight.channels_last()),
            bias: Some(Param::new(init.bias(outputs, fan_in))),
            stride: 1,
            padding: 0,
            output_padding: 0,
            dilation: 1,
        }
    }

    /// Neighbouring input pixels are `stride` output pixels apart.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// `padding` rows and columns of the result are cut off on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Rows and columns added at the bottom and right: which of the `stride` sizes
    /// that a convolution maps to this one is meant.
    #[must_use]
    pub fn output_padding(self, output_padding: usize) -> Self {
        Self {
            output_padding,
            ..self
        }
    }

    /// `dilation` pixels from one tap of the kernel to the next.
    #[must_use]
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// The layer without its bias. `new` has drawn one all the same, so layers made
    /// later start from the same weights with and without it.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl State for Conv2d {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        visit_affine(&self.weight, self.bias.as_ref(), path, f);
    }
}

impl State for ConvTranspose2d {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        visit_affine(&self.weight, self.bias.as_ref(), path, f);
    }
}

impl Module for Conv2d {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.forward_act(x, Act::Identity, mode)
    }

    fn forward_act(&self, x: &Tensor, act: Act, _: Mode<'_>) -> Tensor {
        self.forward_weight(x, &self.weight.get(), act)
    }
}

impl Weighted for Conv2d {
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
        let bias = self.bias.as_ref().map(Param::get);
        let bias = bias.as_ref();
        let [stride, padding, dilation] =
            [self.stride, self.padding, self.dilation].map(|n| [n; 2]);
        x.conv2d_dilated(weight, stride, padding, dilation, Epilogue { bias, act })
    }

    fn trace_weight(&self, x: &Value, weight: &Tensor, scope: &mut Scope<'_>) -> Value {
        let reach = self.dilation * (weight.shape()[2] - 1) + 1;
        let side = |n: usize| (n + 2 * self.padding - reach) / self.stride + 1;
        let shape = [weight.shape()[0], side(x.shape[1]), side(x.shape[2])];
        let call = scope
            .call("Conv")
            .value(x)
            .with("strides", &[self.stride; 2])
            .with("pads", &[self.padding; 4])
            .with("dilations", &[self.dilation; 2]);
        affine(call, weight, self.bias.as_ref()).gives(&shape)
    }
}

impl Network for Conv2d {
    fn describe(&self) -> String {
        let weight = self.weight.get();
        let [outputs, inputs, kernel] = [0, 1, 2].map(|i: usize| weight.shape()[i]);
        let sizes = [self.stride, self.padding, 0, self.dilation];
        let options = options(sizes, self.bias.is_some());
        format!("Conv2d({inputs}, {outputs}, kernel_size={kernel}{options})")
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        Ok(self.trace_weight(x, &self.weight.get(), scope))
    }
}

impl Module for ConvTranspose2d {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.forward_act(x, Act::Identity, mode)
    }

    fn forward_act(&self, x: &Tensor, act: Act, _: Mode<'_>) -> Tensor {
        self.forward_weight(x, &self.weight.get(), act)
    }
}

impl Weighted for ConvTranspose2d {
    fn weight(&self) -> &Param {
        &self.weight
    }

    fn bias(&self) -> Option<&Param> {
        self.bias.as_ref()
    }

    fn output_axis(&self) -> usize {
        1
    }

    fn forward_weight(&self, x: &Tensor, weight: &Tensor, act: Act) -> Tensor {
        let bias = self.bias.as_ref().map(Param::get);
        let bias = bias.as_ref();
        x.conv_transpose2d_dilated(
            weight,
            [self.stride; 2],
            [self.padding; 2],
            [self.output_padding; 2],
            [self.dilation; 2],
            Epilogue { bias, act },
        )
    }

    fn trace_weight(&self, x: &Value, weight: &Tensor, scope: &mut Scope<'_>) -> Value {
        let reach = self.dilation * (weight.shape()[2] - 1) + 1;
        let side =
            |n: usize| (n - 1) * self.stride + reach + self.output_padding - 2 * self.padding;
        let shape = [weight.shape()[1], side(x.shape[1]), side(x.shape[2])];
        let call = scope
            .call("ConvTranspose")
            .value(x)
            .with("strides", &[self.stride; 2])
            .with("pads", &[self.padding; 4])
            .with("output_padding", &[self.output_padding; 2])
            .with("dilations", &[self.dilation; 2]);
        affine(call, weight, self.bias.as_ref()).gives(&shape)
    }
}

impl Network for ConvTranspose2d {
    fn describe(&self) -> String {
        let weight = self.weight.get();
        let [inputs, outputs, kernel] = [0, 1, 2].map(|i: usize| weight.shape()[i]);
        let sizes = [
            self.stride,
            self.padding,
            self.output_padding,
            self.dilation,
        ];
        let options = options(sizes, self.bias.is_some());
        format!("ConvTranspose2d({inputs}, {outputs}, kernel_size={kernel}{options})")
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        Ok(self.trace_weight(x, &self.weight.get(), scope))
    }
}

/// What differs from the defaults, as PyTorch spells it.
fn options([stride, padding, output_padding, dilation]: [usize; 4], bias: bool) -> String {
    let mut out = String::new();
    let named = [
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("output_padding", output_padding, 0),
        ("dilation", dilation, 1),
    ];
    for (name, value, default) in named {
        if value != default {
            out += &format!(", {name}={value}");
        }
    }
    if !bias {
        out += ", bias=False";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scheme, parameters};
    use detach_tensor::{Array, DType, Random, Stream};

    fn init() -> Initialiser {
        Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64)
    }

    fn set(layer: &dyn Module, values: [&[f64]; 2]) {
        for ((_, param), values) in parameters(layer).iter().zip(values) {
            let shape = param.get().shape().to_vec();
            param.set("a test", &Array::from_slice(values, &shape));
        }
    }

    #[test]
    fn convolution_by_hand() {
        let layer = Conv2d::new(2, 1, 2, &init());
        // Channel 0 is summed over the window, of channel 1 the top right pixel is taken.
        set(
            &layer,
            [&[1.0, 1.0, 1.0, 1.0, 0.0, 100.0, 0.0, 0.0], &[0.5]],
        );
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        let x = Tensor::constant(Array::from_slice(&x, &[1, 2, 2, 3]));
        let y = layer.forward(&x, Mode::eval());
        assert_eq!(y.shape(), [1, 1, 1, 2]);
        assert_eq!(y.to_vec::<f64>(), [12.5 + 20.0, 16.5 + 30.0]);
        let y = layer.padding(1).stride(2).forward(&x, Mode::eval());
        assert_eq!(y.shape(), [1, 1, 2, 2]);
        assert_eq!(y.to_vec::<f64>(), [1.5, 5.5, 4.5 + 40.0, 11.5 + 60.0]);
    }

    #[test]
    fn transposed_convolution_by_hand() {
        let layer = ConvTranspose2d::new(1, 1, 2, &init()).stride(2);
        set(&layer, [&[1.0, 2.0, 3.0, 4.0], &[0.0]]);
        let x = Tensor::constant(Array::from_slice(&[1.0, 10.0], &[1, 1, 1, 2]));
        let y = layer.forward(&x, Mode::eval());
        assert_eq!(
            y.to_vec::<f64>(),
            [1.0, 2.0, 10.0, 20.0, 3.0, 4.0, 30.0, 40.0]
        );
        let y = layer.output_padding(1).forward(&x, Mode::eval());
        assert_eq!(y.shape(), [1, 1, 3, 5]);
    }

    #[test]
    fn weights_are_stored_channels_last() {
        let layer = Conv2d::new(3, 2, 4, &init());
        assert!(layer.weight.get().value().layout().is_channels_last());
        let layer = ConvTranspose2d::new(3, 2, 4, &init());
        assert!(layer.weight.get().value().layout().is_channels_last());
        assert_eq!(layer.weight.get().shape(), [3, 2, 4, 4]);
    }

    #[test]
    fn descriptions() {
        let init = &init();
        let layer = ConvTranspose2d::new(3, 2, 4, init)
            .stride(2)
            .padding(1)
            .output_padding(1);
        let described =
            "ConvTranspose2d(3, 2, kernel_size=4, stride=2, padding=1, output_padding=1)";
        assert_eq!(layer.describe(), described);
        let layer = Conv2d::new(3, 2, 3, init).padding(2).dilation(2);
        let described = "Conv2d(3, 2, kernel_size=3, padding=2, dilation=2)";
        assert_eq!(layer.describe(), described);
        let layer = Conv2d::new(3, 2, 1, init).without_bias();
        assert_eq!(layer.describe(), "Conv2d(3, 2, kernel_size=1, bias=False)");
    }
}

//! Layers without parameters that change the size of images.

use crate::act::{stateless, trace_pool};
use crate::module::{Mode, Module, Network, Slot, State};
use crate::name::Name;
use crate::onnx::{Constant, Scope, Value};
use detach_tensor::Tensor;

/// Images twice as large: PyTorch's `Upsample` with `scale_factor=2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsample {
    /// Each pixel four times.
    Nearest,
    /// Pixels in between made of their neighbours, corners not aligned.
    Bilinear,
}

/// The mean of each 2×2 pixels: PyTorch's `AvgPool2d(2)`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d;

/// So many mirrored pixels around each image, fewer than it has.
#[derive(Clone, Copy, Debug)]
pub struct ReflectionPad2d(pub usize);

/// The outermost pixels repeated so many times around each image.
#[derive(Clone, Copy, Debug)]
pub struct ReplicationPad2d(pub usize);

stateless! {
    Upsample: |layer, x| match layer {
        Upsample::Nearest => x.upsample_nearest2(),
        Upsample::Bilinear => x.upsample_bilinear2(),
    }, |layer| match layer {
        Upsample::Nearest => "Upsample(scale_factor=2)".into(),
        Upsample::Bilinear => "Upsample(scale_factor=2, mode='bilinear')".into(),
    }, |layer, x, scope| layer.resize(x, scope);
    AvgPool2d: |_, x| x.avg_pool2(), |_| "AvgPool2d(2)".into(),
        |_, x, scope| trace_pool("AveragePool", 2, x, scope);
    ReflectionPad2d: |pad, x| x.pad_reflect([[pad.0; 2]; 2]),
        |pad| format!("ReflectionPad2d({})", pad.0), |pad, x, scope| border("reflect", pad.0, x, scope);
    ReplicationPad2d: |pad, x| x.pad_replicate([[pad.0; 2]; 2]),
        |pad| format!("ReplicationPad2d({})", pad.0), |pad, x, scope| border("edge", pad.0, x, scope);
}

impl Upsample {
    fn resize(self, x: &Value, scope: &mut Scope<'_>) -> Value {
        let scales = Constant::Floats(vec![4], vec![1.0, 1.0, 2.0, 2.0]);
        let call = scope.call("Resize").value(x).none();
        let call = call.constant("scales", scales);
        let call = match self {
            Self::Nearest => call
                .with("mode", "nearest")
                .with("coordinate_transformation_mode", "asymmetric")
                .with("nearest_mode", "floor"),
            Self::Bilinear => call
                .with("mode", "linear")
                .with("coordinate_transformation_mode", "half_pixel"),
        };
        call.gives(&[x.shape[0], 2 * x.shape[1], 2 * x.shape[2]])
    }
}

/// Pixels around each image, made of its own as `mode` says.
fn border(mode: &'static str, pad: usize, x: &Value, scope: &mut Scope<'_>) -> Value {
    let call = scope.call("Pad").value(x);
    let call = call.ints(&[0, 0, pad, pad, 0, 0, pad, pad]);
    let [h, w] = [1, 2].map(|axis: usize| x.shape[axis] + 2 * pad);
    call.with("mode", mode).gives(&[x.shape[0], h, w])
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::Array;

    #[test]
    fn sizes_and_names_are_those_of_pytorch() {
        let x = Tensor::constant(Array::from_slice(&[0.5; 24], &[1, 2, 3, 4]));
        let layers: [(&dyn Module, [usize; 4], &str); 5] = [
            (&Upsample::Nearest, [1, 2, 6, 8], "Upsample(scale_factor=2)"),
            (
                &Upsample::Bilinear,
                [1, 2, 6, 8],
                "Upsample(scale_factor=2, mode='bilinear')",
            ),
            (&AvgPool2d, [1, 2, 1, 2], "AvgPool2d(2)"),
            (&ReflectionPad2d(2), [1, 2, 7, 8], "ReflectionPad2d(2)"),
            (&ReplicationPad2d(5), [1, 2, 13, 14], "ReplicationPad2d(5)"),
        ];
        for (layer, shape, name) in layers {
            let y = layer.forward(&x, Mode::eval());
            assert_eq!((y.shape(), layer.describe().as_str()), (&shape[..], name));
            assert!(y.to_vec::<f64>().iter().all(|y| *y == 0.5), "{name}");
        }
    }
}

//! Products, convolutions, pools and losses.

use super::Operator;
use super::node::{Node, Outcome, broadcast};
use super::numbers::of;
use detach_nn::loss;
use detach_tensor::Tensor;

pub(crate) const OPERATORS: &[(&str, Operator)] = &[
    ("BatchNormalization", batch_normalisation),
    ("Conv", convolution),
    ("ConvTranspose", transposed),
    ("Gemm", gemm),
    ("GlobalAveragePool", |n| {
        of(n.x(0)?.mean_axes(&spatial(&n.x(0)?)))
    }),
    ("GlobalMaxPool", |n| {
        of(n.x(0)?.max_axes(&spatial(&n.x(0)?)))
    }),
    ("MatMul", |n| of(n.x(0)?.matmul(&n.x(1)?))),
    ("MaxPool", max_pool),
    ("SoftmaxCrossEntropyLoss", cross_entropy),
];

fn spatial(x: &Tensor) -> Vec<usize> {
    (2..x.shape().len()).collect()
}

/// As the layer does it: a factor and an addend a channel.
fn batch_normalisation(node: &Node<'_>) -> Outcome {
    if node.integer("training_mode", 0) != 0 {
        return Err("ONNX keeps another variance of the batch".to_owned());
    }
    let x = node.x(0)?;
    let [weight, bias, mean, variance] = [1, 2, 3, 4].map(|i| node.x(i));
    let scale = weight? / (variance? + node.number("epsilon", 1e-5)).sqrt();
    let shift = bias? - mean? * &scale;
    of(&x * scale.expand_channels(x.shape()) + shift.expand_channels(x.shape()))
}

/// Stride and padding [above, left, below, right] of a convolution of images.
fn geometry(node: &Node<'_>) -> Result<([usize; 2], [usize; 4]), String> {
    let x = node.x(0)?;
    if x.shape().len() != 4 {
        return Err("convolutions and pools are of images".to_owned());
    }
    if node.integer("group", 1) != 1 {
        return Err("convolutions have no groups".to_owned());
    }
    if node
        .list("dilations")
        .is_some_and(|by| by.iter().any(|by| *by != 1))
    {
        return Err("convolutions and pools have no dilation".to_owned());
    }
    if node.test.attributes.contains_key("auto_pad") || node.list("output_shape").is_some() {
        return Err("paddings are given, not found out".to_owned());
    }
    let pads = node.list("pads").unwrap_or_else(|| vec![0; 4]);
    let strides = node.list("strides").unwrap_or_else(|| vec![1; 2]);
    let pads = [0, 1, 2, 3].map(|i| pads[i] as usize);
    Ok(([strides[0] as usize, strides[1] as usize], pads))
}

fn with_bias(node: &Node<'_>, y: Tensor) -> Outcome {
    match node.has(2) {
        true => of(&y + node.x(2)?.expand_channels(y.shape())),
        false => of(y),
    }
}

fn convolution(node: &Node<'_>) -> Outcome {
    let (stride, [above, left, below, right]) = geometry(node)?;
    let x = node.x(0)?.pad(2, above, below).pad(3, left, right);
    with_bias(node, x.conv2d(&node.x(1)?, stride, [0, 0]))
}

fn transposed(node: &Node<'_>) -> Outcome {
    let (stride, [above, left, below, right]) = geometry(node)?;
    if [above, left] != [below, right] {
        return Err("the padding of a transposed convolution is the same on both sides".to_owned());
    }
    let extra = node.list("output_padding").unwrap_or_else(|| vec![0; 2]);
    let extra = [extra[0] as usize, extra[1] as usize];
    let y = node
        .x(0)?
        .conv_transpose2d(&node.x(1)?, stride, [above, left], extra);
    with_bias(node, y)
}

fn max_pool(node: &Node<'_>) -> Outcome {
    if node.test.outputs.len() > 1 {
        return Err("the largest are given, not where they are".to_owned());
    }
    let (stride, pads) = geometry(node)?;
    let kernel = node.list("kernel_shape").expect("it has one");
    let size = stride[0];
    let squares = stride == [size; 2] && kernel.iter().all(|side| *side as usize == size);
    match squares && pads == [0; 4] && node.integer("ceil_mode", 0) == 0 {
        true => of(node.x(0)?.max_pool2(size)),
        false => Err("pools are of squares side by side".to_owned()),
    }
}

fn gemm(node: &Node<'_>) -> Outcome {
    let turned = |i: usize, name: &str| -> Result<Tensor, String> {
        let x = node.x(i)?;
        Ok(match node.integer(name, 0) {
            0 => x,
            _ => x.t(),
        })
    };
    let product = turned(0, "transA")?.matmul(&turned(1, "transB")?);
    let y = product * node.number("alpha", 1.0);
    of(match node.has(2) {
        true => {
            let all = broadcast(&[y, node.x(2)? * node.number("beta", 1.0)]);
            &all[0] + &all[1]
        }
        false => y,
    })
}

fn cross_entropy(node: &Node<'_>) -> Outcome {
    let logits = node.x(0)?;
    let mean = ["", "mean"].contains(&node.word("reduction"));
    let plain = !node.has(2) && !node.test.attributes.contains_key("ignore_index");
    if logits.shape().len() != 2 || !mean || !plain {
        return Err("the loss is a mean over rows, without weights or labels to ignore".to_owned());
    }
    let mut results = vec![loss::cross_entropy(&logits, &node.any(1))];
    if node.test.outputs.len() > 1 {
        results.push(logits.log_softmax(1));
    }
    Ok(results)
}

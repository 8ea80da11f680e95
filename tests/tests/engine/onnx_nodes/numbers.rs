//! Operators element by element, and reductions.

use super::Operator;
use super::node::{Node, Outcome, broadcast, wrapped};
use detach_tensor::Tensor;

pub(crate) const OPERATORS: &[(&str, Operator)] = &[
    ("Abs", |n| one(n, Tensor::abs)),
    ("Ceil", |n| one(n, Tensor::ceil)),
    ("Cos", |n| one(n, Tensor::cos)),
    ("Erf", |n| one(n, Tensor::erf)),
    ("Exp", |n| one(n, Tensor::exp)),
    ("Floor", |n| one(n, Tensor::floor)),
    ("Identity", |n| one(n, Tensor::clone)),
    ("IsNaN", |n| one(n, |x| x.not_equal(x))),
    ("Log", |n| one(n, Tensor::ln)),
    ("Mish", |n| one(n, |x| x * x.softplus().tanh())),
    ("Neg", |n| one(n, |x| -x)),
    ("Not", |n| one(n, |x| -x + 1.0)),
    ("Reciprocal", |n| one(n, Tensor::recip)),
    ("Relu", |n| one(n, Tensor::relu)),
    ("Round", |n| one(n, Tensor::round)),
    ("Sigmoid", |n| one(n, Tensor::sigmoid)),
    ("Sign", |n| one(n, Tensor::sign)),
    ("Sin", |n| one(n, Tensor::sin)),
    ("Softplus", |n| one(n, Tensor::softplus)),
    ("Softsign", |n| one(n, |x| x / (x.abs() + 1.0))),
    ("Sqrt", |n| one(n, Tensor::sqrt)),
    ("Tanh", |n| one(n, Tensor::tanh)),
    ("HardSwish", |n| {
        one(n, |x| x * (x / 6.0 + 0.5).clip(0.0, 1.0))
    }),
    ("Elu", |n| of(n.x(0)?.elu(n.number("alpha", 1.0)))),
    ("Celu", celu),
    ("Selu", selu),
    ("Gelu", gelu),
    ("LeakyRelu", |n| {
        of(n.x(0)?.leaky_relu(n.number("alpha", 0.01)))
    }),
    ("HardSigmoid", hard_sigmoid),
    ("Swish", |n| {
        of(n.x(0)? * (n.x(0)? * n.number("alpha", 1.0)).sigmoid())
    }),
    ("ThresholdedRelu", thresholded),
    ("Clip", clip),
    ("PRelu", prelu),
    ("Add", |n| two(n, |a, b| a + b)),
    ("Sub", |n| two(n, |a, b| a - b)),
    ("Mul", |n| two(n, |a, b| a * b)),
    ("Div", |n| two(n, |a, b| a / b)),
    ("Pow", |n| two(n, Tensor::pow)),
    ("And", |n| two(n, |a, b| a * b)),
    ("Or", |n| two(n, Tensor::maximum)),
    ("Xor", |n| two(n, Tensor::not_equal)),
    ("Equal", equal),
    ("Less", |n| two(n, Tensor::less)),
    ("LessOrEqual", |n| two(n, Tensor::less_equal)),
    ("Greater", |n| two(n, Tensor::greater)),
    ("GreaterOrEqual", |n| two(n, Tensor::greater_equal)),
    ("Max", |n| many(n, Tensor::maximum)),
    ("Min", |n| many(n, Tensor::minimum)),
    ("Sum", |n| many(n, |a, b| a + b)),
    ("Mean", |n| {
        of(many(n, |a, b| a + b)?.remove(0) / n.test.inputs.len() as f64)
    }),
    ("Where", choose),
    ("ReduceMax", |n| reduce(n, Tensor::max_axes)),
    ("ReduceMin", |n| reduce(n, Tensor::min_axes)),
    ("ReduceMean", |n| reduce(n, Tensor::mean_axes)),
    ("ReduceSum", |n| reduce(n, Tensor::sum_axes)),
    ("ReduceL1", |n| reduce(n, |x, axes| x.abs().sum_axes(axes))),
    ("ReduceL2", |n| reduce(n, Tensor::norm_axes)),
    ("ReduceSumSquare", |n| {
        reduce(n, |x, axes| x.square().sum_axes(axes))
    }),
    ("ReduceLogSum", |n| {
        reduce(n, |x, axes| x.sum_axes(axes).ln())
    }),
    ("ReduceLogSumExp", |n| {
        reduce(n, |x, axes| x.exp().sum_axes(axes).ln())
    }),
    ("ArgMax", |n| arg(n, Tensor::argmax)),
    ("ArgMin", |n| arg(n, Tensor::argmin)),
    ("Softmax", |n| along(n, Tensor::softmax)),
    ("LogSoftmax", |n| along(n, Tensor::log_softmax)),
    ("Hardmax", |n| along(n, hardmax)),
    ("LpNormalization", normalised),
];

/// A single result.
pub(crate) fn of(y: Tensor) -> Outcome {
    Ok(vec![y])
}

fn one(node: &Node<'_>, f: fn(&Tensor) -> Tensor) -> Outcome {
    of(f(&node.x(0)?))
}

fn two(node: &Node<'_>, f: fn(&Tensor, &Tensor) -> Tensor) -> Outcome {
    let [a, b] = node.pair()?;
    of(f(&a, &b))
}

/// Of integers too, which are small ones in all tests.
fn equal(node: &Node<'_>) -> Outcome {
    let all = broadcast(&[node.any(0), node.any(1)]);
    of(all[0].equal(&all[1]))
}

fn many(node: &Node<'_>, f: fn(&Tensor, &Tensor) -> Tensor) -> Outcome {
    let all = broadcast(&node.all()?).into_iter();
    of(all.reduce(|a, b| f(&a, &b)).expect("one operand at least"))
}

fn celu(node: &Node<'_>) -> Outcome {
    let (x, alpha) = (node.x(0)?, node.number("alpha", 1.0));
    // α·elu(x/α) below 0, where it is x above.
    of((x / alpha).elu(1.0) * alpha)
}

fn selu(node: &Node<'_>) -> Outcome {
    let alpha = node.number("alpha", 1.673_263_192_176_818_8);
    let gamma = node.number("gamma", 1.050_701_022_148_132_3);
    of(node.x(0)?.elu(alpha) * gamma)
}

fn gelu(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    of(match node.word("approximate") {
        "tanh" => x.gelu_tanh(),
        _ => x.gelu(),
    })
}

fn hard_sigmoid(node: &Node<'_>) -> Outcome {
    let (alpha, beta) = (node.number("alpha", 0.2), node.number("beta", 0.5));
    of((node.x(0)? * alpha + beta).clip(0.0, 1.0))
}

fn thresholded(node: &Node<'_>) -> Outcome {
    let (x, alpha) = (node.x(0)?, node.number("alpha", 1.0));
    let above = x.greater(&x.full_like(alpha));
    of(above.select(&x, &x.full_like(0.0)))
}

fn clip(node: &Node<'_>) -> Outcome {
    let bound = |i: usize, default| match node.has(i) {
        true => Ok::<f64, String>(node.x(i)?.item()),
        false => Ok(default),
    };
    of(node
        .x(0)?
        .clip(bound(1, f64::NEG_INFINITY)?, bound(2, f64::INFINITY)?))
}

fn prelu(node: &Node<'_>) -> Outcome {
    let [x, slope] = node.pair()?;
    of(x.less(&x.full_like(0.0)).select(&(&x * slope), &x))
}

fn choose(node: &Node<'_>) -> Outcome {
    let all = broadcast(&[node.x(0)?, node.x(1)?, node.x(2)?]);
    of(all[0].select(&all[1], &all[2]))
}

fn reduce(node: &Node<'_>, f: fn(&Tensor, &[usize]) -> Tensor) -> Outcome {
    let x = node.x(0)?;
    let rank = x.shape().len();
    let axes = node
        .list("axes")
        .or_else(|| node.integers(1))
        .unwrap_or_default();
    let axes: Vec<usize> = match axes.is_empty() {
        true if node.integer("noop_with_empty_axes", 0) != 0 => Vec::new(),
        true => (0..rank).collect(),
        false => axes.iter().map(|axis| wrapped(*axis, rank)).collect(),
    };
    let of_none = axes.iter().any(|axis| x.shape()[*axis] == 0);
    if of_none && ["ReduceMax", "ReduceMin", "ReduceMean"].contains(&node.test.op.as_str()) {
        return Err("the largest, smallest or mean of no elements is refused".to_owned());
    }
    let y = f(&x, &axes);
    of(match node.integer("keepdims", 1) {
        0 => y.squeeze(&axes),
        _ => y,
    })
}

fn arg(node: &Node<'_>, f: fn(&Tensor, usize) -> Tensor) -> Outcome {
    let x = node.x(0)?;
    let axis = node.axis(0, x.shape().len());
    let y = match node.integer("select_last_index", 0) {
        0 => f(&x, axis),
        // The last of equals is the first from behind.
        _ => -f(&x.flip(axis), axis) + (x.shape()[axis] as f64 - 1.0),
    };
    of(match node.integer("keepdims", 1) {
        0 => y.squeeze(&[axis]),
        _ => y,
    })
}

fn along(node: &Node<'_>, f: fn(&Tensor, usize) -> Tensor) -> Outcome {
    let x = node.x(0)?;
    let axis = node.axis(-1, x.shape().len());
    of(f(&x, axis))
}

/// 1 at the largest, which comes last in `one_hot`.
fn hardmax(x: &Tensor, axis: usize) -> Tensor {
    let rows = x.argmax(axis).squeeze(&[axis]).one_hot(x.shape()[axis]);
    super::moves::moved(&rows, x.shape().len() - 1, axis)
}

fn normalised(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    let axis = node.axis(-1, x.shape().len());
    let norm = match node.integer("p", 2) {
        1 => x.abs().sum_axes(&[axis]),
        _ => x.norm_axes(&[axis]),
    };
    let zero = norm.full_like(0.0);
    let norm = norm.equal(&zero).select(&norm.full_like(1.0), &norm);
    of(&x / norm.expand(x.shape()))
}

//! The cases of the family.

use crate::Tensor;
use crate::check::Case;

/// Cases of this family. Inputs keep clear of the kinks, where a finite difference
/// has nothing to say.
pub(crate) fn cases() -> Vec<Case> {
    let s = &[2, 3, 2, 2][..];
    let unary =
        |name, range, f: fn(&Tensor) -> Tensor| Case::new(name, move |x| f(&x[0])).input(s, range);
    let binary = |name, range, f: fn(&Tensor, &Tensor) -> Tensor| {
        Case::new(name, move |x| f(&x[0], &x[1]))
            .input(s, (-2.0, 2.0))
            .channels_last()
            .input(s, range)
    };
    vec![
        unary("neg", (-2.0, 2.0), |x| -x),
        unary("exp", (-2.0, 2.0), Tensor::exp),
        unary("ln", (0.5, 3.0), Tensor::ln),
        unary("ln_1p", (-0.5, 3.0), Tensor::ln_1p),
        unary("sqrt", (0.5, 3.0), Tensor::sqrt),
        unary("recip", (0.5, 3.0), Tensor::recip),
        unary("abs above", (0.2, 2.0), Tensor::abs),
        unary("abs below", (-2.0, -0.2), Tensor::abs),
        unary("sign", (0.2, 2.0), Tensor::sign),
        unary("step", (-2.0, -0.2), Tensor::step),
        unary("tanh", (-2.0, 2.0), Tensor::tanh),
        unary("sigmoid", (-4.0, 4.0), Tensor::sigmoid),
        unary("softplus", (-4.0, 4.0), Tensor::softplus),
        unary("relu above", (0.2, 2.0), Tensor::relu),
        unary("relu below", (-2.0, -0.2), Tensor::relu),
        unary("leaky_relu above", (0.2, 2.0), |x| x.leaky_relu(0.2)),
        unary("leaky_relu below", (-2.0, -0.2), |x| x.leaky_relu(0.2)),
        unary("square", (-2.0, 2.0), Tensor::square),
        unary("scale", (-2.0, 2.0), |x| x * 3.0),
        unary("div by a number", (-2.0, 2.0), |x| x / 3.0),
        unary("shift", (-2.0, 2.0), |x| x + 3.0),
        unary("powf", (0.5, 2.0), |x| x.powf(2.5)),
        unary("powf of 3", (-2.0, 2.0), |x| x.powf(3.0)),
        unary("powf of 0", (-2.0, 2.0), |x| x.powf(0.0)),
        unary("clamp_min above", (0.2, 2.0), |x| x.clamp_min(0.0)),
        unary("clamp_min below", (-2.0, -0.2), |x| x.clamp_min(0.0)),
        binary("add", (-2.0, 2.0), |a, b| a + b),
        binary("sub", (-2.0, 2.0), |a, b| a - b),
        binary("mul", (-2.0, 2.0), |a, b| a * b),
        binary("div", (0.5, 2.0), |a, b| a / b),
        binary("maximum, the second", (2.2, 3.0), Tensor::maximum),
        binary("maximum, the first", (2.2, 3.0), |a, b| b.maximum(a)),
        binary("equal", (-2.0, 2.0), Tensor::equal),
        unary("elu above", (0.2, 2.0), |x| x.elu(1.0)),
        unary("elu below", (-2.0, -0.2), |x| x.elu(0.7)),
        unary("clip inside", (-0.5, 0.5), |x| x.clip(-1.0, 1.0)),
        unary("clip outside", (1.2, 2.0), |x| x.clip(-1.0, 1.0)),
        unary("floor", (0.2, 0.8), Tensor::floor),
        unary("ceil", (0.2, 0.8), Tensor::ceil),
        unary("round", (0.6, 1.4), Tensor::round),
        unary("sin", (-4.0, 4.0), Tensor::sin),
        unary("cos", (-4.0, 4.0), Tensor::cos),
        unary("erf", (-2.0, 2.0), Tensor::erf),
        unary("gelu", (-2.0, 2.0), Tensor::gelu),
        unary("gelu by tanh", (-2.0, 2.0), Tensor::gelu_tanh),
        binary("minimum, the second", (-3.0, -2.2), Tensor::minimum),
        binary("minimum, the first", (-3.0, -2.2), |a, b| b.minimum(a)),
        binary("not_equal", (-2.0, 2.0), Tensor::not_equal),
        binary("less", (-2.0, 2.0), Tensor::less),
        binary("greater_equal", (2.2, 3.0), Tensor::greater_equal),
        binary("pow", (0.5, 2.0), |a, b| b.pow(a)),
        binary("select", (-2.0, 2.0), |a, b| {
            a.less(b).select(&a.square(), &b.sin())
        }),
        binary("x times x", (-2.0, 2.0), |a, _| a * a),
    ]
}

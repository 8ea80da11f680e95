//! Element-wise functions of one or two tensors of the same shape.
//!
//! y = f(x) gives dx = dy · f′(x). Where f′ has a cheap form in y (tanh, sigmoid,
//! exp), the rule uses it. The products dy · f′ of the activations are ops of
//! their own, one pass over memory each; their derivatives are given like any other.

mod cases;
mod choose;
mod operators;

pub(crate) use cases::cases;

use crate::array::result;
use crate::shape::assert_same;
use crate::{Array, Info, Op, Tensor, apply};
use detach_kernels::map::{self, Binary, Unary};
use detach_kernels::{Act, Layout};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI};

#[derive(Clone, Copy, Debug)]
struct Map1(Unary);

impl Op for Map1 {
    fn name(&self) -> &'static str {
        match self.0 {
            Unary::Neg => "neg",
            Unary::Exp => "exp",
            Unary::Ln => "ln",
            Unary::Ln1p => "ln_1p",
            Unary::Sqrt => "sqrt",
            Unary::Recip => "recip",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::Softplus => "softplus",
            Unary::Relu => "relu",
            Unary::LeakyRelu(_) => "leaky_relu",
            Unary::Elu(_) => "elu",
            Unary::Square => "square",
            Unary::Scale(_) => "scale",
            Unary::Div(_) => "div",
            Unary::Shift(_) => "shift",
            Unary::Pow(_) => "powf",
            Unary::ClampMin(_) => "clamp_min",
            Unary::Step => "step",
            Unary::Clip(..) => "clip",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Erf => "erf",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let layout = x.layout().dense_like();
        let buffer = x.read();
        let mut out = result(self.name(), &layout, x.kind());
        map::unary(self.0, x.view(&buffer), &mut out, &layout);
        Array::from_buffer(out, layout)
    }

    fn grad(&self, _: usize, inputs: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let x = &inputs[0];
        Some(match self.0 {
            Unary::Neg => -dy,
            Unary::Exp => dy * y,
            Unary::Ln => dy / x,
            Unary::Ln1p => dy / (x + 1.0),
            Unary::Sqrt => dy / y * 0.5,
            Unary::Recip => -(dy * y.square()),
            Unary::Abs => dy * apply(Self(Unary::Sign), &[x]),
            Unary::Tanh => apply(Map2(Binary::TanhGrad), &[dy, y]),
            Unary::Sigmoid => apply(Map2(Binary::SigmoidGrad), &[dy, y]),
            Unary::Softplus => dy * logistic(x),
            Unary::Relu => apply(Map2(Binary::ReluGrad), &[dy, x]),
            Unary::LeakyRelu(slope) => apply(Map2(Binary::LeakyReluGrad(slope)), &[dy, x]),
            Unary::Elu(alpha) => apply(Map2(Binary::EluGrad(alpha)), &[dy, y]),
            Unary::Square => dy * x * 2.0,
            Unary::Scale(c) => dy * c,
            Unary::Div(c) => dy / c,
            Unary::Shift(_) => dy.clone(),
            // A constant, at 0 too, where x⁻¹ is infinite and 0 times it no number.
            Unary::Pow(0.0) => return None,
            Unary::Pow(p) => dy * x.powf(p - 1.0) * p,
            Unary::ClampMin(c) => apply(Map2(Binary::ClampMinGrad(c)), &[dy, x]),
            Unary::Clip(low, high) => apply(Map2(Binary::ClipGrad(low, high)), &[dy, x]),
            Unary::Sin => dy * x.cos(),
            Unary::Cos => -(dy * x.sin()),
            Unary::Erf => dy * (-x.square()).exp() * FRAC_2_SQRT_PI,
            Unary::Sign | Unary::Step | Unary::Floor | Unary::Ceil | Unary::Round => return None,
        })
    }

    fn info(&self, _: &[&[usize]], output: &[usize]) -> Info {
        let geometry = match self.0 {
            Unary::LeakyRelu(slope) => format!("slope {slope}"),
            Unary::Elu(alpha) => format!("α {alpha}"),
            Unary::Scale(c) => format!("× {c}"),
            Unary::Div(c) => format!("÷ {c}"),
            Unary::Shift(c) => format!("+ {c}"),
            Unary::Pow(p) => format!("^ {p}"),
            Unary::ClampMin(c) => format!("≥ {c}"),
            Unary::Clip(low, high) => format!("{low} to {high}"),
            _ => String::new(),
        };
        Info::each(1, output).set(geometry)
    }
}

/// σ(x) as softplus's derivative: the value of [`Tensor::sigmoid`], whose rule is by its result, and
/// 1 − σ has few digits where σ is close to 1. This one's is by x, with all of them.
#[derive(Clone, Copy, Debug)]
struct Logistic;

impl Op for Logistic {
    fn name(&self) -> &'static str {
        "sigmoid"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        Map1(Unary::Sigmoid).forward(inputs)
    }
    /// σ′(x) = σ(x)·σ(−x).
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let x = &inputs[0];
        Some(dy * logistic(x) * logistic(&-x))
    }
}

fn logistic(x: &Tensor) -> Tensor {
    apply(Logistic, &[x])
}

#[derive(Clone, Copy, Debug)]
struct Map2(Binary);

impl Op for Map2 {
    fn name(&self) -> &'static str {
        match self.0 {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Equal => "equal",
            Binary::NotEqual => "not_equal",
            Binary::Less => "less",
            Binary::LessEqual => "less_equal",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
            Binary::Pow => "pow",
            Binary::ReluGrad => "relu_grad",
            Binary::LeakyReluGrad(_) => "leaky_relu_grad",
            Binary::TanhGrad => "tanh_grad",
            Binary::SigmoidGrad => "sigmoid_grad",
            Binary::EluGrad(_) => "elu_grad",
            Binary::ClampMinGrad(_) => "clamp_min_grad",
            Binary::ClipGrad(..) => "clip_grad",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [a, b] = [inputs[0], inputs[1]];
        assert_same(self.name(), a.shape(), b.shape());
        let layout = layout_of_result(a, b);
        let (x, y) = (a.read(), b.read());
        let mut out = result(self.name(), &layout, a.kind());
        map::binary(self.0, a.view(&x), b.view(&y), &mut out, &layout);
        Array::from_buffer(out, layout)
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let [a, b] = [&inputs[0], &inputs[1]];
        Some(match (self.0, arg) {
            (Binary::Add, _) | (Binary::Sub, 0) => dy.clone(),
            (Binary::Sub, _) => -dy,
            (Binary::Mul, 0) => dy * b,
            (Binary::Mul, _) => dy * a,
            (Binary::Div, 0) => dy / b,
            (Binary::Div, _) => -(dy * y / b),
            // To the larger; equal ones share it.
            (Binary::Maximum, 0) => dy * ((a - b).step() + a.equal(b) * 0.5),
            (Binary::Maximum, _) => dy * ((b - a).step() + a.equal(b) * 0.5),
            (Binary::Minimum, 0) => dy * ((b - a).step() + a.equal(b) * 0.5),
            (Binary::Minimum, _) => dy * ((a - b).step() + a.equal(b) * 0.5),
            (Binary::Pow, _) => dy * choose::slope_of_power(arg, a, b, y),
            // f(g, x) = g · f′(x) is linear in g, so its rule is itself.
            (
                Binary::ReluGrad
                | Binary::LeakyReluGrad(_)
                | Binary::ClampMinGrad(_)
                | Binary::ClipGrad(..)
                | Binary::EluGrad(_)
                | Binary::TanhGrad
                | Binary::SigmoidGrad,
                0,
            ) => apply(*self, &[dy, b]),
            // d/dy of g · (1 − y²), and of g · y · (1 − y).
            (Binary::TanhGrad, _) => dy * a * b * -2.0,
            (Binary::SigmoidGrad, _) => dy * a * (b * -2.0 + 1.0),
            // d/dy of g · (y + α) where y < 0.
            (Binary::EluGrad(_), _) => dy * a * (-b).step(),
            (
                Binary::ReluGrad
                | Binary::LeakyReluGrad(_)
                | Binary::ClampMinGrad(_)
                | Binary::ClipGrad(..)
                | Binary::Equal
                | Binary::NotEqual
                | Binary::Less
                | Binary::LessEqual,
                _,
            ) => return None,
        })
    }
}

/// The node of `a + b` whose value is `a`'s already; see [`super::fuse`].
pub(crate) fn record_sum(a: &Tensor, b: &Tensor) -> Tensor {
    Tensor::made_by(Map2(Binary::Add), &[a, b], a.value().clone())
}

/// The node of `act(x)` whose value is `x`'s already; see [`super::fuse`].
pub(crate) fn record_activation(act: Act, x: &Tensor) -> Tensor {
    let op = match act {
        Act::Identity => return x.clone(),
        Act::Relu => Unary::Relu,
        Act::LeakyRelu(slope) => Unary::LeakyRelu(slope),
        Act::Tanh => Unary::Tanh,
    };
    Tensor::made_by(Map1(op), &[x], x.value().clone())
}

/// The storage order of the result: that of the first operand that is not a
/// broadcast or sliced view, so that images stay channels-last.
fn layout_of_result(a: &Array, b: &Array) -> Layout {
    match (a.layout().is_dense(), b.layout().is_dense()) {
        (false, true) => *b.layout(),
        _ => a.layout().dense_like(),
    }
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => {
        impl Tensor {
            $($(#[$doc])*
            #[must_use]
            #[track_caller]
            pub fn $name(&self) -> Self {
                apply(Map1(Unary::$op), &[self])
            })*
        }
    };
}

unary_methods! {
    /// eˣ.
    exp => Exp;
    /// Natural logarithm: −∞ at 0, where the derivative is ∞, and NaN below.
    ln => Ln;
    /// ln(1 + x), with all its digits near 0: −∞ at −1, and NaN below.
    ln_1p => Ln1p;
    /// √x; NaN below 0. The derivative at 0 is ∞, as PyTorch's, so where x is itself made of
    /// something whose derivative is 0 there, such as a sum of squares, the gradient is 0 · ∞,
    /// NaN: the length of a vector is [`Tensor::norm`], which is right there.
    sqrt => Sqrt;
    /// 1 / x: ±∞ at 0.
    recip => Recip;
    /// |x|; the derivative at 0 is 0.
    abs => Abs;
    /// −1, 0 or 1; its derivative is 0.
    sign => Sign;
    /// Hyperbolic tangent. The derivative is 1 − y² of the result y, as PyTorch's: within an ulp
    /// of 1, which is few digits of it where y is close to ±1.
    tanh => Tanh;
    /// σ(x) = 1 / (1 + e⁻ˣ). The derivative is y·(1 − y) of the result y, as PyTorch's: within an
    /// ulp of y, which is few digits of it where y is close to 1. A loss on
    /// [`softplus`](Tensor::softplus) keeps them all.
    sigmoid => Sigmoid;
    /// ln(1 + eˣ), without overflow: −ln σ(−x). Its derivatives, of every order, have all their
    /// digits on both sides.
    softplus => Softplus;
    /// max(x, 0); the derivative at 0 is 0.
    relu => Relu;
    /// x².
    square => Square;
    /// 1 where x > 0, else 0; its derivative is 0.
    step => Step;
    /// The largest whole number that is not above x; its derivative is 0.
    floor => Floor;
    /// The smallest whole number that is not below x; its derivative is 0.
    ceil => Ceil;
    /// The nearest whole number, of two the even one; its derivative is 0.
    round => Round;
    /// Sine of x in radians.
    sin => Sin;
    /// Cosine of x in radians.
    cos => Cos;
    /// The error function: 2/√π times the integral of e^−t² from 0 to x.
    erf => Erf;
}

impl Tensor {
    /// x where x > 0, else `slope` · x.
    #[must_use]
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Self {
        apply(Map1(Unary::LeakyRelu(slope)), &[self])
    }

    /// x where x > 0, else `alpha` · (eˣ − 1). The derivative is made of the result y, as PyTorch's:
    /// 1 above 0, else y + `alpha`, which at 0 is `alpha`.
    ///
    /// # Panics
    /// When `alpha` is negative or no number: y would not tell on which side x is.
    #[must_use]
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Self {
        assert!(
            alpha >= 0.0,
            "elu of {:?}: the factor {alpha} is negative; expected 0 or more",
            self.shape()
        );
        apply(Map1(Unary::Elu(alpha)), &[self])
    }

    /// x · Φ(x) with the normal distribution Φ(x) = ½(1 + erf(x/√2)). Composed: several passes over
    /// memory.
    #[must_use]
    #[track_caller]
    pub fn gelu(&self) -> Self {
        self * ((self * FRAC_1_SQRT_2).erf() + 1.0) * 0.5
    }

    /// The approximation ½x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) of [`gelu`](Self::gelu). Composed, as
    /// it.
    #[must_use]
    #[track_caller]
    pub fn gelu_tanh(&self) -> Self {
        let inner = (self + self.powf(3.0) * 0.044715) * FRAC_2_PI.sqrt();
        self * (inner.tanh() + 1.0) * 0.5
    }

    /// An activation, by name.
    #[must_use]
    #[track_caller]
    pub fn activate(&self, act: Act) -> Self {
        match act {
            Act::Identity => self.clone(),
            Act::Relu => self.relu(),
            Act::LeakyRelu(slope) => self.leaky_relu(slope),
            Act::Tanh => self.tanh(),
        }
    }

    /// The gradient `dy` of [`activate`](Self::activate) brought back to this.
    pub(crate) fn grad_of_activation(&self, act: Act, dy: &Self) -> Self {
        match act {
            Act::Identity => dy.clone(),
            Act::Relu => apply(Map2(Binary::ReluGrad), &[dy, self]),
            Act::LeakyRelu(slope) => apply(Map2(Binary::LeakyReluGrad(slope)), &[dy, self]),
            Act::Tanh => apply(Map2(Binary::TanhGrad), &[dy, &self.tanh()]),
        }
    }

    /// xᵖ. A whole p is a polynomial (or one's reciprocal) at every x and in every order of
    /// derivative: that of x⁰ is 0, at 0 too. Another p gives NaN below 0, and at 0 the first
    /// derivative of an order above p is ∞, as PyTorch's.
    #[must_use]
    #[track_caller]
    pub fn powf(&self, p: f64) -> Self {
        apply(Map1(Unary::Pow(p)), &[self])
    }
}

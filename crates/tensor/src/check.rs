//! Cases, and the gradient check.
//!
//! A [`Case`] is an op with example inputs. One case per op drives everything: its
//! derivative of first and second order against finite differences in `f64`, its fast
//! `f32` kernels against the `f64` reference, and its bench.
//!
//! The check projects to a scalar: with random c and v, ⟨∇ₓ⟨f(x), c⟩, v⟩ must equal the
//! derivative of ⟨f(x + h·v), c⟩ at h = 0. The second order is the same check of the
//! function (x, c) ↦ ⟨∇ₓ⟨f(x), c⟩, u⟩.

use crate::{Array, DType, Kind, Random, Stream, Tensor, grad};
use std::fmt;
use std::rc::Rc;

type Function = Rc<dyn Fn(&[Tensor]) -> Tensor>;

/// A function of tensors and inputs to try it on.
#[derive(Clone)]
pub struct Case {
    /// The op, and what is special about its inputs.
    pub name: String,
    inputs: Vec<Input>,
    function: Function,
}

#[derive(Clone)]
struct Input {
    shape: Vec<usize>,
    values: Values,
    channels_last: bool,
}

#[derive(Clone)]
enum Values {
    /// Uniform in a range; differentiated.
    Uniform(f64, f64),
    /// Given; not differentiated.
    Index(Vec<f64>),
}

/// A derivative that is not what finite differences say.
#[derive(Debug)]
pub struct Mismatch {
    /// Which check, of which argument.
    pub what: String,
    /// The derivative along a random direction, by the rules.
    pub by_rule: f64,
    /// The same by finite differences.
    pub by_difference: f64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the rule says {:e}, finite differences say {:e}",
            self.what, self.by_rule, self.by_difference
        )
    }
}

impl std::error::Error for Mismatch {}

impl Case {
    /// A case without inputs yet.
    pub fn new(name: &str, function: impl Fn(&[Tensor]) -> Tensor + 'static) -> Self {
        Self {
            name: name.to_owned(),
            inputs: Vec::new(),
            function: Rc::new(function),
        }
    }

    /// Adds an input, uniform in `range`.
    #[must_use]
    pub fn input(mut self, shape: &[usize], range: (f64, f64)) -> Self {
        self.inputs.push(Input {
            shape: shape.to_vec(),
            values: Values::Uniform(range.0, range.1),
            channels_last: false,
        });
        self
    }

    /// Adds a vector of indices.
    #[must_use]
    pub fn index(mut self, values: &[f64]) -> Self {
        self.inputs.push(Input {
            shape: vec![values.len()],
            values: Values::Index(values.to_vec()),
            channels_last: false,
        });
        self
    }

    /// Stores the last input channels-last.
    #[must_use]
    pub fn channels_last(mut self) -> Self {
        if let Some(input) = self.inputs.last_mut() {
            input.channels_last = true;
        }
        self
    }

    /// The inputs, the same for every element type up to rounding and on every device.
    pub fn inputs(&self, kind: impl Into<Kind>) -> Vec<Tensor> {
        let kind = kind.into();
        let random = Random::new(0, Stream::Init);
        let make = |input: &Input| match &input.values {
            Values::Index(values) => Tensor::constant(Array::from_f64(values, &input.shape, kind)),
            &Values::Uniform(low, high) => {
                let unit = random.uniform(&input.shape, DType::F64);
                let value = (unit * (high - low) + low).value().to_kind(kind);
                Tensor::variable(match input.channels_last {
                    true => value.channels_last(),
                    false => value,
                })
            }
        };
        self.inputs.iter().map(make).collect()
    }

    /// The function's value.
    pub fn run(&self, inputs: &[Tensor]) -> Tensor {
        (self.function)(inputs)
    }

    /// Checks the first derivative.
    ///
    /// # Errors
    /// When a rule and finite differences disagree.
    pub fn check_first_order(&self) -> Result<(), Mismatch> {
        let inputs = self.inputs(DType::F64);
        check_gradient(&|x| self.run(x), &inputs)
            .map_err(|m| m.of(&format!("{}, first order", self.name)))
    }

    /// Checks the second derivative, with respect to the inputs and to the upstream
    /// gradient.
    ///
    /// # Errors
    /// When a rule and finite differences disagree.
    pub fn check_second_order(&self) -> Result<(), Mismatch> {
        let mut inputs = self.inputs(DType::F64);
        let upstream = normal_like(&self.run(&inputs), 10);
        inputs.push(Tensor::variable(upstream.value().clone()));
        let derivative = |x: &[Tensor]| {
            let (upstream, x) = x.split_last().expect("one was pushed");
            let loss = (self.run(x) * upstream).sum();
            let wrt: Vec<&Tensor> = x.iter().filter(|x| x.is_tracked()).collect();
            let gradients = grad(&loss, &wrt, true);
            let projected = gradients.iter().zip(20..).map(|(g, draw)| {
                let direction = normal_like(g, draw);
                (g * direction).sum()
            });
            projected
                .reduce(|a, b| a + b)
                .expect("an input to differentiate")
        };
        check_gradient(&derivative, &inputs)
            .map_err(|m| m.of(&format!("{}, second order", self.name)))
    }

    /// The value and the gradients of ⟨f(x), c⟩ for a fixed random c: what `f32` and
    /// `f64` runs of the same case are compared by, and those of two devices.
    pub fn value_and_gradients(&self, kind: impl Into<Kind>) -> Vec<Array> {
        let inputs = self.inputs(kind);
        let y = self.run(&inputs);
        let loss = (&y * normal_like(&y, 10)).sum();
        let wrt: Vec<&Tensor> = inputs.iter().filter(|x| x.is_tracked()).collect();
        let gradients = grad(&loss, &wrt, false);
        let value = std::iter::once(y);
        value.chain(gradients).map(|t| t.value().clone()).collect()
    }
}

impl Mismatch {
    fn of(mut self, case: &str) -> Self {
        self.what = format!("{case}, {}", self.what);
        self
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish()
    }
}

/// Standard normal of the shape and kind of `like`; each `draw` differs.
fn normal_like(like: &Tensor, draw: u64) -> Tensor {
    let random = Random::new(1, Stream::Noise).at(draw);
    random.normal(like.shape(), like.kind())
}

/// Checks the derivative rules behind `f` at `inputs` (in `f64`), one argument at a
/// time, along a random direction. Inputs that are constants are left alone.
///
/// # Errors
/// When a rule and finite differences disagree by more than 1e-7 of the terms summed.
///
/// ```
/// use detach_tensor::{Array, Tensor, check::check_gradient};
/// let x = Tensor::variable(Array::from_slice(&[0.3, -1.2], &[2]));
/// check_gradient(&|x| x[0].tanh(), &[x]).unwrap();
/// ```
pub fn check_gradient(f: &dyn Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) -> Result<(), Mismatch> {
    let c = normal_like(&f(inputs), 1);
    let project = |x: &[Tensor]| (f(x) * &c).sum();
    for (arg, x) in inputs.iter().enumerate().filter(|(_, x)| x.is_tracked()) {
        let v = normal_like(x, 2 + arg as u64);
        let g = grad(&project(inputs), &[x], false).remove(0);
        let terms = &g * &v;
        let by_rule = terms.sum().item();
        let along = |h: f64| {
            let mut moved = inputs.to_vec();
            moved[arg] = Tensor::variable((x.detach() + &v * h).value().clone());
            project(&moved).item()
        };
        // The five-point rule: error h⁴·f⁽⁵⁾/30 beside rounding of about 1e-16/h.
        let h = 1e-3;
        let by_difference =
            (8.0 * (along(h) - along(-h)) - (along(2.0 * h) - along(-2.0 * h))) / (12.0 * h);
        let scale = terms.abs().sum().item().max(1e-3);
        let close = (by_rule - by_difference).abs() <= 1e-7 * scale;
        if !close {
            return Err(Mismatch {
                what: format!("argument {arg}"),
                by_rule,
                by_difference,
            });
        }
    }
    Ok(())
}

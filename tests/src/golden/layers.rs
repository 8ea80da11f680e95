//! Goldens of layers, functions, losses and optimisers by themselves.

use super::by_formula;
use detach_nn::{Adversarial, Optim};
use detach_recipes::penalty::PenaltyKind;
use detach_tensor::{Array, Kind};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Single layers and losses in PyTorch.
#[derive(Debug, Deserialize)]
pub struct Ops {
    /// A few numbers of the formula itself.
    pub formula: FormulaSample,
    /// The layers.
    pub cases: Vec<OpCase>,
}

/// u(`tag`, i) for the first i.
#[derive(Debug, Deserialize)]
pub struct FormulaSample {
    /// The tag.
    pub tag: u64,
    /// The numbers.
    pub values: Vec<f64>,
}

/// One layer: attributes, operands and results.
#[derive(Debug, Deserialize)]
pub struct OpCase {
    /// Which layer.
    pub op: String,
    /// Operands by name.
    pub inputs: BTreeMap<String, Operand>,
    /// Results by name; `dx` is the gradient with respect to `x`.
    pub outputs: BTreeMap<String, Values>,
    /// Stride, padding, eps and the like.
    #[serde(flatten)]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// Steps of every optimiser in PyTorch.
#[derive(Debug, Deserialize)]
pub struct Optims {
    /// Of the parameters.
    pub shapes: Vec<Vec<usize>>,
    /// Factors of the gradients of each step.
    pub scales: Vec<f64>,
    /// The optimisers.
    pub cases: Vec<OptimCase>,
}

/// Steps of one optimiser.
#[derive(Debug, Deserialize)]
pub struct OptimCase {
    /// What it is of.
    pub name: String,
    /// The optimiser.
    pub optim: Optim,
    /// The parameters after so many steps.
    pub after: BTreeMap<usize, Vec<Vec<f64>>>,
}

/// Losses and penalties in PyTorch; `golden/losses.py` says of what.
#[derive(Debug, Deserialize)]
pub struct Losses {
    /// Each of them.
    pub cases: Vec<LossCase>,
}

/// A pair of losses, or a penalty.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum LossCase {
    /// Of answers for reals and fakes.
    Loss {
        /// Which.
        loss: Adversarial,
        /// D's.
        d: f64,
        /// G's.
        g: f64,
        /// Gradient of D's in the answers for reals.
        d_by_real: Vec<f64>,
        /// And for fakes.
        d_by_fake: Vec<f64>,
        /// Gradient of G's in the answers for fakes.
        g_by_fake: Vec<f64>,
    },
    /// Of a small critic.
    Penalty {
        /// Which.
        penalty: PenaltyKind,
        /// With a weight of 10.
        value: f64,
        /// ‖∇D‖ of each sample.
        norms: Vec<f64>,
        /// Gradients in the critic's parameters, in order.
        by: Vec<Vec<f64>>,
    },
}

/// Tag of the first parameter of [`Optims`]; the k-th has this plus k.
pub const OPTIM_PARAMETER_TAG: u64 = 5000;
/// Tag of the first gradient of [`Optims`]; of parameter k in step t, from 0, this plus 10 t + k.
pub const OPTIM_GRADIENT_TAG: u64 = 5100;

/// Numbers by formula, or given where the point is a special value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Operand {
    /// u(tag, ·) · scale + shift.
    Formula {
        /// The tag.
        tag: u64,
        /// The shape.
        shape: Vec<usize>,
        /// The factor.
        scale: f64,
        /// The addend.
        shift: f64,
    },
    /// As written.
    Given(Values),
}

/// An array in row-major order.
#[derive(Debug, Deserialize)]
pub struct Values {
    /// The shape.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<f64>,
}

impl Operand {
    /// The numbers, rounded to `kind`.
    pub fn array(&self, kind: impl Into<Kind>) -> Array {
        match self {
            Self::Given(given) => Array::from_f64(&given.values, &given.shape, kind),
            Self::Formula {
                tag,
                shape,
                scale,
                shift,
            } => by_formula(*tag, shape, *scale, *shift, kind),
        }
    }
}

/// `detach.json`: a step of each published loop with its `detach` kept, gone, and elsewhere.
#[derive(Debug, Deserialize)]
pub struct Detach {
    /// A loop and what was done to it.
    pub cases: Vec<DetachCase>,
}

/// A step of a loop of which something was done to its `detach`.
#[derive(Debug, Deserialize)]
pub struct DetachCase {
    /// The loop's name.
    #[serde(rename = "loop")]
    pub of: String,
    /// What was done to it.
    pub variant: String,
    /// Its turns, in order.
    pub turns: Vec<DetachTurn>,
    /// What a plain step does.
    pub says: String,
    /// The same with `retain_graph=True`.
    pub retained: String,
}

/// A turn of such a step.
#[derive(Debug, Deserialize)]
pub struct DetachTurn {
    /// Whose: `d` or `g`.
    pub turn: String,
    /// Its loss.
    pub loss: f64,
    /// The norm of its gradient in D's weights, where there is one.
    pub norm_d: Option<f64>,
    /// The same in G's.
    pub norm_g: Option<f64>,
    /// Whether one is missing as values were overwritten.
    pub overwritten: bool,
}

//! What can be moved in a loop, and what cannot be together.

use super::Options;
use crate::options::require;
pub(super) use crate::recipes::mlp::Order;
use detach_nn::{Name, Param, Slot, State, parameters};
use detach_tensor::{Array, Tensor, grad};
use serde::{Deserialize, Serialize};

/// How D learns from reals and fakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DTurn {
    /// One update down the sum of both losses.
    Together,
    /// One update down their mean.
    Halved,
    /// An update for each, reals first.
    Apart,
}

/// What the second turn of a step has of the fakes of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GFakes {
    /// The same images, and their graph.
    Same,
    /// The same noise, through G again.
    Recomputed,
    /// Other noise.
    Fresh,
}

/// When what backward passes have added up is forgotten, as `zero_grad` does in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ZeroGrad {
    /// Before each backward pass, of whose turn it is: then there is nothing to add up.
    EachTurn,
    /// At the top of the step, of both networks.
    OnceAStep,
    /// Not at all.
    Never,
}

/// What G's turn does with the running statistics of D's batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StatisticsOfD {
    /// It moves them, as train mode does.
    Moved,
    /// It leaves them as they are, and normalises by the batch's own.
    Kept,
    /// It normalises by them, as eval mode does.
    Used,
}

/// Refuses what cannot be together.
pub(super) fn check(o: &Options) -> Result<(), String> {
    let is_piled = o.zero_grad != ZeroGrad::EachTurn;
    require(
        o.order == Order::DFirst || o.d_steps == 1,
        "d-steps must be 1 with order = \"g-first\": there both turns share one set of fakes",
    )?;
    require(
        o.retain_graph || o.detach_d || o.g_fakes != GFakes::Same,
        "retain-graph must be true with detach-d = false and g-fakes = \"same\": the first backward pass goes through the graph of the \
         fakes and frees it, and the second finds nothing (PyTorch: \"Trying to backward through the graph a second time\")",
    )?;
    require(
        !is_piled || o.detach_d || o.g_fakes != GFakes::Same || o.order == Order::DFirst,
        "detach-d must be true with order = \"g-first\" and gradients that add up: D's backward pass would go on into G's graph, \
         whose weights G's update has overwritten (PyTorch: \"modified by an inplace operation\")",
    )?;
    require(
        !(is_piled && o.detach_g && o.freeze_d),
        "freeze-d must be false with detach-g = true and gradients that add up: nothing is left that G's loss depends on (PyTorch: \
         \"does not require grad and does not have a grad_fn\")",
    )
}

impl Options {
    /// −mean log of the logits' probability of `label`, with ε in the logarithm where there is one.
    pub(super) fn loss(&self, logits: &Tensor, label: f64) -> Tensor {
        crate::options::log_loss(logits, label, self.log_eps)
    }
}

/// What backward passes have added up for the parameters of a network: PyTorch's `.grad`.
pub(super) struct Pile(Vec<(String, Param)>);

impl Pile {
    /// Zeros for each parameter.
    pub(super) fn of(net: &dyn State) -> Self {
        let zeros = |(name, param): (String, &Param)| {
            let value = param.get();
            let zeros = Array::zeros(value.shape(), value.kind());
            (name, Param::buffer(zeros))
        };
        Self(parameters(net).into_iter().map(zeros).collect())
    }

    /// Forgets.
    pub(super) fn zero(&self) {
        for (_, sum) in &self.0 {
            sum.set("zero_grad", sum.get().full_like(0.0).value());
        }
    }

    fn add(&self, gradients: &[Tensor]) {
        for ((_, sum), gradient) in self.0.iter().zip(gradients) {
            let more = sum.get() + gradient;
            sum.set("backward", more.value());
        }
    }

    /// What there is, for a step of the optimiser.
    pub(super) fn sums(&self) -> Vec<Tensor> {
        self.0.iter().map(|(_, sum)| sum.get()).collect()
    }
}

impl State for Pile {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        for (name, sum) in &self.0 {
            f(path.dot(name.as_str()), Slot::Buffer(sum));
        }
    }
}

/// One backward pass: adds the gradient of `loss` to the pile of each network that is not left out.
pub(super) fn backward(loss: &Tensor, networks: &mut [(&dyn State, &mut Pile, bool)]) {
    let reached: Vec<(Vec<Tensor>, &Pile)> = networks
        .iter()
        .filter(|(_, _, is_reached)| *is_reached)
        .map(|(net, pile, _)| {
            let leaves = parameters(*net).into_iter();
            (leaves.map(|(_, param)| param.get()).collect(), &**pile)
        })
        .collect();
    let leaves: Vec<&Tensor> = reached.iter().flat_map(|(leaves, _)| leaves).collect();
    let mut gradients = grad(loss, &leaves, false).into_iter();
    for (leaves, pile) in &reached {
        let own: Vec<Tensor> = gradients.by_ref().take(leaves.len()).collect();
        pile.add(&own);
    }
}

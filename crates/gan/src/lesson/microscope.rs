//! One real step, looked at turn by turn: whose loss reaches whose weights, what the backward pass walks, and what it moves.

use detach_nn::parameters;
use detach_recipes::{Recipe, Trainer, Turn};
use detach_tensor::trace::{Pass, pass};
use detach_tensor::{Tensor, grad};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// What a turn was seen to do.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whose.
    pub turn: Turn,
    /// Its loss.
    pub loss: f64,
    /// ‖∂loss/∂D‖ over D's weights.
    pub on_d: Reach,
    /// ‖∂loss/∂G‖ over G's weights.
    pub on_g: Reach,
    /// What `grad(loss, weights of whose turn it is)` walks.
    pub asked: Walk,
    /// What `loss.backward()` walks in PyTorch: to every weight that the loss depends on.
    pub all: Walk,
    /// The gradient that the update used, flat.
    pub used: Vec<f64>,
}

/// Whether a loss reaches the weights of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// It does not depend on them.
    No,
    /// It does, with a gradient of this norm.
    Norm(f64),
    /// It does, but values that the way there needs have been overwritten since.
    Overwritten,
}

impl Reach {
    /// The norm, where there is one.
    pub fn norm(self) -> Option<f64> {
        match self {
            Self::Norm(norm) => Some(norm),
            Self::No | Self::Overwritten => None,
        }
    }
}

/// How far a backward pass goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Walk {
    /// Nodes of the graph.
    pub nodes: usize,
    /// Bytes of the values that their rules may read.
    pub bytes: usize,
    /// The median of some passes, in milliseconds; none where one cannot be made, as values were overwritten.
    pub ms: Option<f64>,
}

/// A step that was looked at.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its turns, in order.
    pub turns: Vec<Seen>,
    /// SHA-256 of every weight after it.
    pub hash: String,
}

impl Look {
    /// The last turn of a network; a loop may give it several.
    pub fn of(&self, turn: Turn) -> Option<&Seen> {
        self.turns.iter().rev().find(|seen| seen.turn == turn)
    }
}

/// How often a backward pass is timed, to be odd.
const TIMES: usize = 5;

/// The weights of G and of D as leaves of every graph: an update writes to them in place.
pub struct Leaves {
    g: Vec<Tensor>,
    d: Vec<Tensor>,
}

impl Leaves {
    /// Those of a recipe of one G and one D.
    pub fn of(recipe: &dyn Recipe) -> Self {
        // Not of an average, which no loss depends on.
        let all = parameters(recipe);
        let of = |net: &str| -> Vec<Tensor> {
            let own = all.iter().filter(|(name, _)| name.starts_with(net));
            own.map(|(_, param)| param.get()).collect()
        };
        Self {
            g: of("generator.net."),
            d: of("discriminator.net."),
        }
    }

    fn turn(&self, turn: Turn) -> &[Tensor] {
        match turn {
            Turn::D => &self.d,
            Turn::G => &self.g,
        }
    }
}

/// Makes the next step of `trainer`, a recipe of one G and one D whose turns come in the order of `turns`, and looks.
///
/// # Panics
/// When the step has other turns.
pub fn look(trainer: &mut Trainer, turns: &[Turn]) -> Look {
    let leaves = Leaves::of(trainer.recipe());
    let used = watch(trainer);
    let seen: Rc<RefCell<Vec<Seen>>> = Rc::default();
    let (to, order) = (Rc::clone(&seen), turns.to_vec());
    let shown = Box::new(move |loss: &Tensor| {
        let turn = order[to.borrow().len()];
        let one = see(turn, loss, &leaves, TIMES);
        to.borrow_mut().push(one);
    });
    trainer.step_shown(shown);
    for (_, optimiser) in trainer.recipe_mut().optimisers() {
        optimiser.unwatch();
    }
    let mut turns_seen = seen.take();
    assert_eq!(turns_seen.len(), turns.len(), "turns of the step");
    for (seen, used) in turns_seen.iter_mut().zip(used.take()) {
        seen.used = used;
    }
    Look {
        turns: turns_seen,
        hash: hash(trainer.recipe()),
    }
}

/// Notes the gradient of each update, in order.
fn watch(trainer: &mut Trainer) -> Rc<RefCell<Vec<Vec<f64>>>> {
    let used: Rc<RefCell<Vec<Vec<f64>>>> = Rc::default();
    for (_, optimiser) in trainer.recipe_mut().optimisers() {
        let used = Rc::clone(&used);
        optimiser.watch(Box::new(move |gradients| {
            let flat = gradients.iter().flat_map(Tensor::to_vec::<f64>).collect();
            used.borrow_mut().push(flat);
        }));
    }
    used
}

/// Looks at a loss before the update of a turn goes down it; the gradient that the update [used](Seen::used) is not known yet.
/// Each walk is made `times` times to be timed.
pub fn see(turn: Turn, loss: &Tensor, leaves: &Leaves, times: usize) -> Seen {
    let of = |own: &[Tensor]| reach(loss, &own.iter().collect::<Vec<_>>());
    let asked: Vec<&Tensor> = leaves.turn(turn).iter().collect();
    let all: Vec<&Tensor> = leaves.g.iter().chain(&leaves.d).collect();
    Seen {
        turn,
        loss: loss.item(),
        on_d: of(&leaves.d),
        on_g: of(&leaves.g),
        asked: walk(loss, &asked, times),
        all: walk(loss, &all, times),
        used: Vec::new(),
    }
}

fn reach(loss: &Tensor, own: &[&Tensor]) -> Reach {
    // A weight that the loss does not depend on has a gradient of zeros, and no node on the way.
    match pass(loss, own) {
        Pass { nodes: 0, .. } => Reach::No,
        Pass {
            overwritten_by: Some(_),
            ..
        } => Reach::Overwritten,
        _ => {
            let gradients = grad(loss, own, false);
            let squares = gradients.iter().map(|one| one.norm().item().powi(2));
            Reach::Norm(squares.sum::<f64>().sqrt())
        }
    }
}

fn walk(loss: &Tensor, wrt: &[&Tensor], often: usize) -> Walk {
    let pass = pass(loss, wrt);
    let mut times: Vec<f64> = Vec::new();
    while pass.overwritten_by.is_none() && times.len() < often {
        let start = Instant::now();
        let gradients = grad(loss, wrt, false);
        // On a device nothing is done before somebody asks.
        gradients.first().map(|one| one.norm().item());
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Walk {
        nodes: pass.nodes,
        bytes: pass.bytes,
        ms: times.get(often / 2).copied(),
    }
}

/// The cosine of the angle between two gradients; `None` where one of them is 0.
pub fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    (a.len() == b.len() && norms > 0.0).then(|| dot(a, b) / norms)
}

/// SHA-256 over every weight of a recipe, in order, as their bytes.
pub(super) fn hash(recipe: &dyn Recipe) -> String {
    let mut hash = Sha256::new();
    for (_, param) in parameters(recipe) {
        param.get().value().write_le(|bytes| hash.update(bytes));
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

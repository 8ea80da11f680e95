//! A step that was made, as far as one can see: its updates, what it left behind, and what the steps after it told.

use crate::lesson::microscope::{Leaves, Seen, hash, see};
use crate::lesson::subject::PILES;
use crate::lesson::variants::turns;
use detach_nn::{Name, Slot};
use detach_recipes::{Recipe, Setup, Trainer};
use detach_tensor::Tensor;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a tensor is to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// Trained.
    Weight,
    /// Kept and not trained: a running statistic, a count of batches, a recipe's own number.
    Buffer,
    /// An optimiser's.
    Moment,
}

/// A tensor of a recipe's state, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// As a checkpoint calls it, without the `net` of networks: `generator.0.weight`.
    pub(super) name: String,
    pub(super) held: Held,
    pub(super) values: Vec<f64>,
}

impl Piece {
    /// Whether it has the bits of `other`.
    pub(super) fn is(&self, other: &Self) -> bool {
        let bits = |piece: &'_ Self, place: usize| piece.values[place].to_bits();
        self.values.len() == other.values.len()
            && (0..self.values.len()).all(|place| bits(self, place) == bits(other, place))
    }
}

/// Weights, buffers and, where they are wanted, moments of a recipe, in its order; gradients that are collected are none of them.
pub(super) fn pieces(recipe: &dyn Recipe, with_moments: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    recipe.visit(Name::ROOT, &mut |name, slot| {
        let name = name.to_string();
        let is_moment = name.contains(".optim.");
        if name.starts_with(PILES) || (is_moment && !with_moments) {
            return;
        }
        let (held, values) = match slot {
            Slot::Param(param) => (Held::Weight, param.get().to_vec()),
            Slot::Buffer(buffer) => (Held::Buffer, buffer.get().to_vec()),
            Slot::Count(count) => (Held::Buffer, vec![count.get() as f64]),
        };
        pieces.push(Piece {
            name: name.replacen(".net.", ".", 1),
            held: if is_moment { Held::Moment } else { held },
            values,
        });
    });
    pieces
}

/// An update of a step, as its optimiser was handed it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Update {
    /// The optimiser: `g` or `d`.
    pub(super) who: &'static str,
    /// The norm of the gradient.
    pub(super) norm: f64,
    /// SHA-256 of the gradient.
    digest: [u8; 32],
}

/// A step that was made.
pub(super) struct Made {
    /// SHA-256 of every weight after it.
    pub(super) hash: String,
    pub(super) pieces: Vec<Piece>,
    pub(super) updates: Vec<Update>,
    /// The gradient of the last update of each optimiser, flat.
    pub(super) last: BTreeMap<&'static str, Vec<f64>>,
    /// Its turns, where it is one of `lab`'s.
    pub(super) turns: Vec<Seen>,
    /// What it told.
    pub(super) told: Vec<(&'static str, f64)>,
}

#[derive(Default)]
struct Watched {
    updates: Vec<Update>,
    last: BTreeMap<&'static str, Vec<f64>>,
}

/// Makes the next step of `trainer`, which has `setup`, and watches.
pub(super) fn make(trainer: &mut Trainer, setup: &Setup) -> Made {
    let turns = match setup.recipe().name() {
        "lab" => turns(setup),
        _ => Vec::new(),
    };
    let watched = watch(trainer);
    let leaves = Leaves::of(trainer.recipe());
    let seen: Rc<RefCell<Vec<Seen>>> = Rc::default();
    let to = Rc::clone(&seen);
    let report = trainer.step_shown(Box::new(move |loss: &Tensor| {
        let turn = turns.get(to.borrow().len()).copied();
        if let Some(turn) = turn {
            let one = see(turn, loss, &leaves, 0);
            to.borrow_mut().push(one);
        }
    }));
    for (_, optimiser) in trainer.recipe_mut().optimisers() {
        optimiser.unwatch();
    }
    let Watched { updates, last } = watched.take();
    Made {
        hash: hash(trainer.recipe()),
        pieces: pieces(trainer.recipe(), false),
        updates,
        last,
        turns: seen.take(),
        told: report.read(),
    }
}

/// Notes each update.
fn watch(trainer: &mut Trainer) -> Rc<RefCell<Watched>> {
    let watched: Rc<RefCell<Watched>> = Rc::default();
    for (who, optimiser) in trainer.recipe_mut().optimisers() {
        let to = Rc::clone(&watched);
        optimiser.watch(Box::new(move |gradients| {
            let mut digest = Sha256::new();
            for gradient in gradients {
                gradient.value().write_le(|bytes| digest.update(bytes));
            }
            let flat: Vec<f64> = gradients.iter().flat_map(Tensor::to_vec::<f64>).collect();
            let mut to = to.borrow_mut();
            to.updates.push(Update {
                who,
                norm: flat.iter().map(|x| x * x).sum::<f64>().sqrt(),
                digest: digest.finalize().into(),
            });
            to.last.insert(who, flat);
        }));
    }
    watched
}

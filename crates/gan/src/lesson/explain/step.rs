//! The step, made while it is recorded.

use detach_nn::{Name, Slot, modules};
use detach_recipes::Trainer;
use detach_tensor::Tensor;
use detach_tensor::trace::{Record, node, record};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A parameter.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The network.
    pub(super) network: String,
    /// Its name there.
    pub(super) name: String,
}

/// A loss: the node that made it, unless it is a constant, and its value.
pub(super) type Loss = (Option<u64>, f64);

/// A step that was made.
pub(super) struct Made {
    /// All that was computed.
    pub(super) record: Record,
    /// Each loss as it was shown.
    pub(super) losses: Vec<Loss>,
    /// The optimiser that moved down each.
    pub(super) movers: Vec<&'static str>,
    /// The parameters, by node.
    pub(super) owners: BTreeMap<u64, Owner>,
    /// The layers of each network, with their paths.
    pub(super) modules: BTreeMap<String, Vec<(String, String)>>,
}

pub(super) fn make(trainer: &mut Trainer) -> Made {
    let losses: Rc<RefCell<Vec<Loss>>> = Rc::default();
    let movers: Rc<RefCell<Vec<&'static str>>> = Rc::default();
    for (name, optimiser) in trainer.recipe_mut().optimisers() {
        let movers = Rc::clone(&movers);
        optimiser.watch(Box::new(move |_| movers.borrow_mut().push(name)));
    }
    let to = Rc::clone(&losses);
    let shown = Box::new(move |loss: &Tensor| to.borrow_mut().push((node(loss), loss.item())));
    let (_, record) = record(|| trainer.step_shown(shown));
    for (_, optimiser) in trainer.recipe_mut().optimisers() {
        optimiser.unwatch();
    }
    Made {
        record,
        losses: losses.take(),
        movers: movers.take(),
        owners: owners(trainer),
        modules: trainer
            .recipe()
            .networks()
            .into_iter()
            .map(|(name, net)| (name.to_owned(), modules(net)))
            .collect(),
    }
}

/// The parameters that are trained; those of an average are others.
fn owners(trainer: &Trainer) -> BTreeMap<u64, Owner> {
    let mut owners = BTreeMap::new();
    trainer.recipe().visit(Name::ROOT, &mut |name, slot| {
        let Slot::Param(param) = slot else { return };
        let name = name.to_string();
        // As `Trained` has it: its network below `net`.
        let (network, name) = name.split_once(".net.").unwrap_or(("", &name));
        owners.extend(node(&param.get()).map(|node| {
            let owner = Owner {
                network: network.to_owned(),
                name: name.to_owned(),
            };
            (node, owner)
        }));
    });
    owners
}

//! How a step is watched: the gradients of each update, as they go through the one door.
//!
//! A watched step computes what it would have computed anyway, and numbers of it besides. On a GPU it is run as it is and not
//! replayed.

use crate::detail::{Detail, LayerDetail, NetworkDetail, Spread};
use crate::recipe::Recipe;
use crate::report::Report;
use detach_nn::optim::Observer;
use detach_nn::{Layer, Network, Optimiser, layers, parameters};
use detach_tensor::Tensor;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

/// How closely a step is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closely {
    /// Not at all.
    #[default]
    No,
    /// The norm of each network's gradient.
    Norms,
    /// Each layer's norm and its dead units, and the step's reals.
    Layers,
}

/// What a watched step was seen to do; still on the device, and to be read before the next step.
#[derive(Debug, Default)]
pub struct Watched {
    networks: Vec<(&'static str, Update)>,
    /// The last batch of the first data set.
    reals: Option<Tensor>,
}

/// The gradients of an update.
#[derive(Debug)]
struct Update {
    /// The norm of each.
    norms: Vec<Tensor>,
    layers: Vec<Layer>,
    /// The largest and the smallest element in each output, of the parameters of each layer; none where layers are not
    /// watched.
    outputs: Vec<[Tensor; 2]>,
}

/// A network that an update may be of.
struct Known {
    /// The names and shapes of its parameters.
    parameters: Vec<(String, Vec<usize>)>,
    layers: Vec<Layer>,
}

/// What sits at an optimiser during a watched step.
struct Seat {
    name: &'static str,
    /// The last update.
    seen: Rc<RefCell<Option<Update>>>,
    /// What sat there before, and is told all the same.
    former: Rc<RefCell<Option<Observer>>>,
}

/// Those who watch a step.
pub(crate) struct Watch(Vec<Seat>);

impl Watch {
    /// Sits down at every optimiser of `recipe`.
    pub(crate) fn begin(recipe: &mut dyn Recipe, closely: Closely) -> Self {
        if closely == Closely::No {
            return Self(Vec::new());
        }
        let known: Option<Rc<[Known]>> = (closely == Closely::Layers).then(|| known(recipe));
        let sit = |(name, optimiser): (&'static str, &mut Optimiser)| {
            let names: Vec<String> = optimiser.names().map(str::to_owned).collect();
            let seat = Seat {
                name,
                seen: Rc::default(),
                former: Rc::new(RefCell::new(optimiser.unwatch())),
            };
            let (seen, former) = (Rc::clone(&seat.seen), Rc::clone(&seat.former));
            let known = known.clone();
            optimiser.watch(Box::new(move |gradients| {
                if let Some(former) = &mut *former.borrow_mut() {
                    former(gradients);
                }
                let layers = known
                    .as_ref()
                    .map(|known| layers_of(known, &names, gradients));
                *seen.borrow_mut() = Some(Update::of(gradients, layers));
            }));
            seat
        };
        Self(recipe.optimisers().into_iter().map(sit).collect())
    }

    /// Gets up again, and tells what was seen, `reals` of the step among it.
    pub(crate) fn end(self, recipe: &mut dyn Recipe, reals: Option<Tensor>) -> Watched {
        let mut optimisers = recipe.optimisers().into_iter();
        let mut networks = Vec::new();
        for seat in self.0 {
            if let Some((_, optimiser)) = optimisers.next() {
                optimiser.unwatch();
                if let Some(former) = seat.former.take() {
                    optimiser.watch(former);
                }
            }
            if let Some(update) = seat.seen.take() {
                networks.push((seat.name, update));
            }
        }
        Watched { networks, reals }
    }
}

/// The networks of a recipe.
fn known(recipe: &dyn Recipe) -> Rc<[Known]> {
    let one = |net: &dyn Network| {
        let parameters = parameters(net).into_iter();
        Known {
            parameters: parameters
                .map(|(name, param)| (name, param.get().shape().to_vec()))
                .collect(),
            layers: layers(net),
        }
    };
    let networks = recipe.networks();
    networks.into_iter().map(|(_, net)| one(net)).collect()
}

/// The layers of the network whose parameters have these names and gradients. An optimiser of several networks is of none of
/// them: a layer is then what its parameters are named after.
fn layers_of(known: &[Known], names: &[String], gradients: &[Tensor]) -> Vec<Layer> {
    let is_it = |known: &&Known| {
        let own = known.parameters.iter();
        let seen = names.iter().zip(gradients);
        known.parameters.len() == gradients.len()
            && own
                .zip(seen)
                .all(|(own, (name, gradient))| own.0 == *name && own.1 == gradient.shape())
    };
    if let Some(known) = known.iter().find(is_it) {
        return known.layers.clone();
    }
    let mut layers: Vec<Layer> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let path = name.rsplit_once('.').map_or(&**name, |(path, _)| path);
        match layers.iter_mut().find(|layer| layer.name == path) {
            Some(layer) => layer.parameters.push(place),
            None => layers.push(Layer::called(path, vec![place])),
        }
    }
    layers
}

impl Update {
    fn of(gradients: &[Tensor], layers: Option<Vec<Layer>>) -> Self {
        let layers = layers.unwrap_or_default();
        let mut outputs = Vec::new();
        for layer in &layers {
            for place in &layer.parameters {
                let gradient = &gradients[*place];
                let others = layer.other_axes(gradient.shape().len());
                outputs.push([gradient.max_axes(&others), gradient.min_axes(&others)]);
            }
        }
        Self {
            norms: gradients.iter().map(Tensor::norm).collect(),
            layers,
            outputs,
        }
    }

    /// The norm of each parameter's gradient.
    fn norms(&self) -> Vec<f64> {
        self.norms.iter().map(Tensor::item).collect()
    }

    fn layers(&self) -> Vec<LayerDetail> {
        let norms = self.norms();
        let mut outputs = self.outputs.iter();
        let mut one = |layer: &Layer| {
            let norms = layer.parameters.iter().map(|place| norms[*place]);
            let moved: Vec<Vec<bool>> = outputs
                .by_ref()
                .take(layer.parameters.len())
                .map(moved)
                .collect();
            LayerDetail {
                name: layer.name.clone(),
                norm: of_norms(norms),
                dead: dead(&moved),
            }
        };
        self.layers.iter().map(&mut one).collect()
    }
}

/// For each output, whether an element of its gradient is not 0. One that is no number is not 0.
fn moved([largest, smallest]: &[Tensor; 2]) -> Vec<bool> {
    let [largest, smallest] = [largest, smallest].map(Tensor::to_vec::<f64>);
    let both = largest.iter().zip(&smallest);
    both.map(|(largest, smallest)| *largest != 0.0 || *smallest != 0.0)
        .collect()
}

/// The share of units that did not move. Parameters with as many outputs are of the same units, as a weight and its bias
/// are; others have units of their own.
fn dead(moved: &[Vec<bool>]) -> f64 {
    let mut units: Vec<Vec<bool>> = Vec::new();
    for parameter in moved {
        match units
            .iter_mut()
            .find(|units| units.len() == parameter.len())
        {
            Some(units) => {
                for (unit, moved) in units.iter_mut().zip(parameter) {
                    *unit |= moved;
                }
            }
            None => units.push(parameter.clone()),
        }
    }
    let all = units.iter().map(Vec::len).sum::<usize>();
    let dead = units.iter().flatten().filter(|moved| !**moved).count();
    dead as f64 / all.max(1) as f64
}

/// The norm of what has parts of these norms.
fn of_norms(norms: impl Iterator<Item = f64>) -> f64 {
    norms.map(|norm| norm * norm).sum::<f64>().sqrt()
}

/// What the norm of a network's gradient is called among a step's numbers: `g_norm`.
fn norm_name(network: &'static str) -> &'static str {
    // Numbers have names that live forever; of others than these there are as many as there are option tables.
    static OTHERS: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    match network {
        "g" => "g_norm",
        "d" => "d_norm",
        other => {
            let name = format!("{}_norm", other.replace('-', "_"));
            let mut others = OTHERS.lock().unwrap_or_else(PoisonError::into_inner);
            match others.iter().find(|known| **known == name) {
                Some(known) => known,
                None => {
                    let name: &'static str = name.leak();
                    others.push(name);
                    name
                }
            }
        }
    }
}

impl Watched {
    /// Reads the norm of each network's gradient from the device: `g_norm`, `d_norm`.
    pub fn norms(&self) -> Vec<(&'static str, f64)> {
        let one = |(name, update): &(&'static str, Update)| {
            (norm_name(name), of_norms(update.norms().into_iter()))
        };
        self.networks.iter().map(one).collect()
    }

    /// Reads all that there is to tell of a step from the device.
    pub fn detail(&self, step: u64, epoch: f64, report: &Report) -> Detail {
        let network = |(name, update): &(&'static str, Update)| NetworkDetail {
            name: (*name).to_owned(),
            norm: of_norms(update.norms().into_iter()),
            layers: update.layers(),
        };
        let spread = |samples: &Tensor| Spread::of(&samples.to_vec(), samples.shape()[0]);
        Detail {
            version: Detail::VERSION,
            step,
            epoch,
            networks: self.networks.iter().map(network).collect(),
            answers: report.answers(),
            samples: spread(report.samples()),
            reals: self.reals.as_ref().and_then(spread),
            diverged: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_dead_where_nothing_of_them_moves() {
        let weight = vec![true, false, false, true];
        let bias = vec![false, true, false, true];
        assert_eq!(dead(&[weight.clone(), bias]), 0.25);
        assert_eq!(dead(&[weight, vec![false]]), 3.0 / 5.0);
        assert_eq!(dead(&[]), 0.0);
    }

    #[test]
    fn norms_have_the_names_of_their_tables() {
        assert_eq!(norm_name("g"), "g_norm");
        let [first, again] = ["g-ab", "g-ab"].map(norm_name);
        assert_eq!(first, "g_ab_norm");
        assert!(std::ptr::eq(first, again));
    }
}

//! A generator and a discriminator: what most systems train, and all that their checkpoints hold.

use super::trained;
use crate::{Generator, Sampler};
use detach_nn::{Initialiser, Name, Network, Optim, Optimiser, Sequential, Slot, State, Trained};

/// Two networks in training. Which is updated when, and on what, is the recipe's.
pub(super) struct Pair {
    pub(super) g: Trained<Generator>,
    pub(super) d: Trained<Sequential>,
}

impl Pair {
    /// Both with initial weights, the generator's drawn first.
    pub(super) fn new(
        init: &Initialiser,
        (g, generator): (&Optim, impl Fn(&Initialiser) -> Generator),
        (d, discriminator): (&Optim, impl Fn(&Initialiser) -> Sequential),
    ) -> Self {
        Self {
            g: trained(g, init, generator),
            d: trained(d, init, discriminator),
        }
    }

    pub(super) fn networks(&self) -> Vec<(&'static str, &dyn Network)> {
        vec![("generator", self.g.best()), ("discriminator", &*self.d)]
    }

    pub(super) fn optimisers(&mut self) -> Vec<(&'static str, &mut Optimiser)> {
        vec![("g", self.g.optimiser_mut()), ("d", self.d.optimiser_mut())]
    }

    pub(super) fn sampler(&self) -> &dyn Sampler {
        &self.g
    }
}

impl State for Pair {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.g.visit(path.dot("generator"), f);
        self.d.visit(path.dot("discriminator"), f);
    }
}

//! Adam under its own name, for callers that have not come to [`Optimiser`] yet.

use crate::module::{Slot, State};
use crate::optim::{Observer, Optim, Optimiser};
use detach_tensor::Tensor;

/// Constants of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// Learning rate α.
    pub lr: f64,
    /// Decay of the mean gradient, β₁.
    pub beta1: f64,
    /// Decay of the mean squared gradient, β₂.
    pub beta2: f64,
    /// What is added to the root, ε.
    pub eps: f64,
}

impl Default for AdamConfig {
    /// PyTorch's: 1e-3, 0.9, 0.999, 1e-8.
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

/// An [`Optimiser`] that is PyTorch's Adam.
#[derive(Debug)]
pub struct Adam {
    /// The constants; the learning rate may change between steps.
    pub config: AdamConfig,
    lr: f64,
    optimiser: Optimiser,
}

impl Adam {
    /// An optimiser of the parameters of `net`, at step 0.
    #[must_use]
    pub fn new(config: AdamConfig, net: &dyn State) -> Self {
        let optim = Optim {
            eps: config.eps,
            ..Optim::adam(config.lr, config.beta1, config.beta2)
        };
        Self {
            config,
            lr: config.lr,
            optimiser: Optimiser::new(&optim, net),
        }
    }

    /// As [`Optimiser::watch`].
    pub fn watch(&mut self, observer: Observer) {
        self.optimiser.watch(observer);
    }

    /// As [`Optimiser::step`].
    ///
    /// # Panics
    /// As [`Optimiser::step`].
    #[track_caller]
    pub fn step(&mut self, net: &dyn State, gradients: &[Tensor]) {
        if self.lr != self.config.lr {
            self.lr = self.config.lr;
            self.optimiser.lr().set(self.lr);
        }
        self.optimiser.step(net, gradients);
    }
}

impl State for Adam {
    fn visit<'a>(&'a self, path: &str, f: &mut dyn FnMut(String, Slot<'a>)) {
        self.optimiser.visit(path, f);
    }
}

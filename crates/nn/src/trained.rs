//! A network in training.

use crate::module::{Network, Slot, State, gradients, gradients_through};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use crate::{Ema, Optim, Optimiser};
use detach_tensor::{Scalar, Tensor};
use std::ops::Deref;

/// A network, what trains it, and where one is wanted, its average: everything of it that a
/// checkpoint has to hold.
///
/// It is used as the network that it is of: `generator.forward(…)`.
#[derive(Debug)]
pub struct Trained<N> {
    /// The network.
    pub net: N,
    optim: Optimiser,
    ema: Option<Ema<N>>,
}

impl<N: State> Trained<N> {
    /// `net` before its first step.
    ///
    /// # Panics
    /// When such an optimiser cannot be, as [`Optim::check`] has it.
    #[must_use]
    #[track_caller]
    pub fn new(net: N, optim: &Optim) -> Self {
        Self {
            optim: Optimiser::new(optim, &net),
            net,
            ema: None,
        }
    }

    /// The same with an average that begins as the network is now, in the memory of `copy`, a
    /// network of the same shape.
    ///
    /// # Panics
    /// When the two differ in names or shapes, or `decay` is not in [0, 1).
    #[must_use]
    #[track_caller]
    pub fn with_ema(self, copy: N, decay: f64) -> Self {
        let ema = Some(Ema::new(&self.net, copy, decay));
        Self { ema, ..self }
    }

    /// One step down `loss`: the gradients of this network's parameters and of no other's, and
    /// [`Trained::apply`].
    ///
    /// # Panics
    /// When the loss is not a scalar, or a value that the walk needs was overwritten.
    #[track_caller]
    pub fn update(&mut self, loss: &Tensor) {
        let gradients = gradients(loss, &self.net);
        self.apply(&gradients);
    }

    /// As [`update`](Self::update); returns ∂`loss`/∂`through`, where `through` is a value between the
    /// parameters and the loss.
    ///
    /// # Panics
    /// As [`update`](Self::update).
    #[track_caller]
    pub fn update_through(&mut self, loss: &Tensor, through: &Tensor) -> Tensor {
        let (gradients, at) = gradients_through(loss, &self.net, through);
        self.apply(&gradients);
        at
    }

    /// One step of the optimiser and of the average, with gradients taken before: in the order
    /// of [`parameters`](crate::parameters).
    ///
    /// # Panics
    /// When the gradients are not of this network's parameters.
    #[track_caller]
    pub fn apply(&mut self, gradients: &[Tensor]) {
        self.optim.step(&self.net, gradients);
        if let Some(ema) = &mut self.ema {
            ema.update(&self.net);
        }
    }

    /// What trains it.
    pub fn optimiser(&self) -> &Optimiser {
        &self.optim
    }

    /// What trains it, for callers that watch gradients or follow a schedule.
    pub fn optimiser_mut(&mut self) -> &mut Optimiser {
        &mut self.optim
    }

    /// The average, where there is one.
    pub fn ema(&self) -> Option<&N> {
        self.ema.as_ref().map(Ema::net)
    }

    /// The decay of the average's next step, where there is one.
    pub fn ema_decay(&self) -> Option<&Scalar> {
        self.ema.as_ref().map(Ema::decay)
    }

    /// The network to take samples of: the average where there is one.
    pub fn best(&self) -> &N {
        self.ema().unwrap_or(&self.net)
    }
}

impl<N> Deref for Trained<N> {
    type Target = N;

    fn deref(&self) -> &N {
        &self.net
    }
}

impl<N: State> State for Trained<N> {
    /// `net.…`, `optim.…` and, where there is an average, `ema.…`.
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path.dot("net"), f);
        self.optim.visit(path.dot("optim"), f);
        if let Some(ema) = &self.ema {
            ema.visit(path.dot("ema"), f);
        }
    }
}

impl<N: Network> Network for Trained<N> {
    fn describe(&self) -> String {
        self.net.describe()
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        self.net.trace(x, scope)
    }
}

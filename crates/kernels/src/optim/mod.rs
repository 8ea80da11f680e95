//! Steps of optimisers, each one pass over memory, in the order of operations of PyTorch 2.11,
//! so that `f64` runs can be compared digit by digit.
//!
//! A gradient g is first clipped ([`Clip`]), then `g ← g + weight_decay · p` is added to it, and
//! then:
//!
//! | rule | formula |
//! |---|---|
//! | [`Adam`] | `m ← m + (g − m)(1 − β₁)`, `v ← β₂·v + (1 − β₂)·g²`, `p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)` |
//! | AMSGrad | as Adam, with the largest v so far in the place of v |
//! | Keras' Adam | `p ← p − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε)`: for small gradients another step |
//! | [`RmsProp`] | `v ← α·v + (1 − α)·g²`, `d = g / (√v + ε)`, `p ← p − lr·d`; centred: √(v − m²), `m ← m + (g − m)(1 − α)` |
//! | RMSprop with momentum | `b ← momentum·b + d`, `p ← p − lr·b` |
//! | [`Sgd`] | `b ← momentum·b + (1 − dampening)·g` (`b ← g` in step 1), `p ← p − lr·b`; Nesterov: `p ← p − lr·(g + momentum·b)` |
//!
//! Beside them stand what else writes all parameters at once: [`average`] and [`clamp`].

mod cpu;
mod cuda;
mod factors;
mod norm;
mod passes;
mod reference;
#[cfg(test)]
mod tests;

use crate::{Buffer, Count, DType, Device, Scalar, Variant, dispatch};
use arrayvec::ArrayVec;
use factors::Factors;
pub use passes::{average, average_with, clamp, clamp_with};

/// The implementations of this family, slowest first.
pub const VARIANTS: &[&str] = &["reference", "fast"];

/// One step of an optimiser.
#[derive(Clone, Debug)]
pub struct Update {
    /// By which formula parameters move.
    pub rule: Rule,
    /// Learning rate. A captured step reads it anew at every replay.
    pub lr: Scalar,
    /// Number of this step, from 1. A captured step reads it anew at every replay; the
    /// numbers that are no [`Scalar`] it keeps.
    pub step: Count,
    /// How much of a parameter is added to its gradient: L2 regularisation.
    pub weight_decay: f64,
    /// What is done to gradients first.
    pub clip: Clip,
}

/// How parameters move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Kingma and Ba, 2015.
    Adam(Adam),
    /// Tieleman and Hinton, 2012.
    RmsProp(RmsProp),
    /// Gradient descent, with momentum or without.
    Sgd(Sgd),
}

/// Constants of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the mean of the gradient, β₁.
    pub beta1: f64,
    /// Decay of the mean of its square, β₂.
    pub beta2: f64,
    /// Added to the root of that mean, ε.
    pub eps: f64,
    /// Whether ε is added before v is corrected, as Keras has it.
    pub keras: bool,
    /// Whether the largest v so far is used (Reddi et al., ICLR 2018).
    pub amsgrad: bool,
}

/// Constants of RMSprop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Decay of the mean of the gradient's square, α.
    pub alpha: f64,
    /// Added to the root of that mean, ε.
    pub eps: f64,
    /// Decay of the sum of moves; 0 for none.
    pub momentum: f64,
    /// Whether the square of the mean is subtracted from the mean of the squares (Graves,
    /// arXiv:1308.0850).
    pub centred: bool,
}

/// Constants of gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Decay of the sum of gradients; 0 for none.
    pub momentum: f64,
    /// What is left out of a gradient that is added to it.
    pub dampening: f64,
    /// Whether the gradient is added once more, as if looked up ahead.
    pub nesterov: bool,
}

/// How large gradients may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Clip {
    /// As large as they are.
    #[default]
    None,
    /// No element is farther from 0.
    Value(f64),
    /// All gradients of a step together are scaled by min(1, max / (‖g‖ + 1e-6)): the norm
    /// is found on the device, and stays there.
    Norm(f64),
}

/// A parameter, what is kept of its gradients, and its gradient.
#[derive(Debug)]
pub struct Moving<'a> {
    /// Is moved by a step.
    pub param: &'a mut Buffer,
    /// Is updated: what [`Rule::state`] names, in its order; 0 before the first step.
    pub state: Kept<&'a mut Buffer>,
    /// At the parameter.
    pub grad: &'a Buffer,
}

impl Rule {
    /// What is kept of each parameter's gradients, by PyTorch's names.
    pub fn state(&self) -> &'static [&'static str] {
        match self {
            Self::Adam(Adam { amsgrad: false, .. }) => &["exp_avg", "exp_avg_sq"],
            Self::Adam(_) => &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
            Self::RmsProp(rule) => match (rule.centred, rule.momentum != 0.0) {
                (false, false) => &["square_avg"],
                (true, false) => &["square_avg", "grad_avg"],
                (false, true) => &["square_avg", "momentum_buffer"],
                (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
            },
            Self::Sgd(rule) if rule.momentum == 0.0 => &[],
            Self::Sgd(_) => &["momentum_buffer"],
        }
    }

    /// `adam`, `rmsprop` or `sgd`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::RmsProp(_) => "rmsprop",
            Self::Sgd(_) => "sgd",
        }
    }
}

/// The most that any rule keeps of a parameter's gradients.
const MOST_STATE: usize = 3;

/// One of each that a rule keeps of a parameter's gradients. It lies on the stack: small networks have as
/// many parameters as large ones, and a step of theirs takes microseconds.
pub type Kept<T> = ArrayVec<T, MOST_STATE>;

/// Moves all parameters by one step, in one pass over memory: many are too small to
/// be worth handing to other threads one by one.
///
/// # Panics
/// When lengths, types or devices differ, the state is not that of the rule, or `step`
/// is 0.
#[track_caller]
pub fn update(update: &Update, all: &mut [Moving<'_>]) {
    update_with(Variant::Fast, update, all);
}

/// [`update()`] by the implementation of one's choice.
///
/// # Panics
/// As [`update()`].
#[track_caller]
pub fn update_with(variant: Variant, update: &Update, all: &mut [Moving<'_>]) {
    let name = update.rule.name();
    assert!(update.step.peek() > 0, "{name}: steps count from 1");
    let Some(first) = all.first() else {
        return;
    };
    let (device, dtype) = (first.grad.device(), first.grad.dtype());
    for one in &*all {
        one.check(update.rule, (device, dtype));
    }
    let total = match update.clip {
        Clip::Norm(max) => Some(norm::coefficient(variant, max, all)),
        _ => None,
    };
    match (device, variant, dtype) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            cpu::update(&update.rule, &Factors::of(update, total.as_ref()), all);
        }
        (Device::Cpu, _, dtype) => {
            let factors = Factors::of(update, total.as_ref());
            for one in all {
                dispatch!(dtype, T => reference::update::<T>(&update.rule, &factors, one));
            }
        }
        (Device::Cuda(device), ..) => cuda::update(device, update, total.as_ref(), all),
    }
}

impl Moving<'_> {
    #[track_caller]
    fn check(&self, rule: Rule, kind: (Device, DType)) {
        let (name, state) = (rule.name(), rule.state());
        assert_eq!(
            self.state.len(),
            state.len(),
            "{name}: state of a parameter; expected {state:?}"
        );
        let kept = state.iter().copied().zip(self.state.iter().map(|x| &**x));
        let all = [("parameter", &*self.param), ("gradient", self.grad)];
        for (what, x) in all.into_iter().chain(kept) {
            assert_eq!(
                x.len(),
                self.grad.len(),
                "{name}: elements of {what} and gradient"
            );
            assert_eq!(
                (x.device(), x.dtype()),
                kind,
                "{name}: device and type of {what}"
            );
        }
    }
}

//! An optimiser in words: what a configuration says of it.

use crate::Schedule;
use detach_tensor::optim::{Adam, Clip, RmsProp, Rule, Sgd};
use serde::{Deserialize, Serialize};

/// An optimiser's formula.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimKind {
    /// Adam as PyTorch has it: ε is added after the bias correction of v.
    #[default]
    Adam,
    /// Adam as Keras has it: ε is added before.
    AdamKeras,
    /// RMSprop as PyTorch has it: ε is added to the root.
    Rmsprop,
    /// Gradient descent, with momentum or without.
    Sgd,
}

/// An optimiser and its constants.
///
/// As text it has the keys that its kind uses, and of the others those that are not at their
/// defaults; a key that is not there is at its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Table", into = "Table")]
pub struct Optim {
    /// The formula.
    pub kind: OptimKind,
    /// Learning rate, at the start.
    pub lr: f64,
    /// Adam's decay of the mean gradient, β₁.
    pub beta1: f64,
    /// Adam's decay of the mean squared gradient, β₂.
    pub beta2: f64,
    /// What Adam and RMSprop add to the root, ε.
    pub eps: f64,
    /// RMSprop's decay of the mean squared gradient, α.
    pub alpha: f64,
    /// Decay of the sum of gradients (SGD) or moves (RMSprop); 0 for none.
    pub momentum: f64,
    /// What SGD leaves out of a gradient that it adds to that sum.
    pub dampening: f64,
    /// Whether SGD's momentum is Nesterov's.
    pub nesterov: bool,
    /// Whether RMSprop subtracts the square of the mean gradient.
    pub centred: bool,
    /// How much of a parameter is added to its gradient: L2 regularisation.
    pub weight_decay: f64,
    /// Whether Adam uses the largest mean squared gradient so far.
    pub amsgrad: bool,
    /// How the learning rate changes over epochs.
    pub schedule: Schedule,
    /// The largest norm of all gradients together; 0 for any.
    pub clip_norm: f64,
    /// The largest distance from 0 of an element of a gradient; 0 for any.
    pub clip_value: f64,
    /// Decay of an average of the weights over steps; 0 for no average.
    pub ema: f64,
}

impl Default for Optim {
    /// PyTorch's Adam.
    fn default() -> Self {
        Self::of(OptimKind::Adam, 1e-3)
    }
}

impl Optim {
    /// The keys that an optimiser has as text.
    pub const KEYS: &[&str] = &[
        "kind",
        "lr",
        "beta1",
        "beta2",
        "eps",
        "alpha",
        "momentum",
        "dampening",
        "nesterov",
        "centred",
        "weight-decay",
        "amsgrad",
        "schedule",
        "clip-norm",
        "clip-value",
        "ema",
    ];

    /// PyTorch's constants of a kind, or Keras' where it is Keras'.
    #[must_use]
    pub fn of(kind: OptimKind, lr: f64) -> Self {
        Self {
            kind,
            lr,
            beta1: 0.9,
            beta2: 0.999,
            eps: match kind {
                OptimKind::AdamKeras => 1e-7,
                _ => 1e-8,
            },
            alpha: 0.99,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            centred: false,
            weight_decay: 0.0,
            amsgrad: false,
            schedule: Schedule::Constant,
            clip_norm: 0.0,
            clip_value: 0.0,
            ema: 0.0,
        }
    }

    /// PyTorch's Adam.
    #[must_use]
    pub fn adam(lr: f64, beta1: f64, beta2: f64) -> Self {
        Self {
            beta1,
            beta2,
            ..Self::of(OptimKind::Adam, lr)
        }
    }

    /// Keras' Adam.
    #[must_use]
    pub fn adam_keras(lr: f64, beta1: f64, beta2: f64) -> Self {
        Self {
            beta1,
            beta2,
            ..Self::of(OptimKind::AdamKeras, lr)
        }
    }

    /// PyTorch's RMSprop.
    #[must_use]
    pub fn rmsprop(lr: f64) -> Self {
        Self::of(OptimKind::Rmsprop, lr)
    }

    /// Gradient descent.
    #[must_use]
    pub fn sgd(lr: f64) -> Self {
        Self::of(OptimKind::Sgd, lr)
    }

    /// The formula with its constants.
    pub(super) fn rule(&self) -> Rule {
        match self.kind {
            OptimKind::Adam | OptimKind::AdamKeras => Rule::Adam(Adam {
                beta1: self.beta1,
                beta2: self.beta2,
                eps: self.eps,
                keras: self.kind == OptimKind::AdamKeras,
                amsgrad: self.amsgrad,
            }),
            OptimKind::Rmsprop => Rule::RmsProp(RmsProp {
                alpha: self.alpha,
                eps: self.eps,
                momentum: self.momentum,
                centred: self.centred,
            }),
            OptimKind::Sgd => Rule::Sgd(Sgd {
                momentum: self.momentum,
                dampening: self.dampening,
                nesterov: self.nesterov,
            }),
        }
    }

    pub(super) fn clip(&self) -> Clip {
        match (self.clip_norm, self.clip_value) {
            (0.0, 0.0) => Clip::None,
            (0.0, value) => Clip::Value(value),
            (norm, _) => Clip::Norm(norm),
        }
    }
}

/// [`Optim`] as text has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    kind: OptimKind,
    lr: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta2: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dampening: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nesterov: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    centred: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amsgrad: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Schedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ema: Option<f64>,
}

impl From<Table> for Optim {
    fn from(table: Table) -> Self {
        let default = Self::of(table.kind, table.lr);
        Self {
            kind: table.kind,
            lr: table.lr,
            beta1: table.beta1.unwrap_or(default.beta1),
            beta2: table.beta2.unwrap_or(default.beta2),
            eps: table.eps.unwrap_or(default.eps),
            alpha: table.alpha.unwrap_or(default.alpha),
            momentum: table.momentum.unwrap_or(default.momentum),
            dampening: table.dampening.unwrap_or(default.dampening),
            nesterov: table.nesterov.unwrap_or(default.nesterov),
            centred: table.centred.unwrap_or(default.centred),
            weight_decay: table.weight_decay.unwrap_or(default.weight_decay),
            amsgrad: table.amsgrad.unwrap_or(default.amsgrad),
            schedule: table.schedule.unwrap_or(default.schedule),
            clip_norm: table.clip_norm.unwrap_or(default.clip_norm),
            clip_value: table.clip_value.unwrap_or(default.clip_value),
            ema: table.ema.unwrap_or(default.ema),
        }
    }
}

impl From<Optim> for Table {
    fn from(optim: Optim) -> Self {
        /// What is used, or not at its default.
        fn told<T: PartialEq + Copy>(used: bool, value: T, default: T) -> Option<T> {
            (used || value != default).then_some(value)
        }
        let default = Optim::of(optim.kind, optim.lr);
        let adam = matches!(optim.kind, OptimKind::Adam | OptimKind::AdamKeras);
        let rmsprop = optim.kind == OptimKind::Rmsprop;
        let sgd = optim.kind == OptimKind::Sgd;
        Self {
            kind: optim.kind,
            lr: optim.lr,
            beta1: told(adam, optim.beta1, default.beta1),
            beta2: told(adam, optim.beta2, default.beta2),
            eps: told(adam || rmsprop, optim.eps, default.eps),
            alpha: told(rmsprop, optim.alpha, default.alpha),
            momentum: told(sgd, optim.momentum, default.momentum),
            dampening: told(false, optim.dampening, default.dampening),
            nesterov: told(false, optim.nesterov, default.nesterov),
            centred: told(false, optim.centred, default.centred),
            weight_decay: told(false, optim.weight_decay, default.weight_decay),
            amsgrad: told(false, optim.amsgrad, default.amsgrad),
            schedule: told(false, optim.schedule, default.schedule),
            clip_norm: told(false, optim.clip_norm, default.clip_norm),
            clip_value: told(false, optim.clip_value, default.clip_value),
            ema: told(false, optim.ema, default.ema),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_what_the_kind_uses() {
        let text = |optim: &Optim| serde_json::to_string(optim).expect("text");
        let adam = Optim::adam(2e-4, 0.5, 0.999);
        assert_eq!(
            text(&adam),
            r#"{"kind":"adam","lr":0.0002,"beta1":0.5,"beta2":0.999,"eps":1e-8}"#
        );
        assert_eq!(
            text(&Optim::rmsprop(5e-5)),
            r#"{"kind":"rmsprop","lr":0.00005,"eps":1e-8,"alpha":0.99}"#
        );
        let sgd = Optim {
            momentum: 0.9,
            nesterov: true,
            schedule: Schedule::Cosine { to: 20.0 },
            clip_norm: 1.0,
            ..Optim::sgd(0.1)
        };
        assert_eq!(
            text(&sgd),
            r#"{"kind":"sgd","lr":0.1,"momentum":0.9,"nesterov":true,"schedule":"cosine:20","clip-norm":1.0}"#
        );
        for optim in [
            adam,
            Optim::adam_keras(1e-3, 0.0, 0.9),
            Optim::rmsprop(1e-4),
            sgd,
        ] {
            let read: Optim = serde_json::from_str(&text(&optim)).expect("what was written");
            assert_eq!(read, optim);
        }
        let short: Optim =
            serde_json::from_str(r#"{"kind":"adam-keras","lr":1e-3}"#).expect("text");
        assert_eq!(short, Optim::adam_keras(1e-3, 0.9, 0.999));
        let error = serde_json::from_str::<Optim>(r#"{"kind":"adam","lr":1e-3,"beta":0.5}"#);
        assert!(
            error
                .expect_err("no key")
                .to_string()
                .contains("unknown field `beta`")
        );
    }
}

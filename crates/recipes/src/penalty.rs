//! The penalty that a recipe puts on its critic, as a table of settings.

use crate::options::require;
use detach_nn::penalty::{between, gradient_penalty, norms, slopes, zero_centred};
use detach_tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Where the critic's slope is held, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PenaltyKind {
    /// Nowhere.
    None,
    /// λ·E(‖∇D(x̂)‖ − 1)² between reals and fakes (Gulrajani et al., arXiv:1704.00028).
    Gradient,
    /// (γ/2)·E‖∇D(x)‖² at reals (Mescheder et al., arXiv:1801.04406).
    R1,
    /// (γ/2)·E‖∇D(G(z))‖² at fakes.
    R2,
    /// Both of these.
    R1R2,
}

/// A penalty and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Penalty {
    /// Which.
    pub kind: PenaltyKind,
    /// λ, or γ: of zero-centred ones the half is in the formula.
    pub weight: f64,
    /// In one step of so many, as many times as heavy: a lazy penalty (Karras et al., arXiv:1912.04958).
    pub every: u64,
}

impl Penalty {
    /// The phase of steps that have a penalty.
    pub const DUE: u32 = 1;

    /// None; its weight is what `kind=…` begins with.
    pub const NONE: Self = Self::of_kind(PenaltyKind::None, 10.0);

    /// In every step.
    pub const fn of_kind(kind: PenaltyKind, weight: f64) -> Self {
        Self {
            kind,
            weight,
            every: 1,
        }
    }

    /// Refuses what cannot be, with `batch_norm` for whether the critic mixes its samples.
    ///
    /// # Errors
    /// When something cannot.
    pub fn check(&self, batch_norm: bool) -> Result<(), String> {
        require(
            self.weight.is_finite() && self.weight >= 0.0,
            "penalty.weight must be a number, 0 or more",
        )?;
        require(
            self.every >= 1,
            "penalty.every must be at least 1: in one step of how many there is a penalty",
        )?;
        require(
            self.kind == PenaltyKind::None || !batch_norm,
            "penalty.kind holds D's gradient at each sample by itself, and BatchNorm takes mean and variance of the whole batch, \
             which makes it depend on the others: choose batch-norm = false with it, or penalty.kind = none. (In a network of \
             one's own, LayerNorm looks at each sample by itself and can stand in BatchNorm's place)",
        )
    }

    /// The phase of step `step`: [`DUE`](Self::DUE) where it has a penalty.
    pub fn phase(&self, step: u64) -> u32 {
        let is_due = self.kind != PenaltyKind::None && step.is_multiple_of(self.every);
        if is_due { Self::DUE } else { 0 }
    }

    /// The penalty of `d` with its weight, a scalar, and the norms ‖∇D‖ `[N]` that it is of: of R1 and R2
    /// together, those at reals. `alpha` draws `[N, 1, 1, 1]` from [0, 1), where it is of points between.
    ///
    /// # Panics
    /// When there is none, which is never due.
    #[must_use]
    #[track_caller]
    pub fn of(
        &self,
        d: impl Fn(&Tensor) -> Tensor,
        [real, fake]: [&Tensor; 2],
        alpha: impl FnOnce() -> Tensor,
    ) -> [Tensor; 2] {
        let weight = self.weight * self.every as f64;
        let at = |x: &Tensor| slopes(&d, x);
        let (term, slopes) = match self.kind {
            PenaltyKind::None => panic!("no penalty is due where there is none"),
            PenaltyKind::Gradient => {
                let norms = norms(&at(&between(real, fake, &alpha())));
                return [gradient_penalty(&norms) * weight, norms];
            }
            PenaltyKind::R1 => {
                let slopes = at(real);
                (zero_centred(&slopes), slopes)
            }
            PenaltyKind::R2 => {
                let slopes = at(fake);
                (zero_centred(&slopes), slopes)
            }
            PenaltyKind::R1R2 => {
                let (slopes, at_fakes) = (at(real), at(fake));
                (zero_centred(&slopes) + zero_centred(&at_fakes), slopes)
            }
        };
        [term * weight, norms(&slopes)]
    }
}

//! What recipes have of their own: typed settings beside their paper, and what several of
//! them share.

use detach_nn::{Optim, loss::bce_with_logits};
use detach_tensor::Tensor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// The settings that a recipe has of its own: a table of its own in `config.toml`, which
/// `--set KEY=VALUE` reaches by the keys that serde gives the fields.
pub trait Options: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// Refuses values that cannot be, with the key and the reason.
    ///
    /// # Errors
    /// When there is one.
    fn check(&self) -> Result<(), String>;

    /// The same with exactly the settings that its choices have, where a choice decides which there are.
    #[must_use]
    fn settled(self) -> Self {
        self
    }
}

/// The labels that a discriminator and a generator are trained towards: 1 is real, 0 is fake,
/// what lies between is smoothed (Salimans et al., arXiv:1606.03498, one side only).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Targets {
    /// D's label of a real sample.
    pub real: f64,
    /// D's label of a fake sample.
    pub fake: f64,
    /// The label that G wants its fakes to have.
    pub generator: f64,
}

impl Targets {
    /// 1, 0 and 1.
    pub const HARD: Self = Self {
        real: 1.0,
        fake: 0.0,
        generator: 1.0,
    };
    /// 0.9, 0.1 and 0.9.
    pub const SMOOTH: Self = Self {
        real: 0.9,
        fake: 0.1,
        generator: 0.9,
    };

    /// Refuses labels outside [0, 1].
    ///
    /// # Errors
    /// When one is.
    pub fn check(&self) -> Result<(), String> {
        for (name, label) in [
            ("real", self.real),
            ("fake", self.fake),
            ("generator", self.generator),
        ] {
            require(
                (0.0..=1.0).contains(&label),
                format_args!("targets.{name} must be in [0, 1]: it is a probability"),
            )?;
        }
        Ok(())
    }
}

/// `Ok` where `holds`, else what is wrong.
///
/// # Errors
/// When it does not hold.
pub fn require(holds: bool, what: impl std::fmt::Display) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(what.to_string()),
    }
}

/// Refuses a network without units: each of `sizes`, called `key`, must be at least 1, and small
/// enough that its weights can be counted.
///
/// # Errors
/// When one is not.
pub fn require_sizes(key: &str, sizes: &[usize]) -> Result<(), String> {
    const MOST: usize = 1 << 16;
    let fits = !sizes.is_empty() && sizes.iter().all(|size| (1..=MOST).contains(size));
    require(fits, format_args!("{key} must be from 1 to {MOST}"))
}

/// Refuses images that there is no network for.
///
/// # Errors
/// When `size` is the side of some.
pub fn require_side(size: usize) -> Result<(), String> {
    require(
        size == 28 || size == 64,
        "size must be 28 (grey images) or 64 (RGB): there are networks for these",
    )
}

/// Refuses numbers of classes that no data has.
///
/// # Errors
/// When `classes` is one.
pub fn require_classes(classes: usize) -> Result<(), String> {
    require(
        (1..=1000).contains(&classes),
        "classes must be from 1 to 1000",
    )
}

/// Refuses images that are neither grey nor RGB.
///
/// # Errors
/// When `channels` says so.
pub fn require_channels(channels: usize) -> Result<(), String> {
    require(
        channels == 1 || channels == 3,
        "channels must be 1 (grey images) or 3 (RGB)",
    )
}

/// Refuses a ratio of updates that trains no discriminator, or takes forever over one step.
///
/// # Errors
/// When `d_steps` is one.
pub fn require_d_steps(d_steps: u64) -> Result<(), String> {
    require(
        (1..=1000).contains(&d_steps),
        "d-steps must be from 1 to 1000: D's updates for each of G's",
    )
}

/// Refuses a probability of dropping that leaves nothing.
///
/// # Errors
/// When `p` is one.
pub fn require_dropout(p: f64) -> Result<(), String> {
    require((0.0..1.0).contains(&p), "dropout must be in [0, 1)")
}

/// Refuses optimisers that cannot be, with their table's key.
///
/// # Errors
/// When one cannot.
pub fn require_optims(optims: &[(&str, &Optim)]) -> Result<(), String> {
    for (key, optim) in optims {
        optim.check().map_err(|what| format!("{key}.{what}"))?;
    }
    Ok(())
}

/// Adam as the tutorials on this page use it: β₁ 0.5, β₂ 0.999.
pub fn adam_of_dcgan(lr: f64) -> Optim {
    Optim::adam(lr, 0.5, 0.999)
}

/// What G minimises: both forms have the same fixed point (Goodfellow et al., arXiv:1406.2661, §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorLoss {
    /// −E log D(G(z)): strong gradients while D tells fakes apart.
    #[default]
    NonSaturating,
    /// E log(1 − D(G(z))), the minimax game's own: its gradient vanishes where D is sure.
    Saturating,
}

impl GeneratorLoss {
    /// The loss of the logits D(G(z)), any shape, with the labels of `targets`; a scalar.
    #[must_use]
    pub fn of(self, logits: &Tensor, targets: &Targets) -> Tensor {
        match self {
            Self::NonSaturating => bce_with_logits(logits, targets.generator),
            Self::Saturating => -bce_with_logits(logits, targets.fake),
        }
    }
}

/// −mean log(p + ε) of the logits' probability p = σ(ℓ) for `label` 1 and 1 − σ(ℓ) for others; where ε is 0, BCE with the label
/// from logits.
#[must_use]
pub fn log_loss(logits: &Tensor, label: f64, eps: f64) -> Tensor {
    if eps == 0.0 {
        return bce_with_logits(logits, label);
    }
    let p = match label {
        1.0 => logits.sigmoid(),
        _ => -logits.sigmoid() + 1.0,
    };
    -(p + eps).ln().mean()
}

/// Refuses an ε that does not keep BatchNorm from dividing by 0.
///
/// # Errors
/// When it is one.
pub fn require_bn_eps(eps: f64) -> Result<(), String> {
    require(eps.is_finite() && eps > 0.0, "bn-eps must be above 0")
}

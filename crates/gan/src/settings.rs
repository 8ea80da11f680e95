//! What decides a run's numbers: written to `config.toml`, changed by `--set`.

use anyhow::{Context, Result, bail};
use detach_tensor::Matmul;
use serde::{Deserialize, Serialize};

/// Which version of a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// To the letter, faults included.
    #[default]
    AsPublished,
    /// The known faults removed.
    Fixed,
}

/// Which network of `mlp` is updated first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The discriminator.
    DFirst,
    /// The generator; D then learns from the fakes made before G's update.
    GFirst,
}

/// Initial weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitScheme {
    /// U(±1/√fan_in) for weights and biases.
    #[default]
    Pytorch,
    /// Glorot-uniform weights, zero biases.
    Keras,
}

/// How a GPU computes products and convolutions. The CPU always takes
/// [`MatmulMode::Fp32`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MatmulMode {
    /// All bits of every factor.
    #[default]
    Fp32,
    /// The first 11 bits of every factor, on tensor cores.
    Tf32,
}

impl From<MatmulMode> for Matmul {
    fn from(mode: MatmulMode) -> Self {
        match mode {
            MatmulMode::Fp32 => Self::Fp32,
            MatmulMode::Tf32 => Self::Tf32,
        }
    }
}

/// How batches are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Sampling {
    /// Every image once an epoch, in a new order; the short last batch is used or not.
    #[serde(rename_all = "kebab-case")]
    Shuffled {
        /// Leave the short last batch out.
        drop_last: bool,
    },
    /// Every image of every batch drawn anew; an epoch is as many whole batches as the
    /// data would make.
    WithReplacement,
    /// From a distribution; an epoch is so many steps.
    Endless {
        /// Steps an epoch.
        steps: u64,
    },
}

/// How G runs when pictures and samples are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SampleMode {
    /// BatchNorm by its running statistics.
    #[default]
    Eval,
    /// BatchNorm by the batch's own statistics, as in training; nothing is updated.
    Batch,
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureSource {
    /// The same noise every time.
    #[default]
    Fixed,
    /// New noise every time.
    Fresh,
    /// The first fakes of the training step.
    Fakes,
}

/// When pictures are taken, and how. They draw from their own random stream: taking
/// them or not never changes training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pictures {
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub columns: usize,
    /// A picture each so many steps; 0 is never.
    pub every_steps: u64,
    /// A picture each so many epochs; 0 is never.
    pub every_epochs: u64,
    /// One at the first step or epoch, too.
    pub first: bool,
    /// How G runs.
    pub mode: SampleMode,
    /// What is shown.
    pub source: PictureSource,
}

impl Pictures {
    /// Whether one is due after `step` steps (from 1), `per_epoch` to an epoch.
    pub fn due(&self, step: u64, per_epoch: u64) -> bool {
        let by_steps = match (self.every_steps, self.first) {
            (0, _) => false,
            (every, false) => step.is_multiple_of(every),
            // Counted from the first step on, as loops do that count from 0.
            (every, true) => (step - 1).is_multiple_of(every),
        };
        let epoch = step / per_epoch;
        let ends_epoch = step.is_multiple_of(per_epoch);
        let by_epochs = self.every_epochs > 0
            && ends_epoch
            && (epoch.is_multiple_of(self.every_epochs) || (self.first && epoch == 1));
        by_steps || by_epochs
    }
}

/// Everything that decides a run's numbers, beside the data. Keys that a recipe does
/// not use are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Seed of every random stream.
    pub seed: u64,
    /// Passes over the data.
    pub epochs: u64,
    /// Images a batch.
    pub batch_size: usize,
    /// Adam's learning rate.
    pub lr: f64,
    /// Adam's β₁.
    pub beta1: f64,
    /// Adam's β₂.
    pub beta2: f64,
    /// Adam's ε.
    pub eps: f64,
    /// Initial weights.
    pub init: InitScheme,
    /// Dropout probability in D.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// ε of G's BatchNorm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bn_eps: Option<f64>,
    /// Which network is updated first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// A ReLU before D's σ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_relu: Option<bool>,
    /// Whether G's update moves the running statistics of D's BatchNorm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d_stats_in_g_step: Option<bool>,
    /// ε inside the logarithm of the loss; 0 computes it from logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_eps: Option<f64>,
    /// How a GPU computes products.
    #[serde(default)]
    pub matmul: MatmulMode,
    /// How batches are drawn.
    pub sampling: Sampling,
    /// When pictures are taken, and how.
    pub pictures: Pictures,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: 1,
            batch_size: 64,
            lr: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            eps: 1e-8,
            init: InitScheme::default(),
            dropout: None,
            bn_eps: None,
            order: None,
            last_relu: None,
            d_stats_in_g_step: None,
            log_eps: None,
            matmul: MatmulMode::default(),
            sampling: Sampling::Shuffled { drop_last: false },
            pictures: Pictures::default(),
        }
    }
}

impl Settings {
    /// Changes one setting: `lr=1e-3`, `pictures.every-steps=100`.
    ///
    /// # Errors
    /// When there is no such setting in this recipe, or the value is not of its kind.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let Some((key, value)) = assignment.split_once('=') else {
            bail!("`--set {assignment}`: write it as key=value, such as lr=1e-3");
        };
        let (key, value) = (key.trim(), value.trim());
        let table = toml::Table::try_from(&*self).context("settings as TOML")?;
        let changed =
            replace(table, key, parse(value)).with_context(|| format!("`--set {assignment}`"))?;
        let changed: Self = changed
            .try_into()
            .with_context(|| format!("`--set {assignment}`: not a value for `{key}`"))?;
        changed.check()?;
        *self = changed;
        Ok(())
    }

    /// Refuses values no run can have.
    ///
    /// # Errors
    /// When a value is out of its range, naming it.
    pub fn check(&self) -> Result<()> {
        let probability = |p: f64| (0.0..1.0).contains(&p);
        let finite = |x: f64| x.is_finite() && x >= 0.0;
        for (ok, what) in [
            (
                self.batch_size > 1,
                "batch-size must be at least 2 (BatchNorm needs a variance)",
            ),
            (finite(self.lr), "lr must be a number, 0 or more"),
            (probability(self.beta1), "beta1 must be in [0, 1)"),
            (probability(self.beta2), "beta2 must be in [0, 1)"),
            (finite(self.eps), "eps must be a number, 0 or more"),
            (
                self.dropout.is_none_or(probability),
                "dropout must be in [0, 1)",
            ),
            (
                self.bn_eps.is_none_or(|x| finite(x) && x > 0.0),
                "bn-eps must be above 0",
            ),
            (
                self.log_eps.is_none_or(finite),
                "log-eps must be a number, 0 or more",
            ),
            (self.epochs > 0, "epochs must be at least 1"),
            (
                self.pictures.rows > 0 && self.pictures.columns > 0,
                "pictures.rows and pictures.columns must be at least 1",
            ),
        ] {
            if !ok {
                bail!("{what}");
            }
        }
        Ok(())
    }
}

/// A TOML value if it reads as one, else a string: `fixed` needs no quotes.
fn parse(value: &str) -> toml::Value {
    let document = format!("x = {value}");
    match document.parse::<toml::Table>() {
        Ok(mut table) => table.remove("x").unwrap_or_else(|| value.into()),
        Err(_) => value.into(),
    }
}

/// `table` with the entry at the dotted `key` replaced.
fn replace(mut table: toml::Table, key: &str, mut value: toml::Value) -> Result<toml::Table> {
    let (head, rest) = match key.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (key, None),
    };
    let known: Vec<String> = table.keys().cloned().collect();
    let Some(old) = table.get_mut(head) else {
        bail!("no setting `{head}`; there are: {}", known.join(", "));
    };
    *old = match (rest, &*old, &value) {
        (Some(rest), toml::Value::Table(inner), _) => replace(inner.clone(), rest, value)?.into(),
        (Some(_), _, _) => bail!("`{head}` has no settings inside"),
        // `--set lr=1` means 1.0.
        (None, toml::Value::Float(_), toml::Value::Integer(i)) => (*i as f64).into(),
        // `sampling` is a choice with details; its name alone chooses it.
        (None, toml::Value::Table(_), toml::Value::String(name)) if head == "sampling" => {
            value = sampling(name)?;
            value
        }
        (None, ..) => value,
    };
    Ok(table)
}

fn sampling(name: &str) -> Result<toml::Value> {
    let sampling = match name {
        "shuffled" => Sampling::Shuffled { drop_last: false },
        "shuffled-drop-last" => Sampling::Shuffled { drop_last: true },
        "with-replacement" => Sampling::WithReplacement,
        _ => bail!("sampling is `shuffled`, `shuffled-drop-last` or `with-replacement`"),
    };
    toml::Value::try_from(sampling).context("sampling as TOML")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::RECIPES;

    #[test]
    fn settings_survive_their_file() {
        for info in RECIPES {
            for preset in [Preset::AsPublished, Preset::Fixed] {
                let settings = (info.settings)(preset);
                settings.check().expect("a preset is valid");
                let text = toml::to_string(&settings).expect("TOML");
                assert_eq!(toml::from_str::<Settings>(&text).expect(&text), settings);
            }
        }
    }

    #[test]
    fn set_changes_what_is_there() {
        let mut settings =
            (crate::recipes::find("dcgan").expect("is there").settings)(Preset::AsPublished);
        for assignment in [
            "lr=1",
            "dropout = 0",
            "pictures.every-steps=7",
            "sampling=with-replacement",
        ] {
            settings.set(assignment).expect(assignment);
        }
        assert_eq!((settings.lr, settings.dropout), (1.0, Some(0.0)));
        assert_eq!(settings.pictures.every_steps, 7);
        assert_eq!(settings.sampling, Sampling::WithReplacement);
        for wrong in [
            "lr",
            "order=g-first",
            "lr=fast",
            "dropout=2",
            "pictures.x=1",
            "batch-size=-1",
        ] {
            let before = settings.clone();
            settings.set(wrong).expect_err(wrong);
            assert_eq!(settings, before);
        }
    }

    #[test]
    fn published_numbers_of_pictures() {
        let count = |p: &Pictures, steps: u64, per_epoch| {
            (1..=steps).filter(|&s| p.due(s, per_epoch)).count()
        };
        let pictures = |name: &str| {
            (crate::recipes::find(name).expect(name).settings)(Preset::AsPublished).pictures
        };
        assert_eq!(count(&pictures("mlp-relu"), 92_763, 937), 92);
        assert_eq!(count(&pictures("mlp"), 200 * 938, 938), 469);
        assert_eq!(count(&pictures("keras-mlp"), 50 * 468, 468), 6);
        assert_eq!(count(&pictures("dcgan"), 100 * 938, 938), 10);
        assert_eq!(count(&pictures("dcgan-light"), 50 * 938, 938), 50);
        assert_eq!(count(&pictures("gauss1d"), 5000, 5000), 10);
    }
}

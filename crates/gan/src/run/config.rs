//! `config.toml`: what a run is, with a version.

use anyhow::{Context, Result, anyhow, bail};
use detach_recipes::{Preset, Settings, Setup, find};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The version of the file that is written.
pub const VERSION: u32 = 2;

/// What `config.toml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The version of this file.
    pub version: u32,
    /// The recipe's name.
    pub recipe: String,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// Where the data was, in words.
    pub data: String,
    /// The names of data sets that have one, with commas between; what was stacked has a path, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_name: Option<String>,
    /// CRC-32C of the images: a run goes on with the same ones or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_checksum: Option<u32>,
    /// The folder or file that the data was read from, when it was given, as it was given.
    #[serde(
        default,
        with = "crate::paths",
        skip_serializing_if = "Option::is_none"
    )]
    pub data_dir: Option<PathBuf>,
    /// The same as an absolute path, given or found.
    #[serde(
        default,
        with = "crate::paths",
        skip_serializing_if = "Option::is_none"
    )]
    pub data_path: Option<PathBuf>,
    /// The seed of what was drawn here: of digits, where it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_seed: Option<u64>,
    /// Steps in all, where these are fewer than the settings' epochs have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// What every recipe has.
    pub settings: Settings,
    /// What the recipe has of its own.
    pub options: Table,
}

impl Config {
    /// The configuration of a run before its data is known.
    pub fn of(setup: &Setup) -> Self {
        Self {
            version: VERSION,
            recipe: setup.recipe().name().to_owned(),
            preset: setup.preset,
            data: String::new(),
            data_name: None,
            data_checksum: None,
            data_dir: None,
            data_path: None,
            data_seed: None,
            max_steps: None,
            settings: setup.settings.clone(),
            options: setup.options().clone(),
        }
    }

    /// The recipe with these settings.
    ///
    /// # Errors
    /// When there is no such recipe, or a setting cannot be.
    pub fn setup(&self) -> Result<Setup> {
        let recipe = find(&self.recipe)?;
        Setup::of(
            recipe,
            self.preset,
            self.settings.clone(),
            self.options.clone(),
        )
    }

    /// Reads a file of this version or an older one.
    ///
    /// # Errors
    /// When it cannot be read, or is no configuration.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_bounded(path).with_context(|| {
            format!(
                "cannot read the configuration {}; give a file such as a run's config.toml",
                path.display()
            )
        })?;
        Self::parse(&text).with_context(|| {
            format!(
                "{} is not a configuration of a run; a run's config.toml is one",
                path.display()
            )
        })
    }

    /// Reads the text of a file of this version or an older one.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut table: Table = text.parse()?;
        let version = match table.get("version") {
            None => 0,
            Some(Value::Integer(version)) => *version,
            Some(other) => bail!("its version is {other}, which is no whole number"),
        };
        match version {
            0 => upgrade(&mut table)?,
            1 => data_seed_of_words(&mut table),
            2 => {}
            newer => bail!(
                "it is of version {newer}, and this program knows versions up to {VERSION}; \
                 use the version of Detach that wrote it, or a newer one"
            ),
        }
        let config: Self = table.try_into()?;
        // A recipe that is not there is told by who looks for it.
        if find(&config.recipe).is_ok() {
            config.setup()?;
        }
        Ok(config)
    }
}

/// The text of a file that is not longer than any configuration.
fn read_bounded(path: &Path) -> io::Result<String> {
    const LONGEST: u64 = 1 << 20;
    let mut text = String::new();
    let file = detach_files::open(path)?;
    if file.take(LONGEST + 1).read_to_string(&mut text)? as u64 > LONGEST {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "it is longer than a configuration can be",
        ));
    }
    Ok(text)
}

/// Version 1 said in words alone that a run was on synthetic digits.
fn data_seed_of_words(table: &mut Table) {
    const WORDS: &str = "synthetic digits made here (seed ";
    table.insert("version".to_owned(), Value::Integer(VERSION.into()));
    let words = table.get("data").and_then(Value::as_str);
    let seed = words.and_then(|words| words.strip_prefix(WORDS)?.split(')').next());
    if let Some(seed) = seed.and_then(|seed| seed.parse::<i64>().ok()) {
        table.insert("data-seed".to_owned(), Value::Integer(seed));
    }
}

/// Version 0 had one table of settings: one Adam for both networks, and the recipe's own settings
/// among those of all.
fn upgrade(table: &mut Table) -> Result<()> {
    const OF_RECIPES: [&str; 6] = [
        "dropout",
        "bn-eps",
        "order",
        "last-relu",
        "d-stats-in-g-step",
        "log-eps",
    ];
    data_seed_of_words(table);
    let Some(Value::Table(settings)) = table.get_mut("settings") else {
        return Ok(());
    };
    let mut options = Table::new();
    for key in OF_RECIPES {
        if let Some(value) = settings.remove(key) {
            options.insert(key.to_owned(), value);
        }
    }
    // Then, every Adam was PyTorch's.
    let mut adam = Table::new();
    adam.insert("kind".to_owned(), "adam".into());
    for key in ["lr", "beta1", "beta2", "eps"] {
        let value = settings.remove(key);
        let value = value.ok_or_else(|| anyhow!("missing field `{key}` in `settings`"))?;
        adam.insert(key.to_owned(), value);
    }
    for network in ["g", "d"] {
        options.insert(network.to_owned(), adam.clone().into());
    }
    // Pictures were of the fixed scale then.
    table.insert("options".to_owned(), options.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_recipes::RECIPES;

    #[test]
    fn every_preset_survives_its_file() {
        for recipe in RECIPES {
            for preset in Preset::ALL {
                let setup = recipe.setup(preset);
                setup.check().expect("a preset is valid");
                let text = toml::to_string(&Config::of(&setup)).expect("TOML");
                let config = Config::parse(&text).expect(&text);
                assert_eq!(config.setup().expect("a setup"), setup, "{text}");
            }
        }
    }

    /// As `gan train keras-mlp` of version 0.1 wrote it.
    const OLD: &str = r#"
recipe = "keras-mlp"
preset = "as-published"
data = "synthetic digits made here (seed 0)"
data-checksum = 17

[settings]
seed = 7
epochs = 50
batch-size = 128
lr = 0.001
beta1 = 0.5
beta2 = 0.999
eps = 1e-7
init = "keras"
dropout = 0.25
matmul = "fp32"

[settings.sampling]
by = "with-replacement"

[settings.pictures]
rows = 5
columns = 5
every-steps = 0
every-epochs = 10
first = true
mode = "eval"
source = "fresh"
"#;

    #[test]
    fn a_file_without_a_version_is_read() {
        let config = Config::parse(OLD).expect("version 0");
        assert_eq!((config.version, config.data_checksum), (VERSION, Some(17)));
        assert_eq!((config.data_seed, config.max_steps), (Some(0), None));
        let setup = config.setup().expect("a setup");
        assert_eq!((setup.settings.seed, setup.settings.batch_size), (7, 128));
        let lines = setup.lines().expect("TOML");
        for line in [
            "dropout = 0.25",
            "g.kind = \"adam\"",
            "g.lr = 0.001",
            "d.lr = 0.001",
            "d.eps = 0.0000001",
            "latent = 100",
        ] {
            assert!(lines.iter().any(|l| l == line), "no `{line}` in {lines:?}");
        }
    }

    #[test]
    fn what_is_no_configuration_says_why() {
        for (text, part) in [
            (OLD.replace("lr = 0.001\n", ""), "missing field `lr`"),
            (OLD.replace("seed = 7", "seed = \"x\""), "seed"),
            (OLD.replace("dropout = 0.25", "droput = 0.25"), "droput"),
            (
                OLD.replace("dropout = 0.25", "dropout = 2.0"),
                "dropout must",
            ),
            (format!("version = 3\n{OLD}"), "version 3"),
            (format!("version = \"new\"\n{OLD}"), "version"),
        ] {
            let error = Config::parse(&text).expect_err(part);
            assert!(format!("{error:#}").contains(part), "{error:#}");
        }
    }
}

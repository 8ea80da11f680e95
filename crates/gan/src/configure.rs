//! From the command line to a run's configuration.

use crate::cli::{TrainArgs, usage};
use crate::recipes::{self, Info};
use crate::run::Config;
use crate::settings::{Order, Settings};
use anyhow::{Context, Result, anyhow, ensure};
use std::path::Path;

/// What is trained when nothing is said: five epochs, of which the first call does so
/// many steps as take a minute or two on two cores. That is enough for digits.
const QUICK: (&str, u64) = ("dcgan-light", 5);
const QUICK_STEPS: u64 = 4000;

/// Where a new run stops: `--max-steps`, or after a quick look when nothing is said.
pub(crate) fn max_steps(args: &TrainArgs) -> Option<u64> {
    let said = args.recipe.is_some()
        || args.config.is_some()
        || args.resume.is_some()
        || args.epochs.is_some();
    args.max_steps.or((!said).then_some(QUICK_STEPS))
}

/// The configuration of a new run.
pub(crate) fn fresh(args: &TrainArgs) -> Result<Config> {
    let from_file = match &args.config {
        Some(path) => Some(read_config(path)?),
        None => None,
    };
    let named = args
        .recipe
        .as_deref()
        .or(from_file.as_ref().map(|c| c.recipe.as_str()));
    let info = recipes::find(named.unwrap_or(QUICK.0)).map_err(|error| match args.recipe {
        Some(_) => usage(error),
        None => error,
    })?;
    let (mut settings, preset) = match from_file {
        Some(config) => {
            ensure!(
                config.recipe == info.name,
                "the configuration is of the recipe `{}`, not `{}`",
                config.recipe,
                info.name
            );
            ensure!(
                args.preset.is_none_or(|preset| preset == config.preset),
                "--preset and --config contradict each other; leave one out"
            );
            (config.settings, config.preset)
        }
        None => {
            let preset = args.preset.unwrap_or_default();
            let mut settings = (info.settings)(preset);
            if named.is_none() {
                settings.epochs = QUICK.1;
            }
            (settings, preset)
        }
    };
    override_settings(&mut settings, info, args).map_err(usage)?;
    Ok(Config {
        recipe: info.name.to_owned(),
        preset,
        data: String::new(),
        data_checksum: None,
        data_dir: args.data_dir.clone(),
        settings,
    })
}

fn read_config(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read the configuration {}; give a file such as a run's config.toml",
            path.display()
        )
    })?;
    toml::from_str(&text).with_context(|| {
        format!(
            "{} is not a configuration; a run's config.toml is one",
            path.display()
        )
    })
}

fn override_settings(settings: &mut Settings, info: &Info, args: &TrainArgs) -> Result<()> {
    if let Some(order) = args.order {
        ensure!(
            settings.order.is_some(),
            "`{}` is published in one order; --order is for `mlp`",
            info.name
        );
        match order {
            Order::GFirst => recipes::g_first(settings),
            Order::DFirst => settings.order = Some(Order::DFirst),
        }
    }
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    if let Some(epochs) = args.epochs {
        settings.epochs = epochs;
    }
    if let Some(batch_size) = args.batch_size {
        settings.batch_size = batch_size;
    }
    if let Some(matmul) = args.matmul {
        settings.matmul = matmul;
    }
    for assignment in &args.set {
        settings.set(assignment)?;
    }
    settings.check()
}

/// The configuration of a run that goes on: what decides its numbers stays as it was,
/// only its length may change, and where and how it is computed.
pub(crate) fn resumed(mut config: Config, args: &TrainArgs) -> Result<Config> {
    let changed = [
        (
            "RECIPE",
            args.recipe
                .as_ref()
                .is_some_and(|name| *name != config.recipe),
        ),
        (
            "--preset",
            args.preset.is_some_and(|preset| preset != config.preset),
        ),
        (
            "--order",
            args.order
                .is_some_and(|order| Some(order) != config.settings.order),
        ),
        (
            "--seed",
            args.seed.is_some_and(|seed| seed != config.settings.seed),
        ),
        (
            "--batch-size",
            args.batch_size
                .is_some_and(|n| n != config.settings.batch_size),
        ),
        ("--set", !args.set.is_empty()),
        ("--config", args.config.is_some()),
        ("--out", args.out.is_some()),
    ];
    if let Some((flag, _)) = changed.iter().find(|(_, changed)| *changed) {
        return Err(usage(anyhow!(
            "{flag} cannot change in a run that goes on; leave it out, or start a new run without --resume"
        )));
    }
    if let Some(epochs) = args.epochs {
        config.settings.epochs = epochs;
    }
    if let Some(matmul) = args.matmul {
        config.settings.matmul = matmul;
    }
    if args.data_dir.is_some() {
        config.data_dir.clone_from(&args.data_dir);
    }
    config.settings.check()?;
    Ok(config)
}

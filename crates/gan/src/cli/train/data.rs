//! A run's data: what a flag says, then what the run's own record says, then the environment, then the usual places.

use super::Args;
use crate::cli::device::Opened;
use crate::cli::environment;
use crate::cli::usage::with_hint;
use crate::run::Config;
use crate::run::data::{is_recorded, recorded};
use anyhow::Result;
use detach_data::{Find, Found, Place, Split, Wanted};
use detach_recipes::{Batches, DataKind, Setup};
use std::path::{Path, PathBuf};

/// What a run is trained on.
pub(super) struct Data {
    /// A source of batches for each of the recipe's data sets.
    pub(super) sets: Vec<Batches>,
    /// The configuration with the record of it.
    pub(super) config: Config,
    /// Whether it was made here for want of anything else.
    pub(super) is_synthetic: bool,
}

/// The recipe's data. Where `config` has a record of it, that is the one, and a `--data-dir` that differs is
/// refused, or said where `config` is of another run.
pub(super) fn open(setup: &Setup, config: Config, args: &Args, opened: &Opened) -> Result<Data> {
    let mut data = Data {
        sets: Vec::new(),
        config,
        is_synthetic: false,
    };
    for kind in setup.data()? {
        let DataKind::Images(size) = kind else {
            data.config.data = "the standard normal distribution".to_owned();
            let batches = Batches::gaussian(&setup.settings, opened.kind());
            data.sets.push(batches);
            continue;
        };
        let found = find(
            &data.config,
            Wanted::new(size.channels, size.side),
            args,
            !args.offline,
        )?;
        args.say(&format!("data: {}", found.statement));
        if !is_recorded(&data.config, &found) {
            args.say(&format!(
                "not the data of the configuration, which was {}",
                data.config.data
            ));
        }
        record(&mut data.config, &found, args);
        data.is_synthetic |= found.is_synthetic();
        let batches = Batches::images(found.dataset, size, &setup.settings, opened.kind());
        let hint = |error| with_hint(error, "set it with --batch-size N");
        data.sets.push(batches.map_err(hint)?);
    }
    Ok(data)
}

/// What [`open`] finds for `wanted`; without a download where that is not allowed.
pub(super) fn find(config: &Config, wanted: Wanted, args: &Args, download: bool) -> Result<Found> {
    if let Some(path) = &args.data_dir {
        let found = Find::new(Some(path.clone()), wanted).find(Split::Train, &mut |_| ())?;
        if args.resume.is_some() && !is_recorded(config, &found) {
            return Err(other_data(config, &found));
        }
        return Ok(found);
    }
    if let Some(found) = recorded(config, wanted) {
        return Ok(found);
    }
    let mut find = Find::new(environment::data_dir(), wanted);
    if download {
        find = find.with_fetcher(args.mirror.fetcher());
    }
    let mut said = String::new();
    let found = find.find(Split::Train, &mut |progress| {
        let now = progress.to_string();
        if said != now {
            args.say(&now);
            said = now;
        }
    });
    let found = found.map_err(environment::data_fault)?;
    match is_recorded(config, &found) {
        true => Ok(found),
        false => Err(other_data(config, &found)),
    }
}

fn other_data(config: &Config, found: &Found) -> anyhow::Error {
    let place = config.data_path.as_deref().or(config.data_dir.as_deref());
    let place = place.map_or(String::new(), |place| match place.exists() {
        true => format!(" in {}, where other data is now", place.display()),
        false => format!(" in {}, which is not there any more", place.display()),
    });
    anyhow::anyhow!(
        "the run was trained on {}{place}, and what was found now is different: {}; give the former with --data-dir",
        config.data,
        found.dataset.source()
    )
}

fn record(config: &mut Config, found: &Found, args: &Args) {
    config.data = found.dataset.source();
    config.data_checksum = Some(found.dataset.checksum());
    if args.data_dir.is_some() {
        config.data_dir.clone_from(&args.data_dir);
    }
    (config.data_path, config.data_seed) = match &found.place {
        Place::Made { seed } => (None, Some(*seed)),
        Place::Path(path) => (Some(absolute(path)), None),
    };
}

/// The path from the root; as it is where there is no working folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

//! A run's data: what a flag says, then what the run's own record says, then the environment, then the usual places.

use super::Args;
use crate::cli::device::Opened;
use crate::cli::environment;
use crate::cli::usage::{usage, with_hint};
use crate::run::Config;
use crate::run::data::{self, is_recorded, recorded_of};
use anyhow::{Result, anyhow};
use detach_data::{Find, Found, Named, Split, Wanted};
use detach_recipes::{Batches, DataKind, Setup};

/// What a run is trained on.
pub(super) struct Data {
    /// A source of batches for each of the recipe's data sets.
    pub(super) sets: Vec<Batches>,
    /// The configuration with the record of it.
    pub(super) config: Config,
    /// Whether it was made here.
    pub(super) is_synthetic: bool,
}

/// The recipe's data. Where `config` has a record of it, that is the one, and what differs is refused, or said where
/// `config` is of another run.
pub(super) fn open(setup: &Setup, config: Config, args: &Args, opened: &Opened) -> Result<Data> {
    let all = find(setup, &config, args, !args.offline)?;
    let found: Vec<&Found> = all.iter().flatten().collect();
    for found in &found {
        args.say(&format!("data: {}", found.statement));
    }
    if !found.is_empty() && !is_recorded(&config, &found) {
        if args.resume.is_some() {
            return Err(other_data(&config, &found));
        }
        args.say(&format!(
            "not the data of the configuration, which was {}",
            config.data
        ));
    }
    let mut config = config;
    match found.is_empty() {
        true => config.data = "the standard normal distribution".to_owned(),
        false => data::record(&mut config, &found),
    }
    if !found.is_empty() && args.data_dir.is_some() {
        config.data_dir.clone_from(&args.data_dir);
    }
    Ok(Data {
        config,
        is_synthetic: found.iter().any(|found| found.is_synthetic()),
        sets: batches(setup, all, opened)?,
    })
}

/// Batches of what was found for each data set, and of the normal distribution where nothing has to be.
pub(super) fn batches(
    setup: &Setup,
    found: Vec<Option<Found>>,
    opened: &Opened,
) -> Result<Vec<Batches>> {
    let (settings, kind) = (&setup.settings, opened.kind());
    let sets = setup.data()?.into_iter().zip(found);
    sets.map(|set| match set {
        (DataKind::Images(size), Some(found)) => {
            let batches = Batches::images(found.dataset, size, settings, kind);
            batches.map_err(|error| with_hint(error, "set it with --batch-size N"))
        }
        _ => Ok(Batches::gaussian(settings, kind)),
    })
    .collect()
}

/// What each of the recipe's data sets is, found without a download where that is not allowed; `None` where it is a
/// distribution.
pub(super) fn find(
    setup: &Setup,
    config: &Config,
    args: &Args,
    download: bool,
) -> Result<Vec<Option<Found>>> {
    let kinds = setup.data()?;
    let images = kinds.iter().filter(|kind| **kind != DataKind::Gaussian);
    let names = names(setup, config, args, images.count())?;
    let mut names = names.into_iter().enumerate();
    let found = kinds.into_iter().map(|kind| {
        let DataKind::Images(size) = kind else {
            return Ok(None);
        };
        let wanted = Wanted::new(size.channels, size.side);
        let named = names.next().unwrap_or_default();
        let found = one(config, named, wanted, args, download);
        found.map(Some).map_err(|error| in_colour(setup, error))
    });
    found.collect()
}

/// The name of each of so many sets of images, `None` where it has a place: what is said, else what is on record, else the
/// pair of two.
fn names(setup: &Setup, config: &Config, args: &Args, sets: usize) -> Result<Vec<Option<Named>>> {
    let mut names = args.data.clone();
    if names.is_empty() {
        names = data::names(config)?;
        // Of what is on record, a place replaces all but what is done with a place's images.
        names.retain(|name| args.data_dir.is_none() || *name == Named::StackedMnist);
    }
    let drawn = names.iter().find(|name| **name != Named::StackedMnist);
    if let (Some(name), Some(_)) = (drawn, &args.data_dir) {
        let both =
            anyhow!("--data {name} is drawn here, and --data-dir names a place; leave one out");
        return Err(usage(both));
    }
    let pair = Named::PAIR.map(Named::name).join(",");
    match (sets, names.len()) {
        (0, _) => Ok(Vec::new()),
        (1, 0) => Ok(vec![None]),
        (2, 0) if args.data_dir.is_none() => Ok(Named::PAIR.map(Some).to_vec()),
        (_, count) if count == sets && (sets == 1 || !names.contains(&Named::StackedMnist)) => {
            Ok(names.into_iter().map(Some).collect())
        }
        (1, count) => Err(usage(anyhow!(
            "`{}` is trained on one data set, and --data names {count}; name one",
            setup.recipe().name()
        ))),
        _ => Err(usage(anyhow!(
            "`{}` is trained on {sets} data sets; name as many that are drawn here, e.g. with --data {pair}",
            setup.recipe().name()
        ))),
    }
}

/// The error with the setting that takes colours, where the recipe has one.
fn in_colour(setup: &Setup, error: anyhow::Error) -> anyhow::Error {
    let is_grey = matches!(
        error.downcast_ref::<detach_data::Error>(),
        Some(detach_data::Error::Coloured(_))
    );
    match is_grey && setup.options().contains_key("channels") {
        true => with_hint(error, "--set channels=3 makes this one"),
        false => error,
    }
}

/// The data set of this number and name.
fn one(
    config: &Config,
    (number, name): (usize, Option<Named>),
    wanted: Wanted,
    args: &Args,
    download: bool,
) -> Result<Found> {
    let mut find = Find::new(args.data_dir.clone(), wanted).named(name);
    if find.given.is_some() {
        let found = find.find(Split::Train, &mut |_| ())?;
        return match args.resume.is_some() && !is_recorded(config, &[&found]) {
            true => Err(other_data(config, &[&found])),
            false => Ok(found),
        };
    }
    let is_on_record = args.data.is_empty() || args.data == data::names(config)?;
    if is_on_record && let Some(found) = recorded_of(config, number, wanted) {
        return Ok(found);
    }
    if name.is_none_or(|name| name == Named::StackedMnist) {
        find.given = environment::data_dir();
    }
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
    match is_on_record && !is_recorded(config, &[&found]) {
        true => Err(other_data(config, &[&found])),
        false => Ok(found),
    }
}

fn other_data(config: &Config, found: &[&Found]) -> anyhow::Error {
    let place = config.data_path.as_deref().or(config.data_dir.as_deref());
    let now: Vec<String> = found.iter().map(|found| found.dataset.source()).collect();
    let now = now.join("; ");
    if place.is_none() && now == config.data {
        return anyhow!(
            "the run was trained on {now}, and this version of the program draws others; go on with the version that \
             began it"
        );
    }
    let place = place.map_or(String::new(), |place| match place.exists() {
        true => format!(" in {}, where other data is now", place.display()),
        false => format!(" in {}, which is not there any more", place.display()),
    });
    anyhow!(
        "the run was trained on {}{place}, and what was found now is different: {now}; give the former with --data-dir",
        config.data,
    )
}

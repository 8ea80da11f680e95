//! `gan classifier`.

use super::signals::Signals;
use super::work::Work;
use super::{elsewhere, environment, output, threads};
use crate::score::classifier::Classifier;
use crate::score::judge::RealData;
use crate::show::text::grouped;
use anyhow::{Result, anyhow};
use detach_data::{Find, Split, Wanted};
use std::path::{Path, PathBuf};

/// `gan classifier`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan classifier --data-dir kmnist                     ready for `gan score` of runs on this data
  gan classifier --data-dir kmnist --out judge.safetensors

`gan score` comes with a classifier of MNIST, and trains one of other data when it is first needed: this trains it
beforehand. The same data gives the same classifier.")]
pub(super) struct Args {
    /// The data: a folder of IDX or PNG files with classes, or an .npz file [default: MNIST, where it is found] [env: GAN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The file to write [default: in the user's cache, where `gan score` finds it]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// Trains it; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let wanted = Wanted::default();
    let mut find = Find::new(args.data_dir.clone().or_else(environment::data_dir), wanted);
    // Digits that stand in for others are nothing to judge by.
    find.lookup.synthetic = None;
    let found = find.find(Split::Train, &mut |_| ());
    let found = found.map_err(|error| match args.data_dir {
        Some(_) => anyhow::Error::from(error),
        None => environment::data_fault(error),
    })?;
    let data = RealData::of(&found, wanted)?;
    let path = match (&args.out, data.kept()) {
        (Some(path), _) => path.clone(),
        (None, Some(kept)) => kept,
        (None, None) => {
            return Err(anyhow!(
                "there is no cache to keep it in; name a file with --out"
            ));
        }
    };
    let classifier = train(&data, &path)?;
    let about = classifier.about();
    Ok(format!(
        "classifier {:08x} of {}: right about {:.2}% of {} images that it was not trained on; in {}\n",
        classifier.hash(),
        data.source,
        100.0 * about.accuracy,
        grouped(about.tested),
        path.display()
    ))
}

/// Trains a classifier on `data` and writes it to `path`.
///
/// # Errors
/// When a signal ends it, or the file cannot be written.
pub(super) fn train(data: &RealData, path: &Path) -> Result<Classifier> {
    if let Some(folder) = path
        .parent()
        .filter(|_| data.kept().as_deref() == Some(path))
    {
        std::fs::create_dir_all(folder).map_err(elsewhere)?;
    }
    output::ensure_place(path)?;
    let signals = Signals::listen()?;
    let mut work = None;
    let trained = data.train(&mut |_, steps| {
        work.get_or_insert_with(|| Work::on(&signals, path, steps as u64))
            .did(1)
    });
    let trained = trained.map_err(anyhow::Error::from);
    let trained = match work {
        Some(work) => work.end(trained),
        None => trained,
    }?;
    trained.save(path).map_err(elsewhere)?;
    Classifier::load(path)
}

//! `gan data`.

use super::mirror::Mirror;
use super::signals::Signals;
use super::terminal::{Piece, Status};
use super::usage::usage;
use super::work::Work;
use super::{console, elsewhere, environment, output, shell, values};
use crate::show::text::grouped;
use anyhow::{Result, anyhow};
use clap::Subcommand;
use detach_data::{Find, Named, Split, Wanted};
use detach_mnist::{Lookup, Synth};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `gan data`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Download MNIST and check it
    Fetch {
        /// Where to [default: data/MNIST/raw here, or the user's cache]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        mirror: Mirror,
    },
    /// Say what data would be trained on, and why
    Info {
        /// The data: a folder of IDX or PNG files, or an .npz file [env: GAN_DATA_DIR]
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// The data by name (see `gan data list`)
        #[arg(long, value_name = "NAME", value_parser = values::data())]
        data: Option<Named>,
    },
    /// List the data sets that have a name instead of a place
    List,
    /// Write synthetic digits as IDX files
    Synth {
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// How many training images, at most as many as an IDX file holds (1 GiB); a sixth as many test images
        #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        /// Seed of the digits
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

/// Does it; returns what to tell.
pub(super) fn run(command: &Command) -> Result<String> {
    match command {
        Command::Fetch { out, mirror } => fetch(out.as_deref(), mirror),
        Command::Info { data_dir, data } => info(data_dir.as_deref(), *data),
        Command::List => Ok(list()),
        Command::Synth { out, count, seed } => synth(out, *count, *seed),
    }
}

fn fetch(out: Option<&Path>, mirror: &Mirror) -> Result<String> {
    let lookup = Lookup::new(None);
    let folder = out.map_or_else(|| lookup.download_folder(), Path::to_owned);
    let mut status = None;
    let mut fetching = String::new();
    let mut waiting = false;
    let fetched = mirror.fetcher().fetch(&folder, &mut |progress| {
        // Said where no line is drawn, too.
        if progress.waiting && !waiting {
            console::note(&progress.to_string());
        }
        waiting = progress.waiting;
        let total = progress.total.unwrap_or(progress.bytes);
        if fetching != progress.file {
            progress.file.clone_into(&mut fetching);
            status = Status::new(total);
        }
        if let Some(status) = &mut status {
            let (done, of) = (output::size(progress.bytes), output::size(total));
            let far = Piece::new(2, format!("{done}/{of}"));
            status.show(progress.bytes, || vec![far, Piece::new(1, progress.file)]);
        }
    })?;
    drop(status);
    let (new, there) = (fetched.downloaded.len(), fetched.present.len());
    Ok(format!(
        "MNIST is in {}: {new} files downloaded, {there} were there\n",
        folder.display()
    ))
}

fn info(data_dir: Option<&Path>, name: Option<Named>) -> Result<String> {
    let mut find = Find::new(data_dir.map(Path::to_owned), Wanted::default()).named(name);
    if find.given.is_none() && name.is_none_or(|name| name == Named::StackedMnist) {
        find.given = environment::data_dir();
    }
    let fault = |error| match data_dir {
        Some(_) => anyhow::Error::from(error),
        None => environment::data_fault(error),
    };
    let mut out = String::new();
    for split in [Split::Train, Split::Test] {
        let found = match find.find(split, &mut |_| ()) {
            // Training needs no test images.
            Err(detach_data::Error::NotThere { reason, .. }) if split == Split::Test => {
                let _ = writeln!(out, "{:<6} none: {reason}", split.stem());
                continue;
            }
            found => found.map_err(fault)?,
        };
        let [channels, height, width] = found.dataset.shape();
        let mut image = vec![0; channels * height * width];
        let mut ink = 0.0;
        for index in 0..found.dataset.len() {
            found.dataset.read(index, &mut image);
            ink += image.iter().map(|&p| f64::from(p)).sum::<f64>();
        }
        let mean = ink / (255.0 * (image.len() * found.dataset.len()) as f64);
        let colours = if channels == 1 { "" } else { " in colour" };
        let _ = writeln!(
            out,
            "{:<6} {} images {height}×{width}{colours}, mean ink {mean:.4}; {}",
            split.stem(),
            grouped(found.dataset.len()),
            found.statement,
        );
    }
    Ok(out)
}

fn list() -> String {
    let width = Named::ALL.map(|named| named.name().len()).into_iter().max();
    let mut out = String::new();
    for named in Named::ALL {
        let _ = writeln!(
            out,
            "{named:<width$}  {}",
            named.summary(),
            width = width.unwrap_or_default()
        );
    }
    let pair = Named::PAIR.map(Named::name).join(",");
    let _ = write!(
        out,
        "\ntrain on one with --data NAME, e.g. `gan train dcgan64 --data shapes`\n\
         {} wants a recipe for RGB, e.g. `gan train dcgan-light --set channels=3 --data {}`\n\
         recipes of two data sets take two, e.g. --data {pair}\n",
        Named::StackedMnist,
        Named::StackedMnist,
    );
    out
}

fn synth(out: &Path, count: u32, seed: u64) -> Result<String> {
    let (train, test) = (count as usize, count.div_ceil(6) as usize);
    let most = Synth::most();
    if train as u64 > most {
        return Err(usage(anyhow!(
            "--count {train}: one IDX file holds at most {most} digits (1 GiB); ask for fewer, or write several \
             folders of other seeds"
        )));
    }
    let signals = Signals::listen()?;
    let mut work = Work::on(&signals, out, (train + test) as u64);
    let mut made = Ok(());
    for (split, n) in [(Split::Train, train), (Split::Test, test)] {
        let mut progress = |images| work.did(images);
        made = made.and_then(|()| Synth::new(seed).save(split, n, out, &mut progress));
    }
    work.end(made.map_err(elsewhere))?;
    Ok(format!(
        "{} + {} synthetic digits in {}; train on them with --data-dir {}\n",
        grouped(train),
        grouped(test),
        out.display(),
        shell::word(out)
    ))
}

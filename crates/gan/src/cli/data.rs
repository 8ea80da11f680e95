//! `gan data`.

use super::{console, elsewhere};
use crate::show::text::grouped;
use anyhow::Result;
use clap::Subcommand;
use detach_data::{Find, Split, Wanted};
use detach_mnist::{Dataset, Fetcher, Lookup};
use indicatif::{ProgressBar, ProgressStyle};
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
        /// The data: a folder of IDX or PNG files, or an .npz file
        #[arg(long, value_name = "DIR", env = "GAN_DATA_DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Write synthetic digits as IDX files
    Synth {
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// How many training images; a sixth as many test images
        #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        /// Seed of the digits
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

/// Where MNIST is downloaded from.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Mirror {
    /// Ask this mirror first for MNIST's four files, before the two that are built in; what it sends is checked by SHA-256
    #[arg(long, value_name = "URL", env = "GAN_MIRROR", value_parser = mirror)]
    mirror: Option<String>,
}

impl Mirror {
    /// The download of MNIST, from there first.
    pub(super) fn fetcher(&self) -> Fetcher {
        // A variable that is empty is one that is not set.
        match self.mirror.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Fetcher::mnist().with_mirror(url),
            None => Fetcher::mnist(),
        }
    }
}

fn mirror(text: &str) -> Result<String, String> {
    let url = text.trim();
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    });
    let is_address = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    match url.is_empty() || is_address {
        true => Ok(url.to_owned()),
        false => Err(
            "give the address of the folder that holds the files, https://… or http://…".to_owned(),
        ),
    }
}

/// Does it; returns what to tell.
pub(super) fn run(command: &Command) -> Result<String> {
    match command {
        Command::Fetch { out, mirror } => fetch(out.as_deref(), mirror),
        Command::Info { data_dir } => info(data_dir.as_deref()),
        Command::Synth { out, count, seed } => synth(out, *count as usize, *seed),
    }
}

fn fetch(out: Option<&Path>, mirror: &Mirror) -> Result<String> {
    let lookup = Lookup::new(None);
    let folder = out.map_or_else(|| lookup.download_folder(), Path::to_owned);
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:30} {bar:24} {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    let mut waiting = false;
    let fetched = mirror.fetcher().fetch(&folder, &mut |progress| {
        // Said where no bar is drawn, too.
        if progress.waiting && !waiting {
            console::note(&progress.to_string());
        }
        waiting = progress.waiting;
        bar.set_message(progress.file.to_owned());
        bar.set_length(progress.total.unwrap_or(progress.bytes));
        bar.set_position(progress.bytes);
    })?;
    bar.finish_and_clear();
    let (new, there) = (fetched.downloaded.len(), fetched.present.len());
    Ok(format!(
        "MNIST is in {}: {new} files downloaded, {there} were there\n",
        folder.display()
    ))
}

fn info(data_dir: Option<&Path>) -> Result<String> {
    let find = Find::new(data_dir.map(Path::to_owned), Wanted::default());
    let mut out = String::new();
    for split in [Split::Train, Split::Test] {
        let found = match find.find(split, &mut |_| ()) {
            // Training needs no test images.
            Err(detach_data::Error::NotThere { reason, .. }) if split == Split::Test => {
                let _ = writeln!(out, "{:<6} none: {reason}", split.stem());
                continue;
            }
            found => found?,
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

fn synth(out: &Path, count: usize, seed: u64) -> Result<String> {
    let test = count.div_ceil(6);
    for (split, n) in [(Split::Train, count), (Split::Test, test)] {
        Dataset::synthetic(seed, split, n)
            .save(out)
            .map_err(elsewhere)?;
    }
    Ok(format!(
        "{} + {} synthetic digits in {}; train on them with --data-dir {}\n",
        grouped(count),
        grouped(test),
        out.display(),
        out.display()
    ))
}

//! `gan data`.

use super::elsewhere;
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

/// Does it; returns what to tell.
pub(super) fn run(command: &Command) -> Result<String> {
    match command {
        Command::Fetch { out } => fetch(out.as_deref()),
        Command::Info { data_dir } => info(data_dir.as_deref()),
        Command::Synth { out, count, seed } => synth(out, *count as usize, *seed),
    }
}

fn fetch(out: Option<&Path>) -> Result<String> {
    let lookup = Lookup::new(None);
    let folder = out.map_or_else(|| lookup.download_folder(), Path::to_owned);
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:30} {bar:24} {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    let fetched = Fetcher::mnist().fetch(&folder, &mut |progress| {
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

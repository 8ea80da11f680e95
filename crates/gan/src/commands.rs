//! `gan recipes`, `gan data` and `gan info`: text about what there is.

use crate::cli::DataCommand;
use crate::recipes::{self, Info, RECIPES};
use crate::settings::Preset;
use crate::trainer::build;
use anyhow::Result;
use detach_mnist::{Dataset, Fetcher, Lookup, Split};
use detach_nn::{Module, count};
use detach_tensor::{Device, Kind};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;

/// A line for each recipe.
pub fn list_recipes() -> String {
    let mut out = String::new();
    for info in RECIPES {
        let _ = writeln!(out, "{:<12} {}", info.name, info.summary);
    }
    out.push_str("\n`gan recipes NAME` explains one; `gan train NAME` trains it.\n");
    out
}

/// Everything about one recipe.
///
/// # Errors
/// When there is none of that name.
pub fn explain_recipe(name: &str) -> Result<String> {
    let info = recipes::find(name)?;
    let settings = (info.settings)(Preset::AsPublished);
    let recipe = build(info, &settings, Kind::default());
    let pair = recipe.pair();
    let mut out = format!("{}: {}\n\n", info.name, info.summary);
    for (title, net) in [
        ("Generator", &pair.g),
        ("Discriminator (to logits; σ is in the loss)", &pair.d),
    ] {
        let _ = writeln!(
            out,
            "{title}, {} parameters\n{}\n",
            grouped(count(net)),
            net.describe()
        );
    }
    let _ = writeln!(out, "One step: {}\n", info.step);
    let _ = writeln!(
        out,
        "Settings as published\n{}",
        indented(&toml::to_string(&settings)?)
    );
    let changes = changes(info)?;
    match changes.is_empty() {
        true => out.push_str("`--preset fixed` changes nothing here.\n"),
        false => {
            let _ = writeln!(out, "`--preset fixed` changes\n{}", indented(&changes));
        }
    }
    out.push_str("\nNotes\n");
    for note in info.notes {
        let _ = writeln!(out, "  - {note}");
    }
    Ok(out)
}

/// The settings that `fixed` has otherwise, as TOML lines.
fn changes(info: &Info) -> Result<String> {
    let lines = |preset| -> Result<Vec<String>> {
        let text = toml::to_string(&(info.settings)(preset))?;
        let mut table = String::new();
        let mut lines = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                Some(name) => table = format!("{name}."),
                None => lines.push(format!("{table}{line}")),
            }
        }
        Ok(lines)
    };
    let published = lines(Preset::AsPublished)?;
    let fixed = lines(Preset::Fixed)?;
    let changed = fixed.iter().filter(|line| !published.contains(line));
    Ok(changed.map(|line| format!("{line}\n")).collect())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// 1948545 as `1,948,545`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `gan data`.
///
/// # Errors
/// When the data cannot be had or written.
pub fn data(command: &DataCommand) -> Result<String> {
    match command {
        DataCommand::Fetch { out } => {
            let lookup = Lookup::new(None);
            let folder = out.clone().unwrap_or_else(|| lookup.download_folder());
            let bar = ProgressBar::new(0);
            if let Ok(style) =
                ProgressStyle::with_template("{msg:30} {bar:24} {bytes}/{total_bytes}")
            {
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
        DataCommand::Info { data_dir } => {
            let lookup = Lookup::new(data_dir.clone());
            let mut out = String::new();
            for split in [Split::Train, Split::Test] {
                let dataset = match lookup.find(split, &mut |_| ()) {
                    // Training needs no test images.
                    Err(detach_mnist::Error::NotThere { reason, .. }) if split == Split::Test => {
                        let _ = writeln!(out, "{:<6} none: {reason}", split.stem());
                        continue;
                    }
                    found => found?,
                };
                let ink = dataset.images.iter().map(|&p| f64::from(p)).sum::<f64>()
                    / (255.0 * dataset.images.len() as f64);
                let _ = writeln!(
                    out,
                    "{:<6} {} images 28×28, mean ink {ink:.4}; {}",
                    split.stem(),
                    grouped(dataset.len()),
                    dataset.source
                );
            }
            Ok(out)
        }
        DataCommand::Synth { out, count, seed } => {
            let count = *count as usize;
            let test = count.div_ceil(6);
            for (split, n) in [(Split::Train, count), (Split::Test, test)] {
                Dataset::synthetic(*seed, split, n).save(out)?;
            }
            Ok(format!(
                "{} + {} synthetic digits in {}; train on them with --data-dir {}\n",
                grouped(count),
                grouped(test),
                out.display(),
                out.display()
            ))
        }
    }
}

/// `gan info`.
pub fn info() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "gan {}\ndevice   {} (auto)\nthreads  {} of {cores} cores\nsimd     {}\n",
        env!("CARGO_PKG_VERSION"),
        Device::default(),
        rayon::current_num_threads(),
        detach_tensor::simd_level(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_explained() {
        for info in RECIPES {
            let text = explain_recipe(info.name).expect(info.name);
            assert!(text.contains("parameters") && text.contains(info.step));
        }
        explain_recipe("no such").expect_err("unknown");
    }

    #[test]
    fn fixed_says_what_it_changes() {
        let info = recipes::find("mlp-relu").expect("is there");
        let changes = changes(info).expect("TOML");
        assert!(
            changes.contains("last-relu = false") && changes.contains("bn-eps"),
            "{changes}"
        );
    }

    #[test]
    fn thousands() {
        assert_eq!([grouped(7), grouped(1_948_545)], ["7", "1,948,545"]);
    }
}

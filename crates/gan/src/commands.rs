//! `gan recipes`, `gan data` and `gan info`: text about what there is.

use crate::cli::DataCommand;
use crate::recipes::{self, Info, RECIPES};
use crate::settings::Preset;
use crate::trainer::build;
use anyhow::Result;
use detach_mnist::{Dataset, Fetcher, Lookup, Split};
use detach_nn::{Network, count};
use detach_tensor::{Conv, Device, GpuInfo, Kind, Matmul};
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
                    dataset.provenance
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
pub fn info(variants: bool) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (device, _) = Device::auto(Matmul::default());
    let mut out = format!(
        "gan {}\ndevice   {device} (auto)\n{}threads  {} of {cores} cores\nsimd     {}\n",
        env!("CARGO_PKG_VERSION"),
        list_gpus(),
        rayon::current_num_threads(),
        detach_tensor::simd_level(),
    );
    if variants {
        out += &explain_variants();
    }
    out
}

/// A line for each GPU, or why there is none.
fn list_gpus() -> String {
    let gpus = match Device::gpus() {
        Ok(gpus) => gpus,
        Err(error) => return format!("gpu      none: {error}\n"),
    };
    let line = |(index, gpu): (usize, &GpuInfo)| {
        format!(
            "gpu      cuda:{index}: {}, compute capability {}.{}, {} multiprocessors, {:.1} GiB\n",
            gpu.name,
            gpu.capability / 10,
            gpu.capability % 10,
            gpu.multiprocessors,
            gpu.memory as f64 / f64::from(1 << 30),
        )
    };
    gpus.iter().enumerate().map(line).collect()
}

/// The implementations of every family of kernels, and the forms of the convolutions.
fn explain_variants() -> String {
    let mut out = "\nimplementations, from the plain loop to the one that runs\n".to_owned();
    for (family, names) in detach_tensor::kernel_families() {
        out += &format!("  {family:<7} {}\n", names.join(" · "));
    }
    out += "\nconvolutions: the form depends on the geometry alone\n";
    let up = |i, o, side| ("ConvTranspose2d", i, o, side, 4, 2, 1);
    let down = |i, o, side| ("Conv2d", i, o, side, 4, 2, 1);
    let networks = [
        (
            "dcgan",
            vec![
                up(256, 128, 7),
                up(128, 64, 14),
                ("Conv2d", 64, 1, 28, 3, 1, 1),
                down(1, 64, 28),
                down(64, 128, 14),
            ],
        ),
        (
            "dcgan-light",
            vec![
                ("ConvTranspose2d", 100, 128, 1, 7, 1, 0),
                up(128, 64, 7),
                up(64, 1, 14),
                ("Conv2d", 128, 1, 7, 7, 1, 0),
            ],
        ),
        (
            "dcgan64",
            vec![
                ("ConvTranspose2d", 100, 512, 1, 4, 1, 0),
                up(512, 256, 4),
                up(64, 3, 32),
                down(3, 64, 64),
                down(256, 512, 8),
                ("Conv2d", 512, 1, 4, 4, 1, 0),
            ],
        ),
    ];
    for (recipe, layers) in networks {
        for (kind, i, o, side, kernel, stride, padding) in layers {
            let x = [64, i, side, side];
            let ([stride_2, padding_2], kernels) = ([[stride; 2], [padding; 2]], [kernel; 2]);
            let [h, w] = kernels;
            let conv = match kind {
                "Conv2d" => Conv::forward(&x, &[o, i, h, w], stride_2, padding_2),
                _ => Conv::transposed(&x, &[i, o, h, w], stride_2, padding_2, [0, 0]),
            };
            let layer = format!("{kind}({i}, {o}, {kernel}, {stride}, {padding})");
            let size = format!("{side}×{side}");
            out += &format!("  {recipe:<12} {layer:<36} {size:>6}  {}\n", conv.form());
        }
    }
    out
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
    fn variants_name_every_family_and_form() {
        let text = info(true);
        for word in [
            "gemm",
            "philox",
            "matrixmultiply",
            "Winograd",
            "direct",
            "matrix product",
        ] {
            assert!(text.contains(word), "{word} in\n{text}");
        }
        assert!(!info(false).contains("Winograd"));
    }

    #[test]
    fn thousands() {
        assert_eq!([grouped(7), grouped(1_948_545)], ["7", "1,948,545"]);
    }
}

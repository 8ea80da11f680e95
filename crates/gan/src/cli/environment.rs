//! The variables that are read: what each means, and what it takes. An empty one is as good as none.

use super::usage::usage;
use anyhow::{Result, anyhow};
use detach_data::Error;
use detach_recipes::meant;
use detach_tensor::SimdLevel;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// A variable that is read.
struct Variable {
    name: &'static str,
    /// What it means, for the help.
    about: &'static str,
    /// What is wrong with a value.
    fault: fn(&str) -> Option<String>,
}

impl Variable {
    const fn of(
        name: &'static str,
        about: &'static str,
        fault: fn(&str) -> Option<String>,
    ) -> Self {
        Self { name, about, fault }
    }
}

const DATA_DIR: &str = "GAN_DATA_DIR";
const LOG: &str = "GAN_LOG";
const THREADS: &str = "RAYON_NUM_THREADS";

/// All that this program or what it is made of reads. Where every value means something, the value is left to who
/// reads it.
const VARIABLES: &[Variable] = &[
    Variable::of(DATA_DIR, "the data, as --data-dir says it", |_| None),
    Variable::of(
        "GAN_MIRROR",
        "where MNIST is downloaded from first, as --mirror says it",
        |value| super::mirror::address(value).err(),
    ),
    Variable::of(
        LOG,
        "what is logged on stderr: off, error, warn, info, debug or trace, for all or for MODULE=LEVEL,…",
        |value| log_filter_of(value).err(),
    ),
    Variable::of(THREADS, "threads, as --threads says it", |value| {
        let fits = value.parse().is_ok_and(|n: u16| (1..=1024).contains(&n));
        (!fits).then(|| "it takes a number from 1 to 1024".to_owned())
    }),
    Variable::of(
        "DETACH_SIMD",
        "the instructions that are used, where the processor has more: portable, avx2 or avx512",
        |value| {
            let unknown = SimdLevel::named(value).is_none();
            unknown.then(|| "it takes portable, avx2 or avx512".to_owned())
        },
    ),
    Variable::of(
        "DETACH_EAGER",
        "1: a GPU runs every step kernel by kernel, to find a fault",
        of_switch,
    ),
    Variable::of(
        "DETACH_NO_POOL",
        "1: every buffer of a GPU is an allocation of its own, to find a fault",
        of_switch,
    ),
    Variable::of(
        "NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM",
        "colours, and whether a line can be written over",
        |_| None,
    ),
    Variable::of("XDG_CACHE_HOME, HOME", "where a download is kept", |_| None),
    Variable::of(
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "the way of a download",
        |_| None,
    ),
    Variable::of("CUDA_VISIBLE_DEVICES", "the GPUs that there are", |_| None),
];

fn of_switch(value: &str) -> Option<String> {
    let known = matches!(value, "0" | "1");
    (!known).then(|| "it takes 1 or 0".to_owned())
}

/// The value of a variable that is there and not empty.
fn value_of(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Refuses values that mean nothing, before any work.
///
/// # Errors
/// A usage error that names the variable.
pub(super) fn check() -> Result<()> {
    for Variable { name, fault, .. } in VARIABLES {
        let Some(value) = value_of(name) else {
            continue;
        };
        let value = value.to_string_lossy();
        if let Some(fault) = fault(&value) {
            return Err(usage(anyhow!(
                "the environment variable {name} is `{value}`: {fault}; correct or unset it"
            )));
        }
    }
    Ok(())
}

/// What is logged; warnings where nothing is said.
pub(super) fn log_filter() -> EnvFilter {
    let asked = value_of(LOG).and_then(|value| log_filter_of(&value.to_string_lossy()).ok());
    asked.unwrap_or_else(|| "warn".into())
}

fn log_filter_of(value: &str) -> Result<EnvFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let entries = value.split(',').map(str::trim);
    let entries: Vec<&str> = entries.filter(|entry| !entry.is_empty()).collect();
    for entry in &entries {
        // A word alone would be taken for a module whose everything is logged.
        let level = entry.rsplit_once('=').map_or(*entry, |(_, level)| level);
        let level = level.to_ascii_lowercase();
        if !entry.contains('[') && !LEVELS.contains(&level.as_str()) {
            let hint = meant(&level, LEVELS.into_iter());
            return Err(format!(
                "`{level}` is no level{hint}; there are: {}",
                LEVELS.join(", ")
            ));
        }
    }
    EnvFilter::try_new(entries.join(",")).map_err(|error| error.to_string())
}

/// How many threads the environment asks for.
pub(super) fn threads() -> Option<u16> {
    value_of(THREADS)?.to_str()?.parse().ok()
}

/// The data that the environment names.
pub(super) fn data_dir() -> Option<PathBuf> {
    value_of(DATA_DIR).map(PathBuf::from)
}

/// The error of data that nothing but the environment may have named: with the variable, and a usage error where there
/// is no data.
pub(super) fn data_fault(error: Error) -> anyhow::Error {
    match (data_dir(), &error) {
        (Some(path), Error::NotThere { .. }) => usage(anyhow!(
            "the environment variable {DATA_DIR} is `{}`: {error}; correct or unset it, or give --data-dir",
            path.display()
        )),
        (Some(_), _) => anyhow::Error::from(error)
            .context(format!("data of the environment variable {DATA_DIR}")),
        (None, _) => error.into(),
    }
}

/// The part of the help about the environment, and about what goes before what.
pub(super) fn help() -> String {
    let mut out = "\
Start with `gan train`: digits in about two minutes, with or without a network.

A run has the same bits on any number of threads, and on every processor with AVX2, AVX-512 or 64-bit ARM's vectors. \
Processors without fused multiply-adds, browsers and GPUs differ in last bits.

What is said in several places: a flag goes before what a run's config.toml or --config says, that before an \
environment variable, and that before the default, which is the recipe's where it is one of a recipe's settings. Of \
flags, --set goes before the others.

Environment (empty is as good as unset):
"
    .to_owned();
    for Variable { name, about, .. } in VARIABLES {
        out += &format!("  {name}\n          {about}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_from_slips() {
        for good in [
            "warn",
            "INFO",
            "detach_gan=debug",
            "warn,detach_nn=trace",
            "info, ",
            "off",
        ] {
            log_filter_of(good).unwrap_or_else(|e| panic!("{good}: {e}"));
        }
        for bad in [
            "inof",
            "detach_gan=verbose",
            "warn,debgu",
            "yes",
            "=",
            "detach_gan=",
        ] {
            log_filter_of(bad).expect_err(bad);
        }
        assert!(log_filter_of("inof").is_err_and(|e| e.contains("did you mean `info`?")));
    }

    #[test]
    fn every_variable_that_takes_few_values_refuses_others() {
        for Variable { name, fault, .. } in VARIABLES {
            let takes_all = fault("no such value").is_none();
            let free = [DATA_DIR, "TERM", "HOME", "PROXY", "CUDA"];
            assert_eq!(
                takes_all,
                free.iter().any(|part| name.contains(part)),
                "{name}"
            );
        }
    }
}

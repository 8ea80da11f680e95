//! `gan report`.

use super::usage::usage;
use super::{output, shell, threads};
use crate::describe::describe;
use crate::report::{Commands, Comparison, Depth, beside, write, write_comparison};
use crate::run::data::names;
use crate::run::{Config, Run};
use crate::score::Scores;
use anyhow::{Result, anyhow};
use detach_recipes::Preset;
use std::path::{Path, PathBuf};

/// `gan report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan report runs/dcgan-1                       report.html in the run's folder
  gan report runs/dcgan-1 --out dcgan.html      the same elsewhere, to be sent to somebody
  gan report runs/dcgan-1 runs/mlp-1            both side by side, in compare.html

A page is one file of at most 2 MB that any browser opens; it loads nothing.")]
pub(super) struct Args {
    /// Run directories
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The file to write, .html [default: RUN/report.html, of several runs compare.html]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// Writes the page; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    if let Some(out) = &args.out {
        let (name, _) = output::kind_of(out);
        if !name.ends_with(".html") {
            return Err(usage(anyhow!("--out {}: end it in .html", out.display())));
        }
        output::ensure_place(out)?;
    }
    let runs: Vec<Run> = args
        .runs
        .iter()
        .map(|path| Run::open(path))
        .collect::<Result<_>>()?;
    let out = match (&args.out, &runs[..]) {
        (Some(out), _) => out.clone(),
        (None, [run]) => run.report(),
        (None, _) => PathBuf::from("compare.html"),
    };
    match &runs[..] {
        [run] => write(run, Depth::Whole, &commands(run, &run.config()?), &out)?,
        runs => {
            let mut page = Comparison::default();
            for run in runs {
                page.add(run, Scores::new())?;
            }
            write_comparison(&page, &out)?;
        }
    }
    Ok(format!("the page is {}\n", out.display()))
}

/// Writes the page of a run that has ended; where a signal ended it, without what takes seconds. A page that cannot be
/// written costs a warning.
pub(super) fn write_at_end(run: &Run, config: &Config, is_hurried: bool) {
    let depth = match is_hurried {
        true => Depth::Record,
        false => Depth::Whole,
    };
    if let Err(error) = write(run, depth, &commands(run, config), &run.report()) {
        tracing::warn!("no report.html: {}", describe(&error));
    }
}

/// The commands that a run's page names.
pub(super) fn commands(run: &Run, config: &Config) -> Commands {
    let dir = shell::word(run.dir());
    let published = config
        .setup()
        .map(|setup| setup.recipe().setup(Preset::AsPublished));
    let epochs = published.map_or(0, |published| published.settings.epochs);
    let go_on = match epochs > config.settings.epochs || config.max_steps.is_some() {
        true => format!("--epochs {}", epochs.max(config.settings.epochs)),
        false => "--more 1".to_owned(),
    };
    Commands {
        again: again(run, config),
        go_on: format!("gan train --resume {dir} {go_on}"),
        score: format!("gan score {dir}"),
        over_time: format!("gan train {} --score-every 500", config.recipe),
        renew: format!("gan report {dir}"),
    }
}

/// The command that makes the run again: by its flags, or where these cannot say it, by its record.
fn again(run: &Run, config: &Config) -> String {
    let mut words = flags(config).unwrap_or_else(|| {
        let record = run.dir().join("config.toml");
        vec!["--config".to_owned(), shell::word(&record)]
    });
    if let Some(steps) = config.max_steps {
        words.extend(["--max-steps".to_owned(), steps.to_string()]);
    }
    format!("gan train {}", words.join(" "))
}

/// The recipe, its settings and its data as words of `gan train`; `None` where there are none for it.
fn flags(config: &Config) -> Option<Vec<String>> {
    const OWN: [&str; 3] = ["epochs", "seed", "batch-size"];
    let setup = config.setup().ok()?;
    let mut words = vec![config.recipe.clone()];
    if config.preset != Preset::AsPublished {
        words.extend(["--preset".to_owned(), config.preset.name().to_owned()]);
    }
    let mut told = setup.recipe().setup(config.preset);
    for setting in beside(&setup, config.preset).ok()? {
        if setting.published.is_none() {
            continue;
        }
        let (key, assignment) = (&setting.key, format!("{}={}", setting.key, setting.value));
        told.set(&assignment).ok()?;
        match OWN.contains(&&**key) {
            true => words.extend([format!("--{key}"), setting.value]),
            false => words.extend(["--set".to_owned(), as_word(&assignment)]),
        }
    }
    words.extend(place(config)?);
    (told == setup).then_some(words)
}

/// An assignment as a word: bare where no shell sees anything in it.
fn as_word(assignment: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=.-_:+".contains(c);
    match assignment.chars().all(is_plain) {
        true => assignment.to_owned(),
        false => shell::word(Path::new(assignment)),
    }
}

/// The data as words; `None` where no flag says which it is.
fn place(config: &Config) -> Option<Vec<String>> {
    const DRAWN: u64 = 0;
    let names: Vec<&str> = names(config)
        .ok()?
        .into_iter()
        .map(detach_data::Named::name)
        .collect();
    let mut words = match names.is_empty() {
        true => Vec::new(),
        false => vec!["--data".to_owned(), names.join(",")],
    };
    let dir = config.data_dir.as_ref().or(config.data_path.as_ref());
    words.extend(
        dir.into_iter()
            .flat_map(|dir| ["--data-dir".to_owned(), shell::word(dir)]),
    );
    config
        .data_seed
        .is_none_or(|seed| seed == DRAWN)
        .then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_recipes::{RECIPES, find};

    #[test]
    fn every_preset_has_a_command() {
        for recipe in RECIPES {
            for preset in Preset::ALL {
                let config = Config::of(&recipe.setup(preset));
                let words = flags(&config).unwrap_or_else(|| panic!("{}", recipe.name()));
                assert_eq!(words[0], recipe.name());
            }
        }
    }

    #[test]
    fn a_command_says_what_was_changed_and_nothing_else() {
        let mut setup = find("dcgan").expect("dcgan").setup(Preset::AsPublished);
        for set in ["d.lr=1e-3", "epochs=3", "g.ema=0.99", "pictures.mode=batch"] {
            setup.set(set).expect(set);
        }
        let mut config = Config::of(&setup);
        config.data_dir = Some("my digits".into());
        let words = flags(&config).expect("words").join(" ");
        assert!(words.starts_with("dcgan --"), "{words}");
        for part in [
            "--epochs 3",
            "--set d.lr=0.001",
            "--set g.ema=0.99",
            "--data-dir 'my digits'",
        ] {
            assert!(words.contains(part), "no `{part}` in {words}");
        }
        assert!(!words.contains("beta1"), "{words}");
        // Digits of another seed can be had from the record alone.
        config.data_seed = Some(7);
        assert_eq!(flags(&config), None);
    }
}

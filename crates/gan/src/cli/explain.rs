//! `gan explain`.

use super::device::Opened;
use super::usage::{usage, with_hint};
use super::{elsewhere, output, terminal, threads};
use crate::lesson::explain::{Level, NoSuchStep, Source, StepGraph, dot, explain, page, svg, text};
use crate::run::Run;
use anyhow::{Result, anyhow};
use clap::ValueEnum;
use detach_recipes::settings::MatmulMode;
use detach_recipes::{Preset, Setup, find};
use std::path::{Path, PathBuf};

/// `gan explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan explain                                      a step of dcgan, layer by layer
  gan explain dcgan --turn d --level ops           D's turn alone, op by op
  gan explain dcgan --out step.html                a page that folds by layer, for any browser
  gan explain runs/mlp-1 --step 200 --out step.svg the 200th step of a run, made again from the checkpoint before it
  gan explain lab --set loop=dcgan --set detach-d=false --out step.dot

‖y‖ is the norm of what a layer gives, ‖dy‖ that of the gradient that comes back to it, ‖dW‖ that of its parameters. FLOP count each
product and each sum of the direct algorithm. Times are of this one step.")]
pub(super) struct Args {
    /// A recipe, before its first step, or a run, where it stands
    #[arg(default_value = "dcgan", value_name = "RECIPE|RUN")]
    what: String,
    /// The step to look at, from 1 [default: the next one]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    step: Option<u64>,
    /// Whose turns alone
    #[arg(long, value_enum)]
    turn: Option<Who>,
    /// How closely: layer by layer or op by op; a page has both
    #[arg(long, value_enum, default_value = "layers")]
    level: Depth,
    /// A file to write instead of text: .html, .svg, .dot or .json
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write one JSON object instead of text
    #[arg(long, conflicts_with = "out")]
    json: bool,
    /// A setting of the recipe, KEY=VALUE; a run has its own
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Images in a batch [default: the recipe's]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Seed of weights and draws [default: the recipe's]
    #[arg(long)]
    seed: Option<u64>,
    /// The images [default: a run's own; digits that are drawn]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to compute: cpu, cuda:N or auto
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// Whose turns.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Who {
    /// The discriminator's
    D,
    /// The generator's
    G,
}

/// How closely.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Depth {
    /// A line a layer
    Layers,
    /// A line an op
    Ops,
}

/// What a file is to hold.
#[derive(Clone, Copy, Debug)]
enum Form {
    Page,
    Svg,
    Dot,
    Json,
}

/// Makes the step and tells it; returns what to write on stdout.
pub(super) fn run(args: &Args) -> Result<String> {
    let file = args
        .out
        .as_deref()
        .map(|out| Ok::<_, anyhow::Error>((out, form_of(out)?)));
    let file = file.transpose()?;
    let kind = Opened::open(&args.device, MatmulMode::Fp32)?.kind();
    let source = args.source()?;
    let mut trainer = source.before(args.step, kind).map_err(|error| {
        match error.downcast_ref::<NoSuchStep>() {
            Some(_) => with_hint(error, "choose an earlier one with --step"),
            None => error,
        }
    })?;
    source.warm(&trainer)?;
    let mut step = explain(&mut trainer, &source.name);
    if let Some(who) = args.turn {
        let who = match who {
            Who::D => "d",
            Who::G => "g",
        };
        step.turns.retain(|turn| turn.who == who);
    }
    let level = match args.level {
        Depth::Layers => Level::Layers,
        Depth::Ops => Level::Ops,
    };
    match file {
        Some((out, form)) => {
            let text = formed(&step, form, level)?;
            let written = detach_files::write(out, |file| file.write_all(text.as_bytes()));
            written.map_err(elsewhere)?;
            Ok(format!("the step is {}\n", out.display()))
        }
        None if args.json => formed(&step, Form::Json, level),
        None => Ok(coloured(text(&step, level))),
    }
}

impl Args {
    fn source(&self) -> Result<Source> {
        let images = self.data_dir.as_deref();
        if let Some(run) = Run::find(Path::new(&self.what)) {
            let is_changed =
                self.batch_size.is_some() || self.seed.is_some() || !self.settings.is_empty();
            if is_changed {
                return Err(usage(anyhow!(
                    "a run has its own settings; leave out --batch-size, --seed and --set, or name a recipe"
                )));
            }
            return Source::of_run(run, images);
        }
        Ok(Source::of_recipe(self.setup()?, images))
    }

    fn setup(&self) -> Result<Setup> {
        let recipe = find(&self.what)
            .map_err(|error| with_hint(error, "and there is no run of that name"))?;
        let mut setup = recipe.setup(Preset::AsPublished);
        for setting in &self.settings {
            setup.set(setting).map_err(usage)?;
        }
        let settings = &mut setup.settings;
        settings.batch_size = self.batch_size.unwrap_or(settings.batch_size);
        settings.seed = self.seed.unwrap_or(settings.seed);
        setup.check().map_err(usage)?;
        Ok(setup)
    }
}

fn form_of(out: &Path) -> Result<Form> {
    output::ensure_place(out)?;
    let (name, _) = output::kind_of(out);
    let forms = [
        (".html", Form::Page),
        (".svg", Form::Svg),
        (".dot", Form::Dot),
        (".json", Form::Json),
    ];
    let form = forms.into_iter().find(|(end, _)| name.ends_with(end));
    form.map(|(_, form)| form).ok_or_else(|| {
        usage(anyhow!(
            "--out {}: end it in .html, .svg, .dot or .json",
            out.display()
        ))
    })
}

fn formed(step: &StepGraph, form: Form, level: Level) -> Result<String> {
    match form {
        Form::Page => page(step),
        Form::Svg => Ok(svg(step, level)),
        Form::Dot => Ok(dot(step, level)),
        Form::Json => Ok(serde_json::to_string_pretty(step)? + "\n"),
    }
}

/// The marks of G and D in their colours, where there are any.
fn coloured(text: String) -> String {
    match terminal::colours_of_stdout() {
        None => text,
        Some(_) => {
            let text = text.replace('●', "\x1b[38;5;166m●\x1b[0m");
            text.replace('■', "\x1b[38;5;33m■\x1b[0m")
        }
    }
}

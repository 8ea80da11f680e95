//! `gan import`.

use super::usage::{usage, with_hint};
use super::{elsewhere, output, shell, threads, train, values};
use crate::import::fill;
use crate::run::folder::FolderError;
use crate::run::{Config, Run};
use anyhow::{Context, Result};
use detach_recipes::checkpoint::before_the_first_step;
use detach_recipes::{Preset, Setup, find};
use detach_tensor::Kind;
use std::path::PathBuf;

/// `gan import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan import dcgan.safetensors --recipe dcgan               tensors called generator.0.weight, discriminator.0.weight, …
  gan import G.safetensors --recipe mlp --out runs/theirs   those of G alone, called 0.weight, …; D begins anew
  gan import G.safetensors --discriminator D.safetensors --recipe mlp --preset fixed

What comes of it is a run at step 0, with fresh optimisers: to sample, to score, and to go on from with `gan train --resume`.
Names, shapes and types are those of an `nn.Sequential` in PyTorch; `gan export RUN --to npz` writes an example of them.")]
pub(super) struct Args {
    /// A safetensors file with weights of both networks, or of the generator
    weights: PathBuf,
    /// The recipe whose networks they are of
    #[arg(long)]
    recipe: String,
    /// A safetensors file with the weights of the discriminator alone
    #[arg(long, value_name = "FILE")]
    discriminator: Option<PathBuf>,
    /// Which version of the recipe: as-published or fixed [default: as-published]
    #[arg(long, value_parser = values::preset(), hide_possible_values = true)]
    preset: Option<Preset>,
    /// Change a setting, such as the width that the networks have
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The run directory to make [default: runs/RECIPE-N]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

impl Args {
    fn setup(&self) -> Result<Setup> {
        let mut setup = find(&self.recipe)?.setup(self.preset.unwrap_or_default());
        for assignment in &self.set {
            setup.set(assignment).context("wrong --set")?;
        }
        Ok(setup)
    }
}

/// Makes a run of the weights; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let setup = args.setup().map_err(usage)?;
    if let Some(d) = &args.discriminator {
        output::ensure_different(("WEIGHTS", &args.weights), ("--discriminator", d))?;
    }
    train::ensure_fits(&setup, "cpu")?;
    let recipe = setup.build(Kind::default())?;
    let d = args.discriminator.as_deref();
    let others: Vec<_> = d.map(|path| ("discriminator", path)).into_iter().collect();
    let filled = fill(&*recipe, &args.weights, &others)?;
    let checkpoint = before_the_first_step(&*recipe, &setup)?;

    let made = Run::create(args.out.as_deref(), setup.recipe().name());
    let (run, _lock) = made.map_err(|error| match &error {
        FolderError::Taken(_) => with_hint(error, "choose another --out"),
        FolderError::Unmade(..) => elsewhere(error),
        FolderError::Locked(_) => error.into(),
    })?;
    let mut config = Config::of(&setup);
    "not known: its weights were imported".clone_into(&mut config.data);
    run.save(0, &checkpoint, &recipe.networks())?;
    run.write_config(&config)?;

    let dir = shell::word(run.dir());
    let given = filled.given.join(" and ");
    let fresh = match filled.fresh.is_empty() {
        true => String::new(),
        false => format!("; {}: drawn anew", filled.fresh.join(" and ")),
    };
    let program = super::program();
    Ok(format!(
        "{given} imported{fresh}; step 0, optimisers fresh\n\
         next     {program} sample {dir} --count 64 --out digits.png\n         \
         {program} train --resume {dir}   (go on)\n",
    ))
}

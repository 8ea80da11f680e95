//! `gan recipes`.

mod lang;

use super::usage::usage;
use super::values;
use crate::export::pytorch::{self, Start};
use crate::show::text::{grouped, indented};
use anyhow::{Context, Result};
use detach_nn::{Network, count};
use detach_recipes::{DataKind, Line, Preset, RECIPES, Recipe, RecipeInfo, Setup, Turn, find};
use detach_tensor::{Array, Kind, Tensor};
use lang::{Headings, Lang};
use std::fmt::Write;

/// `gan recipes`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan recipes                                      what there is
  gan recipes dcgan                                losses, layers, settings and whose they are
  gan recipes dcgan --lang zh                      the same in Chinese
  gan recipes dcgan --pytorch > dcgan.py           its networks, optimisers and loop in PyTorch
  gan recipes mlp --pytorch --set order=g-first    the other published order

`gan export RUN --to pytorch` writes the same program with a run's settings and weights.")]
pub(super) struct Args {
    /// Explain this one: losses, networks, parameters, settings, whose numbers they are, what the
    /// presets change
    name: Option<String>,
    /// The language
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// Print its program for PyTorch instead: networks, initial weights, optimisers and the loop
    #[arg(long, requires = "name", conflicts_with = "lang")]
    pytorch: bool,
    /// The program's version of the recipe: as-published or fixed [default: as-published]
    #[arg(long, requires = "pytorch", value_parser = values::preset(), hide_possible_values = true)]
    preset: Option<Preset>,
    /// Change a setting in the program, as `gan train` does
    #[arg(long, value_name = "KEY=VALUE", requires = "pytorch")]
    set: Vec<String>,
}

/// The list, or everything about one.
pub(super) fn run(args: &Args) -> Result<String> {
    match &args.name {
        Some(name) => {
            let info = find(name).map_err(usage)?;
            match args.pytorch {
                true => program(info, args),
                false => explain(info, args.lang),
            }
        }
        None => Ok(list(args.lang)),
    }
}

/// A line for each recipe.
fn list(lang: Lang) -> String {
    let mut out = String::new();
    for recipe in RECIPES {
        let summary = lang.words(recipe.about).summary;
        let _ = writeln!(out, "{:<12} {summary}", recipe.name());
    }
    let _ = writeln!(out, "\n{}", lang.headings().more);
    out
}

/// The recipe as a program for PyTorch, from new weights.
fn program(info: &'static RecipeInfo, args: &Args) -> Result<String> {
    let mut setup = info.setup(args.preset.unwrap_or_default());
    for assignment in &args.set {
        let set = setup.set(assignment).context("wrong --set");
        set.map_err(usage)?;
    }
    let about = format!("`{}` of Detach in PyTorch.", info.name());
    pytorch::script(&setup, &about, &rows(&setup)?, Start::Anew)
}

/// The networks of a recipe before its first step, layer by layer.
fn rows(setup: &Setup) -> Result<Vec<pytorch::Row>> {
    let (recipe, data) = (setup.build(Kind::default())?, setup.data()?[0]);
    let networks = recipe.networks().into_iter();
    let rows = networks.map(|(name, net)| net.outline(&input_of(name, &*recipe, data)));
    Ok(rows.collect())
}

/// A step's lines: whose turn, the switch, what happens.
fn listed(lines: &[Line]) -> String {
    let row = |line: &Line| {
        let turn = match line.turn {
            Some(Turn::D) => "D",
            Some(Turn::G) => "G",
            None => "",
        };
        format!(
            "{turn:1}  {:15}  {}",
            line.switch.unwrap_or_default(),
            line.text
        )
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Everything about one recipe.
fn explain(info: &'static RecipeInfo, lang: Lang) -> Result<String> {
    let setup = info.setup(Preset::AsPublished);
    let recipe = setup.build(Kind::default())?;
    let (about, words, heads) = (info.about, lang.words(info.about), lang.headings());
    let mut out = format!("{}{}{}\n\n", about.name, heads.colon, words.summary);
    for (name, network) in recipe.networks() {
        let input = input_of(name, &*recipe, setup.data()?[0]);
        let _ = writeln!(out, "{}", outlined(name, network, &input, heads));
    }
    let _ = writeln!(out, "{}{}\n", heads.step, words.step);
    let listing = recipe.listing();
    if !listing.is_empty() {
        let lines = indented(&listed(&listing));
        let _ = writeln!(out, "{}\n{lines}", heads.listing);
    }
    let losses = list_of(words.losses, "  ");
    let _ = writeln!(out, "{}\n{losses}", heads.losses);
    let _ = writeln!(out, "{}{}\n", heads.detach, words.detach);
    let lines = indented(&setup.lines()?.join("\n"));
    let _ = writeln!(out, "{}\n{lines}", heads.settings);
    let sources = list_of(words.sources, "  - ");
    let _ = writeln!(out, "{}\n{sources}", heads.sources);
    match changes(info)?.as_slice() {
        [] => {
            let _ = writeln!(out, "{}\n", heads.no_changes);
        }
        changes => {
            let lines = indented(&changes.join("\n"));
            let _ = writeln!(out, "{}\n{lines}", heads.changes);
        }
    }
    if let Some(log) = &about.log {
        let head = heads.log.replace("{}", about.name);
        let of = lang.source(log);
        let _ = writeln!(out, "{head}\n  {}\n  - {of}\n", log.format);
    }
    let _ = write!(out, "{}\n{}", heads.notes, list_of(words.notes, "  - "));
    Ok(out)
}

fn list_of(items: &[&str], mark: &str) -> String {
    items.iter().map(|item| format!("{mark}{item}\n")).collect()
}

/// What the network called `name` takes, two of it.
pub(super) fn input_of(name: &str, recipe: &dyn Recipe, data: DataKind) -> Tensor {
    let shape = match name {
        "generator" => recipe.sampler().input().shape(2),
        _ => data.shape(2),
    };
    Tensor::constant(Array::zeros(&shape, Kind::default()))
}

/// The network layer by layer, with the shape of what each gives.
fn outlined(name: &str, network: &dyn Network, input: &Tensor, heads: &Headings) -> String {
    let parameters = heads.parameters.replace("{}", &grouped(count(network)));
    let (title, ends) = match name {
        "generator" => (heads.generator, ""),
        "discriminator" => (heads.discriminator, heads.to_logits),
        other => (other, ""),
    };
    let mut out = format!("{title}{ends}{parameters}\n");
    let layers = network.outline(input);
    let width = layers.iter().map(|(layer, _)| layer.chars().count()).max();
    let width = width.unwrap_or(0);
    for (i, (layer, shape)) in layers.iter().enumerate() {
        let shape: Vec<String> = shape[1..].iter().map(usize::to_string).collect();
        let padding = width - layer.chars().count();
        let _ = writeln!(
            out,
            "  ({i}){:indent$} {layer}{:padding$}  → [N, {}]",
            "",
            "",
            shape.join(", "),
            indent = usize::from(i < 10),
        );
    }
    out
}

/// The settings that `fixed` has otherwise, as lines.
fn changes(info: &'static RecipeInfo) -> Result<Vec<String>> {
    let published = info.setup(Preset::AsPublished).lines()?;
    let fixed = info.setup(Preset::Fixed).lines()?;
    let changed = fixed.into_iter().filter(|line| !published.contains(line));
    Ok(changed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_explained() {
        for info in RECIPES {
            let about = info.about;
            for (lang, words) in [(Lang::En, about.en()), (Lang::Zh, about.zh)] {
                let text = explain(info, lang).unwrap_or_else(|e| panic!("{}: {e:#}", info.name()));
                assert!(text.contains(words.step) && text.contains(words.detach));
                for part in words.losses.iter().chain(words.sources).chain(words.notes) {
                    assert!(text.contains(part), "{}: no `{part}`", about.name);
                }
            }
        }
    }

    #[test]
    fn layers_are_shown_with_their_shapes() {
        let text = explain(find("dcgan-light").expect("is there"), Lang::En).expect("text");
        for line in [
            "→ [N, 128, 7, 7]",
            "→ [N, 64, 14, 14]",
            "→ [N, 1, 28, 28]",
            "→ [N, 1]",
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
    }
}

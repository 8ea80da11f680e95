//! `gan recipes`.

use super::usage::usage;
use crate::show::text::{grouped, indented};
use anyhow::Result;
use detach_nn::{Network, count};
use detach_recipes::{DataKind, Line, Preset, RECIPES, Recipe, RecipeInfo, Turn, find};
use detach_tensor::{Array, Kind, Tensor};
use std::fmt::Write;

/// `gan recipes`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Explain this one: losses, networks, parameters, settings, whose numbers they are, what the
    /// presets change
    name: Option<String>,
}

/// The list, or everything about one.
pub(super) fn run(args: &Args) -> Result<String> {
    match &args.name {
        Some(name) => explain(find(name).map_err(usage)?),
        None => Ok(list()),
    }
}

/// A line for each recipe.
fn list() -> String {
    let mut out = String::new();
    for recipe in RECIPES {
        let _ = writeln!(out, "{:<12} {}", recipe.name(), recipe.about.summary);
    }
    out.push_str("\n`gan recipes NAME` explains one; `gan train NAME` trains it.\n");
    out
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
fn explain(info: &'static RecipeInfo) -> Result<String> {
    let setup = info.setup(Preset::AsPublished);
    let recipe = setup.build(Kind::default())?;
    let about = info.about;
    let mut out = format!("{}: {}\n\n", about.name, about.summary);
    for (name, network) in recipe.networks() {
        let input = input_of(name, &*recipe, setup.data()?[0]);
        let _ = writeln!(out, "{}", outlined(name, network, &input));
    }
    let _ = writeln!(out, "One step: {}\n", about.step);
    let listing = recipe.listing();
    if !listing.is_empty() {
        let _ = writeln!(
            out,
            "As it is set, line by line, with the switch that each holds\n{}",
            indented(&listed(&listing))
        );
    }
    let _ = writeln!(out, "Losses\n{}", list_of(about.losses, "  "));
    let _ = writeln!(
        out,
        "Where to see `detach` and freezing: {}\n",
        about.detach
    );
    let lines = setup.lines()?.join("\n");
    let _ = writeln!(out, "Settings as published\n{}", indented(&lines));
    let _ = writeln!(out, "Whose numbers\n{}", list_of(about.sources, "  - "));
    match changes(info)?.as_slice() {
        [] => out.push_str("`--preset fixed` changes nothing here.\n"),
        changes => {
            let _ = writeln!(
                out,
                "`--preset fixed` changes\n{}",
                indented(&changes.join("\n"))
            );
        }
    }
    let _ = write!(out, "Notes\n{}", list_of(about.notes, "  - "));
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
fn outlined(name: &str, network: &dyn Network, input: &Tensor) -> String {
    let mut title = name.to_owned();
    title[..1].make_ascii_uppercase();
    if name == "discriminator" {
        title += " (to logits; σ is in the loss)";
    }
    let mut out = format!("{title}, {} parameters\n", grouped(count(network)));
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
            let text = explain(info).unwrap_or_else(|e| panic!("{}: {e:#}", info.name()));
            let about = info.about;
            assert!(text.contains("parameters") && text.contains(about.step));
            for part in about.losses.iter().chain(about.sources).chain(about.notes) {
                assert!(text.contains(part), "{}: no `{part}`", about.name);
            }
        }
    }

    #[test]
    fn layers_are_shown_with_their_shapes() {
        let text = explain(find("dcgan-light").expect("is there")).expect("text");
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

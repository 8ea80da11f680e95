//! A recipe as a script for PyTorch: its networks, its loop and its optimisers, to go on from weights beside it.
//!
//! A script is the files of this folder one after the other, each a part of it that reads the constants above it. What
//! depends on settings is written here: [`Script`].

mod layer;
mod optim;

use anyhow::{Context, Result, bail};
use detach_nn::Optim;
use detach_recipes::settings::Sampling;
use detach_recipes::{DataKind, Setup};
use std::fmt::Write;
use toml::Value;

/// Loops on cross-entropy.
const CROSS_ENTROPY: &str = include_str!("cross_entropy.py");

/// The recipes that can be written, with the parts of the script that are their loop; an `mlp` has one for each order.
const LOOPS: &[(&str, &[&str])] = &[
    ("dcgan-light", FRESH),
    ("dcgan", &[CROSS_ENTROPY, include_str!("same_fakes.py")]),
    ("dcgan64", FRESH),
    ("mlp", FRESH),
    ("mlp-relu", G_FIRST),
    ("wgan", &[include_str!("wgan.py")]),
    ("wgan-gp", CRITIC),
    ("lsgan", CRITIC),
];
const FRESH: &[&str] = &[CROSS_ENTROPY, include_str!("fresh_fakes.py")];
const G_FIRST: &[&str] = &[CROSS_ENTROPY, include_str!("g_first.py")];
const CRITIC: &[&str] = &[include_str!("critic.py")];

/// A network as a row of layers, each with the shape of what it gives.
pub type Row = Vec<(String, Vec<usize>)>;

/// The script of a recipe whose generator and discriminator are these; `about` says in a line where it comes from.
///
/// # Errors
/// When the recipe, a layer, or a setting of an optimiser has no part in any script, naming it.
pub fn script(setup: &Setup, about: &str, [g, d]: [&Row; 2]) -> Result<String> {
    let parts = parts_of(setup)?;
    let DataKind::Images(size) = setup.data()?[0] else {
        bail!("scripts are of images");
    };
    let mut out = format!("\"\"\"{about}\n\nNeeds torch, numpy and safetensors. {USE}\"\"\"\n\n");
    out += include_str!("imports.py");
    let settings = &setup.settings;
    let (with_replacement, drop_last) = match settings.sampling {
        Sampling::Shuffled { drop_last } => (false, drop_last),
        Sampling::WithReplacement | Sampling::Endless { .. } => (true, false),
    };
    let options = Value::Table(setup.options().clone());
    let _ = write!(
        out,
        "\nOPTIONS = {}\nBATCH = {}\nSAMPLE = ({}, {side}, {side})\nWITH_REPLACEMENT = {}\nDROP_LAST = {}\n",
        literal(&options, 0),
        settings.batch_size,
        size.channels,
        literal(&with_replacement.into(), 0),
        literal(&drop_last.into(), 0),
        side = size.side,
    );
    for (name, row) in [("generator", g), ("discriminator", d)] {
        let _ = write!(out, "\n\ndef {name}():\n    return nn.Sequential(\n");
        for (text, shape) in row {
            let layer = layer::of(text, shape).with_context(|| refusal(setup))?;
            let _ = writeln!(out, "        {layer},");
        }
        out += "    )\n";
    }
    out += "\n\ndef optimisers(G, D):\n    return {\n";
    for (name, key) in [("G", "g"), ("D", "d")] {
        let table = setup.options().get(key).cloned();
        let table = table.with_context(|| format!("no optimiser `{key}`"))?;
        let optim: Optim = table.try_into()?;
        let call = optim::of(&optim, name, key).with_context(|| refusal(setup))?;
        let _ = writeln!(out, "        \"{name}\": {call},");
    }
    out += "    }\n";
    for part in parts.iter().chain([&include_str!("frame.py")]) {
        let _ = write!(out, "\n\n{part}");
    }
    Ok(out)
}

const USE: &str = "`python train.py --data FOLDER_OF_IDX_FILES` goes on from the weights beside this
script, with fresh optimisers. D ends in logits; where there is a sigma in its loss, that is computed from them.
";

fn refusal(setup: &Setup) -> String {
    format!("cannot write `{}` for PyTorch", setup.recipe().name())
}

fn parts_of(setup: &Setup) -> Result<&'static [&'static str]> {
    let recipe = setup.recipe().name();
    if setup.options().get("order").and_then(Value::as_str) == Some("g-first") {
        return Ok(G_FIRST);
    }
    let known = LOOPS.iter().find(|(name, _)| *name == recipe);
    let names: Vec<&str> = LOOPS.iter().map(|(name, _)| *name).collect();
    let (_, parts) = known.with_context(|| {
        format!(
            "`{recipe}` cannot be written for PyTorch yet; these can: {} (for the weights alone, and for networks to run, \
             use --to npz or --to onnx)",
            names.join(", ")
        )
    })?;
    Ok(parts)
}

/// A value in Python.
fn literal(value: &Value, indent: usize) -> String {
    match value {
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::Float(x) => format!("{x:?}"),
        Value::Integer(n) => n.to_string(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|v| literal(v, indent)).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Table(table) if indent == 0 => {
            let lines = table.iter();
            let lines = lines.map(|(key, v)| format!("    {key:?}: {},\n", literal(v, 1)));
            format!("{{\n{}}}", lines.collect::<String>())
        }
        Value::Table(table) => {
            let entries = table.iter();
            let entries = entries.map(|(key, v)| format!("{key:?}: {}", literal(v, indent)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => format!("{:?}", other.as_str().unwrap_or_default()),
    }
}

//! A recipe as a script for PyTorch: its networks, its loop and its optimisers, to go on from weights beside it or to begin anew.
//!
//! A script is the files of this folder one after the other, each a part of it that reads the constants above it. What
//! depends on settings is written here.

mod layer;
mod optim;

use anyhow::{Context, Result, bail};
use detach_nn::Optim;
use detach_recipes::settings::{InitScheme, Sampling};
use detach_recipes::{DataKind, Setup};
use std::fmt::Write;
use toml::Value;

/// How the loop of a recipe is written.
#[derive(Clone, Copy)]
struct Loop {
    recipe: &'static str,
    /// What makes of its layers the generator, and the discriminator.
    networks: [&'static str; 2],
    /// The parts of the script that are its loop.
    parts: &'static [&'static str],
}

const ROW: &str = "nn.Sequential";

/// The loop of networks that are rows of layers.
const fn rows(recipe: &'static str, parts: &'static [&'static str]) -> Loop {
    of(recipe, [ROW, ROW], parts)
}

const fn of(
    recipe: &'static str,
    networks: [&'static str; 2],
    parts: &'static [&'static str],
) -> Loop {
    Loop {
        recipe,
        networks,
        parts,
    }
}

/// The recipes that can be written; an `mlp` has a loop for each order.
const LOOPS: &[Loop] = &[
    rows("dcgan-light", FRESH),
    rows("dcgan", &[CROSS_ENTROPY, include_str!("same_fakes.py")]),
    rows("dcgan64", FRESH),
    rows("mlp", FRESH),
    rows("mlp-relu", &[CROSS_ENTROPY, G_FIRST]),
    rows("keras-mlp", KERAS),
    rows("wgan", &[include_str!("wgan.py")]),
    rows("wgan-gp", CRITIC),
    rows("lsgan", CRITIC),
    rows("began", &[include_str!("began.py")]),
    rows("sagan", SAGAN),
    of("cgan", ["OfClass", "Projection"], CGAN),
    of(
        "acgan",
        ["OfClass", ROW],
        &[OF_CLASS, CROSS_ENTROPY, include_str!("acgan.py")],
    ),
    of(
        "infogan",
        ["OfCode", "Recogniser"],
        &[OF_CLASS, CROSS_ENTROPY, include_str!("infogan.py")],
    ),
    of(
        "mlp-cgan",
        ["OfClass", "BesideClass"],
        &[OF_CLASS, include_str!("mlp_cgan.py")],
    ),
    rows("gauss1d", &[CROSS_ENTROPY, include_str!("gauss1d.py")]),
];
const CROSS_ENTROPY: &str = include_str!("cross_entropy.py");
/// Pairs of losses.
const ADVERSARIAL: &str = include_str!("adversarial.py");
const OF_CLASS: &str = include_str!("of_class.py");
const G_FIRST: &str = include_str!("g_first.py");
const FRESH: &[&str] = &[CROSS_ENTROPY, include_str!("fresh_fakes.py")];
const KERAS: &[&str] = &[
    include_str!("adam_keras.py"),
    CROSS_ENTROPY,
    include_str!("two_updates.py"),
];
const CRITIC: &[&str] = &[ADVERSARIAL, include_str!("critic.py")];
const SAGAN: &[&str] = &[
    include_str!("attention.py"),
    ADVERSARIAL,
    include_str!("sagan.py"),
];
const CGAN: &[&str] = &[
    OF_CLASS,
    include_str!("projection.py"),
    CROSS_ENTROPY,
    include_str!("cgan.py"),
];

/// A network as a row of layers, each with the shape of what it gives.
pub type Row = Vec<(String, Vec<usize>)>;

/// Where a script's networks begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the weights beside it.
    Beside,
    /// At initial weights of its own, drawn as the recipe's are.
    Anew,
}

impl Start {
    /// The part of the script that does it.
    fn part(self, init: InitScheme) -> &'static str {
        match (self, init) {
            (Self::Beside, _) => include_str!("start_beside.py"),
            (Self::Anew, InitScheme::Pytorch) => include_str!("start_pytorch.py"),
            (Self::Anew, InitScheme::Keras) => include_str!("start_keras.py"),
        }
    }

    /// How the script is used, in a sentence.
    fn usage(self) -> &'static str {
        match self {
            Self::Beside => {
                "`python train.py --data FOLDER_OF_IDX_FILES` goes on from the weights beside this\nscript, with fresh optimisers."
            }
            Self::Anew => {
                "`python FILE --data FOLDER_OF_IDX_FILES` trains it from new weights, and with\n--random instead of a folder tries it on random images."
            }
        }
    }
}

/// The script of a recipe whose networks are these, the generator first; `about` says in a line where it comes from.
///
/// # Errors
/// When the recipe, a layer, or a setting of an optimiser has no part in any script, naming it.
pub fn script(setup: &Setup, about: &str, rows: &[Row], start: Start) -> Result<String> {
    let Loop {
        networks, parts, ..
    } = loop_of(setup)?;
    let [g, d] = rows else {
        bail!("a script is of one generator and one discriminator");
    };
    let sample = match setup.data()?[0] {
        DataKind::Images(size) => format!("({}, {side}, {side})", size.channels, side = size.side),
        DataKind::Gaussian => "(1,)".to_owned(),
    };
    let usage = start.usage();
    let mut out =
        format!("\"\"\"{about}\n\nNeeds torch, numpy and safetensors. {usage} {LOGITS}\"\"\"\n\n");
    out += include_str!("imports.py");
    let settings = &setup.settings;
    let (with_replacement, drop_last) = match settings.sampling {
        Sampling::Shuffled { drop_last } => (false, drop_last),
        Sampling::WithReplacement | Sampling::Endless { .. } => (true, false),
    };
    let options = Value::Table(setup.options().clone());
    let _ = write!(
        out,
        "\nOPTIONS = {}\nBATCH = {}\nSAMPLE = {sample}\nWITH_REPLACEMENT = {}\nDROP_LAST = {}\n",
        literal(&options, 0),
        settings.batch_size,
        literal(&with_replacement.into(), 0),
        literal(&drop_last.into(), 0),
    );
    for (name, row, class) in [
        ("generator", g, networks[0]),
        ("discriminator", d, networks[1]),
    ] {
        let body = network(class, row).with_context(|| refusal(setup))?;
        let _ = write!(out, "\n\ndef {name}():\n    return {body}\n");
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
    let start = start.part(settings.init);
    for part in parts.iter().chain([&start, &include_str!("frame.py")]) {
        let _ = write!(out, "\n\n{part}");
    }
    Ok(out)
}

const LOGITS: &str =
    "D ends in logits; where there is a sigma in its loss, that is computed from them.\n";

fn refusal(setup: &Setup) -> String {
    format!("cannot write `{}` for PyTorch", setup.recipe().name())
}

/// A network of this class, made of a row of layers.
fn network(class: &str, row: &Row) -> Result<String> {
    let layers = |row: &[(String, Vec<usize>)], indent: usize| -> Result<String> {
        let lines = row.iter().map(|(text, shape)| {
            let layer = layer::of(text, shape)?;
            Ok(format!("{:indent$}{layer},\n", ""))
        });
        lines.collect()
    };
    match class {
        // What stands behind the layers is how the class counts.
        "Projection" => {
            let (_, row) = row.split_last().context("a network of layers")?;
            Ok(format!("{class}(\n{}    )", layers(row, 8)?))
        }
        // The first layer of one output is the last of the row; behind it is q.
        "Recogniser" => {
            let last = row.iter().position(|(_, shape)| shape[1..] == [1]);
            let (row, q) = row.split_at(last.context("an answer")? + 1);
            Ok(format!(
                "{class}(\n{}        q=nn.Sequential(\n{}        ),\n    )",
                layers(row, 8)?,
                layers(q, 12)?
            ))
        }
        _ => Ok(format!("{class}(\n{}    )", layers(row, 8)?)),
    }
}

fn loop_of(setup: &Setup) -> Result<Loop> {
    let recipe = setup.recipe().name();
    let choice = |key| setup.options().get(key).and_then(Value::as_str);
    if choice("order") == Some("g-first") {
        return Ok(rows(recipe, &[CROSS_ENTROPY, G_FIRST]));
    }
    if choice("condition") == Some("planes") {
        return Ok(of(recipe, ["OfClass", "OfClass"], CGAN));
    }
    let known = LOOPS.iter().find(|known| known.recipe == recipe);
    let names: Vec<&str> = LOOPS.iter().map(|known| known.recipe).collect();
    let known = known.with_context(|| {
        format!(
            "`{recipe}` cannot be written for PyTorch yet; these can: {}",
            names.join(", ")
        )
    })?;
    Ok(*known)
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

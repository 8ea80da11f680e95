//! What `07-loops.md` computes.

use crate::failure::shown;
use crate::text::table;
use crate::{Lang, Piece};
use anyhow::{Context, Result};
use detach::prelude::*;
use detach::recipes::{Batch, DataKind, ImageSize, Inputs, Preset, Setup, Step, Streams, find};
use detach_gan::lesson::subject::lab_of;
use std::cell::RefCell;
use std::rc::Rc;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "loops-order",
        make: |lang| shown(order(lang)),
    },
    Piece {
        name: "loops-loss",
        make: |lang| shown(loss(lang)),
    },
    Piece {
        name: "loop-dcgan",
        make: |_| shown(source(DCGAN, "fn train_step")),
    },
    Piece {
        name: "loop-dcgan-light",
        make: |_| shown(source(SMOOTHED, "fn train_step")),
    },
    Piece {
        name: "loop-g-first",
        make: |_| shown(source(MLP, "fn g_first_step")),
    },
    Piece {
        name: "loop-keras-mlp",
        make: |_| shown(source(KERAS_MLP, "fn train_step")),
    },
    Piece {
        name: "loop-gauss1d",
        make: |_| shown(source(GAUSS1D, "fn train_step")),
    },
];

const DCGAN: &str = include_str!("../../recipes/src/recipes/dcgan.rs");
const SMOOTHED: &str = include_str!("../../recipes/src/recipes/smoothed.rs");
const MLP: &str = include_str!("../../recipes/src/recipes/mlp.rs");
const KERAS_MLP: &str = include_str!("../../recipes/src/recipes/keras_mlp.rs");
const GAUSS1D: &str = include_str!("../../recipes/src/recipes/gauss1d.rs");

/// The seven loops of the chapter, and those whose order is another.
pub(crate) const LOOPS: [&str; 7] = [
    "dcgan-light",
    "dcgan",
    "mlp",
    "mlp-g-first",
    "mlp-relu",
    "keras-mlp",
    "gauss1d",
];

/// A step's own lines in a recipe's `file`: from behind where `function` takes its parts up to its report, without what is reported.
fn source(file: &str, function: &str) -> Result<String> {
    let (_, rest) = file.split_once(function).context("no such function")?;
    let (_, rest) = rest.split_once("Report::new());\n").context("no report")?;
    let (body, _) = rest
        .split_once("report.generator")
        .context("no report of G")?;
    let lines: Vec<&str> = body
        .lines()
        .filter(|line| !line.trim_start().starts_with("report."))
        .collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let filled = || lines.iter().filter(|line| !line.trim().is_empty());
    let margin = filled().map(indent).min().context("no lines")?;
    let dedented: Vec<&str> = filled().map(|line| &line[margin..]).collect();
    Ok(format!("```rust,ignore\n{}\n```", dedented.join("\n")))
}

/// The recipe of a loop, as published.
fn published(name: &str) -> Result<Setup> {
    match name.strip_suffix("-g-first") {
        Some(recipe) => {
            let mut setup = find(recipe)?.setup(Preset::AsPublished);
            setup.choose("order", "g-first")?;
            Ok(setup)
        }
        None => Ok(find(name)?.setup(Preset::AsPublished)),
    }
}

/// Counts what a step takes.
#[derive(Default)]
struct Counted {
    image: Option<ImageSize>,
    batches: usize,
    noises: usize,
}

/// Samples a batch, enough for batch statistics.
const N: usize = 4;

impl Counted {
    fn random(&self) -> Random {
        Random::new(1, Stream::Noise).at((self.batches + self.noises) as u64)
    }
}

impl Inputs for Counted {
    fn batch(&mut self, _: usize) -> Batch {
        self.batches += 1;
        let shape = match self.image {
            Some(size) => vec![N, size.channels, size.side, size.side],
            None => vec![N, 1],
        };
        Batch::of(self.random().normal(&shape, DType::F32))
    }

    fn noise(&mut self, shape: &[usize]) -> Tensor {
        self.noises += 1;
        self.random().normal(shape, DType::F32)
    }

    fn uniform(&mut self, shape: &[usize]) -> Tensor {
        self.random().uniform(shape, DType::F32)
    }
}

/// What one step of a published recipe was seen to do.
struct Seen {
    /// Who was updated, in order.
    updates: Vec<&'static str>,
    batches: usize,
    noises: usize,
}

fn one_step(setup: &Setup) -> Result<Seen> {
    let mut inputs = Counted {
        image: match setup.data()?.first() {
            Some(DataKind::Images(size)) => Some(*size),
            _ => None,
        },
        ..Counted::default()
    };
    let mut recipe = setup.build(DType::F32.into())?;
    let updates: Rc<RefCell<Vec<&'static str>>> = Rc::default();
    for (name, optimiser) in recipe.optimisers() {
        let updates = Rc::clone(&updates);
        optimiser.watch(Box::new(move |_| updates.borrow_mut().push(name)));
    }
    let streams = Streams::new(0, |random| random);
    recipe.train_step(&mut Step::new(&mut inputs, &streams, 0));
    Ok(Seen {
        updates: updates.take(),
        batches: inputs.batches,
        noises: inputs.noises,
    })
}

/// What `lab` has under a key, as text.
fn option(lab: &Setup, key: &str) -> String {
    let value = lab.options().get(key);
    let text = value.map(|value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    });
    text.unwrap_or_default()
}

fn order(lang: Lang) -> Result<String> {
    let row = |name: &str| -> Result<Vec<String>> {
        let (seen, lab) = (one_step(&published(name)?)?, lab_of(name)?);
        let updates: Vec<String> = seen.updates.iter().map(|who| who.to_uppercase()).collect();
        let fakes = match &*option(&lab, "g-fakes") {
            "same" => lang.of("the same", "同一批"),
            "recomputed" => lang.of("same noise, computed again", "同一噪声，重新计算"),
            _ => lang.of("of fresh noise", "新噪声"),
        };
        Ok(vec![
            format!("`{name}`"),
            updates.join(" "),
            seen.batches.to_string(),
            seen.noises.to_string(),
            fakes.to_owned(),
        ])
    };
    let rows: Result<Vec<_>> = LOOPS.into_iter().map(row).collect();
    Ok(table(
        &[
            lang.of("loop", "循环"),
            lang.of("updates", "更新顺序"),
            lang.of("batches", "批次"),
            lang.of("draws of noise", "噪声抽取次数"),
            lang.of("fakes of the second turn", "第二轮所用的假样本"),
        ],
        rows?,
    ))
}

fn loss(lang: Lang) -> Result<String> {
    let row = |name: &str| -> Result<Vec<String>> {
        let (setup, lab) = (published(name)?, lab_of(name)?);
        let of_d = match &*option(&lab, "d-turn") {
            "together" => lang.of("sum", "和"),
            "halved" => lang.of("half the sum", "和的一半"),
            _ => lang.of("each by itself", "各自更新"),
        };
        let part = |table: &str, key: &str| {
            let table = lab.options().get(table).and_then(|value| value.get(key));
            table.map(ToString::to_string).unwrap_or_default()
        };
        let adam = match part("g", "kind").contains("keras") {
            true => lang.of("Keras' Adam", "Keras 的 Adam"),
            false => "Adam",
        };
        let targets = ["real", "fake", "generator"].map(|key| part("targets", key));
        Ok(vec![
            format!("`{name}`"),
            of_d.to_owned(),
            targets.join(" / ").replace(".0", ""),
            format!(
                "{adam} {}, β {} / {}",
                part("g", "lr"),
                part("g", "beta1"),
                part("g", "beta2")
            ),
            setup.settings.batch_size.to_string(),
        ])
    };
    let rows: Result<Vec<_>> = LOOPS.into_iter().map(row).collect();
    Ok(table(
        &[
            lang.of("loop", "循环"),
            lang.of("D's loss", "D 的损失"),
            lang.of("targets real / fake / for G", "目标：真 / 假 / G"),
            lang.of("optimisers", "优化器"),
            lang.of("batch", "批大小"),
        ],
        rows?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `lab` says of a loop is what its recipe does.
    #[test]
    fn a_step_draws_noise_and_updates_as_the_listing_says() {
        for name in LOOPS {
            let seen = one_step(&published(name).expect("a recipe")).expect("a step");
            let lab = lab_of(name).expect("a loop");
            let of_d = seen.updates.iter().filter(|who| **who == "d").count();
            let is_fresh = option(&lab, "g-fakes") == "fresh";
            assert_eq!(seen.noises, seen.batches + usize::from(is_fresh), "{name}");
            let times = if option(&lab, "d-turn") == "apart" {
                2
            } else {
                1
            };
            assert_eq!(of_d, times * seen.batches, "{name}");
            let first = option(&lab, "order").starts_with("g");
            assert_eq!(seen.updates[0] == "g", first, "{name}");
        }
    }
}

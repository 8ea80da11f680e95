//! What `12-bits.md` computes.

use crate::Piece;
use crate::text::{fixed, short, table};
use detach::data::{Split, synthetic};
use detach::nn::{Name, Slot, parameters};
use detach::prelude::*;
use detach::recipes::{Batches, DataKind, Preset, Setup, Trainer, find};

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "bits-draws",
        make: |_| draws(),
    },
    Piece {
        name: "bits-sums",
        make: |_| sums(),
    },
    Piece {
        name: "bits-checkpoint",
        make: |_| checkpoint(),
    },
    Piece {
        name: "bits-forgotten",
        make: |_| forgotten(),
    },
];

/// Three numbers of some draws.
fn draws() -> String {
    let row = |(seed, stream, step, draw): (u64, Stream, u64, usize)| {
        let random = Random::new(seed, stream).at(step);
        let mut all = (0..=draw).map(|_| random.uniform(&[3], DType::F32).to_vec::<f32>());
        let numbers = all.nth(draw).unwrap_or_default();
        let numbers = numbers.iter().map(|number| format!("{number:.4}"));
        let names = [
            seed.to_string(),
            format!("`{stream:?}`"),
            step.to_string(),
            draw.to_string(),
        ];
        names.into_iter().chain(numbers).collect()
    };
    let keys = [
        (0, Stream::Noise, 1, 0),
        (0, Stream::Noise, 1, 1),
        (0, Stream::Noise, 2, 0),
        (0, Stream::Sample, 1, 0),
        (1, Stream::Noise, 1, 0),
        (0, Stream::Noise, 1, 0),
    ];
    let head = [
        "seed", "stream", "step", "draw", "number 0", "number 1", "number 2",
    ];
    table(&head, keys.map(row))
}

/// The same numbers, added in several orders.
fn sums() -> String {
    let x = Random::new(0, Stream::Noise).normal(&[100_000], DType::F32);
    let values = x.to_vec::<f32>();
    let forwards: f32 = values.iter().sum();
    let backwards: f32 = values.iter().rev().sum();
    let halves: f32 = {
        let (left, right) = values.split_at(values.len() / 2);
        left.iter().sum::<f32>() + right.iter().sum::<f32>()
    };
    let thirds: f32 = values
        .chunks(33_334)
        .map(|part| part.iter().sum::<f32>())
        .sum();
    let exact: f64 = values.iter().map(|x| f64::from(*x)).sum();
    let row = |(way, sum): (&str, f64)| {
        vec![way.to_owned(), fixed(sum, 6), short((sum - exact).abs(), 1)]
    };
    let rows = [
        ("`f32`, forwards", f64::from(forwards)),
        ("`f32`, backwards", f64::from(backwards)),
        ("`f32`, two halves, as two threads would", f64::from(halves)),
        (
            "`f32`, three thirds, as three threads would",
            f64::from(thirds),
        ),
        ("`f64`", exact),
        ("`Tensor::sum`, with any number of threads", x.sum().item()),
    ];
    table(&["how", "sum", "off by"], rows.map(row))
}

/// `dcgan-light`, narrow, on digits that are drawn, or `gauss1d`.
fn trainer(recipe: &str) -> Trainer {
    let recipe = find(recipe).expect("a recipe of the registry");
    let mut setup = recipe.setup(Preset::AsPublished);
    if recipe.name() == "dcgan-light" {
        setup.set("width=8").expect("a setting");
    }
    setup.settings.batch_size = 16;
    let data = batches(&setup);
    Trainer::new(setup, vec![data], DType::F32.into()).expect("a trainer")
}

fn batches(setup: &Setup) -> Batches {
    let kind = DType::F32.into();
    match setup.data().expect("its data")[0] {
        DataKind::Images(size) => {
            let digits = Box::new(synthetic(0, Split::Train, 64));
            Batches::images(digits, size, &setup.settings, kind).expect("batches")
        }
        _ => Batches::gaussian(&setup.settings, kind),
    }
}

/// What is in a checkpoint of `dcgan-light`.
fn checkpoint() -> String {
    const KINDS: [(&str, &str); 5] = [
        ("running_", "running statistics of BatchNorm"),
        ("exp_avg", "Adam's two moments of each weight"),
        ("num_batches", "batches that BatchNorm has seen"),
        ("optim.step", "Adam's t"),
        ("data.", "the position in the data"),
    ];
    let mut trainer = trainer("dcgan-light");
    trainer.step();
    let checkpoint = trainer.checkpoint();
    let kind = |name: &str| KINDS.iter().position(|(part, _)| name.contains(part));
    let row = |(of, what): (Option<usize>, &str)| {
        let names: Vec<&str> = checkpoint.names().filter(|name| kind(name) == of).collect();
        let example = names
            .first()
            .unwrap_or_else(|| panic!("no {what} in a checkpoint"));
        vec![
            what.to_owned(),
            names.len().to_string(),
            format!("`{example}`"),
        ]
    };
    let weights = (None, "weights and biases");
    let others = KINDS
        .iter()
        .enumerate()
        .map(|(i, (_, what))| (Some(i), *what));
    let rows = [weights].into_iter().chain(others).map(row);
    let metadata = ["step", "settings"].map(|key| {
        assert!(checkpoint.metadata.contains_key(key), "{key}");
        vec![
            format!("in words: {key}"),
            "1".to_owned(),
            format!("`{key}`"),
        ]
    });
    table(&["what", "entries", "for example"], rows.chain(metadata))
}

/// The weights of both networks.
fn weights(trainer: &Trainer) -> Vec<f32> {
    let networks = trainer.recipe().networks().into_iter();
    let all = networks.flat_map(|(_, net)| parameters(net));
    all.flat_map(|(_, param)| param.get().to_vec::<f32>())
        .collect()
}

/// How far the weights of `gauss1d` are, after 20 steps from a checkpoint at step 20, from those of a run that was never stopped,
/// where what is named by `lost` begins anew.
pub(crate) fn difference(lost: &[&str]) -> f64 {
    let mut whole = trainer("gauss1d");
    let mut part = trainer("gauss1d");
    (0..20).for_each(|_| drop(whole.step()));
    // Before `whole` goes on: its checkpoint is handles to what the next step writes to.
    part.restore(whole.checkpoint())
        .expect("its own checkpoint");
    (0..20).for_each(|_| drop(whole.step()));
    part.recipe().visit(Name::from(""), &mut |name, slot| {
        let name = name.to_string();
        match slot {
            _ if !lost.iter().any(|part| name.contains(part)) => {}
            Slot::Buffer(moment) => moment.set("a test", moment.get().full_like(0.0).value()),
            Slot::Count(count) => count.set(0),
            _ => panic!("`{name}` is a weight"),
        }
    });
    (0..20).for_each(|_| drop(part.step()));
    let pairs = weights(&whole).into_iter().zip(weights(&part));
    pairs
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, f64::max)
}

fn forgotten() -> String {
    let row = |(what, lost): (&str, &[&str])| {
        let difference = match difference(lost) {
            0.0 => "0: the same bits".to_owned(),
            other => short(other, 1),
        };
        vec![what.to_owned(), difference]
    };
    let rows: [(&str, &[&str]); 4] = [
        ("everything", &[]),
        ("all but Adam's t", &["optim.step"]),
        ("all but Adam's moments", &["exp_avg"]),
        ("weights and step alone", &["exp_avg", "optim.step"]),
    ];
    table(
        &[
            "what is kept",
            "largest difference of a weight, 20 steps later",
        ],
        rows.map(row),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_checkpoint_goes_on_to_the_bit() {
        assert_eq!(difference(&[]), 0.0);
        assert!(difference(&["exp_avg"]) > 1e-4);
        assert!(difference(&["optim.step"]) > 1e-4);
    }
}

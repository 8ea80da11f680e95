//! What `confusions.md` computes: for each confusion the number that answers it, made by the engine in small.

#[cfg(test)]
mod tests;

use crate::Piece;
use crate::text::{fixed, short};
use detach::nn::loss::bce_with_logits;
use detach::nn::penalty::{gradient_penalty, norms};
use detach::nn::{BatchNorm, Initialiser, Linear, Scheme, parameters};
use detach::prelude::*;
use detach::recipes::{Batches, Preset, Setup, Trainer, Turn, find};
use detach::tensor::trace;
use detach_gan::lesson::microscope::{Look, Reach, cosine, look};
use detach_gan::lesson::subject::{LOOPS, Subject, lab_of};
use detach_gan::lesson::variants::{PyTorch, Variant, of_setup};

/// Pieces of a line each, by the number of the confusion.
macro_rules! pieces {
    ($($name:literal $make:expr,)*) => {
        pub(crate) const PIECES: &[Piece] = &[$(Piece { name: $name, make: |_| $make }),*];
    };
}

pieces! {
    "confusion-1" {
        let [detached, without] = walks_of_d();
        format!("{detached} nodes instead of {without}, and the same weights")
    },
    "confusion-2" format!("cosine {}", fixed(pulled_apart(), 3)),
    "confusion-3" {
        let [frozen, all] = walks_of_g();
        format!("{frozen} nodes instead of {all}")
    },
    "confusion-4" format!("{} times as long", fixed(piled_up(), 0)),
    "confusion-5" format!("difference {}", twice()),
    "confusion-6" {
        let [before, after] = recorded();
        format!("{before} nodes, then {after}")
    },
    "confusion-7" format!("D moves by {}", moved_by_g()),
    "confusion-8" {
        let [loss, norm] = dead();
        format!("loss {}, gradient {norm}", fixed(loss, 4))
    },
    "confusion-9" format!("{} of the way after 10 batches", fixed(caught_up(10), 3)),
    "confusion-10" {
        let [with, without] = second_order();
        format!("gradient {with:.0} with it, {without} without")
    },
    "confusion-11" format!("in {} of {} loops", overwritten(), LOOPS.len()),
    "confusion-12" {
        let [saturating, other] = pulls(-5.0);
        format!("{} against {}", short(saturating, 2), fixed(other, 3))
    },
    "confusion-13" {
        let [first, last] = losses_and_distance();
        let of = |[loss, jsd]: [f64; 2]| format!("loss {}, JSD {}", fixed(loss, 2), fixed(jsd, 2));
        format!("{}; then {}", of(first), of(last))
    },
    "confusion-14" {
        let [with, without] = one_batch_or_two();
        format!("logits differ by {} with it, {} without", fixed(with, 2), without)
    },
    "confusion-15" {
        let [one, both] = [0.0, 0.1].map(|fake| best_answer(0.01, 0.9, fake));
        format!("D* = {} against {}", fixed(one, 3), fixed(both, 3))
    },
    "confusion-16" format!("{} at a distance of 5", fixed(critic_loss(5.0), 1)),
}

fn scalar(x: f64) -> Array {
    Array::from_slice(&[x], &[1, 1])
}

/// A loop of `lab` with small networks of the same depth, in batches of 2.
fn small(name: &str) -> Setup {
    let mut setup = lab_of(name).expect("a published loop");
    let set: &[&str] = match name {
        "gauss1d" => &[],
        name if name.contains("dcgan") => &["width=8"],
        _ => &["g-widths=[16, 16, 16, 16]", "d-widths=[16, 16]"],
    };
    set.iter()
        .for_each(|change| setup.set(change).expect("a setting"));
    setup.settings.batch_size = 2;
    setup.settings.seed = 3;
    setup
}

/// A step of a variant of a loop, looked at.
fn looked(setup: &Setup, variant: &Variant) -> Look {
    let subject = Subject::of_loop(setup, None);
    let trainer = subject.trainer(&variant.setup, DType::F32.into());
    look(&mut trainer.expect("a trainer"), &variant.turns())
}

/// The variant of this name.
fn variant(setup: &Setup, name: &str) -> Variant {
    let all = of_setup(setup).expect("a loop of lab").into_iter();
    let mut found = all.filter(|variant| variant.name == name);
    found
        .next()
        .unwrap_or_else(|| panic!("no variant `{name}`"))
}

/// Confusion 1: The nodes that D's backward pass can walk in `dcgan`, with `detach` and without.
///
/// # Panics
/// When the weights after the two steps differ.
fn walks_of_d() -> [usize; 2] {
    let setup = small("dcgan");
    let looks =
        ["as published", "detach removed"].map(|name| looked(&setup, &variant(&setup, name)));
    assert_eq!(
        looks[0].hash, looks[1].hash,
        "weights with detach and without"
    );
    looks.map(|look| look.of(Turn::D).expect("a turn").all.nodes)
}

/// Confusion 2: The cosine of what G follows to its own gradient, in `gauss1d` with nothing detached and gradients that add up over the step.
fn pulled_apart() -> f64 {
    let mut setup = small("gauss1d");
    setup.settings.batch_size = 64;
    let used = [
        "as published",
        "zeroed at the top, none detached, D not frozen",
    ]
    .map(|name| {
        let look = looked(&setup, &variant(&setup, name));
        look.of(Turn::G).expect("a turn").used.clone()
    });
    cosine(&used[0], &used[1]).expect("two gradients")
}

/// Confusion 3: The nodes of G's backward pass in `dcgan`: to G's weights alone, and to D's as well.
fn walks_of_g() -> [usize; 2] {
    let setup = small("dcgan");
    let look = looked(&setup, &variant(&setup, "as published"));
    let seen = look.of(Turn::G).expect("a turn");
    [seen.asked.nodes, seen.all.nodes]
}

/// Confusion 4: How many times as long as its own gradient what D follows in the tenth step is, where nothing is ever zeroed.
fn piled_up() -> f64 {
    let mut setup = small("mlp");
    setup.set("zero-grad=never").expect("a switch");
    let published = variant(&setup, "as published");
    let subject = Subject::of_loop(&setup, None);
    let mut trainer = subject
        .trainer(&setup, DType::F32.into())
        .expect("a trainer");
    (0..9).for_each(|_| drop(trainer.step()));
    let look = look(&mut trainer, &published.turns());
    let seen = look.of(Turn::D).expect("a turn");
    let used: f64 = seen.used.iter().map(|x| x * x).sum();
    used.sqrt() / seen.on_d.norm().expect("a gradient")
}

/// Confusion 5: The largest difference of a loss's gradient to the same asked for again.
fn twice() -> f64 {
    let w = Tensor::variable(Array::from_slice(&[0.5_f64, -1.5], &[2]));
    let loss = w.sigmoid().square().sum();
    let [first, second] = [0, 1].map(|_| grad(&loss, &[&w], false).remove(0));
    let difference = (first - second).to_vec::<f64>();
    difference.into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// Confusion 6: The nodes that a sample of a small G has, before it is detached and after.
fn recorded() -> [usize; 2] {
    let init = Initialiser::new(Scheme::PyTorch, Random::new(0, Stream::Init), DType::F64);
    let g = Sequential::new()
        .push(Linear::new(2, 4, &init))
        .push(Linear::new(4, 2, &init));
    let weights: Vec<Tensor> = parameters(&g)
        .iter()
        .map(|(_, param)| param.get())
        .collect();
    let z = Random::new(0, Stream::Sample).normal(&[3, 2], DType::F64);
    let sample = g.forward(&z, Mode::eval());
    let nodes = |x: &Tensor| trace::pass(&x.sum(), &weights.iter().collect::<Vec<_>>()).nodes;
    [nodes(&sample), nodes(&sample.detach())]
}

/// Confusion 7: The largest change of a weight of D in G's turn, of a loop that has no switch for it.
fn moved_by_g() -> f64 {
    let adam = Optim::adam(1e-3, 0.5, 0.999);
    let init = Initialiser::new(Scheme::PyTorch, Random::new(0, Stream::Init), DType::F64);
    let net = |inputs, outputs| Sequential::new().push(Linear::new(inputs, outputs, &init));
    let (mut g, d) = (Trained::new(net(2, 3), &adam), net(3, 1));
    let values = |net: &dyn State| -> Vec<f64> {
        let all = parameters(net).into_iter();
        all.flat_map(|(_, param)| param.get().to_vec::<f64>())
            .collect()
    };
    let (g_before, d_before) = (values(&*g), values(&d));
    let z = Random::new(0, Stream::Noise).normal(&[4, 2], DType::F64);
    let fake = g.forward(&z, Mode::batch_stats());
    g.update(&bce_with_logits(
        &d.forward(&fake, Mode::batch_stats()),
        1.0,
    ));
    assert_ne!(values(&*g), g_before, "G moves");
    let pairs = values(&d).into_iter().zip(d_before);
    pairs
        .map(|(after, before)| (after - before).abs())
        .fold(0.0, f64::max)
}

/// Confusion 8: D's loss on reals and the norm of its gradient, where D ends in a ReLU that is off.
fn dead() -> [f64; 2] {
    let w = Tensor::variable(scalar(1.0));
    let x = Tensor::constant(Array::from_slice(&[-0.5_f64, -2.0, -0.1], &[3, 1]));
    let loss = bce_with_logits(&x.matmul(&w).relu(), 1.0);
    [loss.item(), grad(&loss, &[&w], false)[0].norm().item()]
}

/// Confusion 9: How far the running mean has come to the batches' own, after so many of them.
fn caught_up(batches: usize) -> f64 {
    let init = Initialiser::new(Scheme::PyTorch, Random::new(0, Stream::Init), DType::F64);
    let (layer, dropout) = (BatchNorm::new(1, &init), Random::new(0, Stream::Dropout));
    let noise = Random::new(0, Stream::Noise).normal(&[64, 1], DType::F64);
    let x = &noise - noise.mean().item() + 4.0;
    (0..batches).for_each(|_| drop(layer.forward(&x, Mode::train(&dropout))));
    // A line in eval mode; it is 0 at the running mean.
    let at = |x: f64| {
        let x = Tensor::constant(scalar(x));
        layer.forward(&x, Mode::eval()).item()
    };
    at(0.0) / (at(0.0) - at(1.0)) / 4.0
}

/// Confusion 10: The norm of the gradient of WGAN-GP's penalty for the critic w·x with w = (3, 4), with `create_graph` and without.
fn second_order() -> [f64; 2] {
    let w = Tensor::variable(Array::from_slice(&[3.0_f64, 4.0], &[2, 1]));
    [true, false].map(|create_graph| {
        let x = Tensor::variable(Array::from_slice(&[0.5_f64, -1.0], &[1, 2]));
        let slope = grad(&x.matmul(&w).sum(), &[&x], create_graph).remove(0);
        let penalty = gradient_penalty(&norms(&slope)) * 10.0;
        grad(&penalty, &[&w], false)[0].norm().item()
    })
}

/// Confusion 11: In how many loops D's way back through fakes that are not detached has been overwritten when D's turn comes.
fn overwritten() -> usize {
    let is_overwritten = |name: &str| {
        let setup = small(name);
        let removed = variant(&setup, "detach removed");
        let seen = looked(&setup, &removed);
        let is = seen.of(Turn::D).expect("a turn").on_g == Reach::Overwritten;
        assert_eq!(
            is,
            removed.retained() == PyTorch::Overwritten,
            "{name}: PyTorch's words"
        );
        is
    };
    LOOPS.iter().filter(|name| is_overwritten(name)).count()
}

/// Confusion 12: What G's two losses pull a fake's logit with: log(1 − D), and −log D.
fn pulls(logit: f64) -> [f64; 2] {
    let logit = Tensor::variable(scalar(logit));
    let losses = [-bce_with_logits(&logit, 0.0), bce_with_logits(&logit, 1.0)];
    losses.map(|loss| grad(&loss, &[&logit], false)[0].item().abs())
}

/// Confusion 13: D's loss and the divergence of samples from data, in the first step of `gauss1d` and after the last.
fn losses_and_distance() -> [[f64; 2]; 2] {
    const STEPS: usize = 300;
    let recipe = find("gauss1d").expect("a recipe of the registry");
    let setup = recipe.setup(Preset::Fixed);
    let data = Batches::gaussian(&setup.settings, DType::F32.into());
    let mut trainer = Trainer::new(setup, vec![data], DType::F32.into()).expect("a trainer");
    let mut seen = Vec::new();
    for step in 1..=STEPS {
        let report = trainer.step();
        if step == 1 || step == STEPS {
            let number = |name: &str, all: Vec<(&str, f64)>| {
                let mut found = all.into_iter().filter(|(key, _)| *key == name);
                found.next().unwrap_or_else(|| panic!("no {name}")).1
            };
            let jsd = number("jsd", trainer.recipe().measures(&trainer.look()));
            seen.push([number("d_loss", report.read()), jsd]);
        }
    }
    [seen[0], seen[1]]
}

/// Confusion 14: The largest difference of D's logits for fakes in a batch with reals to those for the same fakes by themselves, where D has
/// BatchNorm and where it has not.
fn one_batch_or_two() -> [f64; 2] {
    let init = Initialiser::new(Scheme::PyTorch, Random::new(0, Stream::Init), DType::F64);
    let noise = Random::new(0, Stream::Noise);
    let (real, fake) = (
        noise.normal(&[16, 4], DType::F64) + 1.0,
        noise.normal(&[16, 4], DType::F64) - 1.0,
    );
    let both = Tensor::concat(&[&fake, &real], 0);
    let linear = || Linear::new(4, 1, &init);
    [
        Sequential::new()
            .push(BatchNorm::new(4, &init))
            .push(linear()),
        Sequential::new().push(linear()),
    ]
    .map(|d| {
        let logits = |x: &Tensor| d.forward(x, Mode::batch_stats()).to_vec::<f64>();
        let pairs = logits(&both).into_iter().zip(logits(&fake));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    })
}

/// Confusion 15: D's best answer where a share `p` of what it sees is real, for these labels.
fn best_answer(p: f64, real: f64, fake: f64) -> f64 {
    let mut logit = 0.0;
    for _ in 0..4000 {
        let x = Tensor::variable(scalar(logit));
        let loss = bce_with_logits(&x, real) * p + bce_with_logits(&x, fake) * (1.0 - p);
        logit -= 2.0 * grad(&loss, &[&x], false)[0].item();
    }
    1.0 / (1.0 + (-logit).exp())
}

/// Confusion 16: The loss of the best critic s·x with WGAN-GP's penalty, between reals at `distance` and fakes at 0.
fn critic_loss(distance: f64) -> f64 {
    let s = crate::wasserstein::trained_slope(distance);
    -s * distance + 10.0 * (s - 1.0).powi(2)
}

//! What a training loop gets wrong is refused with what is wrong, and the line to change.

use detach_nn::penalty::{gradient_penalty, norms, slopes};
use detach_nn::{
    Adversarial, BatchNorm, Initialiser, LayerNorm, Linear, Mode, Module, Optim, ReLU, Scheme,
    Sequential, Sigmoid, Trained, clip_weights, gradients, loss,
};
use detach_tensor::{Array, DType, Random, Stream, Tensor};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the panic of `f` says.
#[track_caller]
fn refusal<T>(f: impl FnOnce() -> T) -> String {
    let result = catch_unwind(AssertUnwindSafe(|| {
        f();
    }));
    let said = result.expect_err("nothing was refused");
    match said.downcast::<String>() {
        Ok(message) => *message,
        Err(other) => panic!("no message: {other:?}"),
    }
}

#[track_caller]
fn says(parts: &[&str], message: &str) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// This file and a line of it, as messages have it.
fn at(line: u32) -> String {
    format!("{}:{line}:", file!())
}

fn init() -> Initialiser {
    Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F32)
}

fn draw(seed: u64, shape: &[usize]) -> Tensor {
    Random::new(seed, Stream::Noise).normal(shape, DType::F32)
}

fn trained(sizes: [usize; 3], name: &str) -> Trained<Sequential> {
    let net = Sequential::new()
        .push(Linear::new(sizes[0], sizes[1], &init()))
        .push(ReLU)
        .push(Linear::new(sizes[1], sizes[2], &init()));
    let mut net = Trained::new(net, &Optim::adam(1e-3, 0.5, 0.999));
    net.optimiser_mut().name_network(name);
    net
}

/// The published CycleGAN order: both losses are made, D is moved, and then G's gradient is asked for, through weights of
/// D that are others now.
#[test]
fn a_step_of_d_between_gs_loss_and_gs_gradient() {
    let (mut g, mut d) = (trained([2, 4, 3], "g"), trained([3, 5, 1], "d"));
    let (real, z) = (draw(2, &[6, 3]), draw(3, &[6, 2]));
    let losses = |g: &Trained<Sequential>, d: &Trained<Sequential>| {
        let fake = g.forward(&z, Mode::eval());
        let g_loss = loss::mse(&d.forward(&fake, Mode::eval()), 1.0);
        let on_fake = loss::mse(&d.forward(&fake.detach(), Mode::eval()), 0.0);
        (
            g_loss,
            loss::mse(&d.forward(&real, Mode::eval()), 1.0),
            on_fake,
        )
    };
    let (g_loss, on_real, on_fake) = losses(&g, &d);
    // Both of D's gradients are taken before D is moved by either: that much is right.
    let (by_real, by_fake) = (gradients(&on_real, &d.net), gradients(&on_fake, &d.net));
    d.apply(&by_real);
    d.apply(&by_fake);
    let update = at(line!() - 1);
    let ask = at(line!() + 1);
    let message = refusal(|| g.update(&g_loss));
    says(
        &["`matmul`", "`Optimiser::step`", "`2.weight` of `d`"],
        &message,
    );
    says(&[&update, "2 writes", &ask], &message);
    says(&["before stepping", "forward pass again"], &message);
    // The page that shows it has it as it is.
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/detach.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(&message), "docs/detach.md lacks\n{message}");

    // All gradients first, and the same numbers can be stepped by.
    let (g_loss, on_real, on_fake) = losses(&g, &d);
    let by_g = gradients(&g_loss, &g.net);
    d.update(&(on_real + on_fake));
    g.apply(&by_g);
}

#[test]
fn clipped_weights_under_a_graph_are_named_with_their_line() {
    let d = trained([3, 5, 1], "d");
    let x = Tensor::variable(draw(2, &[6, 3]).value().clone());
    let loss = d.forward(&x, Mode::eval()).mean();
    clip_weights(&d.net, 0.01);
    let line = at(line!() - 1);
    let message = refusal(|| detach_tensor::grad(&loss, &[&x], false));
    says(&["`matmul`", "`clip_weights`", &line], &message);
}

/// Scores have no scale, so almost all of them lie outside of [0, 1].
#[test]
fn bce_of_a_critics_scores() {
    let critic = trained([3, 5, 1], "d");
    let scores = critic.forward(&(draw(2, &[6, 3]) * 100.0), Mode::eval());
    let outside = scores.to_vec::<f64>();
    let outside = outside.iter().find(|x| !(0.0..=1.0).contains(*x));
    let outside = outside.expect("one").to_string();
    for target in [1.0, 0.0] {
        let message = refusal(|| loss::bce(&scores, target));
        says(&["bce", "[6, 1]", &outside, "no probability"], &message);
        says(&["bce_with_logits", "critic", "Adversarial"], &message);
    }
    assert!(loss::bce(&scores.sigmoid(), 1.0).item().is_finite());
    let nan = Tensor::constant(Array::from_slice(&[f32::NAN], &[1]));
    assert!(
        loss::bce(&nan, 1.0).item().is_nan(),
        "a diverged network shows"
    );
}

/// σ at the end of D and a loss with a σ of its own.
#[test]
fn bce_with_logits_of_probabilities() {
    let d = Sequential::new()
        .push(Linear::new(3, 1, &init()))
        .push(Sigmoid);
    let x = draw(2, &[6, 3]);
    let p = d.forward(&x, Mode::eval());
    for p in [&p, &p.detach()] {
        let message = refusal(|| loss::bce_with_logits(p, 1.0));
        says(
            &["bce_with_logits", "[6, 1]", "`sigmoid`", "`bce`"],
            &message,
        );
        refusal(|| Adversarial::Logistic.discriminator(p, p));
    }
    // A Wasserstein critic that ends in σ is a published fault, and what it learns can be computed.
    assert!(
        Adversarial::Wasserstein
            .discriminator(&p, &p)
            .item()
            .is_finite()
    );
    assert!(loss::bce(&p, 1.0).item().is_finite());
}

/// There is no gradient of one sample where each answer depends on the whole batch.
#[test]
fn a_penalty_on_a_critic_with_batch_norm() {
    let x = draw(2, &[6, 3]);
    let first = || Sequential::new().push(Linear::new(3, 4, &init()));
    let last = |net: Sequential| net.push(ReLU).push(Linear::new(4, 1, &init()));
    let mixing = last(first().push(BatchNorm::new(4, &init())));
    let own = last(first().push(LayerNorm::new(&[4], &init())));
    let random = Random::new(1, Stream::Dropout);
    let train = Mode::train(&random);
    let penalty = |net: &Sequential, mode| {
        let slopes = slopes(|x| net.forward(x, mode), &x);
        gradient_penalty(&norms(&slopes)).item()
    };
    let message = refusal(|| penalty(&mixing, train));
    says(
        &["penalty", "[6, 3]", "`batch_norm", "whole batch"],
        &message,
    );
    says(&["without BatchNorm", "LayerNorm"], &message);
    assert!(penalty(&own, train).is_finite());
    // By running statistics each sample is on its own.
    assert!(penalty(&mixing, Mode::eval()).is_finite());
}

//! What `10-wasserstein.md` computes.

use crate::Piece;
use crate::plot::{Chart, Ink, Line};
use crate::text::{fixed, short, table};
use detach::nn::loss::bce_with_logits;
use detach::nn::penalty::{gradient_penalty, norms, slopes, zero_centred};
use detach::prelude::*;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "wasserstein-js",
        make: |_| flat(),
    },
    Piece {
        name: "wasserstein-slopes",
        make: |_| distances(),
    },
    Piece {
        name: "wasserstein-clipped",
        make: |_| clipped(),
    },
    Piece {
        name: "wasserstein-law",
        make: |_| slope_law(),
    },
    Piece {
        name: "wasserstein-r1",
        make: |_| dirac(),
    },
];

/// The λ of every penalty here.
const LAMBDA: f64 = 10.0;

fn scalar(x: f64) -> Array {
    Array::from_slice(&[x], &[1, 1])
}

/// The Jensen-Shannon divergence of N(0, σ²) and N(θ, σ²), by the trapezoidal rule.
pub(crate) fn jsd(theta: f64, sigma: f64) -> f64 {
    const POINTS: i32 = 20_000;
    let (low, high) = (-8.0 * sigma, theta + 8.0 * sigma);
    let pitch = (high - low) / f64::from(POINTS);
    let density =
        |x: f64| (-0.5 * (x / sigma).powi(2)).exp() / (sigma * std::f64::consts::TAU.sqrt());
    // p·log(2p / (p + q)), which is 0 where p is.
    let term = |p: f64, q: f64| {
        if p > 0.0 {
            p * (2.0 * p / (p + q)).ln()
        } else {
            0.0
        }
    };
    let at = |i: i32| {
        let x = low + f64::from(i) * pitch;
        let (p, q) = (density(x), density(x - theta));
        0.5 * (term(p, q) + term(q, p))
    };
    (0..=POINTS).map(at).sum::<f64>() * pitch
}

/// How fast it grows with θ.
fn jsd_slope(theta: f64, sigma: f64) -> f64 {
    const STEP: f64 = 1e-3;
    (jsd(theta + STEP, sigma) - jsd(theta - STEP, sigma)) / (2.0 * STEP)
}

/// Both distances over θ.
fn flat() -> String {
    let js = |name, ink, sigma| Line::of(name, ink, 0.01..4.0, |theta| jsd(theta, sigma));
    Chart::new("The Jensen-Shannon divergence over the distance of two distributions: the narrower they are, the sooner it is flat. W₁ is a straight line.")
        .x("θ")
        .up(0.0..1.2)
        .line(js("JS, σ = 1", Ink::Run(1), 1.0))
        .line(js("JS, σ = 0.3", Ink::Run(2), 0.3))
        .line(js("JS, σ = 0.1", Ink::Run(3), 0.1))
        .line(Line::of("W₁", Ink::Real, 0.0..1.2, |theta| theta))
        .level(2.0_f64.ln(), "log 2")
        .svg()
}

/// How steep they are.
fn distances() -> String {
    let row = |theta: f64| {
        let js = [1.0, 0.3, 0.1].map(|sigma| match jsd_slope(theta, sigma).abs() {
            // What is left there is rounding.
            slope if slope < 1e-9 => "0".to_owned(),
            slope => short(slope, 2),
        });
        let [wide, narrow, thin] = js;
        vec![theta.to_string(), wide, narrow, thin, "1".to_owned()]
    };
    let head = ["θ", "JS, σ = 1", "JS, σ = 0.3", "JS, σ = 0.1", "W₁"];
    table(&head, [0.25, 0.5, 1.0, 2.0, 4.0].map(row))
}

/// ‖∇D‖ of a critic of `layers` linear layers from 784 pixels, 128 units between them, every weight at the clip `c`.
pub(crate) fn clipped_slope(layers: usize, c: f64) -> f64 {
    let width = |i: usize| match i {
        0 => 784,
        i if i == layers => 1,
        _ => 128,
    };
    let weights: Vec<Tensor> = (0..layers)
        .map(|i| Tensor::constant(Array::full(c, &[width(i), width(i + 1)], DType::F64)))
        .collect();
    let critic = |x: &Tensor| {
        let mut x = x.clone();
        for (i, w) in weights.iter().enumerate() {
            x = x.matmul(w);
            if i + 1 < layers {
                x = x.leaky_relu(0.2);
            }
        }
        x
    };
    let white = Tensor::constant(Array::full(1.0, &[1, 784], DType::F64));
    norms(&slopes(critic, &white)).item()
}

fn clipped() -> String {
    let row = |c: f64| {
        let slopes = [2, 3, 4].map(|layers| short(clipped_slope(layers, c), 3));
        [vec![c.to_string()], slopes.into()].concat()
    };
    let head = ["clip c", "2 layers", "3 layers", "4 layers"];
    table(&head, [0.001, 0.01, 0.1].map(row))
}

/// The slope that a critic D(x) = s·x comes to between reals at `w` and fakes at 0, with a penalty.
pub(crate) fn trained_slope(w: f64) -> f64 {
    let (real, fake) = (Tensor::constant(scalar(w)), Tensor::constant(scalar(0.0)));
    let mut s = 0.5;
    for _ in 0..100 {
        let weight = Tensor::variable(scalar(s));
        let critic = |x: &Tensor| x.matmul(&weight);
        let penalty = gradient_penalty(&norms(&slopes(critic, &real)));
        let loss = critic(&fake).mean() - critic(&real).mean() + penalty * LAMBDA;
        s -= 0.02 * grad(&loss, &[&weight], false)[0].item();
    }
    s
}

fn slope_law() -> String {
    let row = |w: f64| {
        let s = trained_slope(w);
        let law = 2.0 * LAMBDA * s * (s - 1.0);
        let numbers = [s, 1.0 + w / (2.0 * LAMBDA), s * w, law].map(|number| fixed(number, 3));
        [vec![w.to_string()], numbers.into()].concat()
    };
    let head = [
        "W₁",
        "slope s after 100 steps",
        "1 + W₁/20",
        "w = s·W₁",
        "20·s(s − 1)",
    ];
    table(&head, [1.0, 5.0, 10.0, 16.0].map(row))
}

/// How far (θ, ψ) is from (0, 0) every so many steps: reals at 0, G at θ, D(x) = ψ·x, the game's own loss, both move by 0.1
/// of their gradient in turn, and D has R1 with the weight γ.
pub(crate) fn dirac_distances(gamma: f64, every: usize, count: usize) -> Vec<f64> {
    const RATE: f64 = 0.1;
    let (mut theta, mut psi) = (1.0_f64, 0.0_f64);
    let mut out = vec![theta.hypot(psi)];
    for step in 1..=every * (count - 1) {
        let (g, d) = (
            Tensor::variable(scalar(theta)),
            Tensor::variable(scalar(psi)),
        );
        let real = Tensor::constant(scalar(0.0));
        let answer = |x: &Tensor| x.matmul(&d);
        let d_loss = bce_with_logits(&answer(&real), 1.0)
            + bce_with_logits(&answer(&g.detach()), 0.0)
            + zero_centred(&slopes(answer, &real)) * gamma;
        psi -= RATE * grad(&d_loss, &[&d], false)[0].item();
        let d = Tensor::constant(scalar(psi));
        let g_loss = -bce_with_logits(&g.matmul(&d), 0.0);
        theta -= RATE * grad(&g_loss, &[&g], false)[0].item();
        if step % every == 0 {
            out.push(theta.hypot(psi));
        }
    }
    out
}

fn dirac() -> String {
    const EVERY: usize = 4;
    let line = |name, ink, gamma| {
        let distances = dirac_distances(gamma, EVERY, 101).into_iter();
        let at = |(i, distance): (usize, f64)| [(i * EVERY) as f64, distance];
        Line::new(name, ink, distances.enumerate().map(at).collect())
    };
    Chart::new(
        "Without R1 the distance from rest stays near 1 for 400 steps; with it, it falls to 0.",
    )
    .x("step")
    .y("distance from (0, 0)")
    .up(0.0..1.2)
    .line(line("γ = 0", Ink::Run(1), 0.0))
    .line(line("γ = 0.3", Ink::Run(2), 0.3))
    .line(line("γ = 1", Ink::Run(3), 1.0))
    .svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn js_is_flat_where_supports_are_apart() {
        assert!((jsd(8.0, 0.1) - 2.0_f64.ln()).abs() < 1e-6);
        assert!(jsd_slope(8.0, 0.1).abs() < 1e-9);
        assert!(jsd_slope(1.0, 1.0) > 0.1);
    }

    #[test]
    fn a_clipped_critics_slope_is_a_power_of_the_clip() {
        for layers in [2, 3, 4] {
            let ratio = clipped_slope(layers, 0.1) / clipped_slope(layers, 0.01);
            let power = 10.0_f64.powi(i32::try_from(layers).expect("few"));
            assert!((ratio / power - 1.0).abs() < 1e-9, "{layers}: {ratio}");
        }
    }

    #[test]
    fn the_slope_is_what_the_penalty_and_the_distance_agree_on() {
        for w in [1.0, 5.0, 16.0] {
            let s = trained_slope(w);
            assert!((s - 1.0 - w / 20.0).abs() < 1e-9, "{w}: {s}");
        }
    }

    #[test]
    fn r1_brings_the_game_to_rest() {
        let last = |gamma| *dirac_distances(gamma, 200, 5).last().expect("steps");
        assert!(
            last(0.0) > 0.5 && last(1.0) < 1e-3,
            "{} {}",
            last(0.0),
            last(1.0)
        );
    }
}

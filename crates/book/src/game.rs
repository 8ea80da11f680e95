//! What `06-game.md` computes.

use crate::failure::{Course, DEAD, Known, known, setup, shown};
use crate::plot::{Chart, Ink, Line};
use crate::text::{fixed, table};
use crate::wasserstein::jsd;
use crate::{Lang, Piece};
use anyhow::{Context, Result};
use detach::nn::loss::bce_with_logits;
use detach::prelude::*;
use detach::recipes::{Preset, Setup, find};
use std::sync::LazyLock;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "game-best-d",
        make: |lang| shown(best_d(lang)),
    },
    Piece {
        name: "game-gap",
        make: |_| shown(gap()),
    },
    Piece {
        name: "game-values",
        make: values,
    },
    Piece {
        name: "game-value",
        make: |lang| shown(value(lang)),
    },
    Piece {
        name: "game-slopes",
        make: slopes,
    },
    Piece {
        name: "game-log-2",
        make: |lang| shown(log_2(lang)),
    },
];

/// The step of `gauss1d` whose densities are shown: G is on its way, and D has kept up.
const STEP: u64 = 32;

static ON_THE_WAY: Known = LazyLock::new(|| once(setup("gauss1d", &[]), STEP));
/// The first hundred steps, a line for each second one.
static FIRST: Known = LazyLock::new(|| Course::known(setup("gauss1d", &[]), 100, 2));

fn once(setup: Result<Setup>, steps: u64) -> Result<Course, String> {
    Course::known(setup, steps, steps)
}

fn best_d(lang: Lang) -> Result<String> {
    let curves = &known(&ON_THE_WAY)?.curves;
    let line = |start: &str, name, ink| -> Result<Line> {
        let curve = curves.iter().find(|curve| curve.name.starts_with(start));
        let curve = curve.with_context(|| format!("no curve {start}"))?;
        // One point in three is more than a pixel's share.
        let points = curve.points.iter().step_by(3).copied().collect();
        Ok(Line::new(name, ink, points))
    };
    let alt = lang.of(
        "Four curves over x after 32 steps of gauss1d: the density p of the reals, the narrower density q of the fakes, D* = p / (p + q), \
         which is low where fakes are, and D, which follows it.",
        "gauss1d 训练 32 步后沿 x 的四条曲线：真样本的密度 p，较窄的假样本密度 q，D* = p / (p + q)（在假样本处很低），以及跟随它的 D。",
    );
    Ok(Chart::new(alt)
        .x("x")
        .up(0.0..1.25)
        .level(0.5, "½")
        .line(line("p =", "p", Ink::Real)?)
        .line(line("q,", "q", Ink::G)?)
        .line(line("D*", "D*", Ink::Run(3))?)
        .line(line("D(x)", "D", Ink::D)?)
        .svg())
}

fn gap() -> Result<String> {
    Ok(fixed(known(&ON_THE_WAY)?.last("d_gap"), 2))
}

/// How far apart two normal densities are, and what the best D makes of it.
fn values(lang: Lang) -> String {
    let row = |shift: f64| {
        let divergence = jsd(shift, 1.0);
        vec![
            format!("{shift}"),
            fixed(divergence, 4),
            fixed(2.0 * divergence - 4.0_f64.ln(), 4),
        ]
    };
    table(
        &[
            lang.of("G's mean", "G 的均值"),
            "JSD(p, q)",
            "V(D*, G) = 2·JSD − log 4",
        ],
        [0.0, 0.5, 1.0, 2.0, 4.0, 8.0].map(row),
    )
}

fn value(lang: Lang) -> Result<String> {
    let run = known(&FIRST)?;
    let alt = lang.of(
        "The value that D has and the best value it could have over 100 steps of gauss1d: D catches up by step 28, then G brings both down \
         to −log 4.",
        "gauss1d 前 100 步中 D 的值与最优值：D 在第 28 步左右追上，随后 G 把两者一起压到 −log 4。",
    );
    Ok(Chart::new(alt)
        .x(lang.of("step", "步"))
        .y("V")
        .level(-4.0_f64.ln(), "−log 4")
        .line(Line::new("V(D*, G)", Ink::Run(3), run.series("value_best")))
        .line(Line::new("V(D, G)", Ink::D, run.series("value")))
        .svg())
}

/// The slopes of both of G's losses at logits, by the engine.
fn slopes(lang: Lang) -> String {
    let slope = |loss: fn(&Tensor) -> Tensor| {
        move |logit: f64| {
            let logit = Tensor::variable(Array::from_slice(&[logit], &[1]));
            grad(&loss(&logit), &[&logit], false)[0].item().abs()
        }
    };
    let alt = lang.of(
        "The size of the gradient at a fake's logit: σ(ℓ) of the saturating loss is nothing where D is sure that it is fake, \
         1 − σ(ℓ) of the other is 1 there.",
        "假样本 logit 处梯度的大小：饱和损失为 σ(ℓ)，在 D 确信其为假时趋于 0；非饱和损失为 1 − σ(ℓ)，在那里等于 1。",
    );
    let minimax = slope(|logit| -bce_with_logits(logit, 0.0));
    let other = slope(|logit| bce_with_logits(logit, 1.0));
    Chart::new(alt)
        .x(lang.of("logit ℓ of a fake", "假样本的 logit ℓ"))
        .y("|∂L_G/∂ℓ|")
        .up(0.0..1.05)
        .line(Line::of("log(1 − D)", Ink::Run(2), -8.0..8.0, minimax))
        .line(Line::of("−log D", Ink::Run(1), -8.0..8.0, other))
        .svg()
}

static BEGUN: Known = LazyLock::new(|| once(setup("gauss1d", &[]), 1));
static BALANCED: Known = LazyLock::new(|| {
    once(
        find("gauss1d").map(|recipe| recipe.setup(Preset::Fixed)),
        600,
    )
});

/// Three moments at which D's loss is log 4 and G's log 2.
fn log_2(lang: Lang) -> Result<String> {
    let row = |name: &str, run: &Known| -> Result<Vec<String>> {
        let run = known(run)?;
        let norm = run.last("d_norm");
        Ok(vec![
            name.to_owned(),
            fixed(run.last("d_loss"), 2),
            fixed(run.last("g_loss"), 2),
            if norm == 0.0 {
                "0".to_owned()
            } else {
                fixed(norm, 2)
            },
            fixed(run.last("jsd"), 2),
        ])
    };
    Ok(table(
        &[
            "`gauss1d`",
            lang.of("D's loss", "D 的损失"),
            lang.of("G's loss", "G 的损失"),
            "‖∂L_D/∂D‖",
            "JSD",
        ],
        [
            row(lang.of("begun: step 1", "刚开始：第 1 步"), &BEGUN)?,
            row(
                lang.of(
                    "balanced: `--preset fixed`, step 600",
                    "平衡：`--preset fixed`，第 600 步",
                ),
                &BALANCED,
            )?,
            row(
                lang.of(
                    "dead: `--set lr=0.02`, step 900",
                    "死亡：`--set lr=0.02`，第 900 步",
                ),
                &DEAD,
            )?,
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_2;

    #[test]
    fn apart_and_alike_are_the_ends_of_the_value() {
        assert!((2.0 * jsd(0.0, 1.0)).abs() < 1e-12);
        assert!((jsd(12.0, 1.0) - LN_2).abs() < 1e-6);
    }

    /// What the chapter says of the first hundred steps.
    #[test]
    fn d_catches_up_and_both_fall_to_minus_log_4() {
        let run = known(&FIRST).expect("a run");
        let at = |name, step: f64| {
            let series = run.series(name);
            let found = series.iter().find(|[at, _]| *at == step);
            found.expect("a line")[1]
        };
        assert!((at("value_best", 1.0) + 0.42).abs() < 0.01);
        assert!((at("value", 10.0) - at("value_best", 10.0)).abs() > 0.3);
        assert!((at("value", 28.0) - at("value_best", 28.0)).abs() < 0.03);
        for name in ["value", "value_best"] {
            assert!((at(name, 100.0) + 4.0_f64.ln()).abs() < 0.02, "{name}");
        }
    }

    /// V(D, G) is below V(D*, G), whatever the networks: but for the smoothing of q.
    #[test]
    fn no_d_is_better_than_the_best() {
        let run = Course::of(&setup("gauss1d", &[]).expect("a setup"), 40, 1).expect("a run");
        let pairs = run
            .series("value")
            .into_iter()
            .zip(run.series("value_best"));
        for ([step, value], [_, best]) in pairs {
            assert!(value < best + 0.02, "{step}: {value} {best}");
        }
    }
}

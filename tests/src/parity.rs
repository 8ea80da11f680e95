//! How far an `f32` run of a recipe is from PyTorch's: what `tests/parity.rs` asserts on the
//! CPU and `gpu-report` on a GPU.
//!
//! In `f32` two right programs drift apart. The measure is how far PyTorch's own `f32` run is
//! from its `f64` run.

use crate::golden::{self, Golden, Parameter, Which, distance};
use crate::replay::{Gradients, Replay, of_preset};
use detach_recipes::{Preset, RECIPES, Setup};
use detach_tensor::{DType, Kind};

/// In `f32`: gradients of step 1, relatively.
const F32_LIMIT: f64 = 1e-5;
/// The same where the gradient has come through a BatchNorm, which divides the
/// difference of nearly equal sums by a small deviation.
const F32_LIMIT_BEHIND_NORM: f64 = 1e-4;
/// In `f32`: a gradient whose true value is 0, as a share of the largest one.
const F32_LIMIT_OF_ZERO: f64 = 1e-5;

/// A golden, and the recipe and settings that it is of.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name.
    pub golden: &'static str,
    /// The recipe's.
    pub recipe: &'static str,
    /// Its preset.
    pub preset: Preset,
    /// To the preset's settings.
    pub changes: &'static [&'static str],
}

/// The golden of a recipe as published.
pub const fn case(name: &'static str) -> Case {
    Case {
        golden: name,
        recipe: name,
        preset: Preset::AsPublished,
        changes: &[],
    }
}

/// The golden of another loop, or preset, of a recipe.
const fn other(golden: &'static str, recipe: &'static str, preset: Preset) -> Case {
    Case {
        golden,
        preset,
        ..case(recipe)
    }
}

/// The tutorial that updates G first.
pub const MLP_G_FIRST: Case = changed("mlp-g-first", "mlp", &["order=g-first"]);

/// The golden of a recipe as published but for some settings.
const fn changed(
    golden: &'static str,
    recipe: &'static str,
    changes: &'static [&'static str],
) -> Case {
    Case {
        golden,
        changes,
        ..case(recipe)
    }
}

/// Narrow networks for RGB images.
const RGB: &[&str] = &["size=64", "width=8"];

/// Other published loops of a recipe, presets that train otherwise, and networks of other sizes.
const OTHERS: &[Case] = &[
    MLP_G_FIRST,
    other("wgan-fixed", "wgan", Preset::Fixed),
    other("wgan-gp-fixed", "wgan-gp", Preset::Fixed),
    other("lsgan-fixed", "lsgan", Preset::Fixed),
    other("began-fixed", "began", Preset::Fixed),
    other("sagan-fixed", "sagan", Preset::Fixed),
    changed("cgan-planes", "cgan", &["condition=planes"]),
    other("acgan-fixed", "acgan", Preset::Fixed),
    other("mlp-cgan-fixed", "mlp-cgan", Preset::Fixed),
    changed("infogan-narrow", "infogan", &["width=4", "hidden=32"]),
    // As published its loss lies within rounding of 0, of which no share can be said.
    Case {
        preset: Preset::Fixed,
        ..changed("wgan-64", "wgan", RGB)
    },
    changed("wgan-gp-64", "wgan-gp", RGB),
    changed("lsgan-64", "lsgan", RGB),
    changed("began-64", "began", &["size=64", "filters=4"]),
    changed("sagan-64", "sagan", RGB),
];

/// Every golden: one of each recipe of the registry, and of other loops and presets of one.
pub fn cases() -> Vec<Case> {
    let recipes = RECIPES.iter().map(|recipe| match recipe.name() {
        // With no switch moved.
        "lab" => Case {
            golden: "dcgan-light",
            ..case("lab")
        },
        name => case(name),
    });
    recipes.chain(OTHERS.iter().copied()).collect()
}

impl Case {
    /// The recipe's settings.
    pub fn setup(&self) -> Setup {
        of_preset(self.recipe, self.preset, self.changes)
    }

    /// A run of the recipe on the golden's numbers.
    pub fn replay(&self, golden: &Golden, kind: impl Into<Kind>) -> Replay {
        Replay::new(&self.setup(), golden, kind)
    }
}

/// Whether the true gradient of a parameter is 0.
pub fn has_zero_gradient(golden: &Golden, which: Which, name: &str) -> bool {
    golden
        .zero_gradient
        .of(which)
        .iter()
        .any(|bias| bias == name)
}

/// `4.weight` is the weight of layer 4; what is beside the row, such as `embedding.weight`, is behind all of it.
///
/// # Panics
/// When it is no such name.
pub fn position(name: &str) -> (usize, &str) {
    let (layer, tensor) = name.split_once('.').expect("layer.tensor");
    (layer.parse().unwrap_or(usize::MAX), tensor)
}

/// How far a run is from PyTorch's.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The golden.
    pub name: &'static str,
    /// Of D's and G's loss: our distance and PyTorch's.
    pub losses: [(f64, f64); 2],
    /// The worst gradient of step 1 that met no BatchNorm, that met one, and the
    /// largest that should be 0.
    pub gradients: [f64; 3],
    /// PyTorch's own distance of a gradient, where it is known.
    pub gradient_of_pytorch: f64,
}

impl Row {
    /// Over the columns that [`Row::print`] prints.
    pub const HEADER: &str = "             d_loss                      g_loss                      gradients of step 1\n\
         recipe           ours  PyTorch    limit      ours  PyTorch    limit     plain   behind     zero";

    /// Runs the case on a device.
    pub fn of(case: &Case, kind: impl Into<Kind>) -> Self {
        let golden = golden::recipe(case.golden);
        let wide = case.replay(&golden, DType::F64).run(1);
        let steps = golden.f32.steps.unwrap_or(golden.steps);
        let narrow = case.replay(&golden, kind).run(steps);
        let mut gradients = [0.0; 3];
        for (narrow, wide) in narrow.updates.iter().zip(&wide.updates) {
            for (i, distance) in gradient_distances(narrow, wide, &golden) {
                gradients[i] = f64::max(gradients[i], distance);
            }
        }
        let farthest = |ours: &[f64], theirs: &[f64]| {
            let steps = ours.iter().zip(theirs);
            steps
                .map(|(a, b)| (a - b).abs() / b.abs())
                .fold(0.0, f64::max)
        };
        let of = |name: &str| farthest(&narrow.curves[name], &golden.curve(name));
        Self {
            name: case.golden,
            losses: [
                (of("d_loss"), golden.f32.d_loss),
                (of("g_loss"), golden.f32.g_loss),
            ],
            gradients,
            gradient_of_pytorch: golden.f32.gradient,
        }
    }

    /// Whether all of it is within the limits.
    pub fn passes(&self) -> bool {
        let [near, behind, zero] = self.gradients;
        self.losses
            .iter()
            .all(|(ours, theirs)| *ours <= 2.0 * theirs)
            && near <= F32_LIMIT.max(2.0 * self.gradient_of_pytorch)
            && behind <= F32_LIMIT_BEHIND_NORM.max(2.0 * self.gradient_of_pytorch)
            && zero <= F32_LIMIT_OF_ZERO
    }

    /// Prints it as a line under [`Row::HEADER`].
    pub fn print(&self) {
        let [(d, d_torch), (g, g_torch)] = self.losses;
        let [near, behind, zero] = self.gradients;
        let verdict = if self.passes() { "" } else { "  MISSED" };
        println!(
            "{:<12} {d:>8.1e} {d_torch:>8.1e} {:>8.1e}  {g:>8.1e} {g_torch:>8.1e} {:>8.1e}  \
             {near:>8.1e} {behind:>8.1e} {zero:>8.1e}{verdict}",
            self.name,
            2.0 * d_torch,
            2.0 * g_torch
        );
    }
}

/// The distance of each gradient, with its place in [`Row::gradients`].
fn gradient_distances(narrow: &Gradients, wide: &Gradients, golden: &Golden) -> Vec<(usize, f64)> {
    assert_eq!(narrow.net, wide.net);
    let net = wide.net;
    let largest = wide.norms.iter().copied().fold(0.0, f64::max);
    let one = |(i, Parameter { name, .. }): (usize, &Parameter)| {
        if has_zero_gradient(golden, net, name) {
            return (2, narrow.norms[i] / largest);
        }
        let behind = usize::from(is_behind_norm(golden, net, position(name).0));
        (behind, distance(&narrow.values[i], &wide.values[i]))
    };
    golden
        .parameters
        .of(net)
        .iter()
        .enumerate()
        .map(one)
        .collect()
}

/// Whether the gradient of a layer's parameters comes through a BatchNorm on its way
/// back from the loss, or is of the BatchNorm itself.
fn is_behind_norm(golden: &Golden, net: Which, layer: usize) -> bool {
    let is_norm = |layer: &String| layer.starts_with("BatchNorm");
    golden.layers.of(net).iter().skip(layer).any(is_norm)
        || net == Which::G && golden.layers.d.iter().any(is_norm)
}

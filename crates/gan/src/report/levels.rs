//! What a loss is beside: where D answers ½ to everything, and below which it cannot come.

use detach_recipes::Setup;
use serde::Serialize;
use std::f64::consts::LN_2;

/// A line to measure by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Level {
    /// Where it is.
    pub y: f64,
    /// What it is.
    pub text: String,
}

impl Level {
    /// A line at `y`.
    pub(super) fn new(y: f64, text: &str) -> Self {
        Self {
            y,
            text: text.to_owned(),
        }
    }
}

/// How the losses of a recipe are made of cross-entropies.
struct Entropies {
    /// What D's two are multiplied with before they are added.
    factor: f64,
    /// The labels of D for reals and fakes, and that of G.
    targets: [f64; 3],
}

/// The cross-entropies of a recipe; `None` where its losses are something else or more.
fn entropies(setup: &Setup) -> Option<Entropies> {
    let options = setup.options();
    let text = |key: &str| options.get(key).and_then(|value| value.as_str());
    let factor = match setup.recipe().name() {
        "dcgan" | "dcgan-light" | "dcgan64" | "cgan" | "gauss1d" => 1.0,
        "mlp" if text("order") == Some("d-first") => 1.0,
        "mlp" | "mlp-relu" | "keras-mlp" => 0.5,
        _ => return None,
    };
    if text("generator-loss").is_some_and(|loss| loss != "non-saturating") {
        return None;
    }
    let targets = match options.get("targets").and_then(|value| value.as_table()) {
        None => [1.0, 0.0, 1.0],
        Some(table) => {
            let of = |key: &str| table.get(key).and_then(toml::Value::as_float);
            [of("real")?, of("fake")?, of("generator")?]
        }
    };
    Some(Entropies { factor, targets })
}

/// The least that a cross-entropy with a label can be.
fn entropy(label: f64) -> f64 {
    let part = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    part(label) + part(1.0 - label)
}

/// The lines to measure the losses of a recipe by; none where nothing is known of them.
pub(super) fn of_losses(setup: &Setup) -> Vec<Level> {
    let Some(Entropies { factor, targets }) = entropies(setup) else {
        return Vec::new();
    };
    let [real, fake, generator] = targets.map(entropy);
    let at_half = 2.0 * factor * LN_2;
    let mut levels = vec![Level::new(
        at_half,
        &format!("D at ½ everywhere, {at_half:.3}"),
    )];
    for (name, floor) in [("D", factor * (real + fake)), ("G", generator)] {
        if floor > 0.0 {
            levels.push(Level::new(floor, &format!("{name}’s floor, {floor:.3}")));
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_recipes::{Preset, find};

    fn of(recipe: &str, set: &[&str]) -> Vec<Level> {
        let mut setup = find(recipe).expect(recipe).setup(Preset::AsPublished);
        set.iter().for_each(|set| setup.set(set).expect(set));
        of_losses(&setup)
    }

    #[test]
    fn levels_are_those_of_the_papers() {
        let light = of("dcgan-light", &[]);
        let at: Vec<f64> = light.iter().map(|level| level.y).collect();
        for (y, expected) in at.iter().zip([1.3863, 0.6502, 0.3251]) {
            assert!((y - expected).abs() < 1e-4, "{light:?}");
        }
        // Hard labels can be met.
        assert_eq!(of("dcgan", &[]).len(), 1);
        assert!((of("mlp", &["order=g-first"])[0].y - LN_2).abs() < 1e-12);
        assert!((of("mlp-relu", &[])[0].y - LN_2).abs() < 1e-12);
        assert!(of("wgan", &[]).is_empty() && of("lsgan", &[]).is_empty());
    }
}

//! Goldens: what PyTorch computed, in `tests/golden/*.json`, and the formula behind
//! every number that went in (`tests/golden/formula.py` is its other half).
//!
//! u(tag, i) is splitmix64 of `tag << 32 | i`, mapped to [-1, 1). It is exact in `f64`,
//! so both sides hold the same bits without sharing a file; an `f32` run uses the same
//! numbers rounded. `i` counts elements in row-major order of PyTorch's shape.

mod layers;

pub use layers::{
    Detach, DetachCase, DetachTurn, FormulaSample, LossCase, Losses, OPTIM_GRADIENT_TAG,
    OPTIM_PARAMETER_TAG, OpCase, Operand, Ops, OptimCase, Optims, Values,
};

use detach_nn::{Name, Slot, State, parameters};
use detach_tensor::{Array, Kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;

/// Tag of the generator's first parameter; the k-th has this plus k.
pub const G_TAG: u64 = 1000;
/// Tag of the discriminator's first parameter.
pub const D_TAG: u64 = 2000;
/// Tag of batch 0 of the reals.
pub const REAL_TAG: u64 = 3000;
/// Tag of draw 0 of the noise.
pub const NOISE_TAG: u64 = 100_000;

/// u(`tag`, i) for i below `len`.
pub fn uniform(tag: u64, len: usize) -> Vec<f64> {
    let unit = |i: u64| {
        let bits = splitmix64((tag << 32 | i).wrapping_add(0x9E37_79B9_7F4A_7C15)) >> 11;
        bits as f64 * 2.0_f64.powi(-53) * 2.0 - 1.0
    };
    (0..len as u64).map(unit).collect()
}

/// The finaliser of splitmix64 (Steele et al., OOPSLA 2014).
fn splitmix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// u(`tag`, ·) · `scale` + `shift`, rounded to `kind`.
pub fn by_formula(
    tag: u64,
    shape: &[usize],
    scale: f64,
    shift: f64,
    kind: impl Into<Kind>,
) -> Array {
    let mut values = uniform(tag, shape.iter().product());
    for value in &mut values {
        *value = *value * scale + shift;
    }
    Array::from_f64(&values, shape, kind)
}

/// Overwrites all parameters of `net`: the k-th has the tag `first_tag` + k.
///
/// Weights of rank 2 and more are scaled to variance 1/(3·fan_in), the γ of a batch
/// normalisation lie around 1 and everything else around 0.
pub fn fill(net: &dyn State, first_tag: u64) {
    for (tag, (name, parameter)) in (first_tag..).zip(parameters(net)) {
        let old = parameter.get();
        let shape = old.shape();
        let (scale, shift) = match shape.len() {
            // The only weights of rank 1 are batch normalisation's.
            1 if name.ends_with("weight") => (0.1, 1.0),
            0 | 1 => (0.1, 0.0),
            _ => ((shape[0] as f64 / old.len() as f64).sqrt(), 0.0),
        };
        let values = by_formula(tag, shape, scale, shift, old.kind());
        parameter.set("golden::fill", &values);
    }
    let mut tag = first_tag + 500;
    net.visit(Name::ROOT, &mut |name, slot| {
        let name = name.to_string();
        if let Slot::Buffer(vector) = slot
            && (name.ends_with("._u") || name.ends_with("._v"))
        {
            let old = vector.get();
            let length = norm(&uniform(tag, old.len()));
            let values = by_formula(tag, old.shape(), length.recip(), 0.0, old.kind());
            vector.set("golden::fill", &values);
            tag += 1;
        }
    });
}

/// √Σx², summed in `f64`.
pub fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// ‖a − b‖ / ‖b‖; 0 when they are equal.
///
/// # Panics
/// When the lengths differ.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "distance of vectors of different length");
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    match norm(&difference) {
        0.0 => 0.0,
        difference => difference / norm(b),
    }
}

/// The training steps of a recipe in PyTorch, in `f64` with dropout off.
#[derive(Debug, Deserialize)]
pub struct Golden {
    /// Samples a batch.
    pub batch: usize,
    /// Training steps.
    pub steps: usize,
    /// Dimensions of the noise.
    pub latent: usize,
    /// Number of the first batch of reals and of the first draw of noise.
    #[serde(default)]
    pub first: u64,
    /// How many batches and draws each step passes over before it takes its own; none
    /// where this is empty.
    #[serde(default)]
    pub skips: Vec<u64>,
    /// The optimiser of both networks.
    pub adam: OptimOptions,
    /// The layers as PyTorch writes them, by position in the `nn.Sequential`.
    pub layers: Nets<Vec<String>>,
    /// Parameters in order.
    pub parameters: Nets<Vec<Parameter>>,
    /// Trained values.
    pub counts: Nets<usize>,
    /// Biases straight before a BatchNorm. Their true gradient is 0, so what is
    /// computed is rounding, and comparing it relatively would say nothing.
    pub zero_gradient: Nets<Vec<String>>,
    /// The names of what each step tells.
    #[serde(rename = "curves")]
    pub names: Vec<String>,
    /// Every optimiser step of the run, in order.
    pub updates: Vec<Update>,
    /// ‖·‖ of every parameter and running statistic at the end.
    #[serde(rename = "final")]
    pub last: Nets<BTreeMap<String, f64>>,
    /// How far PyTorch's own `f32` run is from this.
    pub f32: Distances,
    /// Everything else; what each step tells is here by its name.
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

impl Golden {
    /// What each step tells of `name`.
    ///
    /// # Panics
    /// When it tells nothing of that name.
    pub fn curve(&self, name: &str) -> Vec<f64> {
        let values = self.rest.get(name).cloned();
        let values = values.unwrap_or_else(|| panic!("the golden has no `{name}`"));
        serde_json::from_value(values).unwrap_or_else(|e| panic!("`{name}`: {e}"))
    }
}

/// Something of each network.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Nets<T> {
    /// The generator's.
    #[serde(rename = "G")]
    pub g: T,
    /// The discriminator's.
    #[serde(rename = "D")]
    pub d: T,
}

/// An optimiser's constants.
#[derive(Debug, Deserialize)]
pub struct OptimOptions {
    /// `adam`, `adam-keras` where ε is added before the bias correction, or `rmsprop`.
    pub kind: String,
    /// Learning rate.
    pub lr: Rate,
    /// Adam's β₁ and β₂.
    pub betas: Option<[f64; 2]>,
    /// RMSprop's α.
    pub alpha: Option<f64>,
    /// ε.
    pub eps: f64,
}

/// A learning rate.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Rate {
    /// Of both networks.
    Both(f64),
    /// Of each.
    Each(Nets<f64>),
}

/// A parameter's place.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Parameter {
    /// As in a state dict.
    pub name: String,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
}

/// One optimiser step.
#[derive(Debug, Deserialize)]
pub struct Update {
    /// `G` or `D`.
    pub net: Which,
    /// ‖gradient‖ of each parameter, in order.
    pub grad_norms: Vec<f64>,
}

/// A network.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Which {
    /// The generator.
    G,
    /// The discriminator.
    D,
}

/// The largest relative distance over all steps, or the first.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Distances {
    /// Of D's loss.
    pub d_loss: f64,
    /// Of G's loss.
    pub g_loss: f64,
    /// Of how many steps, where it is not all of them: before small differences grow.
    pub steps: Option<usize>,
    /// Of a gradient in these.
    #[serde(default)]
    pub gradient: f64,
}

impl<T> Nets<T> {
    /// One of the two.
    pub fn of(&self, which: Which) -> &T {
        match which {
            Which::G => &self.g,
            Which::D => &self.d,
        }
    }
}

/// The golden of a recipe.
///
/// # Panics
/// When there is none, or it cannot be read.
pub fn recipe(name: &str) -> Golden {
    load(name)
}

/// Where gradients go in published loops with their `detach` kept, gone, and elsewhere.
///
/// # Panics
/// When it cannot be read.
pub fn detach() -> Detach {
    load("detach")
}

/// The golden of single layers.
///
/// # Panics
/// When it cannot be read.
pub fn ops() -> Ops {
    load("ops")
}

/// The golden of functions of tensors.
///
/// # Panics
/// When it cannot be read.
pub fn functions() -> Vec<OpCase> {
    #[derive(Deserialize)]
    struct Functions {
        cases: Vec<OpCase>,
    }
    let functions: Functions = load("functions");
    functions.cases
}

/// The golden of the optimisers.
///
/// # Panics
/// When it cannot be read.
pub fn optim() -> Optims {
    load("optim")
}

/// The golden of losses and penalties.
///
/// # Panics
/// When it cannot be read.
pub fn losses() -> Losses {
    load("losses")
}

fn load<T: DeserializeOwned>(name: &str) -> T {
    // Where the sources were when this was built; on another machine, the tree it is run in.
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    if !folder.is_dir() {
        folder = Path::new("tests").join("golden");
    }
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| {
        panic!(
            "{}: {e}; a recipe needs a golden: write its loop in tests/golden/loops.py and run \
             `cargo xtask golden`",
            path.display()
        )
    });
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_pythons() {
        let FormulaSample { tag, values } = ops().formula;
        assert_eq!(uniform(tag, values.len()), values);
        assert_ne!(uniform(tag + 1, values.len()), values);
    }

    #[test]
    fn the_formula_spreads_over_its_range() {
        let u = uniform(7, 10_000);
        assert!(u.iter().all(|u| (-1.0..1.0).contains(u)));
        let mean = u.iter().sum::<f64>() / 1e4;
        let variance = u.iter().map(|u| u * u).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.02 && (variance - 1.0 / 3.0).abs() < 0.01);
    }

    #[test]
    fn distance_is_relative() {
        assert_eq!(distance(&[3.0, 4.5], &[3.0, 4.0]), 0.1);
        assert_eq!(distance(&[0.0], &[0.0]), 0.0);
        assert!(distance(&[f64::NAN], &[1.0]).is_nan());
    }
}

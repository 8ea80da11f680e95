//! The discriminator of `dcgan64` in `f32`, layer by layer, against `f64`: how far rounding goes in the
//! forms that convolutions take, beside PyTorch's where there is one.
//!
//! ```sh
//! cargo test --release -p detach-tests --test engine layers -- --nocapture
//! ```

use detach_tensor::{Act, Array, DType, Tensor, grad};
use detach_tests::golden::{D_TAG, REAL_TAG, by_formula, distance};
use detach_tests::program::python;
use detach_tests::repository;
use serde::Deserialize;
use std::process::Command;

const BATCH: usize = 16;
const CHANNELS: [usize; 6] = [3, 64, 128, 256, 512, 1];

/// What rounding may do to one convolution: three times the plain sum's of as many terms.
const LIMIT: f64 = 1.5e-6;
/// What it may do to a gradient on its way back through all of them: five times what it does to
/// PyTorch's and to ours.
const GRADIENT_LIMIT: f64 = 5e-3;

#[derive(Debug, Deserialize)]
struct Errors {
    layers: Vec<f64>,
    gradients: Vec<f64>,
}

/// The network's weights and the normalisations' γ and β, rounded to `f32`.
struct Discriminator {
    weights: Vec<Tensor>,
    affine: Vec<[Tensor; 2]>,
}

impl Discriminator {
    fn new(dtype: DType) -> Self {
        let mut tag = D_TAG..;
        let mut draw = |shape: &[usize], scale, shift| {
            let tag = tag.next().expect("tags go on");
            let narrow = by_formula(tag, shape, scale, shift, DType::F32);
            Tensor::variable(narrow.to_dtype(dtype))
        };
        let (mut weights, mut affine) = (Vec::new(), Vec::new());
        for (i, pair) in CHANNELS.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            let fan_in: usize = from * 16;
            weights.push(draw(&[to, from, 4, 4], (1.0 / fan_in as f64).sqrt(), 0.0));
            if (1..=3).contains(&i) {
                affine.push([draw(&[to], 0.1, 1.0), draw(&[to], 0.1, 0.0)]);
            }
        }
        Self { weights, affine }
    }

    fn convolution(&self, i: usize, x: &Tensor) -> Tensor {
        let (stride, padding) = if i == 4 { (1, 0) } else { (2, 1) };
        x.conv2d(&self.weights[i], [stride; 2], [padding; 2])
    }

    /// What follows convolution `i`.
    fn after(&self, i: usize, y: &Tensor) -> Tensor {
        match i {
            0 => y.leaky_relu(0.2),
            4 => y.clone(),
            _ => {
                let [gamma, beta] = &self.affine[i - 1];
                y.batch_norm_act([gamma, beta], 1e-5, Act::LeakyRelu(0.2)).0
            }
        }
    }
}

fn reals(dtype: DType) -> Tensor {
    let x = by_formula(REAL_TAG, &[BATCH, 3, 64, 64], 1.0, 0.0, DType::F32);
    Tensor::constant(x.to_dtype(dtype))
}

fn values(x: &Array) -> Vec<f64> {
    x.to_vec()
}

/// The error of each convolution, of the same input and weight.
fn layers() -> Vec<f64> {
    let [narrow, wide] = [DType::F32, DType::F64].map(Discriminator::new);
    let mut x = reals(DType::F32);
    let mut errors = Vec::new();
    for i in 0..5 {
        let y = narrow.convolution(i, &x);
        let exact = wide.convolution(i, &Tensor::constant(x.value().to_dtype(DType::F64)));
        errors.push(distance(&values(y.value()), &values(exact.value())));
        x = narrow.after(i, &y);
    }
    errors
}

/// The error of each weight's gradient, through the network.
fn gradients() -> Vec<f64> {
    let [narrow, wide] = [DType::F32, DType::F64].map(|dtype| {
        let net = Discriminator::new(dtype);
        let through = |x, i| net.after(i, &net.convolution(i, &x));
        let logits = (0..5).fold(reals(dtype), through);
        let loss = (-logits).softplus().mean();
        let weights: Vec<&Tensor> = net.weights.iter().collect();
        grad(&loss, &weights, false)
    });
    let pairs = narrow.iter().zip(&wide);
    pairs
        .map(|(a, b)| distance(&values(a.value()), &values(b.value())))
        .collect()
}

/// PyTorch's errors, of the same numbers.
fn pytorch() -> Option<Errors> {
    let output = Command::new(python(&["torch", "numpy"])?)
        .arg(repository().join("tests/golden/layers.py"))
        .arg(BATCH.to_string())
        .output()
        .expect("Python runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    Some(serde_json::from_str(&text).unwrap_or_else(|_| panic!("layers.py: {error}")))
}

#[test]
fn rounding_of_each_layer() {
    let ours = Errors {
        layers: layers(),
        gradients: gradients(),
    };
    let theirs = pytorch();
    let print = |what: &str, ours: &[f64], theirs: Option<&[f64]>| {
        println!("{what}: ours, PyTorch's, ratio");
        for (i, ours) in ours.iter().enumerate() {
            let channels = format!("{}→{}", CHANNELS[i], CHANNELS[i + 1]);
            match theirs.map(|theirs| theirs[i]) {
                Some(theirs) => println!(
                    "  {channels:>8}  {ours:.1e}  {theirs:.1e}  {:.1}",
                    ours / theirs
                ),
                None => println!("  {channels:>8}  {ours:.1e}"),
            }
        }
    };
    let of_theirs = |pick: fn(&Errors) -> &[f64]| theirs.as_ref().map(pick);
    print("convolution", &ours.layers, of_theirs(|e| &e.layers));
    print("gradient", &ours.gradients, of_theirs(|e| &e.gradients));
    assert!(ours.layers.iter().all(|e| *e < LIMIT), "{:?}", ours.layers);
    let gradients = &ours.gradients;
    assert!(
        gradients.iter().all(|e| *e < GRADIENT_LIMIT),
        "{gradients:?}"
    );
}

//! What a paper says must be seen where its system works, on little data: the numbers of real runs are in docs/zoo.md.

use detach_nn::{Name, Slot};
use detach_recipes::{Preset, RecipeInfo, Trainer, find};
use detach_tensor::{DType, Tensor};
use detach_tests::training::of_setup;
use std::collections::BTreeMap;

fn trainer(
    name: &str,
    preset: Preset,
    changes: &[&str],
    batch_size: usize,
    dtype: DType,
) -> Trainer {
    let recipe: &'static RecipeInfo = find(name).expect("a recipe");
    let mut setup = recipe.setup(preset);
    setup.settings.batch_size = batch_size;
    for change in changes {
        setup.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    of_setup(&setup, 64, dtype)
}

/// The largest singular value of `w` `[rows, columns]`, by so many iterations that it is exact.
fn largest_singular_value(w: &[f64], columns: usize) -> f64 {
    let rows = w.len() / columns;
    let mut v = vec![1.0; columns];
    let mut sigma = 0.0;
    for _ in 0..2000 {
        let u: Vec<f64> = w
            .chunks(columns)
            .map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum())
            .collect();
        let next: Vec<f64> = (0..columns)
            .map(|column| {
                (0..rows)
                    .map(|row| w[row * columns + column] * u[row])
                    .sum()
            })
            .collect();
        let norm = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        sigma = norm.sqrt();
        v = next.into_iter().map(|x| x / norm).collect();
    }
    sigma
}

/// Values of a recipe's networks by name, behind the network's.
fn values(trainer: &Trainer) -> BTreeMap<String, Tensor> {
    let mut all = BTreeMap::new();
    for (network, state) in trainer.recipe().networks() {
        state.visit(Name::ROOT, &mut |name, slot| {
            if let Slot::Param(value) | Slot::Buffer(value) = slot {
                all.insert(format!("{network}.{name}"), value.get().detach());
            }
        });
    }
    all
}

/// `sagan`: after 100 steps the largest singular value of each weight, divided by what its vectors say it is, is 1 to
/// 1.05: exact where they follow it, never below.
#[test]
fn the_weights_of_sagan_are_normalised() {
    for preset in Preset::ALL {
        let mut trainer = trainer("sagan", preset, &["width=16", "latent=16"], 16, DType::F32);
        (0..100).for_each(|_| drop(trainer.step()));
        let values = values(&trainer);
        let weights = values
            .iter()
            .filter(|(name, _)| name.ends_with(".original"));
        let mut seen = 0;
        for (name, weight) in weights {
            let kept = |which| &values[&name.replace("original", which)];
            let (u, v) = (kept("0._u").to_vec::<f64>(), kept("0._v").to_vec::<f64>());
            let rows = matrix(weight, u.len());
            let product = |row: &[f64]| row.iter().zip(&v).map(|(w, v)| w * v).sum::<f64>();
            let rows_and_u = rows.chunks(v.len()).zip(&u);
            let sigma: f64 = rows_and_u.map(|(row, u)| u * product(row)).sum();
            let normalised = largest_singular_value(&rows, v.len()) / sigma;
            assert!(
                (0.9999..=1.05).contains(&normalised),
                "{preset} {name}: {normalised}"
            );
            seen += 1;
        }
        // G's two and D's three, and the four of each attention.
        assert_eq!(seen, 2 + 3 + 2 * 4, "{:?}", values.keys());
    }
}

/// A convolution's weight as rows of outputs; a transposed one's second axis counts them.
fn matrix(weight: &Tensor, outputs: usize) -> Vec<f64> {
    let rows = match weight.shape()[0] == outputs {
        true => weight.clone(),
        false => weight.permute(&[1, 0, 2, 3]),
    };
    rows.to_vec()
}

/// `wgan`: weights gather at the corners of their box, in either type.
#[test]
fn the_weights_of_wgan_are_clipped() {
    for dtype in [DType::F32, DType::F64] {
        let mut trainer = trainer("wgan", Preset::Fixed, &["width=8", "latent=8"], 16, dtype);
        let report = (0..12).map(|_| trainer.step()).last().expect("steps");
        let told = report.get("clipped").expect("a share");
        let d = values(&trainer)
            .into_iter()
            .filter(|(name, _)| name.starts_with("discriminator"));
        let weights: Vec<f32> = d.flat_map(|(_, weight)| weight.to_vec::<f32>()).collect();
        assert!(weights.iter().all(|x| x.abs() <= 0.01));
        let clipped = weights.iter().filter(|x| x.abs() == 0.01).count();
        assert!(
            clipped > weights.len() / 20,
            "{clipped} of {}",
            weights.len()
        );
        assert!(
            (told - clipped as f64 / weights.len() as f64).abs() < 1e-6,
            "{told}"
        );
    }
}

/// `gauss1d`: the value comes to −log 4 from above the best there is, D to ½ and beside D*, and the samples to N(0, 1).
#[test]
fn both_theorems_hold_on_one_dimension() {
    let mut trainer = trainer("gauss1d", Preset::Fixed, &[], 256, DType::F32);
    let told = |trainer: &Trainer| -> BTreeMap<&str, f64> {
        let numbers = trainer.recipe().measures(&trainer.look());
        numbers.into_iter().collect()
    };
    let before = told(&trainer);
    assert!(
        before["jsd"] > 0.2 && before["deviation"] < 0.5,
        "{before:?}"
    );
    while trainer.steps_done() < 5000 {
        trainer.step();
    }
    let after = told(&trainer);
    let log_4 = 4.0_f64.ln();
    assert!(after["mean"].abs() < 0.05, "{after:?}");
    assert!((after["deviation"] - 1.0).abs() < 0.05, "{after:?}");
    assert!((after["value"] + log_4).abs() < 0.05, "{after:?}");
    assert!((after["value_best"] + log_4).abs() < 0.05, "{after:?}");
    assert!(after["d_gap"] < 0.05, "{after:?}");
}

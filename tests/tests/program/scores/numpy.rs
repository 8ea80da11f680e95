//! The same features, the same numbers.

use detach_data::{Split, synthetic};
use detach_gan::export::npy;
use detach_gan::score::classifier::Classifier;
use detach_gan::score::distances::Rows;
use detach_gan::score::frechet::Normal;
use detach_gan::score::images::Images;
use detach_gan::score::kernel::kernel_distance;
use detach_gan::score::manifold::Neighbourhood;
use detach_gan::score::vendi::vendi;
use detach_tensor::{DType, Random, Stream};
use detach_tests::program::{python, skipped};
use detach_tests::repository;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

type Scores = BTreeMap<String, f64>;

fn ours(real: &Rows, samples: &Rows) -> Scores {
    let neighbourhood = Neighbourhood::of(real.clone());
    let overlap = neighbourhood.overlap(&Neighbourhood::of(samples.clone()));
    let all = [
        ("fid", Normal::of(real).distance(samples).value),
        ("kid", kernel_distance(samples, real).value),
        ("precision", overlap.precision.value),
        ("recall", overlap.recall.value),
        ("density", overlap.density.value),
        ("coverage", overlap.coverage.value),
        ("duplicates", overlap.duplicates.value),
        ("vendi", vendi(samples)),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).into()
}

fn theirs(python: &Path, real: &Rows, samples: &Rows) -> Scores {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = [("real.npy", real), ("samples.npy", samples)].map(|(name, rows)| {
        let path = folder.path().join(name);
        npy::write(&path, &[rows.len(), rows.width()], rows.values()).expect("written");
        path
    });
    let output = Command::new(python)
        .arg(repository().join("tests/golden/scores.py"))
        .args(paths)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Features of digits, near each other; of normal numbers that depend on each other, far from 0; with repeated rows.
fn pairs() -> Vec<(&'static str, Rows, Rows)> {
    let classifier = Classifier::mnist();
    let digits = |split, count| {
        let set = synthetic(3, split, count);
        classifier.judge(&Images::of(&set, 0..count)).features
    };
    let normal = |seed, count: usize, shift: f64| {
        let random = Random::new(seed, Stream::Noise);
        let mix = Random::new(9, Stream::Init).normal(&[24, 24], DType::F32);
        let drawn = random.normal(&[count, 24], DType::F32).matmul(&mix) + shift;
        Rows::new(drawn.to_vec::<f32>(), 24)
    };
    let (real, samples) = (digits(Split::Train, 2300), digits(Split::Test, 2100));
    let few = samples.first(40);
    let repeated = Rows::new(few.values().repeat(30), few.width());
    vec![
        ("digits", real.clone(), samples),
        ("repeated digits", real, repeated),
        ("normal numbers", normal(1, 1400, 6.0), normal(2, 1500, 6.2)),
    ]
}

#[test]
fn numpy_comes_to_the_same_scores() {
    let Some(python) = python(&["numpy"]) else {
        return skipped("needs Python with numpy (set PYTHON)");
    };
    for (what, real, samples) in pairs() {
        let (ours, theirs) = (ours(&real, &samples), theirs(&python, &real, &samples));
        assert_eq!(ours.len(), theirs.len());
        for (name, theirs) in theirs {
            let off = (ours[&name] - theirs).abs();
            let (ours, limit) = (ours[&name], 1e-4 * theirs.abs());
            assert!(off <= limit, "{name} of {what}: {ours}, NumPy {theirs}");
        }
    }
}

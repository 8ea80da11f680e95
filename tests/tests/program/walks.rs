//! Walks through the latent space of every recipe that has one.

use detach_gan::generator::{Classes, Draws};
use detach_gan::walk::{Path, Walk};
use detach_nn::Mode;
use detach_recipes::{Preset, RECIPES};
use detach_tensor::{Array, DType, Random, Stream, Tensor};
use detach_tests::program::Sandbox;
use detach_tests::training;

/// The speed is that of what is made a little later, but for a kink of a ReLU in between.
#[test]
fn speeds_are_those_of_differences() {
    const AHEAD: f64 = 1e-6;
    for info in RECIPES {
        let mut setup = info.setup(Preset::AsPublished);
        setup.settings.batch_size = 4;
        for change in training::narrow(info) {
            setup.set(change).expect("it can be narrow");
        }
        let trainer = training::of_setup(&setup, 8, DType::F64);
        let latent = trainer.recipe().sampler().input().latent().expect("noise");
        let corners = Random::new(2, Stream::Sample)
            .at(0)
            .normal(&[2, latent], DType::F64);
        let draws = Draws::of(&trainer);
        for path in [Path::Line, Path::Sphere] {
            let walk = Walk::line(corners.clone(), 4).along(path);
            let speeds = walk.speeds(draws, &Classes::All(0));
            assert_eq!(speeds.len(), 3);
            for (number, speed) in speeds.iter().enumerate() {
                let ends = walk.points(number..number + 2).to_vec::<f64>();
                let (from, to) = ends.split_at(latent);
                let made = |ahead: f64| {
                    let point = from.iter().zip(to).map(|(a, b)| a + ahead * (b - a));
                    let point: Vec<f64> = point.collect();
                    let z = Tensor::constant(Array::from_slice(&point, &[1, latent]));
                    draws
                        .sample(&z, (&Classes::All(0), 0), Mode::eval())
                        .to_vec::<f64>()
                };
                let (there, here) = (made(AHEAD), made(-AHEAD));
                let off = there
                    .iter()
                    .zip(&here)
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f64>();
                let expected = (off / there.len() as f64).sqrt() / (2.0 * AHEAD);
                let apart = (speed - expected).abs() / expected.max(1e-9);
                assert!(apart < 1e-3, "{} {path:?}: {speed} {expected}", info.name());
            }
        }
    }
}

#[test]
fn a_walk_says_how_long_and_how_smooth_it_is() {
    let sandbox = Sandbox::new();
    sandbox.ok("train mlp --offline --data-dir digits --batch-size 8 --max-steps 2 --set g-widths=[16] -q --out run");
    let numbers = |path: &str| -> Vec<f64> {
        let out = sandbox
            .ok(&format!(
                "interpolate run --path {path} --frames 9 --out {path}.png"
            ))
            .stdout;
        let words = out.lines().skip(1).flat_map(str::split_whitespace);
        words
            .filter_map(|word| word.trim_end_matches(';').parse().ok())
            .collect()
    };
    let [line, sphere] = ["line", "sphere"].map(numbers);
    // Least and largest norm, that of training, mean and largest change.
    assert_eq!([line.len(), sphere.len()], [5, 5], "{line:?} {sphere:?}");
    assert!(
        line[0] < 0.85 * line[2] && sphere[0] > 0.9 * sphere[2],
        "{line:?} {sphere:?}"
    );
    assert!(line[4] >= line[3] && line[3] > 0.0, "{line:?}");
    sandbox
        .gan("interpolate run --path zigzag")
        .failed(2, &["zigzag", "sphere"]);
}

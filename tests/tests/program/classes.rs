//! Recipes that learn classes: what samples are asked to be, and what is refused.

use detach_gan::export::npy;
use detach_mnist::Idx;
use detach_nn::Mode;
use detach_recipes::{Batch, Inputs, Preset, RECIPES, RecipeInfo, Step, Streams, Wanted, find};
use detach_tensor::{Array, DType, Random, Stream, Tensor};
use detach_tests::program::Sandbox;
use detach_tests::training::{narrow, of_setup};
use std::fs;

/// The recipes that are asked for classes.
fn with_classes() -> impl Iterator<Item = &'static RecipeInfo> {
    let has = |info: &&&'static RecipeInfo| {
        let generator = info.setup(Preset::AsPublished).generator(DType::F32.into());
        generator.expect("options that can be").input().classes() == Some(10)
    };
    RECIPES.iter().filter(has).copied()
}

/// A sandbox with a run of a narrow recipe in `run`.
fn trained(info: &'static RecipeInfo) -> Sandbox {
    let sandbox = Sandbox::new();
    let set: String = narrow(info)
        .iter()
        .map(|change| format!(" --set {change}"))
        .collect();
    let flags = "--max-steps 2 --batch-size 8 --offline --data-dir digits --quiet --out run";
    sandbox.ok(&format!("train {} {flags}{set}", info.name()));
    sandbox
}

/// Samples of the run as numbers.
fn sample(sandbox: &Sandbox, flags: &str) -> Vec<f32> {
    sandbox.ok(&format!("sample run --out x.npy --mode eval {flags}"));
    npy::read(&sandbox.path("x.npy"))
        .unwrap_or_else(|e| panic!("{e}"))
        .values
}

/// A sample depends on its noise and its class, and on neither the others nor the way it was asked for.
#[test]
fn a_sample_is_of_the_class_that_was_asked_for() {
    assert!(with_classes().count() >= 2);
    with_classes().for_each(check_samples);
}

fn check_samples(info: &'static RecipeInfo) {
    let (sandbox, name) = (trained(info), info.name());
    let (pixels, count) = (28 * 28, 23);
    let turns = sample(&sandbox, &format!("--count {count}"));
    let of_digit = |digit| sample(&sandbox, &format!("--count {count} --digit {digit}"));
    let each: Vec<Vec<f32>> = (0..10).map(of_digit).collect();
    let at = |values: &[f32], i: usize| values[i * pixels..(i + 1) * pixels].to_vec();
    for i in 0..count {
        assert_eq!(at(&turns, i), at(&each[i % 10], i), "{name}, sample {i}");
        assert_ne!(at(&each[3], i), at(&each[7], i), "{name}, sample {i}");
    }
    let labels = [7_usize, 7, 0, 9];
    let lines: Vec<String> = labels.iter().map(usize::to_string).collect();
    fs::write(sandbox.path("labels.txt"), lines.join("\n")).expect("a file");
    let given = sample(&sandbox, "--labels labels.txt --labels-out l.idx1-ubyte.gz");
    assert_eq!(given.len(), labels.len() * pixels);
    for (i, label) in labels.into_iter().enumerate() {
        assert_eq!(at(&given, i), at(&each[label], i), "{name}, sample {i}");
    }
    let written = Idx::open(sandbox.path("l.idx1-ubyte.gz")).expect("IDX");
    assert_eq!((written.shape, written.data), (vec![4], vec![7, 7, 0, 9]));
    sandbox.ok("sample run --count 12 --out x.idx3-ubyte --labels-out l.idx1-ubyte");
    let written = Idx::open(sandbox.path("l.idx1-ubyte")).expect("IDX");
    assert_eq!(written.data, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    sandbox.ok("interpolate run --digit 4 --frames 3 --out walk.png");
}

#[test]
fn classes_that_there_are_not_are_refused() {
    let sandbox = trained(find("cgan").expect("cgan"));
    let refused = |words: &str, code, parts: &[&str]| sandbox.gan(words).failed(code, parts);
    refused("sample run --out x.png --digit 10", 1, &["10", "0 to 9"]);
    refused("interpolate run --digit 10", 1, &["10", "0 to 9"]);
    fs::write(sandbox.path("labels.txt"), "1\nseven\n").expect("a file");
    refused(
        "sample run --out x.png --labels labels.txt",
        1,
        &["labels.txt", "line 2", "seven"],
    );
    fs::write(sandbox.path("labels.txt"), "").expect("a file");
    refused("sample run --out x.png --labels labels.txt", 1, &["empty"]);
    refused(
        "sample run --out x.png --labels labels.txt --digit 1",
        2,
        &["--digit"],
    );
    refused(
        "sample run --out x.png --labels-out x.txt",
        2,
        &["idx1-ubyte"],
    );
    let train = "--max-steps 1 --batch-size 8 --offline --data-dir digits --quiet --out";
    sandbox.ok(&format!("train dcgan-light {train} plain"));
    for flag in ["--digit 1", "--labels-out l.idx1-ubyte"] {
        refused(
            &format!("sample plain --out x.png {flag}"),
            1,
            &["dcgan-light", "without classes"],
        );
    }
    // Ten classes are in the data.
    refused(
        &format!("train cgan --set classes=3 {train} few"),
        1,
        &["classes=10"],
    );
    for file in ["train-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte"] {
        let _ = fs::remove_file(sandbox.path("digits").join(file));
    }
    refused(&format!("train cgan {train} unlabelled"), 1, &["no labels"]);
    // Its classes are found, not told.
    sandbox.ok(&format!(
        "train infogan --set width=8 --set hidden=32 {train} found"
    ));
}

/// Each number of `infogan`'s code, which are the last of the noise, changes the sample.
#[test]
fn numbers_of_a_code_count() {
    let mut setup = find("infogan").expect("infogan").setup(Preset::Fixed);
    for change in ["width=8", "hidden=32"] {
        setup.set(change).expect("it can be");
    }
    let trainer = of_setup(&setup, 128, DType::F32);
    let sampler = trainer.recipe().sampler();
    let z = sampler.input().noise(0, 0, 1, trainer.kind());
    let sample = |z: &Tensor| {
        let wanted = Wanted::of_classes(&[4], trainer.kind());
        sampler.sample(z, &wanted, Mode::eval()).to_vec::<f32>()
    };
    let latent = sampler.input().latent().expect("noise");
    assert_eq!(latent, 62 + 2);
    for place in [latent - 2, latent - 1] {
        let mut other = z.to_vec::<f32>();
        other[place] = -other[place];
        let other = Tensor::constant(Array::from_slice(&other, &[1, latent]));
        assert_ne!(sample(&other), sample(&z), "number {place}");
    }
}

/// Noise and uniform numbers as training has them.
struct Drawn(Random);

impl Inputs for Drawn {
    fn batch(&mut self, _: usize) -> Batch {
        unreachable!("no batch is asked for")
    }
    fn noise(&mut self, shape: &[usize]) -> Tensor {
        self.0.normal(shape, DType::F32)
    }
    fn uniform(&mut self, shape: &[usize]) -> Tensor {
        self.0.uniform(shape, DType::F32)
    }
}

/// Always the largest number below 1.
struct Largest;

impl Inputs for Largest {
    fn batch(&mut self, _: usize) -> Batch {
        unreachable!("no batch is asked for")
    }
    fn noise(&mut self, _: &[usize]) -> Tensor {
        unreachable!("no noise is asked for")
    }
    fn uniform(&mut self, shape: &[usize]) -> Tensor {
        let largest = 1.0 - f64::from(f32::EPSILON) / 2.0;
        Tensor::constant(Array::full(largest, shape, DType::F32))
    }
}

/// Whole numbers in range, about as many of each; the largest draw of all is the last class, not one beyond it.
#[test]
fn drawn_classes_are_uniform_and_in_range() {
    let streams = Streams::new(1, |random| random);
    let mut drawn = Drawn(Random::new(1, Stream::Noise));
    let classes = Step::new(&mut drawn, &streams, 0).classes(10_000, 10);
    let mut counts = [0_u32; 10];
    for class in classes.to_vec::<f64>() {
        assert_eq!(class, class.floor());
        counts[class as usize] += 1;
    }
    // Within five standard deviations of a thousand.
    assert!(counts.iter().all(|n| n.abs_diff(1000) < 150), "{counts:?}");
    for classes in 1..=1000 {
        let last = Step::new(&mut Largest, &streams, 0).classes(1, classes);
        assert_eq!(last.to_vec::<f64>(), [(classes - 1) as f64]);
    }
}

/// A picture of training has a row for each point of noise and a column for each class.
#[test]
fn a_row_of_a_picture_is_one_point_of_noise() {
    with_classes().for_each(check_picture);
}

fn check_picture(info: &'static RecipeInfo) {
    let setup = info.setup(Preset::AsPublished);
    let trainer = of_setup(&setup, 128, DType::F32);
    let mode = detach_recipes::SampleMode::Eval;
    let sampler = trainer.recipe().sampler();
    let picture = detach_recipes::session::sample(&trainer, 0, 20, mode);
    let seed = trainer.setup().settings.seed;
    let z = sampler.input().noise(seed, 0, 2, trainer.kind());
    for (row, class) in [(0, 0), (0, 6), (1, 0), (1, 9)] {
        let wanted = Wanted::of_classes(&[class], trainer.kind());
        let mode = detach_recipes::sampler::mode_of(mode);
        let one = sampler.sample(&z.slice(0, row, 1), &wanted, mode);
        let tile = picture.slice(0, 10 * row + class, 1);
        let off = (&one - &tile).abs().max_axes(&[0, 1, 2, 3]);
        assert!(
            off.to_vec::<f64>()[0] < 1e-6,
            "{}, row {row}, class {class}",
            info.name()
        );
    }
}

/// Images and labels are a data set as MNIST has it: what is trained on them next learns their classes.
#[test]
fn samples_with_labels_are_data_to_train_on() {
    let sandbox = trained(find("cgan").expect("cgan"));
    fs::create_dir(sandbox.path("more")).expect("a folder");
    let (images, labels) = (
        "more/train-images-idx3-ubyte.gz",
        "more/train-labels-idx1-ubyte.gz",
    );
    sandbox.ok(&format!(
        "sample run --count 40 --out {images} --labels-out {labels}"
    ));
    let flags = "--set width=8 --max-steps 1 --batch-size 8 --quiet --no-pictures";
    sandbox.ok(&format!("train acgan --data-dir more {flags} --out next"));
    // One batch of five.
    assert_eq!(sandbox.metrics("next")[0].epoch, 0.2);
}

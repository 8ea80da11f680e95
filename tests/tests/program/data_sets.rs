//! Data sets by name, as users meet them: runs on them, what is on record, and what is refused.

use detach_data::{Dataset, Split, Stacked, synthetic};
use detach_recipes::{Batches, ImageSize, Preset, Settings, Setup};
use detach_tensor::DType;
use detach_tests::program::Sandbox;
use detach_tests::translator;
use std::collections::HashSet;
use std::fs;

/// Narrow networks: it is the data that matters here.
const STACKED: &str = "train dcgan-light --set channels=3 --set width=8 --set latent=8 --data stacked-mnist \
                       --offline --no-pictures --no-report --log-every 1 --quiet";

/// Whole, on other threads, and stopped and gone on with: the same bits.
fn check_runs(sandbox: &Sandbox, begin: &str, stop: u64, steps: u64) {
    sandbox.ok(&format!(
        "{begin} --max-steps {steps} --threads 1 --out whole"
    ));
    sandbox.ok(&format!(
        "{begin} --max-steps {stop} --threads 2 --out parts"
    ));
    sandbox.ok(&format!(
        "train --resume parts --offline --no-pictures --no-report --quiet --max-steps {steps}"
    ));
    assert_eq!(sandbox.hash("whole", steps), sandbox.hash("parts", steps));
}

fn config(sandbox: &Sandbox, run: &str) -> String {
    fs::read_to_string(sandbox.path(run).join("config.toml")).expect("a configuration")
}

#[test]
fn dcgan64_trains_on_shapes() {
    let sandbox = Sandbox::new();
    let begin = "train dcgan64 --data shapes --set width=4 --batch-size 2 --offline --no-pictures --no-report --quiet";
    check_runs(&sandbox, begin, 1, 2);
    let config = config(&sandbox, "whole");
    for line in [
        "data-name = \"shapes\"",
        "data-seed = 0",
        "data-checksum = ",
    ] {
        assert!(config.contains(line), "no `{line}` in\n{config}");
    }
    // The same line again is the same run, and another name is another.
    sandbox.ok(&format!("{begin} --resume whole --max-steps 2"));
    let other = "train --resume whole --data filled --offline --quiet";
    sandbox.gan(other).failed(2, &["--data", "cannot change"]);
    // It is what a recipe for colours has for want of anything else.
    let without = "train dcgan64 --set width=4 --batch-size 2 --offline --no-pictures --no-report --quiet --max-steps 2";
    sandbox.ok(&format!("{without} --out without"));
    assert_eq!(sandbox.hash("whole", 2), sandbox.hash("without", 2));
    sandbox.ok(
        "train --config whole/config.toml --offline --no-pictures --no-report --quiet --out again",
    );
    assert_eq!(sandbox.hash("whole", 2), sandbox.hash("again", 2));
}

#[test]
fn classes_of_shapes_can_be_asked_for() {
    let sandbox = Sandbox::new();
    let begin = "train cgan --data shapes --set width=8 --batch-size 8 --offline --no-pictures --no-report --quiet";
    check_runs(&sandbox, begin, 1, 3);
    sandbox.ok("sample whole --digit 7 --count 2 --out x.png");
}

/// Three epochs of 64 digits: the data goes on where it was.
#[test]
fn stacked_digits_go_on_where_they_were() {
    let sandbox = Sandbox::new();
    let begin = format!("{STACKED} --data-dir digits --batch-size 24");
    check_runs(&sandbox, &begin, 4, 9);
    let text = config(&sandbox, "whole");
    for line in ["data-name = \"stacked-mnist\"", "data-dir = \"digits\""] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    // By the absolute path, where the other does not lead there any more.
    let moved = text.replace("data-dir = \"digits\"", "data-dir = \"nowhere\"");
    fs::write(sandbox.path("whole/config.toml"), moved).expect("a file");
    sandbox.ok("train --resume whole --offline --no-pictures --no-report --quiet --max-steps 10");
    // Other digits are another set.
    sandbox.ok("data synth --out others --count 64 --seed 7");
    sandbox
        .gan("train --resume whole --data-dir others --offline --quiet --max-steps 11")
        .failed(1, &["stacked", "different", "--data-dir"]);
    // Digits that are drawn here are stacked as well.
    check_runs(&sandbox_of_none(), STACKED, 1, 2);
}

/// A sandbox in which no data lies.
fn sandbox_of_none() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::remove_dir_all(sandbox.path("digits")).expect("the digits");
    sandbox
}

#[test]
fn what_names_are_not_for_is_refused() {
    let sandbox = Sandbox::new();
    for (words, code, parts) in [
        (
            "train dcgan-light --data stacked-mnist --data-dir digits",
            1,
            &["stacked-mnist", "--set channels=3"][..],
        ),
        (
            "train mlp --data stacked-mnist --data-dir digits",
            1,
            &["stacked-mnist", "RGB"],
        ),
        (
            "train dcgan64 --data shapes --data-dir digits",
            2,
            &["--data shapes", "--data-dir"],
        ),
        ("train dcgan64 --data shape", 2, &["shape", "stacked-mnist"]),
        (
            "train dcgan64 --data filled,outlined",
            2,
            &["`dcgan64`", "one data set"],
        ),
        ("train dcgan --set channels=2", 2, &["channels must be"]),
    ] {
        sandbox
            .gan(&format!("{words} --offline --max-steps 1"))
            .failed(code, parts);
    }
    let labels = sandbox.path("digits");
    for file in fs::read_dir(labels).expect("digits").flatten() {
        if file.file_name().to_string_lossy().contains("labels") {
            fs::remove_file(file.path()).expect("a file of labels");
        }
    }
    sandbox
        .gan(&format!("{STACKED} --data-dir digits --max-steps 1"))
        .failed(1, &["digits", "no classes", "use grey images with classes"]);
}

#[test]
fn names_are_listed_and_looked_into() {
    let sandbox = Sandbox::new();
    let list = sandbox.ok("data list").stdout;
    for name in ["digits", "shapes", "filled", "outlined", "stacked-mnist"] {
        assert!(list.contains(name), "no {name} in\n{list}");
    }
    let shapes = sandbox.ok("data info --data shapes").stdout;
    assert!(shapes.contains("64×64 in colour"), "{shapes}");
    let stacked = sandbox.ok("data info --data stacked-mnist --data-dir digits");
    assert!(
        stacked.stdout.contains("64 images 28×28 in colour"),
        "{stacked}"
    );
    let plan = sandbox.ok("train dcgan64 --data shapes --set width=4 --batch-size 2 --dry-run");
    assert!(plan.stdout.contains("10,000 images"), "{plan}");
    assert!(!plan.stdout.contains("MNIST"), "{plan}");
}

/// Every image of a set without end is another, also of another epoch, and a run that was interrupted has the same.
#[test]
fn epochs_of_data_without_end_are_all_new() {
    let settings = Settings {
        batch_size: 6,
        ..Settings::default()
    };
    let size = ImageSize {
        channels: 3,
        side: 28,
    };
    let batches = || {
        let digits = Box::new(synthetic(0, Split::Train, 20));
        let set = Box::new(Stacked::new(digits, 0).expect("digits"));
        Batches::images(set, size, &settings, DType::F32.into()).expect("20 images")
    };
    let mut whole = batches();
    let mut seen = HashSet::new();
    let mut lengths = Vec::new();
    for number in 0..12 {
        let batch = whole.take();
        lengths.push(batch.len());
        let images = batch.images.to_vec::<f32>();
        for image in images.chunks_exact(3 * 784) {
            seen.insert(image.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        }
        let mut resumed = batches();
        resumed.go_to(number);
        let there = resumed.take();
        assert!(there.images.to_vec::<f32>() == images, "batch {number}");
        assert_eq!(
            there.labels().to_vec::<f32>(),
            batch.labels().to_vec::<f32>()
        );
    }
    assert_eq!(lengths, [6, 6, 6, 2].repeat(3));
    // Of 60 among 8,000 triples, one or two may meet by chance.
    assert!(seen.len() > 55, "{} of 60", seen.len());
    assert_eq!(batches().classes(), 1000);
}

/// What a run on a data set twice is given in so many steps. One that is interrupted after seven is given the same.
fn pairs(setup: &Setup, data: impl Fn() -> Box<dyn Dataset>) -> Vec<[f64; 2]> {
    let mut trainer = translator::trainer(setup, &data);
    let whole: Vec<_> = (0..20)
        .map(|_| translator::labels(&trainer.step()))
        .collect();
    let mut first = translator::trainer(setup, &data);
    (0..7).for_each(|_| drop(first.step()));
    let mut second = translator::trainer(setup, &data);
    let checkpoint = first.checkpoint();
    second.restore(checkpoint).expect("its own checkpoint");
    for expected in &whole[7..] {
        assert_eq!(translator::labels(&second.step()), *expected);
    }
    whole
}

/// Two data sets of a run are drawn apart, however alike they are, and each goes on where it was.
#[test]
fn two_data_sets_of_a_run_are_drawn_independently() {
    let setup = translator::TRANSLATOR.setup(Preset::AsPublished);
    let digits = || -> Box<dyn Dataset> { Box::new(synthetic(0, Split::Train, 40)) };
    let stacked = || -> Box<dyn Dataset> { Box::new(Stacked::new(digits(), 0).expect("digits")) };
    let whole = pairs(&setup, digits);
    for whole in [&whole, &pairs(&setup, stacked)] {
        let equal = whole.iter().filter(|[a, b]| a == b).count();
        assert!(equal < 3, "{equal} of 20 batches met their like: {whole:?}");
    }
    // The first set's order is that of a run on one set.
    let size = ImageSize {
        channels: 1,
        side: 28,
    };
    let kind = DType::F32.into();
    let mut alone = Batches::images(digits(), size, &setup.settings, kind).expect("40 digits");
    for [first, _] in &whole {
        let labels = alone.take().labels().to_vec::<f64>();
        assert_eq!(translator::number(&labels), *first);
    }
}

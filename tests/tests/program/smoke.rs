//! Every recipe trains, as published and fixed, and leaves a whole run directory. A new
//! recipe is covered by its line in the registry and its golden.

use detach_gan::show::text::grouped;
use detach_nn::{Checkpoint, count};
use detach_recipes::settings::Sampling;
use detach_recipes::{Batch, DataKind, Preset, RECIPES, RecipeInfo, Setup};
use detach_tensor::{DType, Random, Stream};
use detach_tests::parity::{Case, cases};
use detach_tests::program::Sandbox;
use detach_tests::{golden, repository, training};
use std::collections::BTreeSet;
use std::fs;

const STEPS: u64 = 3;

/// Trains three steps of narrow networks into the folder `run`.
fn train(sandbox: &Sandbox, info: &'static RecipeInfo, preset: &str, run: &str, flags: &str) {
    let name = info.name();
    let narrow = training::narrow(info).into_iter();
    let narrow: String = narrow.map(|change| format!(" --set {change}")).collect();
    let batch = "--batch-size 8 --log-every 1 --offline --data-dir digits --quiet";
    let done = sandbox.ok(&format!(
        "train {name} --preset {preset} --max-steps {STEPS} {batch} --out {run}{narrow} {flags}"
    ));
    assert!(
        done.stderr.is_empty(),
        "--quiet says nothing else: {}",
        done.stderr
    );
}

#[test]
fn every_recipe_leaves_a_whole_run() {
    for info in RECIPES {
        for preset in ["as-published", "fixed"] {
            let sandbox = Sandbox::new();
            let pictures = "--set pictures.every-steps=2 --set pictures.first=false";
            train(&sandbox, info, preset, "run", pictures);
            let what = format!("{} {preset}", info.name());
            let files = sandbox.files("run");
            let written = |name: &str| files.get(name).is_some_and(|length| *length > 0);
            for name in [
                "config.toml",
                "metrics.jsonl",
                "samples/step-00000002.png",
                "samples/latest.png",
                "checkpoints/step-00000003.safetensors",
                "checkpoints/generator.safetensors",
                "checkpoints/discriminator.safetensors",
            ] {
                assert!(written(name), "{what}: no {name} in {files:?}");
            }
            let events = files
                .keys()
                .filter(|name| name.starts_with("events.out.tfevents."));
            assert_eq!(events.count(), 1, "{what}: {files:?}");
            check_metrics(&sandbox, &setup(info, preset), &what);
            check_config(&sandbox, info, preset);
        }
    }
}

fn setup(info: &'static RecipeInfo, preset: &str) -> Setup {
    info.setup(preset.parse::<Preset>().expect("a preset"))
}

/// What every recipe tells.
const TOLD: [&str; 7] = [
    "d_loss",
    "epoch",
    "g_loss",
    "images_per_s",
    "step",
    "step_ms",
    "version",
];

/// Of a discriminator that gives logits: shares, and a loss that is the sum or the mean of its halves.
fn check_accuracies(number: &dyn Fn(&str) -> f64, what: &str) {
    assert!(number("d_loss") > 0.0 && number("g_loss") > 0.0, "{what}");
    let ratio = number("d_loss") / (number("d_loss_real") + number("d_loss_fake"));
    let is_of_halves = (ratio - 1.0).abs() < 1e-6 || (ratio - 0.5).abs() < 1e-6;
    assert!(is_of_halves, "{what}: {ratio}");
    for share in ["real_acc", "fake_acc"] {
        assert!((0.0..=1.0).contains(&number(share)), "{what}: {share}");
    }
}

/// One line a step, with what the recipe tells, all numbers.
fn check_metrics(sandbox: &Sandbox, setup: &Setup, what: &str) {
    let text = fs::read_to_string(sandbox.path("run/metrics.jsonl")).expect("metrics");
    let lines: Vec<serde_json::Map<String, serde_json::Value>> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{what}: {e} in {line}")))
        .collect();
    assert_eq!(lines.len() as u64, STEPS, "{what}");
    let per_epoch = match setup.data().expect("data")[0] {
        DataKind::Images(_) => (8.0 / setup.batches_a_step() as f64).ceil(),
        DataKind::Gaussian => 5000.0,
    };
    for (step, line) in (1..).zip(&lines) {
        let number = |key: &str| line[key].as_f64().filter(|x| x.is_finite()).expect(key);
        let keys: BTreeSet<&str> = line.keys().map(String::as_str).collect();
        assert!(keys.is_superset(&BTreeSet::from(TOLD)), "{what}: {keys:?}");
        assert_eq!(number("step"), f64::from(step), "{what}");
        assert_eq!(number("epoch"), f64::from(step) / per_epoch, "{what}");
        if keys.contains("real_acc") {
            check_accuracies(&number, what);
        }
        let all_numbers: Vec<f64> = keys.iter().map(|key| number(key)).collect();
        assert_eq!(all_numbers.len(), keys.len(), "{what}");
        // Eight real images a step.
        let per_second = 8e3 / number("step_ms");
        let ratio = number("images_per_s") / per_second;
        assert!((ratio - 1.0).abs() < 1e-6, "{what}: {line:?}");
    }
}

/// The file holds the recipe, the preset and the settings of both, but for the flags.
fn check_config(sandbox: &Sandbox, info: &'static RecipeInfo, preset: &str) {
    let text = fs::read_to_string(sandbox.path("run/config.toml")).expect("configuration");
    for line in [
        format!("recipe = \"{}\"", info.name()),
        format!("preset = \"{preset}\""),
    ] {
        assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
    }
    let mut expected = setup(info, preset);
    for change in training::narrow(info) {
        expected.set(change).expect("it can be narrow");
    }
    expected.settings.batch_size = 8;
    expected.settings.pictures.every_steps = 2;
    expected.settings.pictures.first = false;
    let run = detach_gan::run::Run::open(&sandbox.path("run")).expect("a run");
    let config = run.config().expect("its configuration");
    assert_eq!(config.setup().expect("a recipe"), expected);
}

/// The golden of a recipe as published.
fn published(info: &RecipeInfo) -> &'static str {
    let cases = cases().into_iter();
    let mut own = cases.filter(|case| case.recipe == info.name());
    own.next().expect("a golden").golden
}

/// Parameters of G and D are those of PyTorch's networks in each preset.
#[test]
fn networks_have_the_published_sizes() {
    for info in RECIPES {
        for preset in ["as-published", "fixed"] {
            let of_preset = |case: &&Case| {
                case.recipe == info.name()
                    && case.preset.name() == preset
                    && case.changes.is_empty()
            };
            let cases = cases();
            let golden = cases.iter().find(of_preset);
            // A preset without a golden has the networks of the published one.
            let golden = golden.map_or_else(|| published(info), |case| case.golden);
            let counts = golden::recipe(golden).counts;
            let recipe = setup(info, preset).build(detach_tensor::Kind::default());
            let recipe = recipe.expect("a recipe");
            let networks = recipe.networks();
            let sizes: Vec<usize> = networks.iter().map(|(_, net)| count(*net)).collect();
            assert_eq!(sizes, [counts.g, counts.d], "{} {preset}", info.name());
        }
    }
}

/// Networks of other sizes than a preset's, by the counts of the same in PyTorch.
#[test]
fn networks_of_rgb_have_their_sizes() {
    for (name, changes, sizes) in [
        ("wgan", &["size=64"][..], [3_576_704, 2_765_568]),
        (
            "wgan",
            &["size=64", "batch-norm=false"],
            [3_576_704, 2_764_737],
        ),
        ("wgan-gp", &["size=64"], [3_576_704, 2_764_737]),
        ("lsgan", &["size=64"], [3_576_704, 2_765_568]),
        ("sagan", &["size=64"], [3_581_825, 2_769_858]),
        ("dcgan-light", &["channels=3"], [761_923, 140_865]),
        ("dcgan", &["channels=3"], [1_949_699, 140_865]),
        ("wgan-gp", &["channels=3"], [761_923, 140_609]),
        ("dcgan64", &["channels=1"], [3_574_656, 2_763_520]),
        ("began", &["filters=32"], [157_697, 717_665]),
        ("began", &["size=64", "filters=64"], [563_395, 4_011_651]),
        (
            "began",
            &["size=64", "filters=128"],
            [1_716_611, 13_405_379],
        ),
    ] {
        let recipe = detach_recipes::find(name).expect("a recipe");
        let mut setup = setup(recipe, "as-published");
        for change in changes {
            setup.set(change).expect("it can be");
        }
        let recipe = setup
            .build(detach_tensor::Kind::default())
            .expect("a recipe");
        let counts = recipe.networks().into_iter().map(|(_, net)| count(net));
        assert_eq!(counts.collect::<Vec<_>>(), sizes, "{name} {changes:?}");
    }
}

/// `gan recipes NAME` lists what `fixed` sets otherwise, the notes say each of it, and the run is another.
#[test]
fn fixed_changes_what_its_notes_say() {
    for info in RECIPES {
        let name = info.name();
        let sandbox = Sandbox::new();
        let lines = |preset| setup(info, preset).lines().expect("settings");
        let published = lines("as-published");
        let changes: Vec<String> = lines("fixed")
            .into_iter()
            .filter(|line| !published.contains(line))
            .collect();
        assert!(!changes.is_empty(), "{name}: `fixed` is as published");
        let text = sandbox.ok(&format!("recipes {name}")).stdout;
        let listed: Vec<&str> = text
            .lines()
            .skip_while(|line| !line.contains("--preset fixed"))
            .skip(1)
            .take_while(|line| line.starts_with("  "))
            .map(str::trim)
            .collect();
        assert_eq!(listed, changes, "{name}");
        for change in &changes {
            let (path, _) = change.split_once(" = ").expect("an assignment");
            // Of `sampling` the notes name the choice as `--set` takes it.
            let said = match path.split_once('.') {
                Some(("sampling", _)) => "sampling = \"shuffled-drop-last\"",
                Some(("pictures", "mode")) => "eval mode",
                _ => path,
            };
            let notes = info.about.notes.join("\n");
            assert!(notes.contains(said), "{name}: no `{said}` in its notes");
        }
        let bare = "--no-pictures --no-report";
        train(&sandbox, info, "as-published", "published", bare);
        train(&sandbox, info, "fixed", "fixed", bare);
        train(&sandbox, info, "fixed", "seed", &format!("{bare} --seed 7"));
        let hash = |run| sandbox.hash(run, STEPS);
        assert_ne!(hash("published"), hash("fixed"), "{name}: the same weights");
        assert_ne!(hash("seed"), hash("fixed"), "{name}: the same weights");
    }
}

/// README's table of recipes is what the registry and the goldens say.
#[test]
fn the_readme_has_every_recipe() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("README.md");
    for info in RECIPES {
        let setup = setup(info, "as-published");
        let counts = golden::recipe(published(info)).counts;
        let (images, batch) = (60_000_usize, setup.settings.batch_size);
        let steps = match setup.settings.sampling {
            Sampling::Endless { steps } => steps as usize,
            Sampling::Shuffled { drop_last: false } => images.div_ceil(batch),
            Sampling::Shuffled { drop_last: true } | Sampling::WithReplacement => images / batch,
        };
        let row = format!(
            "| `{}` | {} | {} / {} | {} |",
            info.name(),
            info.about.summary,
            grouped(counts.g),
            grouped(counts.d),
            grouped(steps)
        );
        assert!(readme.contains(&row), "README.md lacks the row\n{row}");
    }
}

#[test]
fn a_quick_run_needs_no_words_and_no_data() {
    let sandbox = Sandbox::new();
    let done = sandbox.ok("train --offline --max-steps 2 --batch-size 8");
    assert!(done.stderr.contains("synthetic digits"), "{done}");
    let run = "runs/dcgan-light-1";
    assert!(
        done.stdout.contains(run) && done.stdout.contains("gan sample"),
        "{done}"
    );
    let steps: Vec<u64> = sandbox
        .metrics(run)
        .iter()
        .map(|metrics| metrics.step)
        .collect();
    assert_eq!(steps, [1, 2]);
    // All 60,000 digits: an epoch is 7,500 batches of 8.
    assert_eq!(sandbox.metrics(run)[0].epoch, 1.0 / 7500.0);
    sandbox.ok("train --offline --max-steps 1 --batch-size 8");
    assert_eq!(sandbox.checkpoints("runs/dcgan-light-2"), [1]);
}

#[test]
fn the_order_of_mlp_matters() {
    let sandbox = Sandbox::new();
    let info = RECIPES
        .iter()
        .find(|info| info.name() == "mlp")
        .expect("mlp");
    train(&sandbox, info, "as-published", "d", "--no-pictures");
    train(
        &sandbox,
        info,
        "as-published",
        "g",
        "--no-pictures --order g-first",
    );
    assert_ne!(sandbox.hash("d", STEPS), sandbox.hash("g", STEPS));
    let config = fs::read_to_string(sandbox.path("g/config.toml")).expect("configuration");
    assert!(
        config.contains("order = \"g-first\"") && config.contains("epochs = 200"),
        "{config}"
    );
}

#[test]
fn a_checkpoint_holds_pytorchs_names() {
    let sandbox = Sandbox::new();
    let info = RECIPES
        .iter()
        .find(|info| info.name() == "mlp")
        .expect("mlp");
    let bare = "--no-pictures --set g-widths=[16,32]";
    train(&sandbox, info, "as-published", "run", bare);
    let load = |name: &str| {
        let path = sandbox.path("run/checkpoints").join(name);
        Checkpoint::load(path).expect(name)
    };
    let whole = load("step-00000003.safetensors");
    assert_eq!(whole.metadata["recipe"], "mlp");
    assert_eq!(whole.metadata["step"], "3");
    let weights = load("generator.safetensors");
    let names: Vec<&str> = weights.names().collect();
    for name in [
        "0.weight",
        "0.bias",
        "3.running_var",
        "3.num_batches_tracked",
    ] {
        assert!(names.contains(&name), "no `{name}` in {names:?}");
    }
}

/// Of whatever is trained, some network says how real each image is, by itself and whatever else is in its batch.
#[test]
fn every_discriminator_answers_image_by_image() {
    for info in RECIPES {
        let mut setup = info.setup(Preset::AsPublished);
        for change in training::narrow(info) {
            setup.set(change).expect("it can be narrow");
        }
        let recipe = setup.build(DType::F32.into()).expect("a recipe");
        let noise = Random::new(1, Stream::Noise).at(0);
        let x = noise.normal(&setup.data().expect("data")[0].shape(5), DType::F32);
        let of = |first: usize, n: usize| {
            let labels = (first..first + n).map(|i| i as f32).collect();
            let batch = Batch::labelled(x.slice(0, first, n), labels);
            let answers = recipe.answers(&batch);
            let answers = answers.unwrap_or_else(|| panic!("{} answers nothing", info.name()));
            assert_eq!(answers.shape(), [n], "{}", info.name());
            answers.to_vec::<f64>()
        };
        let all = of(0, 5);
        assert!(
            all.iter().all(|x| x.is_finite()),
            "{}: {all:?}",
            info.name()
        );
        for (a, b) in all[1..3].iter().zip(of(1, 2)) {
            assert!(
                (a - b).abs() < 1e-4 * (1.0 + b.abs()),
                "{}: {a} {b}",
                info.name()
            );
        }
    }
}

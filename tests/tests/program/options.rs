//! Settings of recipes: every one of them trains with what it can, refuses what cannot be, and
//! says what was meant; the best checkpoint and stopping early.

use detach_nn::Checkpoint;
use detach_recipes::{Preset, RECIPES, RecipeInfo, SampleMode, session};
use detach_tensor::DType;
use detach_tests::program::Sandbox;
use detach_tests::training::of_setup;

/// What is worth changing in a recipe that has it.
const CHANGES: [&str; 30] = [
    "channels=3",
    "latent=7",
    "width=8",
    "widths=[9]",
    "g-widths=[8,9]",
    "d-widths=[9]",
    "batch-norm=false",
    "d-steps=2",
    "generator-loss=saturating",
    "targets.real=0.8",
    "targets.generator=0.7",
    "dropout=0",
    "log-eps=0.1",
    "last-relu=true",
    "loss=hinge",
    "loss=relativistic",
    "penalty.kind=r1",
    "sigmoid=true",
    "fresh-reals=false",
    "clip=0.02",
    "warmup=true",
    "filters=5",
    "iterate-always=true",
    "power-iterations=2",
    "order=g-first",
    "kind=rmsprop",
    "g.kind=sgd",
    "g.ema=0.9",
    "d.clip-norm=0.001",
    "d.schedule=linear:0:1",
];

/// The weights of G and D after three steps.
fn trained(recipe: &'static RecipeInfo, change: Option<&str>) -> Option<Vec<f32>> {
    // As published, D of `mlp-relu` is dead at some seeds, and then nothing counts.
    let mut setup = recipe.setup(Preset::Fixed);
    setup.settings.batch_size = 4;
    let key = change.map_or("", |change| change.split('=').next().unwrap_or(change));
    if !key.is_empty() && !setup.keys().iter().any(|known| known == key) {
        // Keys of optimisers that stand at their defaults are not in the table.
        let is_optims = key.starts_with("g.") || key.starts_with("d.");
        if !is_optims {
            return None;
        }
    }
    if let Some(change) = change {
        let (name, before) = (recipe.name(), setup.clone());
        setup
            .set(change)
            .unwrap_or_else(|e| panic!("{name}: {e:#}"));
        // It may be what the preset has.
        if setup == before {
            return None;
        }
    }
    let mut trainer = of_setup(&setup, 16, DType::F32);
    for _ in 0..3 {
        let numbers = trainer.step().read();
        assert!(
            numbers.iter().all(|(_, value)| value.is_finite()),
            "{numbers:?}"
        );
    }
    let samples = session::sample(&trainer, 0, 2, SampleMode::Eval);
    let mut values = samples.to_vec::<f32>();
    for (_, network) in trainer.recipe().networks() {
        network.visit(detach_nn::Name::ROOT, &mut |_, slot| {
            if let detach_nn::Slot::Param(x) | detach_nn::Slot::Buffer(x) = slot {
                values.extend(x.get().to_vec::<f32>());
            }
        });
    }
    Some(values)
}

#[test]
fn every_setting_of_every_recipe_trains_and_counts() {
    let mut seen = [0; CHANGES.len()];
    // The largest takes long and has the settings of another.
    for recipe in RECIPES.iter().filter(|recipe| recipe.name() != "dcgan64") {
        let published = trained(recipe, None).expect("a recipe");
        for (change, seen) in CHANGES.iter().zip(&mut seen) {
            let Some(values) = trained(recipe, Some(change)) else {
                continue;
            };
            *seen += 1;
            assert!(
                values != published,
                "{}: {change} changes nothing",
                recipe.name()
            );
        }
    }
    for (change, seen) in CHANGES.iter().zip(seen) {
        assert!(seen > 0, "no recipe has {change}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let dcgan = || {
        detach_recipes::find("dcgan")
            .expect("a recipe")
            .setup(Preset::AsPublished)
    };
    for (change, reason) in [
        ("latent=0", "latent must be"),
        ("width=0", "width must be"),
        ("d-steps=0", "d-steps must be"),
        ("targets.real=1.5", "targets.real must be in [0, 1]"),
        ("generator-loss=other", "generator-loss"),
        ("g.nesterov=true", "nesterov"),
        ("d.schedule=falling", "linear:FROM:TO"),
        ("d.ema=1", "d.ema must be"),
        ("g=1", "g"),
        ("batch-size=1", "at least 2"),
    ] {
        let mut setup = dcgan();
        let error = setup.set(change).expect_err(change);
        assert!(format!("{error:#}").contains(reason), "{change}: {error:#}");
        assert!(setup == dcgan(), "{change}: something changed");
    }
    let mut mlp = detach_recipes::find("mlp")
        .expect("mlp")
        .setup(Preset::AsPublished);
    mlp.set("d-steps=2").expect("with d-first");
    let error = mlp.set("order=g-first").expect_err("both");
    assert!(
        format!("{error:#}").contains("one set of fakes"),
        "{error:#}"
    );
}

#[test]
fn what_was_meant_is_said() {
    let sandbox = Sandbox::new();
    for (words, meant) in [
        ("train dcgn", "did you mean `dcgan`?"),
        ("recipes mlp-rel", "did you mean `mlp-relu`?"),
        ("train mlp --set batch_size=8", "did you mean `batch-size`?"),
        ("train mlp --set lattent=8", "did you mean `latent`?"),
        ("train cgan --set condition=classifier", "`acgan`"),
        ("train cgan --set condition=plane", "planes"),
    ] {
        sandbox.gan(words).failed(2, &[meant]);
    }
    sandbox.ok("train gauss1d --max-steps 1 --out runs/first -q");
    sandbox
        .gan("sample frist --out x.npy")
        .failed(1, &["did you mean `runs/first`?"]);
}

const MLP: &str =
    "train mlp --offline --data-dir digits --batch-size 8 --no-pictures --log-every 1 -q";

#[test]
fn the_best_checkpoint_is_kept_and_outlives_a_resume() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{MLP} --max-steps 10 --best g_loss --out run"));
    let best = |sandbox: &Sandbox| {
        let path = sandbox.path("run/checkpoints/best.safetensors");
        let checkpoint = Checkpoint::load(path).expect("the best checkpoint");
        let number = |key: &str| checkpoint.metadata[key].parse::<f64>().expect(key);
        (number("step") as u64, number("best"))
    };
    let least = |sandbox: &Sandbox| {
        let lines = sandbox.metrics("run");
        let least = lines
            .iter()
            .min_by(|a, b| a.losses()[1].total_cmp(&b.losses()[1]));
        let least = least.expect("metrics");
        (least.step, least.losses()[1])
    };
    assert_eq!(best(&sandbox), least(&sandbox));
    sandbox.ok(
        "train --resume run --offline --no-pictures --log-every 1 -q --max-steps 20 --best g_loss",
    );
    assert_eq!(best(&sandbox), least(&sandbox));
    // It takes nothing from the run's own numbers.
    sandbox.ok(&format!("{MLP} --max-steps 20 --out plain"));
    assert_eq!(sandbox.hash("run", 20), sandbox.hash("plain", 20));
    sandbox
        .gan("train --resume run --offline --no-pictures -q --max-steps 21 --best d_loss")
        .failed(1, &["best in `g_loss`"]);
    sandbox
        .gan(&format!(
            "{MLP} --max-steps 2 --best real_error --out other"
        ))
        .failed(1, &["reports no `real_error`", "d_loss"]);
}

#[test]
fn a_run_stops_when_its_metric_is_no_better() {
    let sandbox = Sandbox::new();
    // A learning rate of 0 makes nothing better for long.
    let words =
        format!("{MLP} --max-steps 200 --best real_acc:higher --patience 3 --set lr=0 --out run");
    let done = sandbox.ok(&words);
    let steps = sandbox.metrics("run").last().expect("metrics").step;
    assert!((4..200).contains(&steps), "{done}");
    assert!(done.stdout.contains("no better any more"), "{done}");
    assert_eq!(sandbox.checkpoints("run").last(), Some(&steps));
}

/// The last batch of an epoch is short, and a step may take several batches.
#[test]
fn a_short_last_batch_trains() {
    for recipe in RECIPES.iter().filter(|recipe| recipe.name() != "dcgan64") {
        for preset in Preset::ALL {
            let mut setup = recipe.setup(preset);
            setup.settings.batch_size = 4;
            let mut trainer = of_setup(&setup, 10, DType::F32);
            for _ in 0..5 {
                let numbers = trainer.step().read();
                let finite = numbers.iter().all(|(_, value)| value.is_finite());
                assert!(finite, "{} {preset}: {numbers:?}", recipe.name());
            }
        }
    }
}

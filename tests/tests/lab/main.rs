//! `lab`: with no switch moved each loop is its recipe to the bit, and what a switch does is what theory says.

mod explain;
mod microscope;
mod pytorch;

use detach_nn::{State, parameters};
use detach_recipes::{Preset, Setup, Turn, find};
use detach_tensor::DType;
use detach_tests::training::of_setup;

/// `lab` as the loop of this name, changed.
fn lab(name: &str, changes: &[&str]) -> Setup {
    let mut setup = find("lab").expect("lab").setup(Preset::AsPublished);
    setup.set(&format!("loop={name}")).expect("a loop");
    for change in changes {
        setup.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    setup
}

/// Every weight and running statistic after some steps on 16 digits in batches of 4.
fn weights(mut setup: Setup, steps: usize) -> Vec<(String, Vec<f32>)> {
    setup.settings.batch_size = 4;
    let mut trainer = of_setup(&setup, 16, DType::F32);
    for _ in 0..steps {
        trainer.step();
    }
    let of = |(name, net): (&str, &dyn State)| -> Vec<(String, Vec<f32>)> {
        let all = parameters(net).into_iter();
        all.map(|(path, param)| (format!("{name}.{path}"), param.get().to_vec()))
            .collect()
    };
    let networks = trainer.recipe().networks().into_iter();
    networks.flat_map(|(name, net)| of((name, net))).collect()
}

#[test]
fn with_no_switch_moved_a_loop_is_its_recipe() {
    for name in [
        "dcgan-light",
        "dcgan",
        "mlp",
        "mlp-relu",
        "keras-mlp",
        "gauss1d",
    ] {
        let published = find(name).expect("a recipe").setup(Preset::AsPublished);
        assert!(
            weights(lab(name, &[]), 20) == weights(published, 20),
            "{name}"
        );
    }
    let mut published = find("mlp").expect("mlp").setup(Preset::AsPublished);
    published.choose("order", "g-first").expect("an order");
    assert!(weights(lab("mlp-g-first", &[]), 20) == weights(published, 20));
    let published = find("dcgan64")
        .expect("a recipe")
        .setup(Preset::AsPublished);
    assert!(weights(lab("dcgan64", &[]), 2) == weights(published, 2));
}

#[track_caller]
fn after(name: &str, changes: &[&str]) -> Vec<(String, Vec<f32>)> {
    // Small networks, whose loops differ as the large ones' do.
    let small = match name.contains("dcgan") {
        true => &["width=8"][..],
        false => &["g-widths=[16]", "d-widths=[16]"],
    };
    let all: Vec<&str> = small.iter().chain(changes).copied().collect();
    weights(lab(name, &all), 5)
}

/// In these loops `detach` only saves time, and freezing too: nobody reads what they leave out.
#[test]
fn detach_and_freezing_save_time_and_change_nothing() {
    for name in ["dcgan-light", "dcgan", "mlp", "keras-mlp", "gauss1d"] {
        let published = after(name, &[]);
        assert!(after(name, &["detach-d=false"]) == published, "{name}");
        assert!(after(name, &["freeze-d=false"]) == published, "{name}");
    }
}

/// Where gradients add up they are what keeps the networks apart.
#[test]
fn where_gradients_add_up_detach_and_freezing_decide() {
    let piled = "zero-grad=once-a-step";
    let published = after("dcgan", &[]);
    // What is frozen and detached gets nothing from the other's loss.
    assert!(after("dcgan", &[piled]) == published);
    assert!(after("dcgan", &[piled, "detach-d=false"]) != published);
    // D's turn is over when G's loss adds to D's gradients, and the step begins with zeros.
    assert!(after("dcgan", &[piled, "freeze-d=false"]) == published);
    assert!(after("mlp-g-first", &[piled, "freeze-d=false"]) != after("mlp-g-first", &[]));
    assert!(after("dcgan", &["zero-grad=never"]) != published);
}

#[test]
fn other_switches_make_other_weights() {
    let published = after("dcgan-light", &[]);
    for change in [
        "order=g-first",
        "d-turn=apart",
        "d-turn=halved",
        "g-fakes=same",
        "g-fakes=recomputed",
        "detach-g=true",
        "statistics-of-d=used",
        "d-steps=2",
        "generator-loss=saturating",
    ] {
        assert!(after("dcgan-light", &[change]) != published, "{change}");
    }
    // Nothing reads D's running statistics, and weights alone are compared.
    assert!(after("dcgan-light", &["statistics-of-d=kept"]) == published);
}

#[test]
fn what_cannot_be_together_is_refused_in_pytorchs_words() {
    for (name, changes, words) in [
        (
            "dcgan",
            &["detach-d=false", "retain-graph=false"][..],
            "backward through the graph a second time",
        ),
        (
            "mlp-g-first",
            &["zero-grad=once-a-step", "detach-d=false"],
            "modified by an inplace operation",
        ),
        (
            "mlp",
            &["zero-grad=once-a-step", "detach-g=true"],
            "does not require grad",
        ),
        ("mlp-g-first", &["d-steps=2"], "share one set of fakes"),
    ] {
        let (last, first) = changes.split_last().expect("a change");
        let refused = lab(name, first).set(last).expect_err("it cannot be");
        assert!(format!("{refused:#}").contains(words), "{refused:#}");
    }
}

/// A loop has the settings of its networks and no others, also where they are read from a file.
#[test]
fn each_loop_has_settings_of_its_own() {
    let (light, mlp) = (
        lab("dcgan-light", &["width=8"]),
        lab("mlp", &["g-widths=[8]"]),
    );
    assert!(lab("dcgan-light", &[]).set("g-widths=[8]").is_err());
    assert!(lab("mlp", &[]).set("width=8").is_err());
    for setup in [light, mlp] {
        let (settings, options) = (setup.settings.clone(), setup.options().clone());
        let again = Setup::of(setup.recipe(), setup.preset, settings, options).expect("a setup");
        assert_eq!(again, setup);
    }
}

/// The lines are those of the step as it is set, turn by turn in order.
#[test]
fn the_listing_is_the_step() {
    let turns = |setup: Setup| {
        let recipe = setup.build(DType::F32.into()).expect("a recipe");
        let lines = recipe.listing();
        for line in &lines {
            let switch = line.switch.map(|key| setup.options().contains_key(key));
            assert_ne!(switch, Some(false), "{line:?}");
        }
        let mut turns: Vec<Turn> = lines.iter().filter_map(|line| line.turn).collect();
        turns.dedup();
        (turns, lines)
    };
    let (order, lines) = turns(lab("dcgan", &[]));
    assert_eq!(order, [Turn::D, Turn::G]);
    assert!(
        lines
            .iter()
            .any(|line| line.text.contains("D(fake.detach())"))
    );
    let (order, lines) = turns(lab("mlp-g-first", &[]));
    assert_eq!(order, [Turn::G, Turn::D]);
    assert!(lines.iter().any(|line| line.text.contains("/ 2")));
    let (_, lines) = turns(lab("dcgan", &["detach-d=false"]));
    assert!(!lines.iter().any(|line| line.text.contains("detach()")));
}

/// One graph, both losses: at the logit their gradients sum to 2σ(ℓ) − 1, nothing at ½ and away from the reals above.
#[test]
fn both_losses_of_one_fake_pull_it_apart() {
    use detach_tensor::{Array, Tensor, grad};
    let values = [-3.0_f64, -0.5, 0.0, 0.5, 3.0];
    let logits = Tensor::variable(Array::from_slice(&values, &[5, 1]));
    let both = detach_nn::loss::bce_with_logits(&logits, 0.0)
        + detach_nn::loss::bce_with_logits(&logits, 1.0);
    let gradient = grad(&both, &[&logits], false)[0].to_vec::<f64>();
    for (logit, gradient) in values.iter().zip(gradient) {
        let sigma = 1.0 / (1.0 + (-logit).exp());
        assert!(
            (gradient * 5.0 - (2.0 * sigma - 1.0)).abs() < 1e-12,
            "{logit}: {gradient}"
        );
        assert!(
            gradient * logit >= 0.0,
            "downhill is towards 0 from both sides"
        );
    }
}

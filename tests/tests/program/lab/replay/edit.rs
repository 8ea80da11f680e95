//! A step of a run with one thing changed.

use super::{NARROW_LIGHT, NUMBERS, parsed, replay, train};
use detach_tests::program::Sandbox;
use serde_json::Value;
use std::fs;

/// In `dcgan` nobody asks for what the missing detach lets through. Where gradients add up G goes down both losses, which the
/// microscope sees, too.
#[test]
fn without_detach_dcgan_is_the_same_and_where_gradients_add_up_it_is_not() {
    let sandbox = Sandbox::new();
    train(&sandbox, "run", "dcgan --set width=4", 5);
    let looked = parsed(&sandbox.ok("detach run --json"));
    train(&sandbox, "run", "dcgan --set width=4", 6);
    let seen = replay(&sandbox, "run --step 6 --detach off --steps 2");
    let (own, beside) = (&seen["edited"], &seen["beside"]["compared"]);
    assert_eq!(
        (&own["same"], &own["reason"]),
        (&true.into(), &"nobody-asks".into())
    );
    assert_eq!(
        (&own["first"], &own["is_run"]),
        (&Value::Null, &true.into())
    );
    assert_eq!(own["weights"][0], own["weights"][1]);
    assert_eq!(own["weights_then"][0], own["weights_then"][1]);
    let of_run = replay(&sandbox, "run --step 6");
    assert_eq!(own["weights"][0], of_run["proof"]["saved"]);
    let steps: Vec<u64> = told(own)
        .iter()
        .filter_map(|told| told["step"].as_u64())
        .collect();
    assert_eq!(steps, [6, 7, 8]);
    for number in told(own)
        .iter()
        .flat_map(|told| told["numbers"].as_array().expect("numbers"))
    {
        assert_eq!(number["difference"], 0.0);
    }

    assert_eq!(
        (&beside["same"], &beside["reason"]),
        (&false.into(), &"both-pulls".into())
    );
    assert_eq!(beside["first"], "generator.0.weight");
    // The difference is the detach's: with it, that loop leaves the run's weights.
    assert_eq!(
        (&beside["is_run"], &beside["weights"][0]),
        (&true.into(), &own["weights"][0])
    );
    assert_eq!(beside["changes"].as_array().map(Vec::len), Some(1));
    let parts = beside["parts"].as_array().expect("networks");
    let names: Vec<&Value> = parts.iter().map(|part| &part["name"]).collect();
    assert_eq!(names, ["discriminator", "generator"], "D moves first");
    assert_eq!(parts[0]["difference"], 0.0);
    let share = |part: &Value| {
        part["difference"].as_f64().expect("a norm") / part["change"].as_f64().expect("a norm")
    };
    assert!(
        (0.01..10.0).contains(&share(&parts[1])),
        "{}",
        share(&parts[1])
    );
    let variants = looked["variants"].as_array().expect("variants");
    let piled = variants
        .iter()
        .find(|one| one["name"] == "zeroed at the top, none detached, D not frozen");
    assert_eq!(piled.expect("a variant")["weights"], beside["weights"][1]);
}

fn told(compared: &Value) -> &Vec<Value> {
    compared["told"].as_array().expect("steps")
}

/// Each loop of `lab` is its recipe's step, also where the run has settings of its own, and there detach moves nothing. With G
/// first the loop in which gradients add up cannot be.
#[test]
fn in_every_loop_detach_moves_nothing() {
    let sandbox = Sandbox::new();
    for (name, recipe) in [
        ("light", "dcgan-light --set width=4 --preset fixed"),
        ("fixed", "dcgan --set width=4 --preset fixed"),
        ("mlp", "mlp --set g-widths=[16] --set d-widths=[16]"),
        (
            "first",
            "mlp --order g-first --set g-widths=[16] --set d-widths=[16]",
        ),
        ("relu", "mlp-relu --set g-widths=[16] --set d-widths=[16]"),
        (
            "keras",
            "keras-mlp --set g-widths=[16] --set d-widths=[16] --set g.ema=0.5",
        ),
        ("numbers", NUMBERS),
    ] {
        train(&sandbox, name, recipe, 2);
        let seen = replay(&sandbox, &format!("{name} --step 2 --detach off --steps 0"));
        let own = &seen["edited"];
        assert_eq!(
            (&own["same"], &own["reason"]),
            (&true.into(), &"nobody-asks".into()),
            "{name}"
        );
        let is_g_first = ["first", "relu"].contains(&name);
        assert_eq!(seen["beside"]["refused"].is_string(), is_g_first, "{name}");
        if !is_g_first {
            let beside = &seen["beside"]["compared"];
            assert_eq!(beside["reason"], "both-pulls", "{name}");
            assert!(
                beside["first"]
                    .as_str()
                    .is_some_and(|name| name.starts_with("generator.")),
                "{name}"
            );
            // What adds up over several turns of D is another step already.
            let is_alone = !["keras", "numbers"].contains(&name);
            assert_eq!(beside["is_run"], is_alone, "{name}");
        }
    }
}

/// What is told of an edit is why.
#[test]
fn an_edit_has_its_reason() {
    let sandbox = Sandbox::new();
    train(&sandbox, "run", NARROW_LIGHT, 5);
    for (edit, reason, first) in [
        ("--detach on", "nothing-changed", ""),
        ("--freeze none", "nobody-asks", ""),
        ("--set retain-graph=false", "nobody-asks", ""),
        ("--set zero-grad=once-a-step", "same-gradients", ""),
        ("--order g-first", "other-updates", "generator.1.weight"),
        ("--set d-steps=2", "other-updates", "discriminator.0.weight"),
        (
            "--set detach-g=true",
            "other-gradient",
            "generator.1.weight",
        ),
        (
            "--set targets.real=1",
            "other-gradient",
            "discriminator.0.weight",
        ),
        ("--set seed=7", "other-gradient", "discriminator.0.weight"),
        (
            "--set statistics-of-d=kept",
            "buffers-alone",
            "discriminator.",
        ),
        (
            "--set d-stats-in-g-step=false",
            "buffers-alone",
            "discriminator.",
        ),
        ("--set g.lr=1e-3", "other-move", "generator.1.weight"),
        ("--set d.beta1=0.9", "other-move", "discriminator.0.weight"),
        (
            "--detach off --freeze none --set zero-grad=once-a-step",
            "both-pulls",
            "generator.1.weight",
        ),
    ] {
        let seen = replay(&sandbox, &format!("run --step 5 --steps 0 {edit}"));
        let edited = &seen["edited"];
        assert_eq!(edited["reason"], reason, "{edit}");
        let is_same = ["nothing-changed", "nobody-asks", "same-gradients"].contains(&reason);
        assert_eq!(edited["same"], is_same, "{edit}");
        assert!(
            edited["first"]
                .as_str()
                .unwrap_or_default()
                .starts_with(first),
            "{edit}: {}",
            edited["first"]
        );
        let is_same = edited["weights"][0] == edited["weights"][1];
        assert_eq!(
            is_same,
            edited["same"] == true || reason == "buffers-alone",
            "{edit}"
        );
    }
}

/// From the first step on with another learning rate, it is the run that was trained with it; changed once, it is neither.
#[test]
fn with_another_learning_rate_it_is_the_run_that_has_it() {
    let sandbox = Sandbox::new();
    train(&sandbox, "slow", &format!("{NUMBERS} --set lr=1e-3"), 8);
    train(
        &sandbox,
        "fast",
        &format!("{NUMBERS} --set lr=1e-3 --set g.lr=2e-3"),
        8,
    );
    let [slow, fast] = ["slow", "fast"]
        .map(|run| replay(&sandbox, &format!("{run} --step 8"))["proof"]["saved"].clone());
    let edit = "replay slow --step 1 --steps 7 --set g.lr=2e-3";
    let seen = parsed(&sandbox.ok(&format!("{edit} --json")));
    let edited = &seen["edited"];
    assert_eq!(edited["weights_then"], serde_json::json!([slow, fast]));
    let (of_slow, of_fast) = (sandbox.metrics("slow"), sandbox.metrics("fast"));
    assert_eq!(told(edited).len(), 8);
    for (told, (slow, fast)) in told(edited).iter().zip(of_slow.iter().zip(&of_fast)) {
        assert_eq!(told["step"], slow.step);
        for number in told["numbers"].as_array().expect("numbers") {
            let name = number["name"].as_str().expect("a name");
            let (slow, fast) = (slow.numbers[name], fast.numbers[name]);
            assert_eq!(
                (&number["run"], &number["edited"]),
                (&slow.into(), &fast.into()),
                "{name}"
            );
            assert_eq!(number["difference"], fast - slow, "{name}");
        }
    }
    // Adam's step is as long as its learning rate says.
    let parts = edited["parts"].as_array().expect("networks");
    let part = parts
        .iter()
        .find(|part| part["name"] == "generator")
        .expect("G");
    for layer in part["layers"].as_array().expect("layers") {
        let [difference, change] =
            ["difference", "change"].map(|norm| layer[norm].as_f64().expect("a norm"));
        assert!(
            (difference / change - 1.0).abs() < 1e-3,
            "{difference} beside {change}"
        );
    }
    let once = parsed(&sandbox.ok(&format!("{edit} --once --json")));
    assert_eq!(once["edited"]["weights"], edited["weights"]);
    let then = &once["edited"]["weights_then"];
    assert_eq!(then[0], slow);
    assert!(then[1] != slow && then[1] != fast);
}

#[test]
fn what_cannot_be_changed_is_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    train(&sandbox, "run", NARROW_LIGHT, 2);
    for (edit, code, parts) in [
        ("--step 0", 2, &["--step"][..]),
        ("--step 9999999", 1, &["no step 9999999", "1 to"]),
        (
            "--step 2 --set width=8",
            1,
            &["width", "`discriminator.0.bias` is [4]"],
        ),
        (
            "--step 2 --set g.kind=sgd",
            1,
            &["g.kind", "generator.optim."],
        ),
        ("--step 2 --set g.ema=0.5", 1, &["g.ema", "generator.ema."]),
        (
            "--step 2 --set batch-size=4",
            2,
            &["batch-size", "where in the data"],
        ),
        ("--step 2 --set epochs=4", 2, &["epochs", "no number"]),
        ("--step 2 --set loop=mlp", 2, &["loop"]),
        ("--step 2 --set widht=8", 2, &["did you mean `width`?"]),
        ("--step 2 --set g.lr=-1", 2, &["g.lr"]),
        (
            "--step 2 --order g-first --set d-steps=3",
            2,
            &["share one set of fakes"],
        ),
    ] {
        sandbox
            .gan(&format!("replay run {edit}"))
            .failed(code, parts);
    }
    train(&sandbox, "critic", "wgan --set width=4", 1);
    sandbox
        .gan("replay critic --step 1 --detach off")
        .failed(2, &["`wgan`", "dcgan-light"]);
    sandbox.ok("replay critic --step 1 --set clip=0.1 --steps 1");
    train(
        &sandbox,
        "bare",
        "dcgan-light --set width=4 --set batch-norm=false",
        1,
    );
    sandbox
        .gan("replay bare --step 1 --detach off")
        .failed(2, &["batch-norm"]);
    fs::rename(sandbox.path("digits"), sandbox.path("moved")).expect("a folder");
    sandbox
        .gan("replay run --step 1")
        .failed(1, &["not there any more", "--data-dir"]);
    sandbox.ok("replay run --step 1 --data-dir moved");
    sandbox.ok("data synth --out others --count 64 --seed 5");
    sandbox
        .gan("replay run --step 1 --data-dir others")
        .failed(1, &["other images"]);
}

//! `gan detach`: what the microscope says of a step.

use detach_gan::lesson::subject::LOOPS;
use detach_tests::program::Sandbox;
use serde_json::Value;

fn look(sandbox: &Sandbox, words: &str) -> Value {
    let done = sandbox.ok(&format!("detach {words} --json"));
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done}"))
}

/// The variant of this name.
fn variant<'a>(seen: &'a Value, name: &str) -> &'a Value {
    let variants = seen["variants"].as_array().expect("variants");
    let found = variants.iter().find(|variant| variant["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {seen:#}"))
}

fn turn<'a>(variant: &'a Value, who: &str) -> &'a Value {
    let turns = variant["turns"].as_array().expect("turns");
    turns
        .iter()
        .rfind(|turn| turn["turn"] == who)
        .expect("a turn")
}

/// At a seed at which D of `mlp-relu` is alive. In every published loop `detach` saves a walk, and the weights are the same; on G's side it stops G.
#[test]
fn of_every_loop() {
    let sandbox = Sandbox::new();
    for name in LOOPS {
        let seen = look(&sandbox, &format!("{name} --batch-size 3 --seed 3"));
        let published = variant(&seen, "as published");
        let removed = variant(&seen, "detach removed");
        let wrong = variant(&seen, "detach on G's side, too");
        let (kept, gone) = (turn(published, "d"), turn(removed, "d"));
        assert!(
            kept["norm_d"].as_f64().is_some_and(|norm| norm > 0.0),
            "{name}"
        );
        assert_eq!(
            kept["norm_g"],
            Value::Null,
            "{name}: D's loss does not reach G"
        );
        // With G first, G's update has written to what the way back to G needs.
        let is_g_first = ["mlp-g-first", "mlp-relu"].contains(&name);
        assert_eq!(gone["overwritten"], is_g_first, "{name}");
        let reaches = gone["norm_g"].as_f64().is_some_and(|norm| norm > 0.0);
        assert!(reaches != is_g_first, "{name}");
        for number in ["loss", "norm_d"] {
            assert_eq!(kept[number], gone[number], "{name}: {number}");
        }
        let nodes = |turn: &Value, walk: &str| turn[walk]["nodes"].as_u64().expect("nodes");
        assert_eq!(
            nodes(kept, "asked"),
            nodes(gone, "asked"),
            "{name}: D's own walk"
        );
        assert!(
            nodes(gone, "all") > nodes(kept, "all"),
            "{name}: PyTorch's is longer"
        );
        assert_eq!(removed["weights"], published["weights"], "{name}");
        assert_ne!(wrong["weights"], published["weights"], "{name}");
        let silent = turn(wrong, "g");
        assert_eq!(
            (&silent["norm_g"], nodes(silent, "asked")),
            (&Value::Null, 0),
            "{name}"
        );
        assert_eq!(turn(published, "g")["cosine"], 1.0, "{name}");
        let is_shared = ["dcgan", "mlp-g-first", "mlp-relu"].contains(&name);
        let says = if is_shared { "second-time" } else { "runs" };
        assert_eq!(removed["pytorch"], says, "{name}");
    }
}

/// Where gradients are collected and zeroed at the top alone, `detach` decides.
#[test]
fn where_gradients_are_collected() {
    let sandbox = Sandbox::new();
    let seen = look(&sandbox, "dcgan --batch-size 4");
    let published = variant(&seen, "as published");
    let top = variant(&seen, "gradients zeroed at the top alone");
    assert_eq!(top["weights"], published["weights"]);
    let piled = variant(&seen, "zeroed at the top, none detached, D not frozen");
    assert_ne!(piled["weights"], published["weights"]);
    let cosine = turn(piled, "g")["cosine"].as_f64().expect("a cosine");
    assert!(cosine < 0.99, "{cosine}");
}

/// The next step of a run, from its own weights and on its own data: the loss is the one that it goes on with.
#[test]
fn of_a_run() {
    let sandbox = Sandbox::new();
    let small =
        "--offline --data-dir digits --batch-size 8 --log-every 1 --no-pictures --no-report -q";
    for (recipe, more) in [
        ("dcgan", "--set width=8"),
        ("mlp", "--order g-first --set g-widths=[16]"),
        (
            "lab",
            "--loop keras-mlp --set g-widths=[16] --set d-turn=together",
        ),
    ] {
        sandbox.ok(&format!(
            "train {recipe} {more} {small} --max-steps 3 --out {recipe}"
        ));
        let seen = look(&sandbox, recipe);
        assert_eq!(seen["step"], 4);
        sandbox.ok(&format!("train --resume {recipe} {small} --max-steps 4")
            .replace("--batch-size 8 ", "")
            .replace("--data-dir digits ", ""));
        let metrics = sandbox.metrics(recipe);
        let published = variant(&seen, "as published");
        for (who, loss) in ["d", "g"].into_iter().zip(metrics[3].losses()) {
            assert_eq!(
                turn(published, who)["loss"].as_f64(),
                Some(loss),
                "{recipe}, {who}"
            );
        }
    }
}

#[test]
fn slips_are_told() {
    let sandbox = Sandbox::new();
    sandbox
        .gan("detach dcgn")
        .failed(1, &["did you mean `dcgan`?"]);
    let small = "--offline --data-dir digits --batch-size 8 --max-steps 1 --no-pictures -q";
    sandbox.ok(&format!("train wgan --set width=4 {small} --out critic"));
    sandbox.gan("detach critic").failed(1, &["wgan"]);
}

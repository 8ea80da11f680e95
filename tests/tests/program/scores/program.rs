//! `gan score` and `gan classifier`.

use detach_tests::program::Sandbox;
use serde_json::Value;
use std::fs;

/// A folder with short runs of `cgan` and `dcgan-light`, called so.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    for recipe in ["cgan", "dcgan-light"] {
        sandbox.ok(&format!(
            "train {recipe} --max-steps 2 --batch-size 8 --offline --data-dir digits --no-pictures -q --out {recipe}"
        ));
    }
    sandbox
}

fn json(sandbox: &Sandbox, words: &str) -> Value {
    let out = sandbox.ok(&format!("score {words} --json")).stdout;
    serde_json::from_str(&out).expect(&out)
}

#[test]
fn runs_and_their_samples_have_the_same_scores() {
    let sandbox = trained();
    let first = sandbox.gan("score cgan -n 50 --seed 3 --threads 1 --json");
    assert!(first.stderr.contains("training a classifier"), "{first}");
    let of_run: Value = serde_json::from_str(&first.stdout).expect("JSON");
    // The classifier is kept, and the same again; so is everything else, whatever the threads.
    let again = sandbox.ok("score cgan -n 50 --seed 3 --threads 3 --json");
    assert_eq!(again.stdout, first.stdout);
    assert!(
        !again.stderr.contains("training a classifier"),
        "{}",
        again.stderr
    );
    let [kept]: [String; 1] = sandbox
        .files("cache/detach/classifiers")
        .into_keys()
        .collect::<Vec<_>>()
        .try_into()
        .expect("one");
    let hash = of_run["scored"][0]["classifier"]["hash"].clone();
    let trained = sandbox
        .ok("classifier --data-dir digits --out own.safetensors")
        .stdout;
    assert!(
        trained.contains(hash.as_str().expect("a text")),
        "{trained}"
    );
    let read = |path: &str| fs::read(sandbox.path(path)).expect("a file");
    assert_eq!(
        read("own.safetensors"),
        read(&format!("cache/detach/classifiers/{kept}"))
    );

    sandbox.ok("sample cgan -n 50 --seed 3 --out s.idx3-ubyte.gz --labels-out l.idx1-ubyte");
    sandbox.ok("sample cgan -n 50 --seed 3 --out s.npy");
    let mut of_run = of_run["scored"][0].clone();
    assert_eq!(of_run["samples"], 50);
    // A file has no discriminator.
    let of_d = of_run["scores"]
        .as_object_mut()
        .expect("scores")
        .remove("heldout_auc");
    assert!(of_d.is_some());
    for file in ["s.idx3-ubyte.gz", "s.npy"] {
        let of_file = json(
            &sandbox,
            &format!("{file} --labels l.idx1-ubyte --data-dir digits"),
        );
        for part in ["scores", "classes", "accuracy", "classifier"] {
            assert_eq!(of_file["scored"][0][part], of_run[part], "{part} of {file}");
        }
    }
    let classes = of_run["classes"].as_array().expect("classes");
    assert_eq!(classes.len(), 10);
    for (number, class) in classes.iter().enumerate() {
        assert_eq!(
            (&class["class"], &class["asked"]),
            (&number.into(), &5.into())
        );
        let accuracy = class["accuracy"]["value"].as_f64();
        assert!(accuracy.is_some_and(|share| (0.0..=1.0).contains(&share)));
    }
    for (name, score) in of_run["scores"].as_object().expect("scores") {
        for number in ["value", "floor"] {
            assert!(
                score[number].as_f64().is_some_and(f64::is_finite),
                "{name} {score}"
            );
        }
    }
}

#[test]
fn several_runs_have_a_mean() {
    let sandbox = trained();
    let both = json(&sandbox, "cgan dcgan-light -n 30");
    let value = |run: usize| {
        both["scored"][run]["scores"]["fid"]["value"]
            .as_f64()
            .expect("a number")
    };
    let mean = both["over_runs"]["fid"]["value"].as_f64().expect("a mean");
    assert!((mean - (value(0) + value(1)) / 2.0).abs() < 1e-9 * mean.abs());
    // One of them has no classes.
    assert!(both["over_runs"]["accuracy"].is_null());
    assert!(both["scored"][1]["accuracy"].is_null());
    let table = sandbox.ok("score cgan dcgan-light -n 30").stdout;
    for word in ["cgan", "dcgan-light", "fid", "vendi", "floor", "mean"] {
        assert!(table.contains(word), "no {word} in\n{table}");
    }
    let csv = sandbox.ok("score cgan dcgan-light -n 30 --csv").stdout;
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let of = |path: &str, score: &str, class: &str| {
        let wanted = |line: &&Vec<&str>| (line[0], line[6], line[7]) == (path, score, class);
        let line = lines.iter().find(wanted).expect(&csv);
        line[8].parse::<f64>().expect("a number")
    };
    assert_eq!(lines[0].len(), 11);
    assert!(
        lines.iter().all(|line| line.len() == lines[0].len()),
        "{csv}"
    );
    assert_eq!(
        [of("cgan", "fid", ""), of("dcgan-light", "fid", "")],
        [value(0), value(1)]
    );
    let shares: f64 = (0..10)
        .map(|class| of("cgan", "share", &class.to_string()))
        .sum();
    assert!((shares - 1.0).abs() < 1e-9, "{csv}");
    sandbox
        .gan("score cgan --csv --json")
        .failed(2, &["--csv", "--json"]);
    let single = sandbox.ok("score cgan -n 30").stdout;
    for word in ["coverage", "made as asked", "classifier"] {
        assert!(single.contains(word), "no {word} in\n{single}");
    }
}

#[test]
fn what_cannot_be_scored_says_why() {
    let sandbox = trained();
    let refused = |words: &str, parts: &[&str]| sandbox.gan(words).failed(1, parts);
    refused("score nosuch --data-dir digits", &["nosuch"]);
    sandbox.ok("train gauss1d --max-steps 2 -q --out gauss");
    refused("score gauss", &["gauss1d", "images"]);
    refused("score cgan --labels l.txt", &["--labels"]);
    refused("score digits", &["--data-dir"]);
    fs::write(sandbox.path("l.txt"), "0\n1\n12\n").expect("a file");
    sandbox.ok("sample cgan -n 3 --out s.npy");
    refused(
        "score s.npy --labels l.txt --data-dir digits",
        &["12", "0 to 9"],
    );
    fs::write(sandbox.path("l.txt"), "0\n1\n").expect("a file");
    refused(
        "score s.npy --labels l.txt --data-dir digits",
        &["2 labels", "3 samples"],
    );
    sandbox.ok("sample cgan -n 1 --out one.npy");
    refused("score one.npy --data-dir digits", &["1 images"]);
    sandbox.gan("score cgan -n 1").failed(2, &["2"]);
    fs::rename(sandbox.path("digits"), sandbox.path("moved")).expect("moved");
    refused("score cgan", &["not there", "--data-dir"]);
    sandbox.ok("score cgan -n 20 --data-dir moved");
    fs::remove_file(sandbox.path("moved/train-labels-idx1-ubyte.gz")).expect("removed");
    refused("score s.npy --data-dir moved", &["no classes", "labels"]);
    refused("classifier --data-dir moved", &["no classes", "labels"]);
}

/// A kept classifier that is damaged is none.
#[test]
fn a_damaged_classifier_is_trained_again() {
    let sandbox = trained();
    let whole = json(&sandbox, "cgan -n 20");
    let folder = "cache/detach/classifiers";
    let kept = sandbox
        .files(folder)
        .into_keys()
        .next()
        .expect("one is kept");
    let path = sandbox.path(&format!("{folder}/{kept}"));
    fs::write(&path, "nothing").expect("damaged");
    assert_eq!(json(&sandbox, "cgan -n 20"), whole);
    assert!(fs::metadata(&path).expect("a file").len() > 1000);
}

/// A thousand classes of three digits each, told apart by who knows ten.
#[test]
fn stacked_digits_have_modes() {
    let sandbox = Sandbox::new();
    sandbox.ok("data synth --out digits --count 200");
    sandbox.ok(
        "train dcgan-light --data stacked-mnist --data-dir digits --set channels=3 --set width=4 --set latent=8 \
         --batch-size 8 --max-steps 2 --offline --no-pictures -q --out run",
    );
    let scored = &json(&sandbox, "run -n 300")["scored"][0];
    let number = |score: &str, key: &str| {
        let number = scored["scores"][score][key].as_f64();
        number.unwrap_or_else(|| panic!("{score} {key} in {scored}"))
    };
    assert_eq!(scored["classes"].as_array().map(Vec::len), Some(1000));
    let (modes, kl) = (number("modes", "value"), number("kl", "value"));
    assert!((1.0..=300.0).contains(&modes), "{modes}");
    assert!(
        (kl - (1000_f64.ln() - number("entropy", "value"))).abs() < 1e-9,
        "{kl}"
    );
    // Of 300 triples nearly all are different, and a few coincide.
    let real = number("modes", "floor");
    assert!(
        (200.0..300.0).contains(&real) && kl > number("kl", "floor"),
        "{real} {kl}"
    );
    let hash = scored["classifier"]["hash"].as_str().expect("a text");
    let known = sandbox
        .ok("classifier --data-dir digits --out own.safetensors")
        .stdout;
    assert!(known.contains(hash), "{known}");
    // A table of a thousand rows is none.
    assert!(sandbox.ok("score run -n 300").stdout.lines().count() < 40);
}

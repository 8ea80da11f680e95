//! `gan train --score-every`.

use detach_nn::Checkpoint;
use detach_tests::program::Sandbox;
use serde_json::Value;
use std::fs;

const TRAIN: &str = "train dcgan-light --batch-size 8 --offline --data-dir digits --no-pictures -q --set width=8 --seed 4";

/// The lines of a run's file of JSON.
fn lines(sandbox: &Sandbox, path: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.path(path)).expect(path);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

fn steps_with(lines: &[Value], key: &str) -> Vec<u64> {
    let with = lines.iter().filter(|line| !line[key].is_null());
    with.map(|line| line["step"].as_u64().expect("a step"))
        .collect()
}

#[test]
fn scores_change_nothing_and_are_those_of_the_finished_run() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{TRAIN} --max-steps 5 --out plain"));
    sandbox.ok(&format!(
        "{TRAIN} --max-steps 5 --score-every 2 --score-count 40 --out scored"
    ));
    assert_eq!(sandbox.hash("plain", 5), sandbox.hash("scored", 5));
    assert!(!sandbox.files("plain").contains_key("scores.jsonl"));

    let scores = lines(&sandbox, "scored/scores.jsonl");
    assert_eq!(steps_with(&scores, "scores"), [2, 4, 5]);
    assert_eq!(
        steps_with(&lines(&sandbox, "scored/metrics.jsonl"), "fid"),
        [2, 4, 5]
    );
    let told = sandbox.ok("score scored -n 40 --json").stdout;
    let told: Value = serde_json::from_str(&told).expect(&told);
    let last = &scores[2];
    for (name, score) in told["scored"][0]["scores"].as_object().expect("scores") {
        assert_eq!(last["scores"][name], score["value"], "{name}");
        assert_eq!(last["floor"][name], score["floor"], "{name}");
    }
    assert!(last["scores"]["heldout_auc"].is_number(), "{last}");
    assert_eq!(last["classifier"], told["scored"][0]["classifier"]["hash"]);
    let of_classes = last["classes"].as_array().expect("counts");
    let all: u64 = of_classes.iter().filter_map(Value::as_u64).sum();
    assert_eq!((all, &last["samples"]), (40, &40.into()));

    // What a killed run had scored beyond its checkpoint is scored again.
    sandbox.ok(&format!(
        "{TRAIN} --max-steps 3 --score-every 2 --score-count 40 --out parts"
    ));
    let path = sandbox.path("parts/scores.jsonl");
    let mut text = fs::read_to_string(&path).expect("scores");
    text += "{\"version\":1,\"step\":4,\"scores\":{\"fid\":0}}\n";
    fs::write(&path, text).expect("a line more");
    sandbox
        .ok("train --resume parts --max-steps 5 --score-every 2 --score-count 40 --no-pictures -q");
    let parts = lines(&sandbox, "parts/scores.jsonl");
    assert_eq!(steps_with(&parts, "scores"), [2, 3, 4, 5]);
    assert_eq!(parts[2..], scores[1..]);
    assert_eq!(sandbox.hash("parts", 5), sandbox.hash("plain", 5));
}

#[test]
fn the_best_by_a_score_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!(
        "{TRAIN} --max-steps 6 --score-every 1 --score-count 40 --best fid --out run"
    ));
    let scores = lines(&sandbox, "run/scores.jsonl");
    let fid = |line: &Value| line["scores"]["fid"].as_f64().expect("a number");
    let least = scores.iter().map(fid).fold(f64::INFINITY, f64::min);
    let best = sandbox.path("run/checkpoints/best.safetensors");
    let texts = Checkpoint::load(&best).expect("the best").metadata;
    assert_eq!(texts["best-of"], "fid");
    assert_eq!(texts["best"].parse::<f64>().ok(), Some(least));
    let of = scores.iter().find(|line| fid(line) == least);
    assert_eq!(
        of.map(|line| line["step"].to_string()),
        texts.get("step").cloned()
    );

    // More of a share is better: with every score worse than the best, it stops after so many.
    let words = format!("{TRAIN} --score-every 1 --score-count 20");
    let done = sandbox.ok(&format!(
        "{words} --best recall:lower --patience 2 --max-steps 40 --out stopped --json"
    ));
    let recall = |line: &Value| line["scores"]["recall"].as_f64().expect("a number");
    let all: Vec<f64> = lines(&sandbox, "stopped/scores.jsonl")
        .iter()
        .map(recall)
        .collect();
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    let place = all.iter().position(|x| *x == least).expect("one");
    assert_eq!(all.len(), place + 3, "{all:?}\n{done}");
}

#[test]
fn what_cannot_be_scored_is_refused_before_anything_is_made() {
    let sandbox = Sandbox::new();
    let refused = |words: &str, parts: &[&str]| {
        sandbox.gan(&format!("{words} --out run")).failed(2, parts);
        assert!(!sandbox.path("run").exists(), "{words}");
    };
    refused(
        "train gauss1d --max-steps 2 --score-every 1",
        &["gauss1d", "images"],
    );
    refused(
        "train mlp --data-dir digits --max-steps 2 --best fid",
        &["--best fid", "--score-every"],
    );
    refused("train mlp --data-dir digits --score-every 0", &["0"]);
}

/// A discriminator that is shown two dozen images again and again knows them.
#[test]
fn what_is_learnt_by_heart_shows() {
    let sandbox = Sandbox::new();
    sandbox.ok("data synth --out few --count 24 --seed 5");
    let train = "train mlp --batch-size 8 --offline --data-dir few --no-pictures -q --set d.lr=1e-3 --set d-widths=[256,128]";
    sandbox.ok(&format!("{train} --max-steps 150 --out run"));
    let out = sandbox.ok("score run -n 20 --json").stdout;
    let gap =
        serde_json::from_str::<Value>(&out).expect(&out)["scored"][0]["scores"]["heldout_auc"]
            .clone();
    let value = gap["value"].as_f64().expect("a number");
    assert!(value > 0.7 && value <= 1.0, "{gap}");
    for file in ["score run -n 20 --csv", "score run -n 20"] {
        assert!(sandbox.ok(file).stdout.contains("heldout_auc"), "{file}");
    }
    // Of every recipe of images, some network says how real they are.
    sandbox.ok("sample run -n 20 --out s.npy");
    let out = sandbox.ok("score s.npy --data-dir few --json").stdout;
    assert!(
        serde_json::from_str::<Value>(&out).expect(&out)["scored"][0]["scores"]["heldout_auc"]
            .is_null()
    );
}

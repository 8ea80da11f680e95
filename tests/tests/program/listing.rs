//! `gan runs` and `gan show`.

use detach_tests::program::Sandbox;
use serde_json::Value;
use std::fs;

fn json(sandbox: &Sandbox, words: &str) -> Value {
    let out = sandbox.ok(&format!("{words} --json")).stdout;
    serde_json::from_str(&out).expect(&out)
}

fn with_runs() -> Sandbox {
    let sandbox = Sandbox::new();
    let gauss = "train gauss1d -q --no-pictures --log-every 2";
    for n in [10, 2] {
        sandbox.ok(&format!("{gauss} --max-steps {n} --out runs/gauss1d-{n}"));
    }
    sandbox.ok("train mlp --preset fixed --seed 3 --offline --data-dir digits --batch-size 8 --epochs 1 --set g-widths=[8] \
                --set d-widths=[8] -q --max-steps 3 --score-every 3 --score-count 20 --out runs/mlp");
    sandbox
}

#[test]
fn runs_are_listed_with_how_far_and_how_good_they_are() {
    let sandbox = with_runs();
    let listed = json(&sandbox, "runs");
    let all = listed["runs"].as_array().expect("runs");
    let paths: Vec<&str> = all.iter().filter_map(|run| run["path"].as_str()).collect();
    // The second comes before the tenth.
    assert_eq!(paths, ["runs/gauss1d-2", "runs/gauss1d-10", "runs/mlp"]);
    let steps: Vec<u64> = all.iter().filter_map(|run| run["steps"].as_u64()).collect();
    assert_eq!(steps, [2, 10, 3]);
    let mlp = &all[2];
    assert_eq!((&mlp["preset"], &mlp["seed"]), (&"fixed".into(), &3.into()));
    assert_eq!(
        (&mlp["total"], &mlp["trained_by"]),
        (&3.into(), &Value::Null)
    );
    let fid = mlp["scores"]["scores"]["fid"].as_f64().expect("a score");
    assert!(fid > 0.0 && all[0]["scores"].is_null());
    let table = sandbox.ok("runs").stdout;
    for part in ["runs/gauss1d-10", "mlp fixed, seed 3", "Too early to say"] {
        assert!(table.contains(part), "no {part} in\n{table}");
    }
    // One that cannot be read hides no other.
    fs::write(sandbox.path("runs/gauss1d-2/config.toml"), "nonsense").expect("damaged");
    let done = sandbox.ok("runs");
    assert!(
        done.stdout.contains("runs/mlp") && done.stderr.contains("gauss1d-2"),
        "{done}"
    );
    sandbox
        .gan("runs nowhere")
        .failed(1, &["no runs in nowhere", "gan train"]);
}

#[test]
fn one_run_is_shown() {
    let sandbox = with_runs();
    let text = sandbox.ok("show runs/mlp").stdout;
    for part in [
        "mlp fixed, seed 3",
        "Too early to say",
        "g_loss",
        "fid",
        "floor",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    // A pipe is no terminal.
    assert!(!text.contains('\x1b') && !text.contains('▀'), "{text}");
    let told = json(&sandbox, "show mlp");
    assert_eq!(told, json(&sandbox, "runs")["runs"][2]);
    // The newest one, where none is named.
    assert!(sandbox.ok("show").stdout.starts_with("runs/mlp: "));
    sandbox
        .gan("show nosuch")
        .failed(1, &["nosuch", "runs/mlp"]);
}

//! Commands that train many runs: `gan compare`, `gan sweep`, `gan claims`.

use detach_tests::program::{Done, Sandbox, ended, random_below, signal, wait_until};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

const DATA: &str = "--offline --data-dir digits -q";
const STUDY: &str = "sweep gauss1d --param lr=log:1e-4..1e-2 --param beta1=0.5,0.9 --param d-steps=int:1..3 --offline -q";

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The table without what follows: how to go on names the folder.
fn table(done: &Done) -> String {
    done.stdout
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The weights of a run, all of them.
fn weights(sandbox: &Sandbox, run: &str) -> Vec<Vec<u8>> {
    let of = |name| {
        let path = sandbox
            .path(run)
            .join(format!("checkpoints/{name}.safetensors"));
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    ["generator", "discriminator"].map(of).into()
}

mod compare {
    use super::*;

    const WORDS: &str = "compare mlp gauss1d --max-steps 20 --set batch-size=8 --set latent=7 --set last-relu=true --out c";

    #[test]
    fn recipes_have_the_same_budget_and_stand_side_by_side() {
        let sandbox = Sandbox::new();
        sandbox
            .gan(&format!("{WORDS} {DATA}"))
            .failed(2, &["last-relu"]);
        assert!(!sandbox.path("c").exists());
        let words = WORDS.replace("--set last-relu=true", "--set batch-norm=false");
        let done = sandbox.ok(&format!("{words} {DATA}"));
        let compared = json(&sandbox.path("c/compare.json"));
        let runs = compared["runs"].as_array().expect("runs");
        for (run, recipe) in runs.iter().zip(["mlp", "gauss1d"]) {
            assert!(done.stdout.contains(recipe), "{done}");
            assert_eq!(
                (&run["recipe"], &run["steps"]),
                (&recipe.into(), &20.into())
            );
            assert!(run["parameters"].as_u64().is_some_and(|n| n > 100), "{run}");
            for score in [
                "energy",
                "diversity",
                "nearest",
                "variance",
                "d_loss",
                "g_loss",
            ] {
                assert!(run["scores"][score].is_f64(), "{score}: {run}");
            }
            // An ordinary run, of the same seed, with the settings that it has.
            let config = fs::read_to_string(sandbox.path(&format!("c/{recipe}/config.toml")))
                .expect("a run");
            for line in ["seed = 0", "latent = 7", "max-steps = 20", "batch-size = 8"] {
                assert!(config.contains(line), "no `{line}` in {config}");
            }
        }
        assert_eq!(runs[0]["set"].as_array().map(Vec::len), Some(3));
        assert_eq!(runs[1]["set"].as_array().map(Vec::len), Some(2));
        for picture in ["curves.png", "samples.png"] {
            let bytes = fs::read(sandbox.path("c").join(picture)).expect(picture);
            assert!(bytes.starts_with(b"\x89PNG"), "{picture}");
        }
        let single = "train mlp --max-steps 20 --set batch-size=8 --set latent=7 --set batch-norm=false --seed 0 --out run";
        sandbox.ok(&format!("{single} {DATA}"));
        assert_eq!(weights(&sandbox, "c/mlp"), weights(&sandbox, "run"));
    }

    #[test]
    fn what_is_done_is_not_done_again_and_longer_ones_go_on() {
        let sandbox = Sandbox::new();
        let words = format!("compare gauss1d mlp --set batch-size=8 --out c {DATA}");
        let first = sandbox.ok(&format!("{words} --max-steps 10"));
        let before = sandbox.files("c/mlp");
        let checkpoint = sandbox.checkpoint("c/mlp", 10);
        let written = |path: &Path| {
            fs::metadata(path)
                .and_then(|meta| meta.modified())
                .expect("a checkpoint")
        };
        let time = written(&checkpoint);
        let again = sandbox.ok(&format!("{words} --max-steps 10"));
        assert_eq!(again.stdout, first.stdout);
        assert_eq!(
            (sandbox.files("c/mlp"), written(&checkpoint)),
            (before, time)
        );
        sandbox.ok(&format!("{words} --max-steps 20"));
        sandbox.ok(&format!(
            "train mlp --set batch-size=8 --max-steps 20 --out run {DATA}"
        ));
        assert_eq!(weights(&sandbox, "c/mlp"), weights(&sandbox, "run"));
        // What decides numbers cannot change in the same folder.
        sandbox
            .gan(&format!("{words} --max-steps 30 --seed 1"))
            .failed(2, &["--seed"]);
    }

    #[test]
    fn one_that_is_stopped_goes_on() {
        let sandbox = Sandbox::new();
        let words = format!("compare mlp gauss1d --max-steps 300 --set batch-size=8 {DATA} --out");
        sandbox.ok(&format!("{words} whole"));
        for (name, code) in [("TERM", Some(143)), ("INT", Some(130)), ("KILL", None)] {
            let before = sandbox.metrics("c/mlp").len();
            let mut child = sandbox.start(&format!("{words} c --checkpoint-every 10"));
            wait_until("a step", || {
                sandbox.metrics("c/mlp").len() > before || ended(&mut child)
            });
            signal(&child, name);
            assert_eq!(child.wait().expect("its end").code(), code, "{name}");
        }
        sandbox.ok(&format!("{words} c"));
        for run in ["mlp", "gauss1d"] {
            let [a, b] = ["whole", "c"].map(|folder| weights(&sandbox, &format!("{folder}/{run}")));
            assert_eq!(a, b, "{run}");
        }
    }

    #[test]
    fn one_that_diverges_stands_in_the_table() {
        let sandbox = Sandbox::new();
        let words = "compare mlp gauss1d --set g.kind=sgd --set lr=1e30 --set batch-size=8 --max-steps 30 --out c";
        let done = sandbox.ok(&format!("{words} {DATA}"));
        assert!(done.stdout.contains("diverged"), "{done}");
        let failed = json(&sandbox.path("c/compare.json"))["runs"][0]["failed"].clone();
        assert!(
            failed.as_str().is_some_and(|why| why.contains("step")),
            "{failed}"
        );
    }

    #[test]
    fn slips_are_told() {
        let sandbox = Sandbox::new();
        for (words, parts) in [
            ("compare mlp dcgn", &["dcgn"][..]),
            ("compare mlp mlp", &["mlp"]),
            ("compare mlp --set batch-size=0", &["batch-size"]),
            ("compare", &["RECIPE"]),
        ] {
            let done = sandbox.gan(words);
            assert_eq!(done.code, Some(2), "{done}");
            assert!(
                parts.iter().all(|part| done.stderr.contains(part)),
                "{done}"
            );
        }
        assert!(!sandbox.path("runs").exists());
    }
}

mod sweep {
    use super::*;

    #[test]
    fn a_killed_study_ends_with_the_table_of_an_unkilled_one() {
        let sandbox = Sandbox::new();
        let words =
            format!("{STUDY} --trials 18 --max-steps 240 --halving 3 --checkpoint-every 20");
        let begun = Instant::now();
        let whole = sandbox.ok(&format!("{words} --out whole"));
        // Ten kills at random within a fifth of the whole: most of them come before its end, on any machine.
        let limit = begun.elapsed() / 5;
        let mut kills = 0;
        while kills < 10 {
            let mut child = sandbox.start(&format!("{words} --out killed"));
            std::thread::sleep(random_below(limit));
            if ended(&mut child) {
                break;
            }
            signal(&child, ["KILL", "KILL", "TERM", "INT"][kills % 4]);
            child.wait().expect("it ends");
            kills += 1;
        }
        let killed = sandbox.ok(&format!("{words} --out killed"));
        assert_eq!(table(&killed), table(&whole), "after {kills} kills");
        assert_eq!(table(&sandbox.ok("sweep --out killed -q")), table(&whole));
        // Every trial that stands in the table is there, to the bit.
        for line in table(&whole).lines().skip(1) {
            let trial = format!("trial-{}", line.split_whitespace().next().expect("a trial"));
            let [a, b] =
                ["whole", "killed"].map(|study| weights(&sandbox, &format!("{study}/{trial}")));
            assert_eq!(a, b, "{trial}");
        }
    }

    #[test]
    fn halving_resumes_and_the_winner_is_an_uninterrupted_run() {
        let sandbox = Sandbox::new();
        let words =
            format!("{STUDY} --trials 9 --max-steps 90 --halving 3 --sampler random --out study");
        let done = sandbox.ok(&words);
        let table = table(&done);
        let steps: Vec<&str> = table
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        assert_eq!(
            steps,
            ["90", "30", "30", "10", "10", "10", "10", "10", "10"]
        );
        let winner: Vec<&str> = table
            .lines()
            .nth(1)
            .expect("a winner")
            .split_whitespace()
            .collect();
        let [trial, _, lr, beta1, d_steps, _] = winner[..] else {
            panic!("{table}");
        };
        sandbox.ok(&format!(
            "train gauss1d --max-steps 90 --set lr={lr} --set beta1={beta1} --set d-steps={d_steps} --out run -q"
        ));
        let run = format!("study/trial-{trial}");
        assert_eq!(sandbox.hash(&run, 90), sandbox.hash("run", 90));
        assert_eq!(weights(&sandbox, &run), weights(&sandbox, "run"));
        let numbers = |run: &str| {
            let lines = sandbox.metrics(run).into_iter();
            lines
                .map(|line| (line.step, line.numbers))
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(&run), numbers("run"));
    }

    /// The trials' own seeds, which a flag for all of them must not contradict when a rung goes on.
    #[test]
    fn a_seed_is_a_parameter_like_any_other() {
        let sandbox = Sandbox::new();
        let words = "sweep gauss1d --param seed=int:0..99 --sampler random --trials 4 --halving 2 --max-steps 40 --offline -q";
        let done = sandbox.ok(&format!("{words} --out study"));
        let table = table(&done);
        let winner: Vec<&str> = table
            .lines()
            .nth(1)
            .expect("a winner")
            .split_whitespace()
            .collect();
        sandbox.ok(&format!(
            "train gauss1d --seed {} --max-steps 40 --out run -q",
            winner[2]
        ));
        assert_eq!(
            weights(&sandbox, &format!("study/trial-{}", winner[0])),
            weights(&sandbox, "run")
        );
        sandbox.ok("compare gauss1d --set seed=7 --max-steps 4 --out c -q");
        sandbox.ok("compare gauss1d --set seed=7 --max-steps 8 --out c -q");
    }

    #[test]
    fn a_study_that_cannot_be_is_refused() {
        let sandbox = Sandbox::new();
        sandbox.ok(&format!("{STUDY} --trials 1 --max-steps 2 --out study"));
        let path = sandbox.path("study/study.toml");
        let good = fs::read_to_string(&path).expect("a study");
        for (from, to, part) in [
            ("at-once = 4", "at-once = 0", "at-once"),
            ("trials = 1", "trials = -1", "trials"),
            ("log-every = 10", "log-every = 0", "log-every"),
            ("version = 1", "version = 2", "version 2"),
            ("lr=log:1e-4..1e-2", "lr=log:1e-2..1e-4", "1e-2..1e-4"),
            ("recipe = \"gauss1d\"", "recipe = \"nosuch\"", "nosuch"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "no `{from}` in {good}");
            fs::write(&path, bad).expect("a file");
            sandbox
                .gan("sweep --out study --trials 2 -q")
                .failed(1, &[part]);
        }
        fs::write(&path, good).expect("a file");
        let record = sandbox.path("study/trial-000-2.json");
        fs::write(&record, "{").expect("a file");
        sandbox
            .gan("sweep --out study -q")
            .failed(1, &["trial-000-2.json", "remove"]);
        fs::remove_file(record).expect("removed");
        sandbox.ok("sweep --out study -q");
    }

    #[test]
    fn processes_share_a_folder() {
        let sandbox = Sandbox::new();
        let words = format!("{STUDY} --trials 20 --max-steps 200");
        let started = |_| {
            let mut command = sandbox.command(&format!("{words} --out shared"));
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("it starts")
        };
        let mut children: Vec<_> = (0..3).map(started).collect();
        wait_until("three processes to end", || children.iter_mut().all(ended));
        for child in children {
            let output = child.wait_with_output().expect("a process");
            assert!(output.status.success(), "{output:?}");
        }
        let shared = sandbox.ok("sweep --out shared -q");
        assert_eq!(
            table(&shared),
            table(&sandbox.ok(&format!("{words} --out alone")))
        );
    }

    #[test]
    fn a_study_grows_and_stays_itself() {
        let sandbox = Sandbox::new();
        let words = format!("{STUDY} --max-steps 20 --out study");
        sandbox.ok(&format!("{words} --trials 11"));
        let more = sandbox.ok("sweep --out study --trials 13 -q");
        assert_eq!(table(&more).lines().count(), 14, "{more}");
        assert_eq!(
            table(&sandbox.ok(&format!("{words} --trials 13"))),
            table(&more)
        );
        for (change, key) in [
            ("--trials 12", "trials"),
            ("--trials 13 --max-steps 30", "steps"),
            ("--trials 13 --seed 1", "seed"),
            ("--trials 13 --metric g_loss", "metric"),
        ] {
            let words = words.replace(" --max-steps 20", "");
            let steps = if change.contains("max-steps") {
                ""
            } else {
                " --max-steps 20"
            };
            sandbox
                .gan(&format!("{words}{steps} {change}"))
                .failed(2, &[key]);
        }
        assert_eq!(table(&sandbox.ok("sweep --out study -q")), table(&more));
    }

    #[test]
    fn any_metric_ranks_and_what_diverges_is_last() {
        let sandbox = Sandbox::new();
        let words = "sweep mlp --param lr=1e-3,1e30 --set g.kind=sgd --set batch-size=8 --sampler random --trials 6 --max-steps 12";
        let done = sandbox.ok(&format!("{words} --metric real_acc {DATA}"));
        let table = table(&done);
        let values: Vec<&str> = table
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        let good: Vec<f64> = values
            .iter()
            .map_while(|value| value.parse().ok())
            .collect();
        assert!(good.is_sorted_by(|a, b| a >= b), "{table}");
        assert!(!good.is_empty() && good.len() < 6, "{table}");
        assert!(
            values[good.len()..]
                .iter()
                .all(|value| *value == "diverged"),
            "{table}"
        );
        sandbox
            .gan(&format!("{words} --metric nosuch {DATA}"))
            .failed(2, &["nosuch", "energy", "g_loss"]);
    }

    #[test]
    fn slips_are_told_before_anything_is_made() {
        let sandbox = Sandbox::new();
        for (words, part) in [
            ("sweep", "RECIPE"),
            ("sweep mlp", "--param"),
            ("sweep nosuch --param lr=1,2", "nosuch"),
            ("sweep mlp --param lr", "lr"),
            ("sweep mlp --param lr=2..1", "2..1"),
            ("sweep mlp --param nosuch=0..1", "nosuch"),
            ("sweep mlp --param beta1=0..1.5", "beta1"),
            ("sweep mlp --param lr=0.1,0.2 --param lr=0.3", "lr"),
            ("sweep mlp --param lr=0.1,0.2 --metric g_loss:up", "up"),
            ("sweep mlp --param lr=0.1,0.2 --set nosuch=1", "nosuch"),
            ("sweep --out nowhere", "--out"),
        ] {
            sandbox.gan(words).failed(2, &[part]);
        }
        assert!(!sandbox.path("runs").exists());
    }
}

mod claims {
    use super::*;

    #[test]
    fn each_is_listed_with_its_pair() {
        let sandbox = Sandbox::new();
        let list = sandbox.ok("claims --list").stdout;
        let names = list.lines().filter(|line| !line.starts_with(' '));
        assert_eq!(names.count(), 15, "{list}");
        sandbox
            .gan("claims latent-sise")
            .failed(2, &["latent-sise", "latent-size"]);
        assert!(!sandbox.path("runs").exists());
    }

    #[test]
    fn a_claim_has_an_effect_and_a_verdict() {
        let sandbox = Sandbox::new();
        let words = format!("claims detach latent-size --max-steps 8 {DATA} --out claims");
        let done = sandbox.ok(&words);
        let claims = json(&sandbox.path("claims/claims.json"))["claims"].clone();
        // Detached or not, to the bit.
        assert_eq!(claims[0]["verdict"], "holds", "{claims}");
        assert_eq!(claims[0]["effect"]["mean"], 0.0);
        assert_eq!(claims[1]["pairs"].as_array().map(Vec::len), Some(3));
        let effect = claims[1]["effect"]["mean"].as_f64().expect("an effect");
        let pairs = claims[1]["pairs"].as_array().expect("pairs");
        let number = |value: &Value| value.as_f64().expect("a score");
        let mean = pairs
            .iter()
            .map(|pair| number(&pair[0]) - number(&pair[1]))
            .sum::<f64>()
            / 3.0;
        assert!((effect - mean).abs() < 1e-12);
        for verdict in ["Holds: ", "latent-size"] {
            assert!(done.stdout.contains(verdict), "{done}");
        }
        for seed in 0..3 {
            let [with, without] = ["mlp", "mlp+detach=false"]
                .map(|variant| weights(&sandbox, &format!("claims/{variant}/seed-{seed}")));
            assert_eq!(with, without);
        }
        assert_eq!(sandbox.ok(&words).stdout, done.stdout);
    }
}

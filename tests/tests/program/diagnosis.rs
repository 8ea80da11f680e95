//! Steps that are watched, what is told of them, and what is said of a run.

use detach_nn::{Name, Slot, gradients, layers};
use detach_recipes::{Closely, Detail, Preset, RECIPES, RecipeInfo, Trainer};
use detach_tensor::{DType, Tensor};
use detach_tests::program::{Done, Sandbox};
use detach_tests::training::{narrow, of_setup};
use serde_json::Value;
use std::fs;

/// A narrow trainer of few digits.
fn trainer(recipe: &'static RecipeInfo, preset: Preset) -> Trainer {
    let mut setup = recipe.setup(preset);
    setup.settings.batch_size = 8;
    for change in narrow(recipe) {
        setup.set(change).expect("it can be narrow");
    }
    of_setup(&setup, 20, DType::F32)
}

/// Every bit of a trainer's state.
fn bits(trainer: &Trainer) -> Vec<(String, Vec<u32>)> {
    let mut out = Vec::new();
    trainer.recipe().visit(Name::ROOT, &mut |name, slot| {
        let bits = match slot {
            Slot::Param(x) | Slot::Buffer(x) => {
                let values = x.get().to_vec::<f32>();
                values.iter().map(|x| x.to_bits()).collect()
            }
            Slot::Count(count) => vec![count.get() as u32],
        };
        out.push((name.to_string(), bits));
    });
    out
}

mod watched {
    use super::*;

    #[test]
    fn a_watched_step_has_the_bits_of_any_other() {
        for recipe in RECIPES {
            let [mut plain, mut watched] = [(); 2].map(|()| trainer(recipe, Preset::AsPublished));
            for closely in [
                Closely::Norms,
                Closely::Layers,
                Closely::No,
                Closely::Layers,
            ] {
                let numbers = plain.step().read();
                let (report, seen) = watched.step_watched(closely);
                assert_eq!(report.read(), numbers, "{}", recipe.name());
                assert_eq!(seen.norms().is_empty(), closely == Closely::No);
                assert!(bits(&plain) == bits(&watched), "{}", recipe.name());
            }
        }
    }

    /// Of every recipe: each network by the name of its table, each layer by a name that a person knows, and the norm of
    /// the whole is that of its layers.
    #[test]
    fn every_network_is_told_layer_by_layer() {
        for recipe in RECIPES {
            for preset in [Preset::AsPublished, Preset::Fixed] {
                let mut trainer = trainer(recipe, preset);
                let (report, seen) = trainer.step_watched(Closely::Layers);
                let detail = seen.detail(1, 0.0, &report);
                let about = format!("{}, {preset}: {detail:?}", recipe.name());
                let names: Vec<&str> = detail.networks.iter().map(|net| &*net.name).collect();
                assert_eq!(names, ["g", "d"], "{about}");
                let known: Vec<Vec<String>> = trainer
                    .recipe()
                    .networks()
                    .into_iter()
                    .map(|(_, net)| layers(net).into_iter().map(|layer| layer.name).collect())
                    .collect();
                for (network, known) in detail.networks.iter().zip(known) {
                    let told: Vec<&str> = network.layers.iter().map(|layer| &*layer.name).collect();
                    assert_eq!(told, known, "{about}");
                    assert!(
                        told.iter().all(|name| name.starts_with(char::is_uppercase)),
                        "{about}"
                    );
                    let squares: f64 = network.layers.iter().map(|layer| layer.norm.powi(2)).sum();
                    assert!(
                        (squares.sqrt() - network.norm).abs() <= 1e-9 * network.norm,
                        "{about}"
                    );
                    assert!(network.norm > 0.0 || recipe.name() == "mlp-relu", "{about}");
                }
                let norms = seen.norms();
                let expected: Vec<f64> = detail.networks.iter().map(|net| net.norm).collect();
                assert_eq!(
                    norms.iter().map(|(_, norm)| *norm).collect::<Vec<_>>(),
                    expected
                );
                let answered = detail.answers.is_some();
                assert_eq!(answered, recipe.name() != "began", "{about}");
                assert!(detail.samples.is_some() && detail.reals.is_some() && detail.is_finite());
            }
        }
    }

    /// The units of a transposed convolution are the second axis of its weight.
    #[test]
    fn a_channel_that_nothing_reads_is_dead() {
        use detach_nn::{ConvTranspose2d, Initialiser, Mode, Module, Scheme};
        use detach_tensor::{Random, Stream};
        let init = Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64);
        let net = ConvTranspose2d::new(3, 4, 2, &init);
        let x = Random::new(1, Stream::Noise).normal(&[2, 3, 2, 2], DType::F64);
        let loss = net.forward(&x, Mode::eval()).slice(1, 0, 3).square().sum();
        let gradients = gradients(&loss, &net);
        let layer = &layers(&net)[0];
        let still = |gradient: &Tensor| {
            let others = layer.other_axes(gradient.shape().len());
            let largest = gradient.abs().max_axes(&others).to_vec::<f64>();
            largest.iter().map(|x| *x == 0.0).collect::<Vec<_>>()
        };
        for gradient in &gradients {
            assert_eq!(still(gradient), [false, false, false, true]);
        }
    }
}

/// The lines of a run's file.
fn lines(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.path(file)).expect("a file");
    let line = |line: &str| serde_json::from_str(line).expect("JSON");
    text.lines().map(line).collect()
}

/// The verdict of `gan doctor RUN`.
fn verdict(sandbox: &Sandbox, run: &str) -> Value {
    let done = sandbox.ok(&format!("doctor {run} --json"));
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    told["runs"][0]["verdict"].clone()
}

/// How often `gan train` has said that something is wrong.
fn warnings(done: &Done) -> usize {
    done.stderr
        .lines()
        .filter(|line| line.contains("WARN"))
        .count()
}

mod files {
    use super::*;

    const STEPS: &str =
        "--set pictures.every-epochs=0 --set pictures.every-steps=10 --set pictures.first=false";

    #[test]
    fn details_of_two_parts_are_those_of_the_whole() {
        let [parts, whole] = [(); 2].map(|()| Sandbox::new());
        let train =
            format!("train mlp --offline --data-dir digits --batch-size 8 --out run -q {STEPS}");
        whole.ok(&format!("{train} --max-steps 40"));
        parts.ok(&format!("{train} --max-steps 20"));
        parts.ok("train --resume run --offline -q --max-steps 40");
        let all = lines(&whole, "run/detail.jsonl");
        assert_eq!(lines(&parts, "run/detail.jsonl"), all);
        let steps: Vec<u64> = all
            .iter()
            .filter_map(|line| line["step"].as_u64())
            .collect();
        assert_eq!(
            steps,
            [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 20, 23, 29, 30, 36, 40]
        );
        for line in &all {
            let detail: Detail = serde_json::from_value(line.clone()).expect("a detail");
            let answers = detail.answers.expect("answers");
            assert_eq!(answers.real.iter().sum::<u64>(), 8);
        }
        for line in lines(&whole, "run/metrics.jsonl") {
            assert!(line["g_norm"].as_f64() > Some(0.0) && line["d_norm"].as_f64() > Some(0.0));
        }
    }

    /// What comes after the checkpoint goes, half a line goes, and a link is left alone; the run goes on.
    #[cfg(unix)]
    #[test]
    fn details_are_trimmed_and_never_through_a_link() {
        let sandbox = Sandbox::new();
        let train =
            format!("train mlp --offline --data-dir digits --batch-size 8 --out run -q {STEPS}");
        sandbox.ok(&format!("{train} --max-steps 10"));
        let path = sandbox.path("run/detail.jsonl");
        let before = fs::read_to_string(&path).expect("a file");
        fs::write(
            &path,
            format!("{before}{{\"version\":1,\"step\":11}}\n{{\"ver"),
        )
        .expect("a file");
        sandbox.ok("train --resume run --offline -q --max-steps 10");
        assert_eq!(fs::read_to_string(&path).expect("a file"), before);

        let theirs = sandbox.path("theirs");
        fs::rename(&path, &theirs).expect("moved");
        std::os::unix::fs::symlink(&theirs, &path).expect("a link");
        let done = sandbox.ok("train --resume run --offline -q --max-steps 20");
        assert_eq!(fs::read_to_string(&theirs).expect("a file"), before);
        assert!(warnings(&done) > 0, "{done}");
        assert_eq!(sandbox.checkpoints("run"), [10, 20]);
    }
}

mod verdicts {
    use super::*;

    fn train(recipe: &str, seed: u64, flags: &str) -> String {
        format!(
            "train {recipe} --offline --data-dir digits --seed {seed} --out run --no-pictures {flags}"
        )
    }

    /// A seed whose D starts with all of its answers below 0, where a ReLU before σ lets no gradient through.
    const DEAD: u64 = 1;

    #[test]
    fn a_dead_discriminator_is_told_within_its_first_hundred_steps() {
        let sandbox = Sandbox::new();
        let done = sandbox.ok(&train("mlp-relu", DEAD, "--batch-size 16 --max-steps 100"));
        let told: Vec<&str> = done
            .stderr
            .lines()
            .filter(|line| line.contains("D is dead"))
            .collect();
        assert!(
            told.len() == 1 && told[0].contains("Linear 128→1"),
            "{done}"
        );
        assert!(done.stdout.contains("D is dead"), "{done}");
        let verdict = verdict(&sandbox, "run");
        assert_eq!(verdict["kind"], "dead-d");
        let said = sandbox.ok("doctor run").stdout;
        assert!(
            said.starts_with("D is dead") && said.contains("Linear 128→1"),
            "{said}"
        );
    }

    #[test]
    fn healthy_runs_are_left_in_peace() {
        for (recipe, flags) in [
            ("gauss1d", "--max-steps 400"),
            ("mlp", "--batch-size 16 --max-steps 120"),
        ] {
            let sandbox = Sandbox::new();
            let done = sandbox.ok(&train(recipe, 1, flags));
            assert_eq!(warnings(&done), 0, "{done}");
            let verdict = verdict(&sandbox, "run");
            let kind = verdict["kind"].as_str().expect("a kind");
            assert!(["alive", "good"].contains(&kind), "{verdict}");
        }
    }

    #[test]
    fn a_run_that_diverged_says_so_afterwards() {
        let sandbox = Sandbox::new();
        let done = sandbox.gan(&train(
            "mlp",
            1,
            "--batch-size 16 --max-steps 60 -q --set g.lr=1e30 --set d.lr=1e30",
        ));
        assert_eq!(done.code, Some(1), "{done}");
        assert_eq!(verdict(&sandbox, "run")["kind"], "diverged");
    }

    #[test]
    fn a_verdict_needs_a_run() {
        let sandbox = Sandbox::new();
        let done = sandbox.gan("doctor nothing");
        assert_eq!(done.code, Some(1), "{done}");
        assert!(done.stderr.contains("nothing is not a run"), "{done}");
    }

    /// Of a run that has just begun, nothing is said.
    #[test]
    fn a_run_without_a_step_is_too_young() {
        let sandbox = Sandbox::new();
        sandbox.ok(&train("mlp", 1, "--batch-size 16 --max-steps 2 -q"));
        fs::remove_file(sandbox.path("run/detail.jsonl")).expect("a file");
        fs::remove_file(sandbox.path("run/metrics.jsonl")).expect("a file");
        assert_eq!(verdict(&sandbox, "run")["kind"], "too-early");
    }
}

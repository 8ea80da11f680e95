//! What `gan recipes NAME --pytorch` prints runs by itself, is the recipe's networks, and its step is the golden's.

use detach_nn::{Param, parameters};
use detach_recipes::{Preset, RECIPES, find};
use detach_tensor::Kind;
use detach_tests::program::{Sandbox, python, skipped};
use detach_tests::repository;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PYTORCH: &[&str] = &["torch", "numpy", "safetensors"];
const WITHOUT: &str = "needs Python with torch, numpy and safetensors (set PYTHON)";

/// The recipes whose tutorials most come from.
const FIRST: [&str; 7] = [
    "dcgan-light",
    "dcgan",
    "dcgan64",
    "mlp",
    "mlp-relu",
    "keras-mlp",
    "gauss1d",
];

fn run(python: &Path, folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(python);
    command.args(words).current_dir(folder);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.output().expect("Python starts")
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Name, shape, and standard deviation of each parameter.
fn described(name: &str, param: &Param) -> Value {
    let values = param.get().to_vec::<f64>();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let deviation = (square / values.len() as f64).sqrt();
    json!([name, param.get().shape(), deviation])
}

/// Each program is the recipe's networks under the same names, with initial weights as widely spread, and trains.
#[test]
fn programs_run_with_the_recipes_networks() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT);
    };
    let sandbox = Sandbox::new();
    let mut expected = json!({});
    for name in FIRST {
        let program = sandbox.ok(&format!("recipes {name} --pytorch")).stdout;
        fs::write(sandbox.path(&format!("{name}.py")), program).expect("a file");
        let setup = find(name).expect("a recipe").setup(Preset::AsPublished);
        let recipe = setup.build(Kind::default()).expect("networks");
        for (network, net) in recipe.networks() {
            let all = parameters(net).into_iter();
            let all = all.map(|(parameter, param)| described(&parameter, param));
            expected[name][network] = all.collect();
        }
    }
    fs::write(sandbox.path("expected.json"), expected.to_string()).expect("a file");
    let script = "
import importlib.util, json, math
for name, networks in json.load(open('expected.json')).items():
    spec = importlib.util.spec_from_file_location('program', f'{name}.py')
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    run = program.Run(batch=4)
    for which, net in ('generator', run.G), ('discriminator', run.D):
        ours = networks[which]
        theirs = [(key, list(p.shape)) for key, p in net.named_parameters()]
        assert theirs == [(key, shape) for key, shape, _ in ours], (name, which, theirs, ours)
        for (key, _, deviation), p in zip(ours, net.parameters()):
            if p.numel() >= 2000 or deviation == 0:
                spread = p.std(unbiased=False).item()
                assert math.isclose(spread, deviation, rel_tol=0.05, abs_tol=1e-12), (name, which, key, spread, deviation)
    def moves(seed):
        run = program.Run(batch=4, seed=seed)
        before = [p.clone() for p in run.G.parameters()]
        losses = [x.item() for _ in range(2) for x in run.step()]
        assert all(map(math.isfinite, losses)), (name, losses)
        return any((a != b).any() for a, b in zip(before, run.G.parameters()))
    # Every third D of mlp-relu answers the same to all from the start, and moves nobody.
    assert any(moves(seed) for seed in range(8)), name
    print(name)
";
    let output = run(&python, &sandbox.path(""), &["-c", script]);
    assert_eq!(succeeds(&output).lines().count(), FIRST.len());
}

/// The step of each program is the one that ours was compared with: 20 steps of it have the golden's losses and weights.
#[test]
fn steps_of_programs_are_the_goldens() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT);
    };
    let sandbox = Sandbox::new();
    let mut words = vec![
        repository()
            .join("tests/golden/run_export.py")
            .display()
            .to_string(),
    ];
    for (golden, flags) in [
        ("dcgan", "dcgan --set dropout=0"),
        ("dcgan-light", "dcgan-light"),
        ("mlp", "mlp"),
        ("mlp-g-first", "mlp --set order=g-first"),
        ("mlp-relu", "mlp-relu"),
        ("keras-mlp", "keras-mlp --set dropout=0"),
        ("gauss1d", "gauss1d"),
    ] {
        let program = sandbox.ok(&format!("recipes {flags} --pytorch")).stdout;
        fs::create_dir(sandbox.path(golden)).expect("a folder");
        fs::write(sandbox.path(&format!("{golden}/train.py")), program).expect("a file");
        words.push(format!("{golden}={golden}"));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = run(&python, &sandbox.path(""), &words);
    println!("{}", succeeds(&output));
}

/// As a learner calls it: with a folder, without data, and with neither, which it explains.
#[test]
fn a_program_is_called_from_the_command_line() {
    let Some(python) = python(PYTORCH) else {
        return skipped(WITHOUT);
    };
    let sandbox = Sandbox::new();
    let program = sandbox.ok("recipes mlp --pytorch --preset fixed").stdout;
    assert!(program.contains("\"bn-eps\": 1e-05") || program.contains("\"bn-eps\": 1e-5"));
    fs::write(sandbox.path("mlp.py"), program).expect("a file");
    let folder = sandbox.path("");
    for data in [&["--data", "digits"][..], &["--random"]] {
        let mut words = vec!["mlp.py", "--steps", "2", "--batch", "8", "--every", "1"];
        words.extend(data);
        let said = succeeds(&run(&python, &folder, &words));
        let steps: String = said.lines().fold(String::new(), |mut out, line| {
            let _ = write!(out, "{} ", &line[..7]);
            out
        });
        assert_eq!(steps, "step 1: step 2: ");
    }
    let weights =
        "import trained/generator.safetensors --discriminator trained/discriminator.safetensors";
    sandbox.ok(&format!("{weights} --recipe mlp --preset fixed --out back"));
    let refused = run(&python, &folder, &["mlp.py"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("--data") && said.contains("--random"),
        "{said}"
    );
}

/// Every other recipe has a program, too, but `lab`, which says which have one.
#[test]
fn recipes_without_a_program_say_which_have_one() {
    let sandbox = Sandbox::new();
    for recipe in RECIPES {
        let done = sandbox.gan(&format!("recipes {} --pytorch", recipe.name()));
        match recipe.name() {
            "lab" => done.failed(1, &["lab", "dcgan", "gauss1d"]),
            name => {
                assert_eq!(done.code, Some(0), "{name}: {done}");
                assert!(done.stdout.contains("def step(run):"), "{name}");
            }
        }
    }
    let refused = sandbox.gan("recipes mlp --pytorch --set latent=none");
    refused.failed(2, &["--set", "latent"]);
    sandbox.gan("recipes --pytorch").failed(2, &["NAME"]);
    sandbox
        .gan("recipes mlp --set latent=3")
        .failed(2, &["--pytorch"]);
}

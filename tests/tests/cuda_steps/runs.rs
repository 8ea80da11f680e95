//! The program on the emulated device.

use crate::captured::trace_of;
use crate::cuda;
use detach_data::{Split, Stacked, synthetic};
use detach_recipes::{Batches, Closely, DataKind, Preset, Trainer, find};
use detach_tests::emulated::{self, Variant};
use detach_tests::program::{Done, Sandbox};
use detach_tests::training::of_setup;

/// `gan` on the emulated device; leaves the test where there is none.
macro_rules! emulated {
    ($sandbox:expr, $words:expr) => {
        emulated!($sandbox, $words, &[])
    };
    ($sandbox:expr, $words:expr, $environment:expr) => {
        match $sandbox.on_emulated(&$words, $environment) {
            Some(done) => done,
            None => return,
        }
    };
}

#[track_caller]
fn succeeded(done: Done) -> Done {
    assert_eq!(done.code, Some(0), "{done}");
    done
}

/// 11 digits in batches of 4: the third is a short one.
fn train(recipe: &str, flags: &str) -> String {
    format!(
        "train {recipe} --offline --data-dir eleven --batch-size 4 --out run --no-pictures --no-report --log-every 1 {flags}"
    )
}

fn with_eleven_digits() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("data synth --out eleven --count 11");
    sandbox
}

/// A recipe on the emulated device, with the settings of these flags of `gan train`; 11 digits in batches of 4.
fn trainer(recipe: &str, flags: &str) -> Trainer {
    let mut words = flags.split_whitespace();
    let (mut preset, mut changes, mut is_stacked) = (Preset::AsPublished, Vec::new(), false);
    while let Some(flag) = words.next() {
        match (flag, words.next()) {
            ("--preset", Some("fixed")) => preset = Preset::Fixed,
            ("--set", Some(change)) => changes.push(change),
            ("--data", Some("stacked-mnist")) => is_stacked = true,
            other => panic!("{other:?} of {flags}"),
        }
    }
    let mut setup = find(recipe).expect("a recipe").setup(preset);
    setup.settings.batch_size = 4;
    for change in changes {
        setup.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    if !is_stacked {
        return of_setup(&setup, 11, cuda());
    }
    let DataKind::Images(size) = setup.data().expect("its data")[0] else {
        panic!("{recipe} makes no images");
    };
    let digits = Stacked::new(Box::new(synthetic(0, Split::Train, 11)), 0).expect("digits");
    let set = Batches::images(Box::new(digits), size, &setup.settings, cuda()).expect("batches");
    Trainer::new(setup, vec![set], cuda()).expect("a recipe")
}

/// Replayed steps leave the bits of steps that are run one by one, as those that are watched are, with short batches
/// between the whole ones.
fn check_replays(recipe: &str, flags: &str, steps: u64) {
    emulated::run(Variant::Plain, &[], || {
        let replayed = trace_of(trainer(recipe, flags), steps, |trainer, _| trainer.step());
        let one_by_one = trace_of(trainer(recipe, flags), steps, |trainer, _| {
            trainer.step_watched(Closely::Norms).0
        });
        for (step, (replayed, eager)) in replayed.iter().zip(&one_by_one).enumerate() {
            assert_eq!(replayed.1, eager.1, "{recipe} {flags}, step {step}");
            assert!(
                replayed.0 == eager.0,
                "{recipe} {flags}, weights of step {step}"
            );
        }
    });
}

#[test]
fn replays_of_mlp() {
    check_replays("mlp", "--set g-widths=[24,40]", 16);
}

#[test]
fn replays_of_keras_mlp() {
    check_replays("keras-mlp", "", 6);
}

/// Its batches are sent to the device, not picked there.
#[test]
fn replays_on_data_without_end() {
    let flags = "--set channels=3 --set width=4 --set latent=8 --data stacked-mnist";
    check_replays("dcgan-light", flags, 8);
}

#[test]
fn replays_of_gauss1d() {
    check_replays("gauss1d", "", 6);
}

#[test]
fn replays_of_dcgan() {
    check_replays("dcgan", "--set width=16", 8);
}

/// Several critic steps, whose batches have other lengths from step to step, and clipped weights.
#[test]
fn replays_of_a_critic_on_fresh_batches() {
    check_replays("wgan", "--preset fixed --set d-steps=2 --set width=4", 12);
}

/// Warm steps, which take more critic steps than others: two phases.
#[test]
fn replays_of_a_critic_that_warms_up() {
    let warm = "--set warmup=true --set warmup-steps=4 --set warmup-d-steps=3";
    let flags = format!("{warm} --set d-steps=1 --set width=4 --set sampling=shuffled-drop-last");
    check_replays("wgan", &flags, 9);
}

/// A penalty of second order in every second step only: two phases, each of which is captured in its third step.
fn check_lazy(recipe: &str, flags: &str) {
    let lazy = "--set penalty.every=2 --set width=4 --set sampling=shuffled-drop-last";
    check_replays(recipe, &format!("{flags} {lazy}"), 8);
}

#[test]
fn replays_of_a_lazy_gradient_penalty() {
    check_lazy("wgan-gp", "--set d-steps=1");
}

#[test]
fn replays_of_lazy_r1_and_r2() {
    check_lazy("lsgan", "--preset fixed --set penalty.kind=r1-r2");
}

/// A number that a recipe keeps besides its weights.
#[test]
fn replays_of_began() {
    check_replays("began", "--set filters=2 --set k-rate=0.1", 5);
}

/// Singular vectors, kept besides the weights.
#[test]
fn replays_of_sagan() {
    let whole = "--set sampling=shuffled-drop-last";
    check_replays("sagan", &format!("--set width=8 {whole}"), 5);
}

/// Labels of a batch that is picked on the device.
#[test]
fn replays_of_cgan() {
    check_replays("cgan", "--set width=4", 6);
}

/// Classes that are drawn on the device.
#[test]
fn replays_of_infogan() {
    check_replays("infogan", "--set width=4 --set hidden=16", 6);
}

/// Two losses of each network, one of them of classes.
#[test]
fn replays_of_acgan() {
    check_replays("acgan", "--set width=4", 6);
}

/// Begun on one device, taken over by the other: first with nothing to do, so that what is
/// saved again has to be what was restored.
fn check_resume(recipe: &str, from: &str, to: &str) {
    let sandbox = with_eleven_digits();
    let _ = succeeded(emulated!(
        sandbox,
        train(recipe, &format!("--device {from} --max-steps 3"))
    ));
    let saved = sandbox.hash("run", 3);
    let resume = |device, steps| {
        format!(
            "train --resume run --offline --no-pictures --no-report --log-every 1 --device {device} --max-steps {steps}"
        )
    };
    let done = succeeded(emulated!(sandbox, resume(to, 3)));
    assert!(done.stderr.contains(&format!("on {to}")), "{done}");
    assert_eq!(sandbox.hash("run", 3), saved, "{from} to {to}");
    succeeded(emulated!(sandbox, resume(to, 7)));

    // The same run on the CPU alone: other sums, the same draws and batches.
    let alone = with_eleven_digits();
    alone.ok(&train(recipe, "--device cpu --max-steps 7 -q"));
    let (changed, alone) = (sandbox.metrics("run"), alone.metrics("run"));
    assert_eq!(changed.len(), alone.len());
    for (a, b) in changed.iter().zip(&alone) {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-3 * b.abs().max(0.1);
        let ([a_d, a_g], [b_d, b_g]) = (a.losses(), b.losses());
        assert!(close(a_d, b_d) && close(a_g, b_g), "{a:?}\n{b:?}");
    }
}

#[test]
fn from_the_cpu_to_the_gpu() {
    check_resume("mlp", "cpu", "cuda:0");
}

#[test]
fn from_the_gpu_to_the_cpu() {
    check_resume("mlp", "cuda:0", "cpu");
}

/// Products with 11 bits of each factor: other numbers, and not by much. A run keeps them.
#[test]
fn on_tensor_cores() {
    let (full, short) = (with_eleven_digits(), with_eleven_digits());
    let words = |flags: &str| {
        let narrow = "--set g-widths=[32,64] --set d-widths=[64]";
        train(
            "mlp",
            &format!("--device cuda:0 --max-steps 4 {narrow} {flags}"),
        )
    };
    let _ = succeeded(emulated!(full, words("")));
    let done = succeeded(emulated!(short, words("--matmul tf32")));
    assert!(done.stderr.contains("mlp on cuda:0 (tf32) ("), "{done}");
    for (a, b) in short.metrics("run").iter().zip(&full.metrics("run")) {
        let [[a_loss, _], [b_loss, _]] = [a.losses(), b.losses()];
        let apart = (a_loss - b_loss).abs() / b_loss;
        assert!(apart > 0.0 && apart < 1e-2, "{a:?}\n{b:?}");
    }
    let resume =
        "train --resume run --offline --no-pictures --no-report --device cuda:0 --max-steps 5";
    let done = succeeded(emulated!(short, resume));
    assert!(done.stderr.contains("mlp on cuda:0 (tf32) ("), "{done}");
}

/// Pictures, previews, samples and walks of a network that lies on the device.
#[test]
fn a_run_with_all_that_belongs_to_it() {
    let sandbox = Sandbox::new();
    let words = "train dcgan-light --set width=8 --offline --data-dir digits --batch-size 8 --max-steps 4 --log-every 2 \
                 --set pictures.every-steps=2 --out run --json";
    let done = succeeded(emulated!(sandbox, words));
    // `auto` takes it.
    assert!(done.stderr.contains("dcgan-light on cuda:0 ("), "{done}");
    let lines: Vec<serde_json::Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")))
        .collect();
    assert_eq!(lines.len(), 4, "{done}");
    assert_eq!(lines[3]["end"], "complete");
    let files = sandbox.files("run");
    for name in ["samples/step-00000002.png", "samples/latest.png"] {
        assert!(
            files.get(name).is_some_and(|length| *length > 0),
            "{files:?}"
        );
    }
    sandbox.ok("sample run -n 4 --out here.npy --noise-out here-noise.npy --device cpu");
    succeeded(emulated!(
        sandbox,
        "sample run -n 4 --out there.npy --noise-out there-noise.npy --device cuda:0"
    ));
    let read = |name: &str| detach_gan::export::npy::read(&sandbox.path(name)).expect(name);
    let (here, there) = (read("here.npy"), read("there.npy"));
    assert_eq!(here.shape, there.shape);
    let far = here
        .values
        .iter()
        .zip(&there.values)
        .map(|(a, b)| (a - b).abs());
    assert!(far.fold(0.0, f32::max) < 1e-4);
    assert_eq!(
        read("here-noise.npy").values,
        read("there-noise.npy").values
    );
    succeeded(emulated!(
        sandbox,
        "interpolate run --frames 2 --device cuda"
    ));
}

/// Whether it is interrupted, and whether its steps are replayed. Of the last steps, every second one is not watched.
#[test]
fn an_interrupted_run_has_the_same_bits() {
    let [whole, parts, eager] = [(); 3].map(|()| with_eleven_digits());
    let words = |steps| {
        format!(
            "train mlp --offline --data-dir eleven --batch-size 4 --out run --no-pictures --no-report --log-every 1000 --set g-widths=[24] --set d-widths=[24] \
             --device cuda:0 --max-steps {steps} -q"
        )
    };
    succeeded(emulated!(whole, words(16)));
    succeeded(emulated!(parts, words(4)));
    succeeded(emulated!(
        parts,
        "train --resume run --offline --no-pictures --no-report --log-every 1000 --device cuda:0 --max-steps 16 -q"
    ));
    assert_eq!(parts.hash("run", 16), whole.hash("run", 16));
    succeeded(emulated!(eager, words(16), &[("DETACH_EAGER", "1")]));
    assert_eq!(eager.hash("run", 16), whole.hash("run", 16));
}

mod devices {
    use super::*;

    #[test]
    fn are_listed() {
        let sandbox = Sandbox::new();
        let done = succeeded(emulated!(sandbox, "info"));
        assert!(done.stdout.contains("device   cuda:0 (auto)"), "{done}");
        assert!(done.stdout.contains("\ngpu      cuda:0: "), "{done}");
        assert!(done.stdout.contains("compute capability 9.0"), "{done}");
    }

    /// `auto` says why it takes the CPU, and whoever asks for a GPU gets an error.
    #[track_caller]
    fn check_unusable(environment: &[(&str, &str)], reason: &str, cure: &str) {
        let sandbox = Sandbox::new();
        let words = "train mlp --offline --data-dir digits --batch-size 8 --max-steps 1 --no-pictures --no-report --out";
        let done = emulated!(sandbox, format!("{words} auto"), environment);
        let done = succeeded(done);
        let headline = done
            .stderr
            .lines()
            .find(|line| line.contains("mlp on cpu ("));
        assert!(headline.is_some_and(|line| line.contains(reason)), "{done}");
        let done = emulated!(
            sandbox,
            format!("{words} cuda --device cuda:0"),
            environment
        );
        done.failed(1, &[reason, cure]);
        let done = emulated!(sandbox, "info", environment);
        assert!(done.stdout.contains("device   cpu (auto)"), "{done}");
        assert!(done.stdout.contains(reason), "{done}");
    }

    #[test]
    fn with_too_old_a_driver() {
        check_unusable(
            &[("EMU_DRIVER", "11000")],
            "the NVIDIA driver supports CUDA 11.0 and 12.0 is needed",
            "install driver 525 or later, or use `--device cpu`",
        );
    }

    #[test]
    fn that_are_none() {
        check_unusable(
            &[("EMU_DEVICES", "0")],
            "the NVIDIA driver sees no GPU",
            "`gan info` lists them",
        );
    }

    #[test]
    fn that_are_too_old() {
        check_unusable(
            &[("EMU_CAPABILITY", "70")],
            "has compute capability 7.0, and 7.5 is needed",
            "`--device cpu`",
        );
    }

    #[test]
    fn that_have_no_such_number() {
        let sandbox = Sandbox::new();
        let done = emulated!(sandbox, "train mlp --offline --device cuda:1");
        done.failed(1, &["there is no `cuda:1`", "sees one GPU", "gan info"]);
    }

    /// Tensor cores for tf32 came with 8.0.
    #[test]
    fn that_know_no_tf32() {
        let sandbox = Sandbox::new();
        let words = "train mlp --offline --data-dir digits --device cuda:0 --matmul tf32";
        let done = emulated!(sandbox, words, &[("EMU_CAPABILITY", "75")]);
        done.failed(
            1,
            &["compute capability 7.5, and 8.0 is needed", "--matmul fp32"],
        );
    }
}

/// Several runs in one process leave each other alone: steps captured for one recipe, memory, scores between them.
#[test]
fn runs_after_each_other() {
    let sandbox = with_eleven_digits();
    let flags = "--offline --data-dir eleven --device cuda:0 --max-steps 4 --set batch-size=4 --set detach=false -q";
    succeeded(emulated!(
        sandbox,
        format!("compare mlp gauss1d {flags} --out c")
    ));
    let weights = |run: &str| {
        let path = sandbox.path(run).join("checkpoints/generator.safetensors");
        std::fs::read(path).expect("weights")
    };
    for recipe in ["mlp", "gauss1d"] {
        // Alone, and its fakes detached as they are published.
        let flags = flags.replace("--set detach=false", "");
        succeeded(emulated!(
            sandbox,
            format!("train {recipe} {flags} --out {recipe}")
        ));
        assert_eq!(weights(recipe), weights(&format!("c/{recipe}")), "{recipe}");
    }
}

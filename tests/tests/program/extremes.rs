//! Numbers at the ends of their range, names that are no text, variables with wrong values: taken, or refused in
//! a line before anything is made.

#![cfg(unix)]

use detach_tests::program::{Done, Sandbox};

/// Refused in a line, with nothing made; or taken.
#[track_caller]
fn refused_or_taken(sandbox: &Sandbox, words: &str) -> bool {
    let before = sandbox.files(".");
    let done = sandbox.gan(words);
    let Some(code @ 0..=2) = done.code else {
        panic!("{done}");
    };
    if code == 0 {
        assert!(!done.stderr.contains("error"), "{done}");
        return true;
    }
    assert!(!done.stderr.contains("panicked"), "{done}");
    // Numbers that can be, and train nothing: found by training.
    if done.stderr.contains("diverged") {
        return true;
    }
    let errors = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("error:"));
    assert_eq!(errors.count(), 1, "{done}");
    assert_eq!(sandbox.files("."), before, "{done}");
    assert!(!sandbox.path("runs").exists(), "{done}");
    false
}

const NUMBERS: [&str; 9] = [
    "0",
    "1",
    "-1",
    "4294967296",
    "1000000000000",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
];

#[test]
fn every_flag_that_takes_a_number() {
    for flag in [
        "--epochs",
        "--batch-size",
        "--seed",
        "--threads",
        "--log-every",
        "--checkpoint-every",
        "--best d_loss --patience",
    ] {
        for number in NUMBERS {
            let sandbox = Sandbox::new();
            let words =
                format!("train gauss1d --max-steps 3 --no-pictures --no-report {flag}={number}");
            let taken = refused_or_taken(&sandbox, &words.replace("--patience=", "--patience "));
            if taken {
                sandbox.ok("train --resume gauss1d-1 --max-steps 4 --no-pictures");
            }
            let is_u64 = number.parse::<u64>().is_ok();
            if ["--seed", "--log-every", "--checkpoint-every"].contains(&flag) {
                assert_eq!(taken, is_u64, "{words}");
            }
            if flag == "--epochs" {
                assert_eq!(taken, is_u64 && number != "0", "{words}");
            }
        }
    }
}

#[test]
fn every_setting_that_takes_a_number() {
    let setup = detach_recipes::find("gauss1d")
        .expect("a recipe")
        .setup(detach_recipes::Preset::AsPublished);
    let mut tried = 0;
    for key in setup.keys() {
        for number in NUMBERS
            .into_iter()
            .chain(["1e400", "nan", "-inf", "1e-320"])
        {
            let sandbox = Sandbox::new();
            // What is long is not what is tried here.
            if key == "d-steps" && number.len() > 1 {
                continue;
            }
            let words = format!(
                "train gauss1d --max-steps 2 --no-pictures --no-report -q --set {key}={number}"
            );
            refused_or_taken(&sandbox, &words);
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn batches_and_pictures_that_no_machine_holds() {
    for words in [
        "train gauss1d --batch-size 1000000000000",
        "train gauss1d --set batch-size=18446744073709551615",
        "train mlp --offline --data-dir digits --set g-widths=[65536,65536,65536,65536]",
        "train gauss1d --set pictures.columns=1000000000000",
        "train gauss1d --set pictures.rows=100000 --set pictures.columns=100000",
        "train gauss1d --batch-size 1000000000000 --dry-run",
    ] {
        assert!(!refused_or_taken(&Sandbox::new(), words), "{words}");
    }
    let done = Sandbox::new().gan("train gauss1d --batch-size 1000000000000");
    done.failed(1, &["memory", "batch-size", "TiB"]);
}

/// Of a seed that TOML has no number for, too.
#[test]
fn any_seed_is_kept_by_its_run() {
    let sandbox = Sandbox::new();
    let seed = "17982163893102248868";
    let train = "train gauss1d --max-steps 3 --no-pictures -q";
    sandbox.ok(&format!("{train} --seed {seed} --set lr=1e-4 --out flag"));
    sandbox.ok(&format!(
        "{train} --set seed={seed} --set lr=1e-4 --out set"
    ));
    sandbox.ok(&format!("{train} --config flag/config.toml --out config"));
    sandbox.ok("train --resume flag --max-steps 5 --no-pictures -q");
    sandbox.ok("train --resume set --max-steps 5 --no-pictures -q");
    sandbox.ok(&format!(
        "train --resume config --seed {seed} --max-steps 5 --no-pictures -q"
    ));
    assert_eq!(sandbox.hash("flag", 5), sandbox.hash("set", 5));
    assert_eq!(sandbox.hash("flag", 5), sandbox.hash("config", 5));
}

#[test]
fn counts_of_samples_and_digits() {
    let sandbox = Sandbox::new();
    sandbox.ok("train mlp --offline --data-dir digits --batch-size 8 --max-steps 2 --no-pictures --out run -q");
    let before = sandbox.files(".");
    for (words, code, parts) in [
        // 13 TB.
        (
            "sample run --count 4294967295 --out x.npy",
            1,
            &["TiB", "--out"][..],
        ),
        (
            "sample run --count 1369569 --out x.idx3-ubyte",
            1,
            &["1369568"],
        ),
        ("sample run --count 10001 --out x.png", 2, &["10000"]),
        ("sample run --count 4294967296 --out x.npy", 2, &["--count"]),
        (
            "data synth --count 1369569 --out made",
            2,
            &["1369568", "--count"],
        ),
        (
            "data synth --count 4294967295 --out made",
            2,
            &["1369568", "--count"],
        ),
        ("interpolate run --frames 101", 2, &["--frames"]),
        (
            "interpolate run --frames 2 --out x.png.gz",
            2,
            &["x.png.gz"],
        ),
        ("sample run --out x.png.gz", 2, &["x.png.gz"]),
        (
            "sample run --count 1000000 --out x.npy/",
            1,
            &["x.npy/", "--out"],
        ),
        (
            &format!("sample run --count 1000000 --out {}.npy", "n".repeat(260)),
            1,
            &["nnn.npy", "--out"],
        ),
        (
            "sample run --out x.png --noise-out z.txt",
            2,
            &["z.txt", ".npy"],
        ),
        (
            "sample run --out x.npy --noise-out x.npy",
            2,
            &["same file"],
        ),
        (
            "sample run --out x.npy --noise-out digits/../x.npy",
            2,
            &["same file"],
        ),
        (
            "sample run --out x.npy --noise-out ./x.npy",
            2,
            &["same file"],
        ),
    ] {
        sandbox.gan(words).failed(code, parts);
        assert_eq!(sandbox.files("."), before, "{words}");
    }
}

/// Memory is looked at while the program runs: a look that comes too late sees less, never more.
#[cfg(target_os = "linux")]
#[test]
fn many_samples_take_little_memory() {
    let sandbox = Sandbox::new();
    sandbox.ok("train mlp --offline --data-dir digits --batch-size 8 --max-steps 2 --no-pictures --out run -q");
    let peak = |words: &str| {
        let script = format!(
            "$gan {words} >/dev/null & p=$!; m=0; while [ -e /proc/$p/status ]; do \
            n=$(grep VmHWM /proc/$p/status 2>/dev/null | tr -dc 0-9); m=${{n:-$m}}; sleep 0.01; done; wait $p && echo $m"
        );
        let done = Done::of(sandbox.shell(&script), words);
        assert_eq!(done.code, Some(0), "{done}");
        done.stdout
            .trim()
            .parse::<u64>()
            .unwrap_or_else(|_| panic!("{done}"))
    };
    // Held at once, the values alone would be 125 MB, the grid 65, the digits 63.
    for words in [
        "sample run --count 40000 --out x.npy",
        "sample run --count 40000 --out x.idx3-ubyte",
        "interpolate run --frames 100 --grid --out x.png",
        "interpolate run --frames 40 --grid --out x.apng",
        "data synth --count 40000 --out made",
    ] {
        let kib = peak(words);
        assert!((1..56 * 1024).contains(&kib), "{words}: {kib} KiB");
    }
}

mod names {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_run_may_be_called_anything() {
        let train =
            "train mlp --offline --batch-size 8 --max-steps 2 --no-pictures --json --data-dir";
        for name in [
            &b"u\xe9"[..],
            b"with spaces",
            b"$(id)",
            b"it's",
            b"-x",
            b"new\nline",
            b"\"q\"",
        ] {
            let sandbox = Sandbox::new();
            let name = std::ffi::OsStr::from_bytes(name);
            let mut data = std::ffi::OsString::from("data ");
            data.push(name);
            fs::rename(
                sandbox.path("digits"),
                sandbox.path("x").with_file_name(&data),
            )
            .expect("moved");
            let mut out = std::ffi::OsString::from("--out=");
            out.push(name);
            let mut command = sandbox.command(train);
            command.arg(&data).arg(&out);
            let done = Done::of(command, train);
            assert_eq!(done.code, Some(0), "{done}");
            let line = done.stdout.lines().last().expect("a result");
            let result: serde_json::Value = serde_json::from_str(line).expect(line);
            let bytes = match &result["run"] {
                serde_json::Value::String(text) => text.as_bytes().to_vec(),
                bytes => serde_json::from_value(bytes.clone()).expect("bytes"),
            };
            assert_eq!(bytes, name.as_bytes());

            // The data is found again where it was, and the printed commands run.
            let mut resume = std::ffi::OsString::from("--resume=");
            resume.push(name);
            let mut command = sandbox.command("train --offline --max-steps 3 --no-pictures");
            command.arg(&resume);
            let done = Done::of(command, "train --resume");
            assert_eq!(done.code, Some(0), "{done}");
            let printed = done
                .stdout
                .lines()
                .find_map(|line| line.strip_prefix("next "));
            let printed = printed.expect("a command").trim();
            let mut shell =
                sandbox.shell("command -v bash >/dev/null || exit 0; exec bash -c \"$printed\"");
            shell.env("printed", printed);
            let done = Done::of(shell, printed);
            assert_eq!(done.code, Some(0), "{done}");
            assert!(!done.stdout.contains("uid="), "{done}");
        }
    }

    #[test]
    fn formats_are_told_whatever_the_case() {
        let sandbox = Sandbox::new();
        sandbox.ok("train mlp --offline --data-dir digits --batch-size 8 --max-steps 2 --no-pictures --out run -q");
        for (name, magic) in [
            ("x.PNG", &b"\x89PNG"[..]),
            ("x.Npy", b"\x93NUM"),
            ("x.NPY.gz", b"\x1f\x8b"),
            ("x.npy.GZ", b"\x1f\x8b"),
            ("x.IDX3-UBYTE", b"\0\0\x08\x03"),
            ("x.Idx3-Ubyte.Gz", b"\x1f\x8b"),
        ] {
            sandbox.ok(&format!("sample run --count 5 --out {name}"));
            let bytes = fs::read(sandbox.path(name)).expect(name);
            assert!(bytes.starts_with(magic), "{name}: {:?}", &bytes[..4]);
        }
        sandbox.ok("interpolate run --frames 2 --out walk.APNG");
        // What is compressed is the very file.
        let plain = Done::of(sandbox.shell("gzip -dc < x.npy.GZ | cmp - x.Npy"), "cmp");
        assert_eq!(plain.code, Some(0), "{plain}");
    }
}

mod environment {
    use super::*;

    #[test]
    fn a_wrong_value_is_named_and_an_empty_one_is_none() {
        let sandbox = Sandbox::new();
        let with = |variable: &str, value: &str| {
            // Where the folder is not the variable's business, all 60,000 digits need not be drawn.
            let folder = match variable {
                "GAN_DATA_DIR" => "",
                _ => "--data-dir digits",
            };
            let words = format!(
                "train mlp --offline {folder} --batch-size 8 --max-steps 1 --no-pictures --no-report -q --out run"
            );
            let mut command = sandbox.command(&words);
            command.env(variable, value);
            let done = Done::of(command, &format!("{variable}={value} {words}"));
            let _ = std::fs::remove_dir_all(sandbox.path("run"));
            done
        };
        for (variable, wrong) in [
            ("GAN_DATA_DIR", &["nowhere", "nowhere/below"][..]),
            ("GAN_LOG", &["inof", "detach_gan=loud", "1x"]),
            ("DETACH_SIMD", &["sse", "avx", "1"]),
            ("DETACH_EAGER", &["yes", "true", "2"]),
            ("DETACH_NO_POOL", &["yes", "on"]),
            ("RAYON_NUM_THREADS", &["many", "0", "-1", "99999"]),
        ] {
            for value in wrong {
                with(variable, value).failed(2, &[variable, value]);
            }
            let done = with(variable, "");
            assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done}");
        }
        for (variable, good) in [
            ("GAN_DATA_DIR", "digits"),
            ("GAN_LOG", "error,detach_gan=warn"),
            ("DETACH_SIMD", "Portable"),
            ("DETACH_EAGER", "0"),
            ("RAYON_NUM_THREADS", "1"),
            ("NO_COLOR", ""),
            ("TERM", ""),
        ] {
            let done = with(variable, good);
            assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done}");
        }
    }

    /// A flag, a record, a variable, a default: in this order.
    #[test]
    fn what_goes_before_what() {
        let sandbox = Sandbox::new();
        for (name, seed) in [("flag", 1), ("record", 2), ("variable", 3)] {
            sandbox.ok(&format!("data synth --count 40 --seed {seed} --out {name}"));
        }
        let data = |words: &str| {
            let mut command = sandbox.command(&format!(
                "train mlp --offline --batch-size 8 --no-pictures {words}"
            ));
            command.env("GAN_DATA_DIR", "variable");
            let done = Done::of(command, words);
            assert_eq!(done.code, Some(0), "{done}");
            done.stderr.lines().next().unwrap_or_default().to_owned()
        };
        assert!(data("--max-steps 1 --out a").contains("variable/"));
        assert!(data("--max-steps 1 --out b --data-dir record").contains("record/"));
        assert!(data("--max-steps 1 --out c --config b/config.toml").contains("record/"));
        assert!(
            data("--max-steps 1 --out d --config b/config.toml --data-dir flag").contains("flag/")
        );
        assert!(data("--max-steps 2 --resume b").contains("record/"));
        assert!(data("--max-steps 2 --resume a").contains("variable/"));
    }
}

#[test]
fn what_was_meant_is_said() {
    let sandbox = Sandbox::new();
    for (words, meant) in [
        ("train mlp --set learning-rate=1", "did you mean `lr`?"),
        ("train mlp --set d.learning_rate=1", "did you mean `lr`?"),
        ("train mlp --set z_dim=8", "did you mean `latent`?"),
        (
            "train mlp --set pictures.colums=8",
            "did you mean `columns`?",
        ),
        (
            "train mlp --set d.shedule=constant",
            "did you mean `schedule`?",
        ),
        ("train mlp --preset fixd", "'fixed'"),
        ("trian mlp", "'train'"),
        ("train mlp --epoch 3", "'--epochs'"),
    ] {
        let done = sandbox.gan(words);
        assert_eq!(done.code, Some(2), "{done}");
        assert!(done.stderr.contains(meant), "no {meant}\n{done}");
    }
}

#[test]
fn more_threads_than_cores_are_told_of() {
    let sandbox = Sandbox::new();
    let warned = |words: &str| sandbox.ok(words).stderr.contains("warning: 1024 threads");
    assert!(warned("info --threads 1024"));
    assert!(!warned("info --threads 1"));
    assert!(!warned("train gauss1d --max-steps 0 --threads 1024 -q"));
}

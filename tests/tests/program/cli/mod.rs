//! The command line: help, streams, files that others read.

use detach_gan::export::npy::{self, Npy};
use detach_mnist::{Dataset, Idx, Split, sample::to_pixel};
use detach_recipes::RECIPES;
use detach_tests::program::{Done, Metrics, Sandbox};
use snapbox::{assert_data_eq, str};
use std::fs;
use std::path::Path;

const MLP: &str = "train mlp --offline --data-dir digits --batch-size 8 --max-steps 4 --out run";

/// A folder with a short run of `mlp` in `run`.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{MLP} -q"));
    sandbox
}

mod help;

mod streams {
    use super::*;

    #[test]
    fn results_go_to_stdout_and_progress_to_stderr() {
        let sandbox = Sandbox::new();
        let done = sandbox.ok(MLP);
        assert_data_eq!(
            done.stdout.clone(),
            str![[r#"
done: 4 steps in [..]s, D [..], G [..], [..] ms a step
verdict  Too early to say: [..]
look at  run/samples/latest.png
report   run/report.html
next     [..]gan[..] sample run --count 64 --out digits.png
         [..]gan[..] train --resume run --more N   (N epochs more)

"#]]
        );
        assert_data_eq!(
            done.stderr,
            str![[r#"
data: a data set in MNIST's format (not MNIST itself) from digits/train-images-idx3-ubyte.gz
mlp on cpu ([..] threads; [..]): 4 steps of 8 in run
step 1/4 · epoch [..] · D [..] · G [..] · acc [..]/[..]% · [..] ms a step · left [..]

"#]]
        );
        assert!(sandbox.path("run/samples/latest.png").is_file());
    }

    #[test]
    fn quiet_leaves_the_result() {
        let done = Sandbox::new().ok(&format!("{MLP} --quiet"));
        assert!(
            done.stderr.is_empty() && done.stdout.starts_with("done: 4 steps"),
            "{done}"
        );
    }

    #[test]
    fn json_is_lines_and_nothing_else() {
        let sandbox = Sandbox::new();
        let done = sandbox.ok(&format!("{MLP} --json --log-every 2"));
        let (last, lines) = done
            .stdout
            .trim_end()
            .rsplit_once('\n')
            .expect("some lines");
        let parse = |line: &str| serde_json::from_str::<Metrics>(line).expect(line);
        let metrics: Vec<Metrics> = last.lines().map(parse).collect();
        assert_eq!(metrics, sandbox.metrics("run"), "as in the file");
        assert_eq!(Vec::from_iter(metrics.iter().map(|m| m.step)), [1, 2, 4]);
        let result: serde_json::Value = serde_json::from_str(lines).expect("the result");
        assert_eq!(
            (&result["end"], &result["run"]),
            (&"complete".into(), &"run".into())
        );
        assert_eq!(result["steps"], 4);
        assert!(
            result["seconds"].as_f64().is_some_and(|s| s > 0.0),
            "{result}"
        );
    }

    /// Pipes get no colour; nor does anyone who says so, or asks for the opposite of it.
    #[test]
    fn no_escapes() {
        let sandbox = Sandbox::new();
        for words in [MLP, "train nosuch", "train --nosuch", "--help"] {
            for variable in [None, Some(("NO_COLOR", "1"))] {
                let mut command = sandbox.command(words);
                command.envs(variable);
                let done = Done::of(command, words);
                let escapes = done.stdout.contains('\x1b') || done.stderr.contains('\x1b');
                assert!(!escapes, "{variable:?}\n{done}");
            }
            let _ = fs::remove_dir_all(sandbox.path("run"));
        }
    }
}

mod samples {
    use super::*;

    fn npy(path: &Path) -> Npy {
        npy::read(path).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn of_every_format_are_the_same() {
        let sandbox = trained();
        let sample = "sample run --count 6 --seed 9 --out";
        let done = sandbox.ok(&format!("{sample} x.npy --noise-out z.npy"));
        assert_eq!(
            (done.stdout.as_str(), done.stderr.as_str()),
            ("6 samples in x.npy\n", "")
        );
        sandbox.ok(&format!("{sample} x.idx3-ubyte"));
        sandbox.ok(&format!("{sample} x.idx3-ubyte.gz"));
        sandbox.ok(&format!("{sample} x.png"));

        let Npy { shape, values } = npy(&sandbox.path("x.npy"));
        assert_eq!(shape, [6, 1, 28, 28]);
        assert!(values.iter().all(|x| (-1.0..=1.0).contains(x)));
        assert!(values.iter().any(|x| *x != values[0]));
        let noise = npy(&sandbox.path("z.npy"));
        assert_eq!(noise.shape, [6, 100]);
        let mean = noise.values.iter().sum::<f32>() / 600.0;
        assert!(mean.abs() < 0.2, "of 600 normal numbers: {mean}");

        let plain = Idx::open(sandbox.path("x.idx3-ubyte")).expect("IDX");
        assert_eq!(plain.shape, [6, 28, 28]);
        let expected: Vec<u8> = values.iter().map(|x| to_pixel(*x)).collect();
        assert_eq!(plain.data, expected);
        let zipped = sandbox.path("x.idx3-ubyte.gz");
        assert_eq!(fs::read(&zipped).expect("a file")[..2], [0x1f, 0x8b]);
        assert_eq!(Idx::open(&zipped).expect("IDX"), plain);

        // Three columns and two rows of tiles at twice their size, 2 pixels apart.
        assert_eq!(png_size(&sandbox.path("x.png")), [3 * 58 + 2, 2 * 58 + 2]);
    }

    #[test]
    fn depend_on_seed_and_number_alone() {
        let sandbox = trained();
        // Both modes, and counts on both sides of the hundred that are made at once.
        for mode in ["eval", "batch"] {
            let sample = |flags: &str| {
                sandbox.ok(&format!("sample run --mode {mode} --out x.npy {flags}"));
                npy(&sandbox.path("x.npy")).values
            };
            let many = sample("--count 205 --seed 1");
            assert_eq!(sample("--count 205 --seed 1 --threads 1"), many, "{mode}");
            for count in [1, 100, 101] {
                let few = sample(&format!("--count {count} --seed 1"));
                assert_eq!(few.len(), count * 784);
                assert_eq!(few, many[..few.len()], "{mode}, {count} samples");
            }
            assert_ne!(sample("--count 205 --seed 2"), many, "{mode}");
        }
    }

    #[test]
    fn of_numbers() {
        let sandbox = Sandbox::new();
        sandbox.ok("train gauss1d --max-steps 3 --out run -q");
        sandbox.ok("sample run --count 7 --out x.npy");
        assert_eq!(npy(&sandbox.path("x.npy")).shape, [7, 1]);
        sandbox.ok("sample run --count 700 --out x.png");
        let [width, height] = png_size(&sandbox.path("x.png"));
        assert!(width > 100 && height > 100, "a histogram");
    }

    #[test]
    fn walks() {
        let sandbox = trained();
        let default = sandbox.ok("interpolate run").stdout;
        assert!(default.starts_with("10 frames in run/samples/interpolation.png\n"));
        let strip = sandbox.path("run/samples/interpolation.png");
        assert_eq!(png_size(&strip), [10 * 58 + 2, 58 + 2]);
        sandbox.ok("interpolate run --grid --frames 4 --out grid.png");
        assert_eq!(
            png_size(&sandbox.path("grid.png")),
            [4 * 58 + 2, 4 * 58 + 2]
        );
        // There and back again: 5 frames, then the 3 between, for ever.
        sandbox.ok("interpolate run --frames 5 --out walk.apng");
        let walk = fs::read(sandbox.path("walk.apng")).expect("an animation");
        let control = chunks(&walk)
            .find(|(name, _)| name == b"acTL")
            .expect("it moves")
            .1;
        assert_eq!(control, [0, 0, 0, 8, 0, 0, 0, 0]);
        assert_eq!(chunks(&walk).filter(|(name, _)| name == b"fcTL").count(), 8);
        for seed in [0, 1] {
            sandbox.ok(&format!("interpolate run --seed {seed} --out {seed}.png"));
        }
        let file = |name: &str| fs::read(sandbox.path(name)).expect(name);
        assert_eq!(file("0.png"), fs::read(&strip).expect("a strip"));
        assert_ne!(file("1.png"), file("0.png"));
    }

    /// What is cut keeps its place among the others, and T, however large, changes nothing but what lies far out.
    #[test]
    fn truncated() {
        let sandbox = trained();
        let noise = |words: &str| {
            sandbox.ok(&format!(
                "sample run --count 40 --out x.npy --noise-out z.npy {words}"
            ));
            let values = npy(&sandbox.path("z.npy")).values;
            let images = npy(&sandbox.path("x.npy")).values;
            (values, images)
        };
        let (whole, plain) = noise("");
        let (cut, images) = noise("--truncation 0.8");
        assert!(whole.iter().any(|z| z.abs() > 1.5), "{whole:?}");
        assert!(cut.iter().all(|z| z.abs() < 0.8), "{cut:?}");
        let mut pairs: Vec<(f32, f32)> = whole.iter().copied().zip(cut).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(pairs.is_sorted_by(|a, b| a.1 <= b.1));
        // Of a normal distribution that is cut at .8, the variance is 1 − 2·.8·φ(.8)/(Φ(.8) − Φ(−.8)) = .195.
        let square = pairs.iter().map(|(_, y)| y * y).sum::<f32>() / pairs.len() as f32;
        assert!((square - 0.195).abs() < 0.03, "{square}");
        assert_ne!(images, plain);
        assert_eq!(noise("--truncation 20"), (whole, plain));
        sandbox
            .gan("sample run --out x.npy --truncation 0")
            .failed(2, &["--truncation", "above 0"]);
    }

    #[test]
    fn films() {
        let sandbox = trained();
        let done = sandbox.ok("film run --seconds 3");
        let path = sandbox.path("run/samples/film.apng");
        let film = fs::read(&path).expect("an animation");
        let moments = fs::read_dir(sandbox.path("run/moments")).expect("moments");
        let frames = chunks(&film).filter(|(name, _)| name == b"fcTL");
        let delays: Vec<[u8; 4]> = frames
            .map(|(_, control)| control[20..24].try_into().expect("two numbers"))
            .collect();
        assert_eq!(delays.len(), moments.count(), "{done}");
        assert_eq!(delays.last(), Some(&[7, 208, 3, 232]), "two seconds");
        assert!(png_size(&path)[0] >= 480);
        // One of another size is left out, and said.
        fs::copy(
            sandbox.path("run/samples/film.apng"),
            sandbox.path("run/moments/step-00000000.png"),
        )
        .expect("a picture");
        let again = sandbox.ok("film run --out again.apng");
        assert!(again.stdout.contains("left out"), "{again}");
        sandbox
            .gan("film run --out film.gif")
            .failed(2, &["film.gif", ".apng"]);
        sandbox.ok("train gauss1d --max-steps 1 --no-pictures --out none -q");
        sandbox.gan("film none").failed(1, &["none", "pictures"]);
    }

    /// Width and height, from the header; that the rest can be decoded is tested where
    /// it is written.
    fn png_size(path: &Path) -> [u32; 2] {
        let bytes = fs::read(path).expect("a picture");
        let (name, header) = chunks(&bytes).next().expect("a header");
        assert_eq!(name, b"IHDR");
        [0, 4].map(|at| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes")))
    }

    /// The chunks of a PNG: name and content.
    fn chunks(png: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("a PNG");
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk()?;
            let length = u32::from_be_bytes(*length) as usize;
            let (name, content) = (&after[..4], &after[4..4 + length]);
            rest = &after[4 + length + 4..];
            Some((name, content))
        })
    }
}

mod data {
    use super::*;

    #[test]
    fn is_made_described_and_trained_on() {
        let sandbox = Sandbox::new();
        let made = sandbox
            .ok("data synth --out made --count 20 --seed 4")
            .stdout;
        assert!(
            made.starts_with("20 + 4 synthetic digits in made"),
            "{made}"
        );
        let open = |split| Dataset::open(sandbox.path("made"), split).expect("data");
        let train = open(Split::Train);
        assert_eq!((train.len(), open(Split::Test).len()), (20, 4));
        assert_eq!(train.images, Dataset::synthetic(4, Split::Train, 20).images);

        assert_data_eq!(
            sandbox.ok("data info --data-dir made").stdout,
            str![[r#"
train  20 images 28×28, mean ink 0.[..]; a data set in MNIST's format (not MNIST itself) from made/train-images-idx3-ubyte.gz
t10k   4 images 28×28, mean ink 0.[..]; a data set in MNIST's format (not MNIST itself) from made/t10k-images-idx3-ubyte.gz

"#]]
        );
        let done = sandbox.ok(&MLP.replace("digits", "made"));
        assert!(
            done.stderr.contains("made/train-images-idx3-ubyte.gz"),
            "{done}"
        );
        // 20 images are three batches of 8, the last one short.
        assert_eq!(sandbox.metrics("run")[0].epoch, 1.0 / 3.0);
    }

    #[test]
    fn needs_no_test_images() {
        assert_data_eq!(
            Sandbox::new().ok("data info --data-dir digits").stdout,
            str![[r#"
train  64 images 28×28, [..]
t10k   none: it has no t10k-images-idx3-ubyte[..]

"#]]
        );
    }

    #[test]
    fn is_looked_for_in_its_order() {
        let sandbox = Sandbox::new();
        let train = "train mlp --offline --batch-size 8 --max-steps 1 --no-pictures --out";
        let data = |words: &str, variable: Option<(&str, &str)>| {
            let mut command = sandbox.command(words);
            command.envs(variable);
            let done = Done::of(command, words);
            let line = done.stderr.lines().next().unwrap_or_default().to_owned();
            assert_eq!(done.code, Some(0), "{done}");
            line
        };
        let made = data(&format!("{train} a"), None);
        assert!(
            made.contains("synthetic digits") && made.contains("not allowed"),
            "{made}"
        );

        for (folder, run) in [("cache/detach/MNIST/raw", "b"), ("data/MNIST/raw", "c")] {
            let folder = sandbox.path(folder);
            fs::create_dir_all(&folder).expect("a folder");
            for entry in fs::read_dir(sandbox.path("digits")).expect("digits") {
                let entry = entry.expect("a file");
                fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy");
            }
            let found = data(&format!("{train} {run}"), None);
            let place = if run == "b" {
                "cache/detach/MNIST/raw"
            } else {
                " data/MNIST/raw"
            };
            assert!(found.contains(place), "{found}");
        }
        let given = data(&format!("{train} d"), Some(("GAN_DATA_DIR", "digits")));
        assert!(given.contains(" digits/train"), "{given}");
        let flag = data(
            &format!("{train} e --data-dir digits"),
            Some(("GAN_DATA_DIR", "nowhere")),
        );
        assert!(flag.contains(" digits/train"), "{flag}");
        // The run made from synthetic digits goes on with these, whatever is found now.
        let resumed = sandbox.ok("train --resume a --offline --max-steps 2");
        assert!(resumed.stderr.contains("synthetic digits"), "{resumed}");
    }
}

//! The targets.

use crate::scratch::scratch;
use crate::{Target, fresh, seal};
use detach_data::{Dataset, Split, Wanted, open};
use detach_gan::export;
use detach_gan::run::{Config, metrics};
use detach_mnist::Idx;
use detach_mnist::idx::Labels;
use detach_nn::{Checkpoint, Initialiser, Linear};
use detach_recipes::{Preset, RECIPES};
use detach_tensor::DType;
use std::fs;
use std::path::Path;

/// A file that unpacks to a thousand times its size, four times: growing lists are twice as long as what is in them, and
/// a set is read, turned and packed.
const UNPACKED: [usize; 2] = [4 << 20, 4 * 1032];

/// A text, as parsed and as told in an error.
const TEXT: [usize; 2] = [4 << 20, 1 << 11];

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "idx",
        run: idx,
        fresh: fresh::idx,
        seal: seal::nothing,
        words: &["\0\0\x08\x03", "\0\0\x0c\x02", "\0\0\x0e\x01", "\0\0\0\x1c"],
        memory: UNPACKED,
    },
    Target {
        name: "gz",
        run: gz,
        fresh: fresh::gz,
        seal: seal::gz,
        words: &["\x1f", "\0\0\0\0\0\0\0\0", "\0\0\x08\x01"],
        memory: UNPACKED,
    },
    Target {
        name: "npz",
        run: npz,
        fresh: fresh::npz,
        seal: seal::npz,
        words: &[
            "PK\x01\x02",
            "PK\x03\x04",
            "PK\x05\x06",
            "x_train.npy",
            "y_train.npy",
            "x_test.npy",
            "'descr': ",
            "'fortran_order': True",
            "'shape': (2, 3, 4)",
            "|u1",
            "<i8",
            ">i4",
            "|b1",
            "(",
            ",)",
            "4294967295",
        ],
        memory: UNPACKED,
    },
    Target {
        name: "npy",
        run: npy,
        fresh: fresh::npy,
        seal: seal::nothing,
        words: &[
            "'descr': '<f8'",
            "'fortran_order': False",
            "'shape': (",
            ")",
            ",",
            "4294967295",
            "-1",
            "\u{301}",
        ],
        memory: TEXT,
    },
    Target {
        name: "png",
        run: png,
        fresh: fresh::png,
        seal: seal::png,
        words: &[
            "IHDR", "IDAT", "IEND", "PLTE", "tRNS", "gAMA", "acTL", "fcTL", "fdAT", "iCCP", "tEXt",
        ],
        // A pixel of one bit becomes three channels of eight, and a row of nothing packs as well as anything does.
        memory: [16 << 20, 1 << 17],
    },
    Target {
        name: "safetensors",
        run: safetensors,
        fresh: fresh::safetensors,
        seal: seal::safetensors,
        words: &[
            "\"dtype\":\"F32\"",
            "\"F64\"",
            "\"I64\"",
            "\"BF16\"",
            "\"shape\":[",
            "\"data_offsets\":[0,4]",
            "__metadata__",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "18446744073709551615",
            "-1",
            "1e9",
            "\"\\u0000\"",
        ],
        memory: TEXT,
    },
    Target {
        name: "config",
        run: config,
        fresh: fresh::config,
        seal: seal::nothing,
        words: fresh::SETTINGS,
        memory: TEXT,
    },
    Target {
        name: "metrics",
        run: metrics_file,
        fresh: fresh::metrics,
        seal: seal::nothing,
        words: &[
            "{\"step\":",
            "\"version\":1",
            "}\n",
            "\n",
            "\r\n",
            "{",
            "[",
            "\"",
            "\\u",
            "1e999",
            "-0",
            ",",
            "null",
            "\u{feff}",
        ],
        memory: TEXT,
    },
    Target {
        name: "set",
        run: set,
        fresh: fresh::set,
        seal: seal::nothing,
        words: fresh::SETTINGS,
        memory: TEXT,
    },
];

fn idx(bytes: &[u8]) {
    if let Ok(array) = Idx::parse(bytes) {
        assert_eq!(array.shape.iter().product::<usize>(), array.data.len());
        let mut written = Vec::new();
        array
            .write(&mut written)
            .expect("what was read can be written");
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            assert!(
                written == bytes,
                "a file of unsigned bytes has one spelling"
            );
        }
    }
    if let Err(error) = Labels::parse(bytes) {
        let _ = error.to_string();
    }
}

/// What is no gzip file yet becomes one by its first bytes.
fn gz(bytes: &[u8]) {
    idx(bytes);
    let mut bytes = bytes.to_vec();
    bytes.splice(..bytes.len().min(3), [0x1f, 0x8b, 8]);
    idx(&bytes);
}

/// Every image of a set, and what it says of itself.
fn visit(set: &dyn Dataset) {
    let mut image = vec![0; set.shape().iter().product()];
    for index in 0..set.len().min(64) {
        let class = set.read(index, &mut image);
        assert!(set.classes() == 0 || (class as usize) < set.classes());
    }
    let _ = set.source();
}

fn open_all(path: &Path, wanted: &[Wanted]) {
    for split in [Split::Train, Split::Test] {
        for wanted in wanted {
            match open(path, split, *wanted) {
                Ok(set) => visit(&*set),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

fn npz(bytes: &[u8]) {
    scratch(|folder| {
        let path = folder.join("mnist.npz");
        fs::write(&path, bytes).expect("a file");
        open_all(&path, &[Wanted::default()]);
        if bytes.len().is_multiple_of(4) {
            open_all(&path, &[Wanted::new(1, 3)]);
        }
    });
}

fn npy(bytes: &[u8]) {
    scratch(|folder| {
        let path = folder.join("x.npy");
        fs::write(&path, bytes).expect("a file");
        match export::npy::read(&path) {
            Ok(array) => assert!(array.values.len() * 4 <= bytes.len()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

/// A folder of this picture alone, one in which it is the class beside another one's, and one that begins with it.
fn png(bytes: &[u8]) {
    const GOOD: &[u8] = include_bytes!("../corpus/png/grey.png");
    scratch(|folder| {
        let folder = folder.join(["alone", "classes", "first"][bytes.len() % 3]);
        let names: &[&str] = match bytes.len() % 3 {
            0 => &["a.png"],
            1 => &["train/a/a.png", "train/b/b.png"],
            _ => &["a.png", "b.png"],
        };
        for (name, bytes) in names.iter().zip([bytes, GOOD]) {
            let path = folder.join(name);
            if !path.exists() {
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            }
            fs::write(path, bytes).expect("a file");
        }
        let wanted = match bytes.len() % 2 {
            0 => Wanted::default(),
            _ => Wanted::new(1, 5),
        };
        open_all(&folder, &[wanted]);
    });
}

fn safetensors(bytes: &[u8]) {
    scratch(|folder| {
        let path = folder.join("step-00000001.safetensors");
        fs::write(&path, bytes).expect("a file");
        let layer = Linear::new(2, 3, &Initialiser::zeros(DType::F32));
        for prefix in ["", "generator.net"] {
            match Checkpoint::load_part(&path, prefix) {
                Ok(checkpoint) => {
                    let _ = checkpoint.restore(prefix, &layer);
                    let _ = checkpoint.names().count();
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    });
}

fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Config::parse(&text) {
        Ok(config) => {
            let written = toml::to_string(&config).expect("what was read can be written");
            let again = Config::parse(&written).expect("what was written can be read");
            // As text: a number that is none equals nothing.
            assert_eq!(format!("{again:?}"), format!("{config:?}"));
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
}

/// What was trimmed is trimmed; ends of lines and bytes that are no text may take a second time.
fn metrics_file(bytes: &[u8]) {
    scratch(|folder| {
        let path = folder.join("metrics.jsonl");
        fs::write(&path, bytes).expect("a file");
        let step = (bytes.len() % 7) as u64;
        let trim = || {
            metrics::trim(&path, step).expect("a file that can be written");
            fs::read(&path).unwrap_or_default()
        };
        trim();
        assert!(trim() == trim());
    });
}

/// Whatever is refused changes nothing, and whatever is taken can be built on.
fn set(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let recipe = &RECIPES[bytes.len() % RECIPES.len()];
    let preset = Preset::ALL[bytes.len() / RECIPES.len() % Preset::ALL.len()];
    let mut setup = recipe.setup(preset);
    let before = setup.clone();
    match setup.set(&text) {
        Ok(()) => {
            setup.check().expect("what was taken is checked");
            setup.lines().expect("every setting is TOML");
            setup.data().expect("its data");
        }
        Err(error) => {
            assert!(!format!("{error:#}").is_empty());
            assert!(setup == before, "what was refused changed something");
        }
    }
}

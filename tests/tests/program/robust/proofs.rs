//! A checkpoint proves itself, and none is taken of a run that diverged.

use super::trained;
use detach_nn::Checkpoint;
use detach_tests::program::{Sandbox, cpu_time, signal, wait_until};
use std::fs;
use std::time::Duration;

/// Where the values of a safetensors file begin.
fn values(bytes: &[u8]) -> usize {
    let length = bytes.first_chunk().expect("a header");
    8 + u64::from_le_bytes(*length) as usize
}

#[test]
fn one_flipped_bit_is_refused() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let path = sandbox.checkpoint("run", 8);
    let whole = fs::read(&path).expect("a checkpoint");
    let start = values(&whole);
    let texts = whole
        .windows(8)
        .position(|w| w == b"\"recipe\"")
        .expect("a text");
    let flips = [
        (start, 0),
        (start + 4001, 3),
        (whole.len() - 1, 6),
        (whole.len() / 2, 0),
        (texts + 11, 0),
    ];
    for (byte, bit) in flips {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << bit;
        fs::write(&path, bytes).expect("a file");
        for words in [
            "train --resume run --max-steps 9 -q",
            "sample run --count 1 --out x.png",
        ] {
            let done = sandbox.gan(words);
            // Sampling reads the generator alone.
            if words.starts_with("train") || byte == texts + 11 {
                done.failed(1, &["step-00000008", "step 6"]);
            } else if done.code != Some(0) {
                done.failed(1, &["damaged", "step 6"]);
            }
        }
    }
    fs::write(&path, whole).expect("a file");
    sandbox.ok("train --resume run --max-steps 9 -q --no-pictures");
}

#[test]
fn another_step_or_other_settings_are_refused() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    fs::rename(sandbox.checkpoint("run", 8), sandbox.checkpoint("run", 9)).expect("a checkpoint");
    sandbox
        .gan("train --resume run --max-steps 12 -q")
        .failed(1, &["step-00000009", "step 8", "step 6"]);
    fs::rename(sandbox.checkpoint("run", 9), sandbox.checkpoint("run", 8)).expect("a checkpoint");
    let config = sandbox.path("run/config.toml");
    let text = fs::read_to_string(&config).expect("a configuration");
    for (was, is, refused) in [
        ("seed = 0", "seed = 1", true),
        ("lr = 0.0002", "lr = 0.0003", true),
        ("latent = 100", "latent = 101", true),
        ("columns = ", "columns = 1", false),
    ] {
        assert!(text.contains(was), "{was} in {text}");
        fs::write(&config, text.replacen(was, is, 1)).expect("a file");
        let done = sandbox.gan("train --resume run --max-steps 9 -q --no-pictures");
        match refused {
            true => done.failed(1, &["step-00000008"]),
            false => assert_eq!(done.code, Some(0), "{done}"),
        }
    }
}

/// A file without checksums, as other programs and version 1 write it, with a NaN in it.
#[test]
fn a_checkpoint_that_is_not_finite_is_of_no_use() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let path = sandbox.checkpoint("run", 8);
    let mut bytes = fs::read(&path).expect("a checkpoint");
    let proof = bytes
        .windows(6)
        .position(|w| w == b"crc32c")
        .expect("checksums");
    bytes[proof + 5] = b'x';
    fs::write(&path, &bytes).expect("a file");
    sandbox.ok("train --resume run --max-steps 8 -q --no-pictures");
    let start = values(&bytes);
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..start]).expect("JSON");
    let weight = &header["generator.net.0.weight"]["data_offsets"][0];
    let place = start + usize::try_from(weight.as_u64().expect("an offset")).expect("a place");
    bytes[place..place + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, &bytes).expect("a file");
    sandbox
        .gan("train --resume run --max-steps 9 -q")
        .failed(1, &["diverged", "step 6"]);
}

#[test]
fn no_checkpoint_is_taken_after_training_diverged() {
    let sandbox = Sandbox::new();
    let train = "train mlp --offline --threads 1 --batch-size 8 --data-dir digits -q --no-pictures \
                 --epochs 100000 --log-every 1000000 --set lr=1e8";
    let done = sandbox.gan(&format!("{train} --checkpoint-every 20 --out run"));
    done.failed(1, &["diverged"]);
    for step in sandbox.checkpoints("run") {
        let saved = Checkpoint::load(sandbox.checkpoint("run", step)).expect("a checkpoint");
        let weights = saved.not_finite().find(|name| !name.contains(".optim."));
        assert_eq!(weights, None, "step {step}");
    }
    // The same by Ctrl-C, with nothing due to be shown or saved before.
    let mut child = sandbox.start(&format!("{train} --out stopped"));
    wait_until("the first line", || !sandbox.metrics("stopped").is_empty());
    // A step is a millisecond's work; how long one takes is the machine's affair.
    wait_until("a second's work", || {
        cpu_time(&child) >= Duration::from_secs(1)
    });
    signal(&child, "INT");
    assert_eq!(child.wait().expect("its end").code(), Some(1));
    assert!(sandbox.checkpoints("stopped").is_empty());
}

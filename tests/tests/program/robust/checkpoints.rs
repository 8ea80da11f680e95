//! Checkpoints that are cut off, damaged, or of something else.

use super::{MLP, trained};
use detach_nn::Checkpoint;
use detach_tests::program::Sandbox;
use std::fs;

const NEWEST: &str = "run/checkpoints/step-00000008.safetensors";

/// With these bytes as the newest checkpoint, both commands say what is wrong and
/// change nothing; and their advice works.
fn refused(bytes: &[u8], parts: &[&str]) {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let hash = sandbox.hash("run", 8);
    fs::write(sandbox.path(NEWEST), bytes).expect("a file");
    let before = sandbox.files("run");
    for words in ["train --resume run --max-steps 9", "sample run --out x.png"] {
        let done = sandbox.gan(words);
        done.failed(1, parts);
        done.failed(1, &[NEWEST, "move", "use the one of step 6"]);
        assert_eq!(sandbox.files("run"), before);
        assert!(!sandbox.path("x.png").exists());
    }
    fs::remove_file(sandbox.path(NEWEST)).expect("moved away");
    sandbox.ok("train --resume run --max-steps 8 -q");
    assert_eq!(sandbox.hash("run", 8), hash);
}

/// The newest checkpoint of a run of another kind.
fn of(words: &str) -> Vec<u8> {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{words} --max-steps 1 --out run -q"));
    fs::read(sandbox.checkpoint("run", 1)).expect("a checkpoint")
}

#[test]
fn cut_off() {
    let whole = of(MLP);
    refused(&whole[..whole.len() / 2], &["cut off", "bytes"]);
    refused(&whole[..500], &["cut off"]);
}

#[test]
fn no_checkpoint_at_all() {
    refused(b"", &["not a safetensors checkpoint"]);
    let noise: Vec<u8> = (0..5000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    refused(&noise, &["not a safetensors checkpoint"]);
}

/// It claims a header of 90 MB, of which there is nothing.
#[test]
fn an_absurd_header() {
    let mut bytes = 90_000_000_u64.to_le_bytes().to_vec();
    bytes.extend(b"{\"a\":");
    refused(&bytes, &["cut off"]);
}

#[test]
fn of_another_recipe() {
    refused(&of(&MLP.replace("mlp", "keras-mlp")), &["keras-mlp", "mlp"]);
    // It lies where the other's was, and it says that it is of `mlp`.
    let sandbox = Sandbox::new();
    let mut other = Checkpoint::new();
    other.metadata.insert("recipe".to_owned(), "mlp".to_owned());
    other.metadata.insert("step".to_owned(), "8".to_owned());
    let file = sandbox.path("x.safetensors");
    other.save(&file).expect("a checkpoint");
    refused(
        &fs::read(&file).expect("its bytes"),
        &["lacks", "another network"],
    );
}

#[test]
fn weights_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{MLP} --max-steps 1 --out run -q"));
    let weights = sandbox.path("run/checkpoints/generator.safetensors");
    refused(
        &fs::read(weights).expect("weights"),
        &["not written by `gan train`"],
    );
}

#[test]
fn none_left() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    let hash = sandbox.hash("run", 8);
    fs::remove_dir_all(sandbox.path("run/checkpoints")).expect("removed");
    sandbox
        .gan("sample run --out x.png")
        .failed(1, &["no checkpoint", "--resume run"]);
    fs::create_dir(sandbox.path("run/checkpoints")).expect("a folder");
    let done = sandbox.ok("train --resume run --max-steps 8");
    assert!(done.stderr.contains("no checkpoint"), "{done}");
    assert_eq!(sandbox.hash("run", 8), hash);
}

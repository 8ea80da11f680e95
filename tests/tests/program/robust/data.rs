//! Data that is cut off, damaged, or of something else.

use super::trained;
use detach_tests::program::{Done, Sandbox};
use std::fs;

const IMAGES: &str = "digits/train-images-idx3-ubyte.gz";

/// With these bytes as the images: one error, no run, little memory.
fn refused(bytes: &[u8], parts: &[&str]) {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path(IMAGES), bytes).expect("a file");
    // In KiB. The claims below are of 1 GB and of 3 TB.
    let limit = "ulimit -v 600000 2>/dev/null;";
    let words = "train mlp --threads 1 --offline --data-dir digits --out run";
    for words in [words, "data info --data-dir digits"] {
        let done = Done::of(sandbox.shell(&format!("{limit} exec $gan {words}")), words);
        done.failed(1, parts);
        done.failed(1, &[IMAGES]);
        assert!(!sandbox.path("run").exists(), "{done}");
    }
}

fn header(images: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [images, 28, 28] {
        bytes.extend(size.to_be_bytes());
    }
    bytes
}

#[test]
fn cut_off() {
    let sandbox = Sandbox::new();
    let whole = fs::read(sandbox.path(IMAGES)).expect("the fixture");
    refused(
        &whole[..whole.len() / 2],
        &["cut off", "get the file again"],
    );
    refused(&whole[..5], &["cut off", "get the file again"]);
    refused(b"", &["empty"]);
}

#[test]
fn wrong_magic() {
    refused(b"<!DOCTYPE html><html>404</html>", &["not IDX", "3c 21"]);
    // Floats.
    refused(
        &[0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0],
        &["0x0d", "convert"],
    );
}

#[test]
fn four_billion_images() {
    refused(&header(4_000_000_000), &["4000000000", "header is corrupt"]);
    // Below the limit of what is read, and not there.
    refused(&header(1_300_000), &["ends after 0", "1019200000"]);
}

#[test]
fn another_shape() {
    for (sizes, parts) in [
        (&[64_u32, 784][..], ["[64, 784]", "[N, H, W]"]),
        (&[64, 2, 4, 4], ["[64, 2, 4, 4]", "C 1 or 3"]),
        (&[64, 0, 28], ["[64, 0, 28]", "[N, H, W]"]),
        (&[1, 2, 2], ["1 images", "64 labels"]),
    ] {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        for size in sizes {
            bytes.extend(size.to_be_bytes());
        }
        let len = sizes.iter().product::<u32>() as usize;
        bytes.resize(bytes.len() + len, 0);
        refused(&bytes, &parts);
    }
}

#[test]
fn none_there() {
    let sandbox = Sandbox::new();
    for dir in ["nowhere", "digits/train-labels-idx1-ubyte.gz", "."] {
        let done = sandbox.gan(&format!("train mlp --offline --data-dir {dir} --out run"));
        done.failed(1, &[dir, "train-images-idx3-ubyte"]);
    }
    assert!(!sandbox.path("run").exists());
}

#[test]
fn too_little() {
    let sandbox = Sandbox::new();
    let train = "train mlp --offline --data-dir digits --out run --batch-size";
    sandbox
        .gan(&format!("{train} 65"))
        .failed(1, &["64", "--batch-size"]);
    // BatchNorm has no variance over a last batch of one.
    sandbox
        .gan(&format!("{train} 9"))
        .failed(1, &["last batch of one", "--batch-size"]);
    assert!(!sandbox.path("run").exists());
    sandbox.ok(&format!(
        "{train} 9 --set sampling=shuffled-drop-last --max-steps 8"
    ));
}

/// A run goes on with its own images, wherever they are now.
#[test]
fn of_another_run() {
    let sandbox = Sandbox::new();
    trained(&sandbox);
    sandbox.ok("data synth --out others --count 64 --seed 5");
    let resume = "train --resume run --max-steps 9";
    sandbox
        .gan(&format!("{resume} --data-dir others"))
        .failed(1, &["others", "--data-dir"]);
    fs::rename(sandbox.path("digits"), sandbox.path("moved")).expect("moved");
    sandbox.gan(resume).failed(1, &["digits"]);
    sandbox.ok(&format!("{resume} --data-dir moved"));
}

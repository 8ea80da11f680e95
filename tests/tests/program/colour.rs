//! Recipes that make colour images of another size: what is made of their samples.

use detach_gan::export::npy;
use detach_tests::program::Sandbox;
use std::fs;

/// Width, height and colour type of a PNG file.
fn png_header(sandbox: &Sandbox, name: &str) -> (u32, u32, u8) {
    let bytes = fs::read(sandbox.path(name)).expect(name);
    let number = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|i: usize| bytes[at + i]));
    (number(16), number(20), bytes[25])
}

const RGB: u8 = 2;

#[test]
fn samples_are_pictures_and_arrays_but_not_idx() {
    let sandbox = Sandbox::new();
    let train = "train dcgan64 --offline --data-dir digits --batch-size 2 --max-steps 1 -q";
    sandbox.ok(&format!("{train} --out run"));
    // Eight columns and rows of 64 pixels, and nine lines of two.
    let grid = 8 * 64 + 9 * 2;
    let latest = png_header(&sandbox, "run/samples/latest.png");
    assert_eq!(latest, (grid, grid, RGB));

    sandbox.ok("sample run --count 4 --out x.png");
    assert_eq!(png_header(&sandbox, "x.png"), (134, 134, RGB));
    sandbox.ok("sample run --count 3 --out x.npy --noise-out z.npy");
    let samples = npy::read(&sandbox.path("x.npy")).expect("an array");
    assert_eq!(samples.shape, [3, 3, 64, 64]);
    assert!(samples.values.iter().all(|x| (-1.0..=1.0).contains(x)));
    sandbox.ok("interpolate run --frames 2 --out walk.apng");
    assert_eq!(png_header(&sandbox, "walk.apng").2, RGB);

    let before = sandbox.files(".");
    let cure = ["dcgan64", "no gray images", ".npy or .png"];
    sandbox
        .gan("sample run --out x.idx3-ubyte.gz")
        .failed(1, &cure);
    assert_eq!(sandbox.files("."), before);
}

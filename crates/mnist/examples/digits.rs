//! Draws a grid of synthetic digits to look at, one row for each digit.
//!
//! ```text
//! cargo run -p detach-mnist --example digits -- [FILE.pgm [COLUMNS [SEED]]]
//! ```
//! Most viewers open `.pgm` files. Columns share a hand as far as two digits can: `image_of` asks what
//! one index would show under another label.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use detach_mnist::synth::Synth;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let default = || std::env::temp_dir().join("digits.pgm");
    let path = arguments.next().map_or_else(default, PathBuf::from);
    let columns: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let synth = Synth::new(arguments.next().map_or(Ok(0), |text| text.parse())?);

    let mut picture = Vec::with_capacity(10 * columns * 784);
    for digit in 0..10 {
        let images: Vec<_> = (0..columns)
            .map(|i| synth.image_of(digit, i as u64))
            .collect();
        for row in 0..28 {
            for image in &images {
                picture.extend_from_slice(&image[28 * row..28 * (row + 1)]);
            }
        }
    }
    let mut file = File::create(&path)?;
    writeln!(file, "P5 {} {} 255", 28 * columns, 280)?;
    file.write_all(&picture)?;
    println!("{} digits in {}, rows 0 to 9", 10 * columns, path.display());
    Ok(())
}

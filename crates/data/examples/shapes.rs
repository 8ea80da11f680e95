//! Draws a grid of coloured shapes to look at, one row for each class.
//!
//! ```text
//! cargo run -p detach-data --example shapes -- [FILE.png [shapes|filled|outlined [COLUMNS [SEED]]]]
//! ```

use detach_data::{Dataset, SHAPES, Split, Style, shapes};
use std::fs::File;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let default = || std::env::temp_dir().join("shapes.png");
    let path = arguments.next().map_or_else(default, PathBuf::from);
    let style = match arguments.next().as_deref() {
        None | Some("shapes") => Style::Shaded,
        Some("filled") => Style::Filled,
        Some("outlined") => Style::Outlined,
        Some(other) => return Err(format!("{other} is none of shapes, filled, outlined").into()),
    };
    let columns: usize = arguments.next().map_or(Ok(16), |text| text.parse())?;
    let seed = arguments.next().map_or(Ok(0), |text| text.parse())?;

    // Enough that the rarest class has its columns, but for bad luck, which leaves its row short.
    let set = shapes(style, seed, Split::Train, 40 * columns);
    let [channels, side, _] = set.shape();
    let mut filled = [0; SHAPES.len()];
    let width = columns * side;
    let mut picture = vec![0; SHAPES.len() * side * width * channels];
    let mut image = vec![0; channels * side * side];
    for index in 0..set.len() {
        let class = set.read(index, &mut image) as usize;
        if filled[class] == columns {
            continue;
        }
        for (at, byte) in image.iter().enumerate() {
            let (channel, row, column) = (at / (side * side), at / side % side, at % side);
            let (row, column) = (class * side + row, filled[class] * side + column);
            picture[(row * width + column) * channels + channel] = *byte;
        }
        filled[class] += 1;
    }
    let height = SHAPES.len() * side;
    let mut encoder = png::Encoder::new(File::create(&path)?, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&picture)?;
    println!(
        "{} in {}, a row each: {}",
        set.source(),
        path.display(),
        SHAPES.join(", ")
    );
    Ok(())
}

//! Writes synthetic digits as IDX files under MNIST's names.
//!
//! ```text
//! cargo run -p detach-mnist --example fixture -- [FOLDER [COUNT [SEED]]]
//! ```
//! Into `data/fixture` it writes the committed fixture: 64 training digits of seed 0. Without a folder
//! it writes them to a temporary one.

use detach_mnist::{Dataset, Split};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let default = || std::env::temp_dir().join("detach-fixture");
    let folder = arguments.next().map_or_else(default, PathBuf::from);
    let count = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seed = arguments.next().map_or(Ok(0), |text| text.parse())?;
    for path in Dataset::synthetic(seed, Split::Train, count).save(folder)? {
        println!("{}", path.display());
    }
    Ok(())
}

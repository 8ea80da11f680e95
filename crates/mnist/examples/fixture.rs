//! Writes synthetic digits as IDX files under MNIST's names.
//!
//! ```text
//! cargo run -p detach-mnist --example fixture -- FOLDER [COUNT] [SEED]
//! ```
//! Without arguments it writes the committed fixture: 64 training digits of seed 0 to `data/fixture`.

use detach_mnist::{Dataset, Split};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .unwrap_or_else(|| "data/fixture".to_owned());
    let count = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seed = arguments.next().map_or(Ok(0), |text| text.parse())?;
    for path in Dataset::synthetic(seed, Split::Train, count).save(folder)? {
        println!("{}", path.display());
    }
    Ok(())
}

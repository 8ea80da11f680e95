//! Writes what is computed into the pages of `docs/book`.

use anyhow::{Context, Result};
use detach_book::{Lang, page};
use std::fs;
use std::path::Path;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (lang, folder) in Lang::ALL {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            if path.extension().is_none_or(|ext| ext != "md") {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            let name = || path.display().to_string();
            let computed = page::computed(&text, lang).with_context(name)?;
            if computed != text {
                fs::write(&path, computed)?;
                println!("{}", path.display());
            }
        }
    }
    Ok(())
}

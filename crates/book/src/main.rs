//! Writes what is computed into the pages of `docs/book`.

use anyhow::{Context, Result};
use detach_book::{Lang, page};
use std::fs;
use std::path::Path;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (lang, folder) in Lang::ALL {
        let folder = root.join(folder);
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|ext| ext != "md") {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            let page = page::computed(&text, lang).with_context(|| path.display().to_string())?;
            write(&path, &page.text)?;
            for (name, svg) in page.figures {
                write(&folder.join(name), &svg)?;
            }
        }
    }
    Ok(())
}

/// Writes a file where it is another, and says so.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a folder")?)?;
    fs::write(path, text).with_context(|| path.display().to_string())?;
    println!("{}", path.display());
    Ok(())
}

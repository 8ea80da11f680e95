//! The set pages in a browser.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where puppeteer-core is: `$WEB_TOOLS`, or where `.ci/run` puts it.
fn web_tools() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let given = std::env::var_os("WEB_TOOLS").map(PathBuf::from);
    let tools = given.or_else(|| Some(cache?.join("detach-ci/web")))?;
    tools
        .join("node_modules/puppeteer-core")
        .is_dir()
        .then_some(tools)
}

/// The first of these programs that is on PATH.
fn program(names: &[&str]) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    let all = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// Opens every page at both widths, light and dark; says so in a line where there is no browser.
///
/// # Errors
/// With everything that a page asks for, says on its console or shows beyond its width.
pub(super) fn look(root: &Path, pages: &[PathBuf]) -> Result<()> {
    let chromium = program(&["chromium", "chromium-browser", "google-chrome"]);
    let (Some(tools), Some(chromium), Some(node)) = (web_tools(), chromium, program(&["node"]))
    else {
        println!(
            "book: not opened in a browser: needs chromium, node and puppeteer-core (.ci/run installs them)"
        );
        return Ok(());
    };
    let mut look = Command::new(node);
    look.arg(root.join("tests/web/book.cjs"))
        .arg(tools)
        .arg(chromium)
        .args(pages);
    let output = look.output().context("node does not run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!(
        "book: {} pages opened in Chromium, 1280 and 390 pixels wide, light and dark",
        pages.len()
    );
    Ok(())
}

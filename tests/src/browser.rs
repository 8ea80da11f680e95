//! Pages in a browser, where there is one.

use crate::program::skipped;
use crate::repository;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where puppeteer-core and axe-core are: `$WEB_TOOLS`, or where `.ci/run` puts them.
fn web_tools() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let usual = cache.map(|cache| cache.join("detach-ci/web"));
    let given = std::env::var_os("WEB_TOOLS").map(PathBuf::from);
    given.or(usual).filter(|tools| {
        ["puppeteer-core", "axe-core"]
            .iter()
            .all(|name| tools.join("node_modules").join(name).is_dir())
    })
}

/// The first of these programs that is there.
fn program(names: &[&'static str]) -> Option<&'static str> {
    let is_there = |name: &&&str| {
        let run = Command::new(name).arg("--version").output();
        run.is_ok_and(|run| run.status.success())
    };
    names.iter().find(is_there).copied()
}

/// A program's own path: who starts it looks in no others.
fn find_program(name: &str) -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| name.into())
}

/// A browser and what drives it.
#[derive(Debug)]
pub struct Browser {
    tools: PathBuf,
    chromium: PathBuf,
    node: &'static str,
}

impl Browser {
    /// That of this machine; where there is none, what a test is skipped for is said.
    pub fn find() -> Option<Self> {
        let Some(tools) = web_tools() else {
            skipped("needs puppeteer-core and axe-core (.ci/run installs them)");
            return None;
        };
        let chromium = program(&["chromium", "chromium-browser", "google-chrome"]);
        let (Some(chromium), Some(node)) = (chromium, program(&["node"])) else {
            skipped("needs chromium and node");
            return None;
        };
        Some(Self {
            tools,
            chromium: find_program(chromium),
            node,
        })
    }

    /// Opens pages by a script of `tests/web`.
    ///
    /// # Panics
    /// With what it says is wrong.
    pub fn check<P: AsRef<Path>>(&self, script: &str, pages: impl IntoIterator<Item = P>) {
        let pages: Vec<PathBuf> = pages
            .into_iter()
            .map(|page| page.as_ref().to_owned())
            .collect();
        let done = Command::new(self.node)
            .arg(repository().join("tests/web").join(script))
            .args([&self.tools, &self.chromium])
            .args(pages)
            .output()
            .expect("node runs");
        let said = String::from_utf8_lossy(&done.stdout);
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}{error}");
    }
}

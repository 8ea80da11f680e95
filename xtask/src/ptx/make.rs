//! From sources to PTX and what its kernels take.

use super::source::Source;
use super::table::{self, Row};
use super::tools::Tools;
use crate::marks;
use anyhow::{Context, Result};
use std::path::Path;

/// A PTX, current and stamped.
pub(super) struct Made {
    pub(super) path: String,
    pub(super) target: u32,
    pub(super) text: String,
}

/// Every source with every architecture it is compiled for.
pub(super) fn jobs(sources: &[Source]) -> Vec<(&Source, u32)> {
    let jobs = |source| Source::targets(source).map(move |target| (source, target));
    sources.iter().flat_map(jobs).collect()
}

/// The PTX of every job, stamped.
pub(super) fn make(tools: &Tools, jobs: &[(&Source, u32)]) -> Result<Vec<Made>> {
    let texts = tools.compile(jobs)?;
    let made = jobs.iter().zip(texts).map(|((source, target), text)| Made {
        path: source.ptx_path(*target),
        target: *target,
        text,
    });
    Ok(made.collect())
}

/// What the kernels take, by ptxas.
pub(super) fn rows(tools: &Tools, made: &[Made]) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    for made in made {
        all.extend(table::rows(
            &tools.ptxas,
            &made.path,
            made.target,
            &made.text,
        )?);
    }
    Ok(all)
}

/// Puts `text` into the part of a document that `command` writes.
pub(super) fn write(root: &Path, document: &str, command: &str, text: &str) -> Result<()> {
    let path = root.join(document);
    let old = std::fs::read_to_string(&path).context(document.to_owned())?;
    std::fs::write(&path, marks::placed(&old, command, text)).context(document.to_owned())
}

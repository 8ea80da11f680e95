//! House rules that no compiler knows.
//!
//! A rule is a function from the tree of files to findings. A finding names
//! the place, what is there, why the house does not want it, and the cure.

mod arrows;
mod circles;
mod files;
mod kernels;

use crate::finding::{Finding, Rule};
use crate::ptx::rules as cuda;
use crate::tree::Tree;
use anyhow::{Result, bail};
use std::path::Path;

const RULES: [Rule; 13] = [
    arrows::manifests,
    arrows::lints,
    circles::circles,
    cuda::folder,
    cuda::current,
    cuda::names,
    files::length,
    files::size,
    files::binaries,
    files::unfinished,
    files::homes,
    kernels::unsafety,
    kernels::families,
];

/// Applies every rule to every file of the repository.
pub(crate) fn tidy(root: &Path) -> Result<()> {
    let tree = Tree::of_repository(root)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    let (rules, files) = (RULES.len(), tree.files.len());
    if !findings.is_empty() {
        let plural = if findings.len() == 1 { "" } else { "s" };
        bail!("tidy: {} finding{plural} in {files} files", findings.len());
    }
    println!("tidy: {rules} rules hold in {files} files");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_make_it_fail() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.py"), "x = 1\n").unwrap();
        tidy(folder.path()).unwrap();
        std::fs::write(folder.path().join("b.py"), "x = 1\n".repeat(451)).unwrap();
        let error = tidy(folder.path()).unwrap_err().to_string();
        assert_eq!(error, "tidy: 1 finding in 2 files");
    }
}

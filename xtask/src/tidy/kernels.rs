//! What sets `crates/kernels` apart: it alone is unsafe, and each of its
//! families has a plain twin.

use crate::code::words;
use crate::finding::Finding;
use crate::tree::Tree;

/// Rule: `unsafe` stays in one crate. rustc denies it where the workspace's lints hold
/// ([`arrows::lints`](super::arrows::lints)); what is left to see is an attribute that
/// allows it again. The names that the module for browsers exports need such an attribute, and
/// may have nothing else of the kind.
pub(super) fn unsafety(tree: &Tree) -> Vec<Finding> {
    const LINT: &str = "unsafe_code";
    const EXPORTS: &str = "crates/web/src/exports.rs";
    let mut findings = Vec::new();
    for file in &tree.files {
        if file.path.starts_with("crates/kernels/") {
            continue;
        }
        let is_found = |line: &str| match file.path == EXPORTS {
            true => words(&line.replace("#[unsafe(no_mangle)]", ""), "unsafe")
                .next()
                .is_some(),
            false => words(line, LINT).next().is_some(),
        };
        let lines = file.code.iter().flat_map(|code| code.lines().enumerate());
        for (index, _) in lines.filter(|(_, line)| is_found(line)) {
            findings.push(Finding {
                path: file.path.clone(),
                line: index + 1,
                what: format!("`{LINT}`"),
                why: "all code that can break memory is in crates/kernels, where it is looked at",
                cure: "write it without, or give crates/kernels a safe function for it",
            });
        }
    }
    findings
}

/// Folders that are no families: the driver's side of a GPU, and what kernels are held against.
const NO_FAMILIES: [&str; 2] = ["cuda", "cases"];

/// Rule: a family of kernels opens with `mod.rs` and has a plain loop that the
/// fast ones are tested against.
pub(super) fn families(tree: &Tree) -> Vec<Finding> {
    const SOURCE: &str = "crates/kernels/src/";
    let mut stems: Vec<&str> = tree
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix(SOURCE)?.split_once('/'))
        .map(|(stem, _)| stem)
        .filter(|stem| !NO_FAMILIES.contains(stem))
        .collect();
    stems.dedup();
    let mut findings = Vec::new();
    for stem in stems {
        for (name, why) in [
            (
                "mod.rs",
                "a family opens with its geometry and its one match on the device",
            ),
            (
                "reference.rs",
                "no fast kernel goes without the plain loop it is tested against",
            ),
        ] {
            let path = format!("{SOURCE}{stem}/{name}");
            if tree.find(&path).is_none() {
                findings.push(Finding {
                    path,
                    line: 1,
                    what: "missing".to_owned(),
                    why,
                    cure: "write it; a folder that is no family is named in xtask/src/tidy/kernels.rs",
                });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_that_is_allowed_outside_of_kernels_is_found() {
        for text in ["#![allow(unsafe_code)]", "#[expect(unsafe_code)]"] {
            let text = format!("// unsafe_code\n{text}\n");
            let found = unsafety(&Tree::of_texts(&[("crates/nn/src/a.rs", &text)]));
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].line, 2);
            let found = unsafety(&Tree::of_texts(&[("crates/kernels/src/a.rs", &text)]));
            assert_eq!(found, []);
        }
        let exports = "#![allow(unsafe_code)]\n#[unsafe(no_mangle)]\nfn f() { unsafe { g() } }";
        let found = unsafety(&Tree::of_texts(&[("crates/web/src/exports.rs", exports)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [3]);
        let text = "let x = \"unsafe_code\"; // unsafe_code\nfn not_unsafe_code() {}";
        assert_eq!(unsafety(&Tree::of_texts(&[("tests/src/a.rs", text)])), []);
    }

    #[test]
    fn a_family_without_its_reference_is_found() {
        let files = [
            ("crates/kernels/src/cases/conv.rs", ""),
            ("crates/kernels/src/conv/cpu.rs", ""),
            ("crates/kernels/src/conv/mod.rs", ""),
            ("crates/kernels/src/lib.rs", ""),
            ("crates/kernels/src/map/cpu.rs", ""),
            ("crates/kernels/src/map/reference.rs", ""),
        ];
        let found = families(&Tree::of_texts(&files));
        let paths: Vec<&str> = found.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "crates/kernels/src/conv/reference.rs",
                "crates/kernels/src/map/mod.rs"
            ]
        );
    }
}

//! No circles: of the modules that stand side by side in a folder, none leads back to itself
//! by imports.
//!
//! A folder counts as one module to what is outside of it, and its `mod.rs` is the frame of
//! its files: that a file takes what the frame defines, and the frame what the file does, is
//! how a module is written in several files. What the frame only re-exports is taken from
//! where it is defined.

use crate::finding::Finding;
use crate::modules::{Crate, Import, Path};
use crate::package::packages;
use crate::tree::Tree;
use std::collections::{BTreeMap, VecDeque};

const WHY: &str =
    "modules that import each other in a circle can only be read, moved and tested together";
const CURE: &str = "move what both need below both, or what needs both above";

/// Rule: no import circles among the modules of a package.
pub(super) fn circles(tree: &Tree) -> Vec<Finding> {
    let packages = packages(tree);
    let found = packages
        .iter()
        .map(|package| circles_of(tree, &package.folder));
    found.flatten().collect()
}

/// A finding for each group of modules of a package that lead to each other.
fn circles_of(tree: &Tree, folder: &str) -> Vec<Finding> {
    let imports = Crate::read(tree, &format!("{folder}/src/")).imports();
    let mut findings = Vec::new();
    let edges = edges(&imports);
    let mut told: Vec<&Path> = Vec::new();
    for start in edges.keys() {
        if told.contains(&start) {
            continue;
        }
        if let Some(circle) = circle(&edges, start) {
            findings.push(finding(&circle));
            told.extend(
                edges
                    .keys()
                    .filter(|other| leads(&edges, start, other) && leads(&edges, other, start)),
            );
        }
    }
    findings
}

/// Modules that stand side by side, each with those it imports and the first place where it
/// does.
type Edges<'a> = BTreeMap<Path, BTreeMap<Path, &'a Import>>;

fn edges(imports: &[Import]) -> Edges<'_> {
    let mut edges: Edges<'_> = BTreeMap::new();
    for import in imports {
        let pairs = import.from.iter().zip(&import.to);
        let common = pairs.take_while(|(a, b)| a == b).count();
        // One of the two is around the other.
        if common == import.from.len() || common == import.to.len() {
            continue;
        }
        let [from, to] = [&import.from, &import.to].map(|path| path[..=common].to_vec());
        edges.entry(from).or_default().entry(to).or_insert(import);
    }
    edges
}

/// The shortest way from `start` back to it.
fn circle<'a>(edges: &Edges<'a>, start: &Path) -> Option<Vec<(Path, &'a Import)>> {
    let mut ways: VecDeque<Vec<(Path, &'a Import)>> = VecDeque::from([Vec::new()]);
    let mut seen: Vec<Path> = Vec::new();
    while let Some(way) = ways.pop_front() {
        let here = way.last().map_or(start, |(path, _)| path);
        if !way.is_empty() && here == start {
            return Some(way);
        }
        for (next, import) in edges.get(here).into_iter().flatten() {
            if !seen.contains(next) {
                seen.push(next.clone());
                ways.push_back([&way[..], &[(next.clone(), *import)]].concat());
            }
        }
    }
    None
}

fn leads(edges: &Edges<'_>, from: &Path, to: &Path) -> bool {
    let mut pending = vec![from];
    let mut seen: Vec<&Path> = Vec::new();
    while let Some(path) = pending.pop() {
        for next in edges.get(path).into_iter().flat_map(BTreeMap::keys) {
            if !seen.contains(&next) {
                seen.push(next);
                pending.push(next);
            }
        }
    }
    seen.contains(&to)
}

fn finding(circle: &[(Path, &Import)]) -> Finding {
    let (_, first) = circle[0];
    let steps = circle.iter().map(|(path, import)| {
        let file = import.file.rsplit("/src/").next().unwrap_or(&import.file);
        format!("→ `{}` ({file}:{})", path.join("::"), import.line)
    });
    let steps: Vec<String> = steps.collect();
    let start = circle
        .last()
        .map_or(String::new(), |(path, _)| path.join("::"));
    Finding {
        path: first.file.clone(),
        line: first.line,
        what: format!("import circle `{start}` {}", steps.join(" ")),
        why: WHY,
        cure: CURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, &str)> = files
            .iter()
            .map(|(name, text)| (format!("crates/x/src/{name}"), *text))
            .collect();
        let mut files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (&**path, *text)).collect();
        files.push(("crates/x/Cargo.toml", "[package]\nname = \"x\""));
        let findings = circles(&Tree::of_texts(&files)).into_iter();
        findings.map(|finding| finding.what).collect()
    }

    #[test]
    fn two_that_import_each_other_are_found() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "\nuse crate::b::B;"),
            ("b.rs", "fn f(a: super::a::A) {}"),
        ];
        assert_eq!(
            found(&files),
            ["import circle `a` → `b` (a.rs:2) → `a` (b.rs:1)"]
        );
    }

    #[test]
    fn a_circle_behind_re_exports_is_found() {
        let files = [
            (
                "lib.rs",
                "pub use a::A; pub use b::inner::B; mod a; mod b; mod c;",
            ),
            ("a.rs", "use crate::B;"),
            ("b/mod.rs", "pub mod inner;"),
            ("b/inner.rs", "use crate::c;"),
            ("c.rs", "use crate::A;"),
        ];
        assert_eq!(
            found(&files),
            ["import circle `a` → `b` (a.rs:1) → `c` (b/inner.rs:1) → `a` (c.rs:1)"]
        );
    }

    #[test]
    fn a_circle_within_a_folder_is_found() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "pub(crate) use b::B;"),
            ("a/b.rs", "use super::c::C;"),
            ("a/c.rs", "use super::B;"),
        ];
        assert_eq!(
            found(&files),
            ["import circle `a::b` → `a::c` (a/b.rs:1) → `a::b` (a/c.rs:1)"]
        );
    }

    #[test]
    fn each_group_is_told_once() {
        let two = [
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("d", "e"),
            ("e", "d"),
            ("f", "a"),
        ];
        let texts: Vec<(String, String)> = two
            .iter()
            .map(|(from, to)| (format!("{from}.rs"), format!("use crate::{to};")))
            .collect();
        let mut files: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (&**a, &**b)).collect();
        files.push(("lib.rs", ""));
        assert_eq!(found(&files).len(), 2);
    }

    #[test]
    fn what_leads_one_way_is_fine() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A;\npub struct Root;"),
            ("a/mod.rs", "use inner::I; pub struct A;"),
            (
                "a/inner.rs",
                "use super::A; use crate::Root; use crate::b::B;",
            ),
            ("b.rs", "#[cfg(test)]\nmod tests { use crate::A; }"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }
}

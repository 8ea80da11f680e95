//! Who may import whom: ARCHITECTURE.md's picture as a table.

use crate::finding::Finding;
use crate::package::{Package, packages};
use crate::tree::Tree;
use toml::{Table, Value};

/// A folder with a package, and the folders of those that it may import.
const ARROWS: [(&str, &[&str]); 16] = [
    ("crates/kernels", &[]),
    ("crates/files", &[]),
    ("crates/tensor", &["crates/kernels"]),
    ("crates/nn", &["crates/tensor", "crates/files"]),
    ("crates/mnist", &["crates/files"]),
    ("crates/data", &["crates/mnist", "crates/files"]),
    (
        "crates/recipes",
        &["crates/nn", "crates/tensor", "crates/data"],
    ),
    ("crates/gan", LIBRARIES),
    (
        "crates/web",
        &[
            "crates/recipes",
            "crates/data",
            "crates/tensor",
            "crates/nn",
        ],
    ),
    ("crates/detach", LIBRARIES),
    ("crates/book", READERS),
    ("xtask", &[]),
    ("tests", CRATES),
    ("fuzz", CRATES),
    // Before the folder it lies in.
    ("benches/tools", ALL),
    ("benches", &["crates/kernels"]),
];

/// What a program is made of; kernels are reached through the engine.
const LIBRARIES: &[&str] = &[
    "crates/tensor",
    "crates/files",
    "crates/nn",
    "crates/mnist",
    "crates/data",
    "crates/recipes",
];

/// What a reader of the book has in hand: the crate to depend on, what it is made of, and the program.
const READERS: &[&str] = &[
    "crates/detach",
    "crates/tensor",
    "crates/nn",
    "crates/data",
    "crates/recipes",
    "crates/gan",
];

const CRATES: &[&str] = &[
    "crates/kernels",
    "crates/tensor",
    "crates/files",
    "crates/nn",
    "crates/mnist",
    "crates/data",
    "crates/recipes",
    "crates/gan",
    "crates/web",
    "crates/book",
];

/// What measures also checks: the report from a GPU runs the goldens. Its tools share the cases
/// of `cargo bench`.
const ALL: &[&str] = &[
    "crates/kernels",
    "crates/tensor",
    "crates/files",
    "crates/nn",
    "crates/mnist",
    "crates/data",
    "crates/recipes",
    "crates/gan",
    "tests",
    "benches",
];

const WHY: &str = "an import against the arrows of ARCHITECTURE.md ties layers together";
const CURE: &str = "use what the layer below re-exports, or move the code to the layer it needs";

/// Whether the arrows let `package` import the one in `folder`. `None` when it is not in
/// the table.
fn may_import(package: &Package, folder: &str) -> Option<bool> {
    let (_, allowed) = ARROWS
        .iter()
        .find(|(from, _)| package.folder == *from || is_inside(&package.folder, from))?;
    Some(package.folder == folder || allowed.contains(&folder))
}

fn is_inside(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// The line, from 1 on, on which `text` first begins with `key`.
fn line_of(tree: &Tree, path: &str, key: &str) -> usize {
    let text = tree.find(path).and_then(|file| file.text.as_deref());
    text.into_iter()
        .flat_map(str::lines)
        .position(|line| line.trim_start().starts_with(key))
        .map_or(1, |index| index + 1)
}

/// Every dependency in a manifest or in one of its `[target.…]` tables, as the
/// key and what stands behind it.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)))
        .filter_map(Value::as_table)
        .flatten()
        .collect()
}

/// The package that a dependency is, under whatever key.
fn renamed<'a>(key: &'a str, value: &'a Value, shared: Option<&'a Table>) -> &'a str {
    let package = |value: &'a Value| value.get("package").and_then(Value::as_str);
    package(value)
        .or_else(|| package(shared?.get(key)?))
        .unwrap_or(key)
}

/// Rule: a manifest lists none of our packages against the arrows. Sources need no rule:
/// what a manifest does not list, rustc does not find.
pub(super) fn manifests(tree: &Tree) -> Vec<Finding> {
    let packages = packages(tree);
    let root: Option<Table> = tree
        .find("Cargo.toml")
        .and_then(|file| file.text.as_deref()?.parse().ok());
    let shared = root
        .as_ref()
        .and_then(|root| root.get("workspace")?.get("dependencies")?.as_table());
    let mut findings = Vec::new();
    for package in &packages {
        if may_import(package, "").is_none() && !package.stands_alone() {
            findings.push(Finding {
                path: package.path(),
                line: 1,
                what: format!("package `{}`", package.name),
                why: "no arrow says what it may import",
                cure: "add its folder to the picture in ARCHITECTURE.md and to ARROWS in xtask/src/tidy/arrows.rs",
            });
        }
        for (key, value) in dependencies(&package.manifest) {
            let name = renamed(key, value, shared);
            let Some(target) = packages.iter().find(|other| other.name == name) else {
                continue;
            };
            if may_import(package, &target.folder) == Some(false) {
                findings.push(Finding {
                    path: package.path(),
                    line: line_of(tree, &package.path(), key),
                    what: format!("dependency `{name}`"),
                    why: WHY,
                    cure: CURE,
                });
            }
        }
    }
    findings
}

/// Rule: every member of the workspace takes the workspace's lints.
pub(super) fn lints(tree: &Tree) -> Vec<Finding> {
    let takes = |manifest: &Table| {
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        lints.and_then(Value::as_bool) == Some(true)
    };
    packages(tree)
        .iter()
        .filter(|package| !package.stands_alone() && !takes(&package.manifest))
        .map(|package| Finding {
            path: package.path(),
            line: line_of(tree, &package.path(), "[lints]"),
            what: format!("package `{}` has lints of its own or none", package.name),
            why: "one set of lints holds in the whole house",
            cure: "write `[lints]` with `workspace = true`",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "\n[lints]\nworkspace = true\n";

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"detach-{name}\"\n{LINTS}\n{rest}")
    }

    /// kernels, tensor and gan, one of them with this manifest or source more.
    fn house(path: &str, text: &str) -> Tree {
        let [kernels, tensor, gan] = ["kernels", "tensor", "gan"].map(|name| manifest(name, ""));
        let mut files = vec![
            (
                "Cargo.toml",
                "[workspace]\n[workspace.dependencies]\nk = { package = \"detach-kernels\", path = \"crates/kernels\" }",
            ),
            ("crates/kernels/Cargo.toml", &kernels),
            ("crates/tensor/Cargo.toml", &tensor),
            ("crates/gan/Cargo.toml", &gan),
        ];
        files.retain(|(known, _)| *known != path);
        files.push((path, text));
        Tree::of_texts(&files)
    }

    fn places(findings: &[Finding]) -> Vec<String> {
        let place = |finding: &Finding| format!("{}:{}", finding.path, finding.line);
        findings.iter().map(place).collect()
    }

    #[test]
    fn a_manifest_against_the_arrows_is_found_under_any_key() {
        for (name, rest, line) in [
            (
                "kernels",
                "[dependencies]\ndetach-tensor.workspace = true",
                8,
            ),
            (
                "gan",
                "[dev-dependencies]\ndetach-kernels = { path = \"../kernels\" }",
                8,
            ),
            (
                "gan",
                "[build-dependencies]\nx = { package = \"detach-kernels\" }",
                8,
            ),
            ("gan", "[dependencies]\nk.workspace = true", 8),
            (
                "gan",
                "[target.'cfg(unix)'.dependencies]\ndetach-kernels.workspace = true",
                8,
            ),
        ] {
            let path = format!("crates/{name}/Cargo.toml");
            let findings = manifests(&house(&path, &manifest(name, rest)));
            assert_eq!(places(&findings), [format!("{path}:{line}")], "{rest}");
        }
    }

    #[test]
    fn a_manifest_along_the_arrows_is_fine() {
        let rest = "[dependencies]\nk.workspace = true\nanyhow = \"1\"";
        let tree = house("crates/tensor/Cargo.toml", &manifest("tensor", rest));
        assert_eq!(manifests(&tree), []);
        let rest = "[dependencies]\nk.workspace = true\ndetach-gan.workspace = true";
        assert_eq!(
            manifests(&house("tests/Cargo.toml", &manifest("tests", rest))),
            []
        );
        let tools = |folder: &str| house(&format!("{folder}/Cargo.toml"), &manifest("b", rest));
        assert_eq!(manifests(&tools("benches/tools")), []);
        assert_eq!(
            places(&manifests(&tools("benches"))),
            ["benches/Cargo.toml:9"]
        );
    }

    #[test]
    fn a_package_without_an_arrow_is_found() {
        let tree = house("crates/extra/Cargo.toml", &manifest("extra", ""));
        assert_eq!(places(&manifests(&tree)), ["crates/extra/Cargo.toml:1"]);
        let alone = manifest("fuzz", "[workspace]");
        assert_eq!(manifests(&house("fuzz/Cargo.toml", &alone)), []);
    }

    #[test]
    fn missing_lints_are_found() {
        for text in [
            "[package]\nname = \"a\"\n",
            "[package]\nname = \"a\"\n[lints]\nworkspace = false\n",
            "[package]\nname = \"a\"\n[lints.rust]\nunsafe_code = \"deny\"\n",
        ] {
            let findings = lints(&Tree::of_texts(&[("xtask/Cargo.toml", text)]));
            assert_eq!(findings.len(), 1, "{text}");
        }
        let text = "[package]\nname = \"a\"\n[workspace]\n";
        assert_eq!(lints(&Tree::of_texts(&[("fuzz/Cargo.toml", text)])), []);
        assert_eq!(lints(&house("a.rs", "")), []);
    }
}

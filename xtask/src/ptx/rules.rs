//! The folder of CUDA sources: what may be in it, and that its PTX is current.

use super::source::{Source, stem};
use crate::finding::{Finding, Rule};
use crate::tree::Tree;

const FOLDER: &str = "kernels/";

fn finding(path: &str, line: usize, what: &str, why: &'static str, cure: &'static str) -> Finding {
    Finding {
        path: path.to_owned(),
        line,
        what: what.to_owned(),
        why,
        cure,
    }
}

/// What rules have against `kernels/`, a line each.
pub(super) fn faults(tree: &Tree) -> Vec<String> {
    let rules: [Rule; 3] = [folder, current, names];
    let findings = rules.iter().flat_map(|rule| rule(tree));
    findings.map(|finding| finding.to_string()).collect()
}

/// The names inside of `kernels/`, each with its file's path and text.
fn inside(tree: &Tree) -> impl Iterator<Item = (&str, &str, &str)> {
    tree.files.iter().filter_map(|file| {
        let name = file.path.strip_prefix(FOLDER)?;
        Some((name, file.path.as_str(), file.text.as_deref().unwrap_or("")))
    })
}

fn is_family(name: &str) -> bool {
    name.ends_with(".cu") && !name.contains('/')
}

/// Rule: the folder holds sources, headers, their PTX and nothing else, and a family is
/// called what it is called in crates/kernels.
pub(crate) fn folder(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, path, _) in inside(tree) {
        let (rung, plain) = match name.strip_prefix("ladder/") {
            Some(rung) => (true, rung),
            None => (false, name),
        };
        let known = plain == "README.md"
            || plain.ends_with(".cu")
            || (!rung && (plain.ends_with(".cuh") || plain.ends_with(".ptx")));
        if plain.contains('/') || !known {
            findings.push(finding(
                path,
                1,
                "no kernel, header, or PTX",
                "kernels/ holds <family>.cu, headers *.cuh and <family>.<75|80>.ptx; kernels/ladder/ its rungs",
                "move it to where it is used",
            ));
        }
        let home = format!("crates/kernels/src/{}", stem(path));
        let at_home = tree.files.iter().any(|file| {
            let rest = file.path.strip_prefix(&home);
            rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
        });
        if is_family(name) && !at_home {
            findings.push(finding(
                path,
                1,
                "no family of crates/kernels has this name",
                "one stem per family on every floor",
                "call it as its family is called",
            ));
        }
    }
    findings
}

/// Rule: every source has its PTX, made from it as it is, and no PTX is without a source.
pub(crate) fn current(tree: &Tree) -> Vec<Finding> {
    const CURE: &str = "run `cargo xtask ptx`";
    let mut findings = Vec::new();
    let mut asked = Vec::new();
    for (_, path, _) in inside(tree).filter(|(name, ..)| is_family(name)) {
        match Source::read(tree, path) {
            Ok(source) => {
                findings.extend(stale(tree, &source));
                asked.extend(source.targets().map(|target| source.ptx_path(target)));
            }
            Err(error) => findings.push(finding(
                path,
                1,
                &error.to_string(),
                "nothing can be made of it",
                "mend it, then run `cargo xtask ptx`",
            )),
        }
    }
    for (name, path, _) in inside(tree) {
        if name.ends_with(".ptx") && !asked.iter().any(|asked| asked == path) {
            findings.push(finding(
                path,
                1,
                "no source asks for it",
                "what is loaded is what can be read",
                "remove it, or name its target in the source's `// nvrtc:` line",
            ));
        }
    }
    return findings;

    fn stale(tree: &Tree, source: &Source) -> Vec<Finding> {
        const WHY: &str = "what is loaded must be what the source says";
        let found = source.targets().filter_map(|target| {
            let path = source.ptx_path(target);
            let what = match tree.text(&path) {
                None => Some("missing"),
                Some(text) => source.stale(target, text),
            };
            what.map(|what| finding(&path, 1, what, WHY, CURE))
        });
        found.collect()
    }
}

/// Rule: `conv.cu` holds `conv_…`, so that a name tells where its kernel stands.
pub(crate) fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, path, text) in inside(tree).filter(|(name, ..)| name.ends_with(".ptx")) {
        let family = format!("{}_", stem(name));
        for (index, line) in text.lines().enumerate() {
            let entry = line.split_once(".entry ").map(|(_, rest)| rest);
            let entry = entry.and_then(|rest| rest.split(['(', ' ']).next());
            if let Some(entry) = entry.filter(|entry| !entry.starts_with(&family)) {
                findings.push(finding(
                    path,
                    index + 1,
                    &format!("`{entry}`"),
                    "kernels are called <family>_<name>, so that a name tells the file",
                    "rename it, and run `cargo xtask ptx`",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        let findings = rule(&Tree::of_texts(files));
        let line = |found: Finding| format!("{}:{}: {}", found.path, found.line, found.what);
        findings.into_iter().map(line).collect()
    }

    #[test]
    fn strangers_in_the_folder_are_found() {
        let files = [
            ("crates/kernels/src/map/mod.rs", ""),
            ("crates/kernels/src/philox.rs", ""),
            ("kernels/README.md", ""),
            ("kernels/detach.cuh", ""),
            ("kernels/ladder/0_naive.cu", ""),
            ("kernels/ladder/0_naive.75.ptx", ""),
            ("kernels/ladder/a/b.cu", ""),
            ("kernels/map.75.ptx", ""),
            ("kernels/map.cu", ""),
            ("kernels/mop.cu", ""),
            ("kernels/notes.txt", ""),
            ("kernels/philox.cu", ""),
        ];
        assert_eq!(
            found(folder, &files),
            [
                "kernels/ladder/0_naive.75.ptx:1: no kernel, header, or PTX",
                "kernels/ladder/a/b.cu:1: no kernel, header, or PTX",
                "kernels/mop.cu:1: no family of crates/kernels has this name",
                "kernels/notes.txt:1: no kernel, header, or PTX",
            ]
        );
    }

    #[test]
    fn ptx_that_is_missing_old_or_nobodys_is_found() {
        let files = [
            ("kernels/conv.cu", "#include \"gone.cuh\""),
            ("kernels/map.75.ptx", "// no stamp"),
            ("kernels/map.cu", "// nvrtc: compute_75 compute_80"),
            ("kernels/norm.80.ptx", ""),
        ];
        assert_eq!(
            found(current, &files),
            [
                "kernels/conv.cu:1: kernels/conv.cu:1: includes kernels/gone.cuh, which is not there",
                "kernels/map.75.ptx:1: has no stamp in its first line",
                "kernels/map.80.ptx:1: missing",
                "kernels/norm.80.ptx:1: no source asks for it",
            ]
        );
    }

    #[test]
    fn a_kernel_of_another_name_is_found() {
        let text = "x\n.visible .entry map_add(\n.entry conv_add (\n.func add(\n";
        assert_eq!(
            found(names, &[("kernels/map.75.ptx", text)]),
            ["kernels/map.75.ptx:3: `conv_add`"]
        );
    }
}

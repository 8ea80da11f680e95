//! What any file must be: short, small, text, finished, and at home anywhere.

use crate::code::{is_word, words};
use crate::finding::Finding;
use crate::tree::{File, Tree};

/// Lines a source file may have.
const LINES: usize = 450;
/// Bytes a file may have.
const BYTES: u64 = 1 << 20;
/// PTX is larger: what is unrolled there is one line a step. It packs to a tenth.
const PTX_BYTES: u64 = 3 << 20;

fn limit(file: &File) -> u64 {
    match file.extension() {
        "ptx" => PTX_BYTES,
        _ => BYTES,
    }
}

fn finding(
    file: &File,
    line: usize,
    what: String,
    why: &'static str,
    cure: &'static str,
) -> Finding {
    Finding {
        path: file.path.clone(),
        line,
        what,
        why,
        cure,
    }
}

/// Rule: a source file fits into a head.
pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    let long = |file: &File| {
        let lines = file.text.as_ref()?.lines().count();
        (file.is_source() && lines > LINES).then(|| {
            finding(
                file,
                LINES + 1,
                format!("{lines} lines"),
                "files stay under about 400 lines, so that each can be read in one go",
                "split it by topic",
            )
        })
    };
    tree.files.iter().filter_map(long).collect()
}

/// Rule: a clone stays small.
pub(super) fn size(tree: &Tree) -> Vec<Finding> {
    let large = |file: &File| {
        (file.size > limit(file)).then(|| {
            finding(
                file,
                1,
                format!("{:.1} MB", file.size as f64 / 1e6),
                "every clone carries it forever, and 1 MB is the limit (3 MB for PTX)",
                "generate it, download it, or keep it under a folder that git ignores",
            )
        })
    };
    tree.files.iter().filter_map(large).collect()
}

/// Rule: nothing that was built is tracked.
pub(super) fn binaries(tree: &Tree) -> Vec<Finding> {
    const DATA: [&str; 8] = [
        "png",
        "gz",
        "idx",
        "npy",
        "npz",
        "safetensors",
        "ico",
        "woff2",
    ];
    tree.files
        .iter()
        .filter(|file| file.text.is_none() && file.size <= limit(file))
        .filter(|file| !DATA.contains(&file.extension()))
        .map(|file| {
            finding(
                file,
                1,
                "no text and no known kind of data".to_owned(),
                "what is built or compiled cannot be reviewed",
                "remove it, or name its kind in xtask/src/tidy/files.rs",
            )
        })
        .collect()
}

/// Rule: what is committed is finished. `todo!` and its kin are clippy's.
pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    // In two parts, or this file would find itself.
    const MARK: &str = concat!("FIX", "ME");
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_source()) {
        let lines = file.text.iter().flat_map(|text| text.lines().enumerate());
        for (index, _) in lines.filter(|(_, line)| words(line, MARK).next().is_some()) {
            findings.push(finding(
                file,
                index + 1,
                format!("`{MARK}`"),
                "a user meets it as a fault",
                "finish it, or leave it out and open an issue",
            ));
        }
    }
    findings
}

/// Rule: no file knows one person's machine.
pub(super) fn homes(tree: &Tree) -> Vec<Finding> {
    // In two parts, or this file would find itself.
    const HOMES: [&str; 4] = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/ro", "ot/"),
        concat!(":\\Us", "ers\\"),
    ];
    let absolute = |line: &str, home: &str| {
        line.match_indices(home).any(|(index, _)| {
            let before = line[..index].chars().next_back();
            home.starts_with(':') || !before.is_some_and(|c| is_word(c) || ".-~*".contains(c))
        })
    };
    let mut findings = Vec::new();
    for file in &tree.files {
        let lines = file.text.iter().flat_map(|text| text.lines().enumerate());
        for (index, line) in lines {
            if let Some(home) = HOMES.iter().find(|home| absolute(line, home)) {
                findings.push(finding(
                    file,
                    index + 1,
                    format!("path with `{home}`"),
                    "it exists on one machine only",
                    "make it relative, or begin it with `~` or an environment variable",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: crate::finding::Rule, path: &str, text: &str) -> Vec<usize> {
        let findings = rule(&Tree::of_texts(&[(path, text)]));
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn long_sources_are_found() {
        assert_eq!(lines(length, "a.rs", &"x\n".repeat(450)), [0; 0]);
        assert_eq!(lines(length, "a.rs", &"x\n".repeat(451)), [451]);
        assert_eq!(lines(length, ".ci/run", &"x\n".repeat(451)), [451]);
        assert_eq!(lines(length, "Cargo.lock", &"x\n".repeat(451)), [0; 0]);
    }

    #[test]
    fn large_files_are_found_whatever_they_hold() {
        let text = "x".repeat(BYTES as usize);
        assert_eq!(lines(size, "a.json", &text), [0; 0]);
        assert_eq!(lines(size, "a.json", &(text.clone() + "x")), [1]);
        assert_eq!(lines(size, "a.ptx", &(text.clone() + "x")), [0; 0]);
        assert_eq!(lines(size, "a.ptx", &text.repeat(4)), [1]);
        assert_eq!(lines(binaries, "a.json", &(text + "x")), [0; 0]);
    }

    #[test]
    fn built_files_are_found() {
        let file = |path: &str| File::new(path.into(), b"\x7fELF\x00\x01");
        let files = ["gan", "a.so", "a.rs", "b/grid.png", "data.idx3-ubyte.gz"].map(file);
        let tree = Tree {
            files: files.into(),
        };
        let found: Vec<String> = binaries(&tree)
            .into_iter()
            .map(|found| found.path)
            .collect();
        assert_eq!(found, ["gan", "a.so", "a.rs"]);
    }

    #[test]
    fn unfinished_work_is_found() {
        let mark = concat!("FIX", "ME");
        assert_eq!(lines(unfinished, "a.rs", &format!("\n// {mark}: x")), [2]);
        assert_eq!(lines(unfinished, "a.py", &format!("# {mark}")), [1]);
        assert_eq!(
            lines(unfinished, "a.md", &format!("no {mark} here")),
            [0; 0]
        );
        assert_eq!(lines(unfinished, "a.rs", &format!("NO{mark}")), [0; 0]);
    }

    #[test]
    fn home_folders_are_found() {
        for home in [
            concat!("see /ho", "me/ann/x"),
            concat!("\"/Us", "ers/ann\""),
            concat!("HOME=/ro", "ot/x"),
            concat!("C:\\Us", "ers\\ann"),
        ] {
            assert_eq!(lines(homes, "a.md", &format!("\n{home}\n")), [2], "{home}");
        }
        for fine in [
            concat!("https://x.org/ho", "me/ann"),
            concat!("~/ho", "me/x"),
            concat!("a/ro", "ot/b"),
            "/usr/bin",
        ] {
            assert_eq!(lines(homes, "a.md", fine), [0; 0], "{fine}");
        }
    }
}

//! What a family of kernels is made of, and the stamp that tells whether its PTX is.

use crate::tree::Tree;
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of NVRTC that everything is compiled by. Later ones make PTX that drivers
/// of CUDA 12.0 refuse.
pub(super) const NVRTC: &str = "12.0.140";
/// Virtual architectures that a source may name.
const TARGETS: [u32; 2] = [75, 80];
/// Options that a source may name.
const OPTIONS: [&str; 1] = ["--fmad=false"];

/// A `.cu` file with all that decides what it compiles to.
#[derive(Debug, PartialEq)]
pub(super) struct Source {
    /// From the root on: `kernels/map.cu`.
    pub(super) path: String,
    pub(super) text: String,
    /// Headers, by the path from the root on.
    headers: BTreeMap<String, String>,
    /// The virtual architectures it is compiled for.
    targets: Vec<u32>,
    options: Vec<String>,
}

impl Source {
    /// The source at `path` of the tree.
    ///
    /// # Errors
    /// When a header is missing or the `// nvrtc:` line asks for what there is not.
    pub(super) fn read(tree: &Tree, path: &str) -> Result<Self> {
        let text = tree
            .text(path)
            .with_context(|| format!("{path}: no such text"))?;
        let (targets, options) = wishes(path, text)?;
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            headers: BTreeMap::new(),
            targets,
            options,
        };
        source.collect(tree, path, text)?;
        Ok(source)
    }

    /// Adds the headers that `text` at `path` includes, and theirs.
    fn collect(&mut self, tree: &Tree, path: &str, text: &str) -> Result<()> {
        for (line, name) in includes(text) {
            let header = beside(path, name);
            if self.headers.contains_key(&header) {
                continue;
            }
            let Some(inside) = tree.text(&header) else {
                bail!("{path}:{line}: includes {header}, which is not there");
            };
            self.headers.insert(header.clone(), inside.to_owned());
            self.collect(tree, &header, inside)?;
        }
        Ok(())
    }

    /// Where its PTX for a target is kept: `kernels/map.75.ptx`.
    pub(super) fn ptx_path(&self, target: u32) -> String {
        let path = self.path.strip_suffix(".cu").unwrap_or(&self.path);
        format!("{path}.{target}.ptx")
    }

    /// The virtual architectures it is compiled for: 75 is `compute_75`.
    pub(super) fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        self.targets.iter().copied()
    }

    /// The path of the file that NVRTC calls `name`.
    pub(super) fn path_of(&self, name: &str) -> String {
        let file = name.rsplit('/').next().unwrap_or(name);
        let same = |path: &&String| path.rsplit('/').next() == Some(file);
        let path = Some(beside(&self.path, name)).filter(|path| self.headers.contains_key(path));
        path.or_else(|| self.headers.keys().find(same).cloned())
            .unwrap_or_else(|| name.to_owned())
    }

    pub(super) fn options(&self, target: u32) -> Vec<String> {
        let mut options = vec![
            "--std=c++17".to_owned(),
            format!("--gpu-architecture=compute_{target}"),
        ];
        options.extend(self.options.iter().cloned());
        options
    }

    /// The headers under every name that an `#include` may have for them.
    pub(super) fn spelled(&self) -> BTreeMap<String, &str> {
        let mut spelled = BTreeMap::new();
        let texts = std::iter::once((&self.path, &self.text)).chain(&self.headers);
        for (path, text) in texts {
            for (_, name) in includes(text) {
                let inside = &self.headers[&beside(path, name)];
                spelled.insert(name.to_owned(), inside.as_str());
                // Seen from a header that was itself included by a longer name.
                for folder in self.text_folders() {
                    spelled.insert(format!("{folder}{name}"), inside.as_str());
                }
            }
        }
        spelled
    }

    /// The folders that the source's own includes lead to: `../` in the ladder.
    fn text_folders(&self) -> Vec<String> {
        let folder = |name: &str| name.rfind('/').map(|at| name[..=at].to_owned());
        let mut folders: Vec<String> = includes(&self.text)
            .filter_map(|(_, name)| folder(name))
            .collect();
        folders.dedup();
        folders
    }

    /// SHA-256 over compiler, options and every text, each with its length.
    fn hash(&self, target: u32) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(NVRTC);
        add(&self.options(target).join(" "));
        add(&self.path);
        add(&self.text);
        for (path, text) in &self.headers {
            add(path);
            add(text);
        }
        hex(hash)
    }

    /// What is committed: the stamp line, then what NVRTC made.
    pub(super) fn stamped(&self, target: u32, made: &str) -> String {
        let made = format!("{}\n", made.trim());
        let stamp = Stamp {
            sources: self.hash(target),
            text: hex(Sha256::new().chain_update(&made)),
        };
        format!("{}\n{made}", stamp.line())
    }

    /// What is wrong with a committed PTX, as far as its stamp tells.
    pub(super) fn stale(&self, target: u32, committed: &str) -> Option<&'static str> {
        let (first, rest) = committed.split_once('\n').unwrap_or((committed, ""));
        match Stamp::parse(first) {
            None => Some("has no stamp in its first line"),
            Some(stamp) if stamp.sources != self.hash(target) => {
                Some("was made from other sources, options or by another compiler")
            }
            Some(stamp) if stamp.text != hex(Sha256::new().chain_update(rest)) => {
                Some("was changed after it was made")
            }
            Some(_) => None,
        }
    }
}

/// The first line of a committed PTX.
#[derive(Debug, PartialEq)]
struct Stamp {
    /// SHA-256 over all that it was made from.
    sources: String,
    /// SHA-256 over the lines below.
    text: String,
}

impl Stamp {
    const HEAD: &str = "// cargo xtask ptx: sources ";
    const TEXT: &str = ", text ";

    fn line(&self) -> String {
        format!("{}{}{}{}", Self::HEAD, self.sources, Self::TEXT, self.text)
    }

    fn parse(line: &str) -> Option<Self> {
        let (sources, text) = line.strip_prefix(Self::HEAD)?.split_once(Self::TEXT)?;
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        (is_hash(sources) && is_hash(text)).then(|| Self {
            sources: sources.to_owned(),
            text: text.to_owned(),
        })
    }
}

/// `map` of `kernels/map.cu` and of `kernels/map.75.ptx`.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Targets and options of the `// nvrtc:` lines in the comment that a source begins with.
fn wishes(path: &str, text: &str) -> Result<(Vec<u32>, Vec<String>)> {
    let (mut targets, mut options) = (Vec::new(), Vec::new());
    let head = text.lines().take_while(|line| line.starts_with("//"));
    for (index, line) in head.enumerate() {
        let Some(wishes) = line.strip_prefix("// nvrtc:") else {
            continue;
        };
        for wish in wishes.split_whitespace() {
            let target = TARGETS.into_iter().find(|t| wish == format!("compute_{t}"));
            ensure!(
                target.is_some() || OPTIONS.contains(&wish),
                "{path}:{}: `{wish}` is none of compute_75, compute_80 and {}",
                index + 1,
                OPTIONS.join(", ")
            );
            match target {
                Some(target) => targets.push(target),
                None => options.push(wish.to_owned()),
            }
        }
    }
    if targets.is_empty() {
        targets.push(TARGETS[0]);
    }
    targets.sort_unstable();
    targets.dedup();
    Ok((targets, options))
}

/// The `.cuh` files that a text includes, each with its line. Others are the emulator's.
fn includes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let rest = line.trim_start().strip_prefix('#')?.trim_start();
        let rest = rest.strip_prefix("include")?.trim_start();
        let (name, _) = rest.strip_prefix('"')?.split_once('"')?;
        name.ends_with(".cuh").then_some((index + 1, name))
    })
}

/// The path of what the file at `path` calls `name`.
fn beside(path: &str, name: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "// nvrtc: compute_80 compute_75\n// nvrtc: --fmad=false\n#include \"a.cuh\"\n";

    fn tree(header: &str) -> Tree {
        Tree::of_texts(&[
            (
                "kernels/a.cuh",
                "#  include \"b.cuh\"\n#include \"emulator.h\"",
            ),
            ("kernels/b.cuh", header),
            ("kernels/map.cu", SOURCE),
            ("kernels/ladder/0_naive.cu", "#include \"../a.cuh\"\n"),
        ])
    }

    fn source(header: &str) -> Source {
        Source::read(&tree(header), "kernels/map.cu").unwrap()
    }

    #[test]
    fn a_source_knows_its_headers_targets_and_options() {
        let source = source("x");
        assert_eq!(source.targets, [75, 80]);
        assert_eq!(source.ptx_path(80), "kernels/map.80.ptx");
        assert_eq!(
            source.options(75),
            [
                "--std=c++17",
                "--gpu-architecture=compute_75",
                "--fmad=false"
            ]
        );
        let names: Vec<String> = source.spelled().into_keys().collect();
        assert_eq!(names, ["a.cuh", "b.cuh"]);
        let rung = Source::read(&tree("x"), "kernels/ladder/0_naive.cu").unwrap();
        assert_eq!(
            (stem(&rung.path), &rung.targets[..]),
            ("0_naive", &[75][..])
        );
        let spelled = rung.spelled();
        assert_eq!(spelled["../b.cuh"], "x", "{spelled:?}");
        assert!(spelled.contains_key("../a.cuh") && spelled.contains_key("b.cuh"));
    }

    #[test]
    fn what_is_made_carries_a_stamp_that_tells_of_every_change() {
        let made = source("x").stamped(75, "\n.version 8.0\n");
        assert!(made.ends_with("\n.version 8.0\n"), "{made}");
        assert_eq!(source("x").stale(75, &made), None);
        let other = Some("was made from other sources, options or by another compiler");
        assert_eq!(source("y").stale(75, &made), other);
        assert_eq!(source("x").stale(80, &made), other);
        let changed = made.replace("8.0", "8.1");
        assert_eq!(
            source("x").stale(75, &changed),
            Some("was changed after it was made")
        );
        for text in [
            ".version 8.0\n",
            "",
            "// cargo xtask ptx: sources a, text b\n",
        ] {
            assert_eq!(
                source("x").stale(75, text),
                Some("has no stamp in its first line")
            );
        }
    }

    #[test]
    fn wishes_that_cannot_be_are_named_with_their_line() {
        let error = |text: &str| {
            let tree = Tree::of_texts(&[("kernels/map.cu", text)]);
            let error = Source::read(&tree, "kernels/map.cu").unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error("// a\n// nvrtc: compute_90"),
            "kernels/map.cu:2: `compute_90` is none of compute_75, compute_80 and --fmad=false"
        );
        assert_eq!(
            error("\n#include \"x.cuh\""),
            "kernels/map.cu:2: includes kernels/x.cuh, which is not there"
        );
        let (targets, options) = wishes("a", "// a\n\n// nvrtc: compute_80").unwrap();
        assert_eq!((&targets[..], options.len()), (&[75][..], 0));
    }
}

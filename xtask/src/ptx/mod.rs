//! `cargo xtask ptx`: from `kernels/*.cu` to the PTX that is committed beside them.
//!
//! The driver turns PTX into machine code when a program starts, so the repository holds
//! PTX, and neither users nor tests need a CUDA toolkit. Each PTX begins with a
//! stamp: hashes of what it was made from and of itself ([`source`]).

mod assemble;
mod ladder;
mod make;
pub(crate) mod rules;
mod source;
mod table;
mod tools;

use crate::marks;
use crate::tree::Tree;
use anyhow::{Context, Result, bail, ensure};
use make::{Made, jobs, make, rows, write};
use source::{NVRTC, Source};
use std::path::Path;
use table::Row;
use tools::Tools;

const FOLDER: &str = "kernels/";
const DOCUMENT: &str = "docs/performance.md";
const COMMAND: &str = "cargo xtask ptx --table --write";

const HELP: &str = "\
Examples:
  cargo xtask ptx                  compile every kernels/*.cu whose PTX is not current
  cargo xtask ptx map gemm         these families alone
  cargo xtask ptx --check          compile all again, compare with what is committed byte by
                                   byte, look for spills; change nothing
  cargo xtask ptx --check --stamps only the hashes: no network, no compiler
  cargo xtask ptx --table          registers, shared memory, stack and spills of every kernel
  cargo xtask ptx --table --write  the same, into docs/performance.md
  cargo xtask ptx --ladder         compile kernels/ladder/ into target/ptx/ and show its table
  cargo xtask ptx --ladder --write the same, into kernels/ladder/README.md

A source says in its first comment what it is compiled for:
  // nvrtc: compute_75 compute_80  (compute_75 if it says nothing)
  // nvrtc: --fmad=false           results must have the CPU's bits

The compilers, NVRTC 12.0.140 and ptxas 13.0.88, come from PyPI into the user's cache on
first use (60 MB). No GPU and no CUDA toolkit is needed.";

#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Families to compile, as their files are called [default: all]
    #[arg(value_name = "FAMILY")]
    families: Vec<String>,
    /// Compare with the committed files, change none
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Compare nothing but the hashes in the committed files
    #[arg(long, requires = "check", conflicts_with = "shown")]
    stamps: bool,
    /// Print what each kernel takes, by ptxas
    #[arg(long, group = "shown")]
    table: bool,
    /// Put the table into docs/performance.md, or into the ladder's README.md
    #[arg(long, requires = "shown", conflicts_with = "families")]
    write: bool,
    /// Compile kernels/ladder/ instead, into target/ptx/, and print what each rung takes
    #[arg(long, group = "shown")]
    ladder: bool,
}

/// Does what the arguments ask for.
pub(crate) fn ptx(root: &Path, args: &Args) -> Result<()> {
    let tree = Tree::of_repository(root)?;
    let folder = if args.ladder { ladder::FOLDER } else { FOLDER };
    let sources = sources(&tree, folder, &args.families)?;
    if args.ladder {
        let compared = args.check && args.families.is_empty();
        return ladder::ladder(root, &tree, &sources, args.write, compared);
    }
    if args.check {
        return check(root, &tree, &sources, args);
    }
    if !args.table {
        return build(root, &tree, &sources);
    }
    let made = committed(&tree, &sources)?;
    let text = table::table(&rows(&Tools::get(root)?, &made)?);
    print!("{text}");
    if args.write {
        write(root, DOCUMENT, COMMAND, &text)?;
    }
    Ok(())
}

/// The sources of `folder` that are asked for, all when none is named.
fn sources(tree: &Tree, folder: &str, families: &[String]) -> Result<Vec<Source>> {
    let paths = tree.files.iter().map(|file| file.path.as_str());
    let paths: Vec<&str> = paths
        .filter(|path| {
            let name = path.strip_prefix(folder).unwrap_or("/");
            name.ends_with(".cu") && !name.contains('/')
        })
        .collect();
    for family in families {
        ensure!(
            paths.iter().any(|path| source::stem(path) == family),
            "no {folder}{family}.cu; there are: {}",
            paths
                .iter()
                .map(|path| source::stem(path))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let wanted =
        |path: &&&str| families.is_empty() || families.iter().any(|f| f == source::stem(path));
    paths
        .iter()
        .filter(wanted)
        .map(|path| Source::read(tree, path))
        .collect()
}

/// Compiles what is not current, and writes it.
fn build(root: &Path, tree: &Tree, sources: &[Source]) -> Result<()> {
    let mut old = jobs(sources);
    old.retain(|(source, target)| {
        let committed = tree.text(&source.ptx_path(*target));
        committed.is_none_or(|text| source.stale(*target, text).is_some())
    });
    let current = jobs(sources).len() - old.len();
    if !old.is_empty() {
        for made in make(&Tools::get(root)?, &old)? {
            std::fs::write(root.join(&made.path), &made.text)
                .with_context(|| format!("could not write {}", made.path))?;
            println!("{}: written", made.path);
        }
    }
    println!("ptx: {} written, {current} current already", old.len());
    Ok(())
}

/// The committed PTX of these sources.
fn committed(tree: &Tree, sources: &[Source]) -> Result<Vec<Made>> {
    let made = |(source, target): (&Source, u32)| {
        let path = source.ptx_path(target);
        let text = tree.text(&path).map(ToOwned::to_owned);
        let text = text.with_context(|| format!("no {path}; make it by `cargo xtask ptx`"))?;
        Ok(Made { path, target, text })
    };
    jobs(sources).into_iter().map(made).collect()
}

/// Compares with what is committed, as well as it can be done here.
fn check(root: &Path, tree: &Tree, sources: &[Source], args: &Args) -> Result<()> {
    let files = jobs(sources).len();
    let mut faults: Vec<String> = rules::faults(tree);
    let tools = match args.stamps {
        true => None,
        false => match Tools::get(root) {
            Ok(tools) => Some(tools),
            Err(error) if args.table => return Err(error),
            Err(error) => {
                println!("ptx: only the stamps are compared, there is no NVRTC {NVRTC}: {error:#}");
                None
            }
        },
    };
    let mut how = "their stamps are those of the sources";
    if let Some(tools) = tools {
        how = "they are what NVRTC makes, and nothing spills";
        let made = make(&tools, &jobs(sources))?;
        let told = |made: &&Made| faults.iter().any(|fault| fault.starts_with(&made.path));
        let untold = made.iter().filter(|made| !told(made));
        let differing: Vec<String> = untold.filter_map(|made| difference(tree, made)).collect();
        faults.extend(differing);
        let rows = rows(&tools, &made)?;
        faults.extend(rows.iter().filter_map(Row::spills));
        let text = table::table(&rows);
        if args.table {
            print!("{text}");
        }
        let document = tree.text(DOCUMENT).unwrap_or_default();
        let whole = args.families.is_empty() && document.contains(&marks::begin(COMMAND));
        if whole && marks::placed(document, COMMAND, &text) != document {
            faults.push(format!("{DOCUMENT}: its table is old; run `{COMMAND}`"));
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        let plural = if faults.len() == 1 { "" } else { "s" };
        bail!("ptx: {} fault{plural}", faults.len());
    }
    println!("ptx: {files} files, {how}");
    Ok(())
}

/// Where a committed PTX first differs from what was made now.
fn difference(tree: &Tree, made: &Made) -> Option<String> {
    let committed = tree.text(&made.path)?;
    if committed == made.text {
        return None;
    }
    let pairs = committed.lines().zip(made.text.lines());
    let line = 1 + pairs.take_while(|(a, b)| a == b).count();
    let path = &made.path;
    Some(format!(
        "{path}:{line}: differs from what NVRTC {NVRTC} makes of the sources"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_by_family() {
        let tree = Tree::of_texts(&[
            ("kernels/a.cuh", ""),
            ("kernels/conv.cu", "// nvrtc: compute_75 compute_80\n"),
            ("kernels/ladder/0_naive.cu", ""),
            ("kernels/map.cu", ""),
        ]);
        let stems = |folder, families: &[&str]| {
            let families: Vec<String> = families.iter().map(ToString::to_string).collect();
            let sources = sources(&tree, folder, &families)?;
            let jobs = jobs(&sources).into_iter();
            Ok(jobs
                .map(|(source, target)| source.ptx_path(target))
                .collect::<Vec<_>>())
        };
        let all = [
            "kernels/conv.75.ptx",
            "kernels/conv.80.ptx",
            "kernels/map.75.ptx",
        ];
        assert_eq!(stems(FOLDER, &[]).unwrap(), all);
        assert_eq!(stems(FOLDER, &["map"]).unwrap(), all[2..]);
        assert_eq!(
            stems(ladder::FOLDER, &[]).unwrap(),
            ["kernels/ladder/0_naive.75.ptx"]
        );
        let error: anyhow::Error = stems(FOLDER, &["mop"]).unwrap_err();
        assert_eq!(error.to_string(), "no kernels/mop.cu; there are: conv, map");
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        let tree = Tree::of_texts(&[("kernels/map.75.ptx", "a\nb\nc\n")]);
        let made = |text: &str| Made {
            path: "kernels/map.75.ptx".to_owned(),
            target: 75,
            text: text.to_owned(),
        };
        assert_eq!(difference(&tree, &made("a\nb\nc\n")), None);
        for text in ["a\nb\nd\n", "a\nb\n", "a\nb\nc"] {
            let found = difference(&tree, &made(text)).unwrap();
            let line = if text == "a\nb\nc" { 4 } else { 3 };
            assert!(
                found.starts_with(&format!("kernels/map.75.ptx:{line}: ")),
                "{found}"
            );
        }
    }
}

//! `cargo xtask ptx --ladder`: the rungs compiled, and the arithmetic of each.

use super::make::{jobs, make, rows, write};
use super::source::Source;
use super::table::Row;
use super::tools::Tools;
use crate::marks;
use crate::tree::Tree;
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where the rungs are.
pub(super) const FOLDER: &str = "kernels/ladder/";
const DOCUMENT: &str = "kernels/ladder/README.md";
const COMMAND: &str = "cargo xtask ptx --ladder --write";

/// What a multiprocessor of an sm_90 has, by NVIDIA's tables of compute capabilities.
const REGISTERS: u32 = 65536;
const SHARED: u32 = 228 << 10;
const THREADS: u32 = 2048;
/// Bytes of shared memory that the system takes for each block.
const SYSTEM: u32 = 1 << 10;

/// Compiles the rungs into the target folder and shows what they take, puts it into their
/// README.md if `written`, and holds it against what is there if `compared`.
pub(super) fn ladder(
    root: &Path,
    tree: &Tree,
    sources: &[Source],
    written: bool,
    compared: bool,
) -> Result<()> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let into = target.join("ptx/ladder");
    std::fs::create_dir_all(&into).with_context(|| format!("no folder {}", into.display()))?;
    let tools = Tools::get(root)?;
    let made = make(&tools, &jobs(sources))?;
    for made in &made {
        let path = into.join(made.path.trim_start_matches(FOLDER));
        std::fs::write(&path, &made.text)
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    eprintln!("ptx: {} files in {}", made.len(), into.display());
    let rows = rows(&tools, &made)?;
    let text = table(sources, &rows)?;
    print!("{text}");
    let faults: Vec<String> = rows.iter().filter_map(Row::spills).collect();
    ensure!(faults.is_empty(), "{}", faults.join("; "));
    if written {
        write(root, DOCUMENT, COMMAND, &text)?;
    }
    let document = tree.text(DOCUMENT).unwrap_or_default();
    if compared && marks::placed(document, COMMAND, &text) != document {
        bail!("{DOCUMENT}: its table is old; run `{COMMAND}`");
    }
    Ok(())
}

/// How a rung is launched: the `// launch:` line of its source.
#[derive(Debug, PartialEq)]
struct Launch {
    /// Rows and columns of the product that a block makes.
    block: [u32; 2],
    /// Rows and columns whose operands are read into registers together, by a thread or, for
    /// tensor cores, by a warp.
    registers: [u32; 2],
    threads: u32,
}

impl Launch {
    const FORM: &str = "// launch: block ROWSxCOLUMNS, registers ROWSxCOLUMNS, N threads";

    fn of(source: &Source) -> Result<Self> {
        let mut lines = source.text.lines();
        let line = lines.find_map(|line| line.strip_prefix("// launch: "));
        let launch = line.and_then(Self::parse);
        launch.with_context(|| format!("{}: no line `{}`", source.path, Self::FORM))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(", ");
        let mut pair = |name: &str| {
            let (rows, columns) = parts.next()?.strip_prefix(name)?.split_once('x')?;
            Some([rows.parse().ok()?, columns.parse().ok()?])
        };
        let (block, registers) = (pair("block ")?, pair("registers ")?);
        let threads = parts.next()?.strip_suffix(" threads")?.parse().ok()?;
        parts.next().is_none().then_some(Self {
            block,
            registers,
            threads,
        })
    }
}

/// Numbers read for a multiply-add where `tile` elements share what is read.
fn loads(tile: [u32; 2]) -> String {
    let loads: f64 = tile.iter().map(|&side| 1.0 / f64::from(side)).sum();
    let text = format!("{loads:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Threads that a multiprocessor of an sm_90 has room for.
fn resident(threads: u32, registers: u32, shared: u32) -> u32 {
    // Registers are given out by eight to a thread.
    let by_registers = REGISTERS / (registers.next_multiple_of(8) * threads);
    let blocks = by_registers
        .min(SHARED / (shared + SYSTEM))
        .min(THREADS / threads);
    blocks * threads
}

fn table(sources: &[Source], rows: &[Row]) -> Result<String> {
    let mut text = String::from(
        "| rung | a block makes | registers serve | global loads per FMA | shared loads per FMA \
         | registers a thread | shared bytes a block | threads at once, of 2048 |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    ensure!(
        sources.len() == rows.len(),
        "a rung is one kernel, compiled for one architecture"
    );
    for (source, row) in sources.iter().zip(rows) {
        let launch = Launch::of(source)?;
        let name = source.path.trim_start_matches(FOLDER);
        let kernel = row.latest();
        let kernel = kernel.with_context(|| format!("{name}: nothing for sm_90"))?;
        let (global, shared) = match kernel.shared {
            0 => (loads(launch.registers), "–".to_owned()),
            _ => (loads(launch.block), loads(launch.registers)),
        };
        let [rows, columns] = launch.block;
        let [down, across] = launch.registers;
        let resident = resident(launch.threads, kernel.registers, kernel.shared);
        let (registers, bytes) = (kernel.registers, kernel.shared);
        let _ = writeln!(
            text,
            "| [{name}]({name}) | {rows}×{columns} | {down}×{across} | {global} | {shared} \
             | {registers} | {bytes} | {resident} |",
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_is_read() {
        assert_eq!(
            Launch::parse("block 128x64, registers 8x4, 256 threads"),
            Some(Launch {
                block: [128, 64],
                registers: [8, 4],
                threads: 256
            })
        );
        for line in [
            "",
            "block 8x8, 256 threads",
            "block 8, registers 8x8, 256 threads",
            "block 8x8, registers 8x8, 256 threads, more",
        ] {
            assert_eq!(Launch::parse(line), None, "{line}");
        }
    }

    #[test]
    fn larger_tiles_read_less() {
        assert_eq!(loads([1, 1]), "2");
        assert_eq!(loads([8, 1]), "1.125");
        assert_eq!(loads([128, 128]), "0.0156");
    }

    #[test]
    fn the_scarcest_thing_limits_the_threads() {
        assert_eq!(resident(256, 32, 0), 2048);
        assert_eq!(resident(256, 128, 0), 512);
        assert_eq!(resident(256, 129, 0), 256);
        assert_eq!(resident(1024, 32, 8192), 2048);
        assert_eq!(resident(256, 32, 113 << 10), 512);
    }
}

//! What `ptxas` says of a PTX: registers, shared memory, stack and spills.

use anyhow::{Context, Result, bail};
use regex::Regex;
use std::path::Path;
use std::process::Command;

/// What one kernel takes on one architecture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kernel {
    pub(super) name: String,
    pub(super) registers: u32,
    /// Bytes, without what a launch asks for.
    pub(super) shared: u32,
    /// Bytes a thread.
    pub(super) stack: u32,
    /// Bytes stored and loaded because registers ran out.
    pub(super) spills: u32,
}

/// Assembles `ptx` for `sm`, the name of which is `path` in messages.
///
/// # Errors
/// What ptxas does not take, by `path` and line.
pub(super) fn assemble(ptxas: &Path, path: &str, ptx: &str, sm: u32) -> Result<Vec<Kernel>> {
    let folder = tempfile::tempdir().context("could not make a temporary folder")?;
    let input = folder.path().join("in.ptx");
    std::fs::write(&input, ptx).with_context(|| format!("could not write {}", input.display()))?;
    let output = Command::new(ptxas)
        .args(["-v", &format!("-arch=sm_{sm}"), "in.ptx", "-o", "out.cubin"])
        .current_dir(folder.path())
        .output()
        .with_context(|| format!("could not start {}", ptxas.display()))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}", at_lines(&said, path).trim_end());
    }
    for line in said.lines().filter(|line| line.contains("warning")) {
        eprintln!("{path}: sm_{sm}: {line}");
    }
    kernels(&said).with_context(|| format!("{path}: ptxas for sm_{sm} said what is not understood"))
}

/// `ptxas in.ptx, line 7; error : x` as `path:7: error : x`.
fn at_lines(said: &str, path: &str) -> String {
    let place = Regex::new(r"(?m)^ptxas in\.ptx, line ([0-9]+); *").expect("a valid pattern");
    place
        .replace_all(said, format!("{path}:$1: ").as_str())
        .replace("in.ptx", path)
}

/// The kernels in what `ptxas -v` says. Functions that a kernel calls count as its own.
fn kernels(said: &str) -> Result<Vec<Kernel>> {
    let pattern = |text| Regex::new(text).expect("a valid pattern");
    let entry = pattern(r"Compiling entry function '([^']+)'");
    let frame =
        pattern(r"([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores, ([0-9]+) bytes spill");
    let used = pattern(r"Used ([0-9]+) registers");
    let shared = pattern(r"([0-9]+) bytes smem");
    let number = |text: &str| text.parse::<u32>().context("a number is too large");
    let mut kernels: Vec<Kernel> = Vec::new();
    for line in said.lines() {
        if let Some(found) = entry.captures(line) {
            kernels.push(Kernel {
                name: found[1].to_owned(),
                ..Kernel::default()
            });
            continue;
        }
        let Some(kernel) = kernels.last_mut() else {
            continue;
        };
        if let Some(found) = frame.captures(line) {
            kernel.stack += number(&found[1])?;
            kernel.spills += number(&found[2])? + number(&found[3])?;
        }
        if let Some(found) = used.captures(line) {
            kernel.registers = number(&found[1])?;
            kernel.shared = shared
                .captures(line)
                .map_or(Ok(0), |found| number(&found[1]))?;
        }
    }
    if let Some(kernel) = kernels.iter().find(|kernel| kernel.registers == 0) {
        bail!("no line with the registers of {}", kernel.name);
    }
    Ok(kernels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
ptxas info    : 304 bytes gmem, 304 bytes cmem[4]
ptxas info    : Compiling entry function 'map_a' for 'sm_75'
ptxas info    : Function properties for map_a
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, used 1 barriers, 512 bytes smem, 376 bytes cmem[0]
ptxas info    : Compile time = 8.560 ms
ptxas info    : Compiling entry function 'map_b' for 'sm_75'
ptxas info    : Function properties for map_b
    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 255 registers, 360 bytes cmem[0]
ptxas info    : Function properties for helper
    8 bytes stack frame, 0 bytes spill stores, 20 bytes spill loads
";

    #[test]
    fn what_ptxas_says_is_read() {
        let kernel = |name: &str, [registers, shared, stack, spills]: [u32; 4]| Kernel {
            name: name.to_owned(),
            registers,
            shared,
            stack,
            spills,
        };
        assert_eq!(
            kernels(SAID).unwrap(),
            [
                kernel("map_a", [12, 512, 0, 0]),
                kernel("map_b", [255, 0, 24, 32])
            ]
        );
        assert_eq!(kernels("ptxas info    : 0 bytes gmem\n").unwrap(), []);
        let cut = SAID.replace("Used 255", "Takes 255");
        let error = kernels(&cut).unwrap_err().to_string();
        assert_eq!(error, "no line with the registers of map_b");
    }

    #[test]
    fn faults_are_placed_in_the_file_that_is_committed() {
        let said = "ptxas in.ptx, line 70; error   : Not a name: 'movv'\nptxas fatal   : aborted\n";
        assert_eq!(
            at_lines(said, "kernels/map.75.ptx"),
            "kernels/map.75.ptx:70: error   : Not a name: 'movv'\nptxas fatal   : aborted\n"
        );
    }
}

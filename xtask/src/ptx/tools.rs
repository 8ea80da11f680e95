//! The two compilers, at the versions that are pinned, in the user's cache.

use super::source::{NVRTC, Source};
use crate::command;
use anyhow::{Context, Result, anyhow, bail, ensure};
use etcetera::BaseStrategy;
use regex::{Captures, Regex};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version of the package that has `ptxas`.
const NVCC: &str = "13.0.88";
const SCRIPT: &str = "xtask/src/ptx/nvrtc.py";

/// Where the compilers are.
pub(super) struct Tools {
    python: PathBuf,
    script: PathBuf,
    nvrtc: PathBuf,
    pub(super) ptxas: PathBuf,
}

impl Tools {
    /// Finds the compilers in the user's cache, or puts them there.
    ///
    /// # Errors
    /// Without Python, network or a build of the compilers for this system.
    pub(super) fn get(root: &Path) -> Result<Self> {
        let python = command::python(root, None, &["ctypes", "venv", "ensurepip"])
            .map_err(|_| anyhow!("no Python 3 with ctypes and venv (Debian: python3-venv)"))?;
        let cache = etcetera::choose_base_strategy()
            .context("this user has no folder for caches")?
            .cache_dir()
            .join("detach");
        let site = cache.join(format!("nvrtc-{NVRTC}-ptxas-{NVCC}"));
        if !site.is_dir() {
            install(&python, &cache, &site)?;
        }
        let nvidia = site.join("nvidia");
        let find = |folder: &str, names: &[&str]| {
            let found = file_in(&nvidia.join(folder), names);
            found.with_context(|| format!("no {} in {}", names[0], nvidia.display()))
        };
        let library = |folder| find(folder, &["libnvrtc.so", "nvrtc64_"]);
        Ok(Self {
            nvrtc: library("cuda_nvrtc/lib").or_else(|_| library("cuda_nvrtc/bin"))?,
            ptxas: find("cu13/bin", &["ptxas"])?,
            python,
            script: root.join(SCRIPT),
        })
    }

    /// The PTX of every job, as NVRTC makes it. Warnings go to stderr.
    ///
    /// # Errors
    /// All that NVRTC has against the sources, as `file:line: message`.
    pub(super) fn compile(&self, jobs: &[(&Source, u32)]) -> Result<Vec<String>> {
        let job = |(source, target): &(&Source, u32)| {
            json!({
                "name": source.path,
                "text": source.text,
                "headers": source.spelled(),
                "options": source.options(*target),
            })
        };
        let results = self.ask(&jobs.iter().map(job).collect())?;
        ensure!(results.len() == jobs.len(), "NVRTC did not answer all jobs");
        let mut texts = Vec::new();
        let mut faults = String::new();
        for ((source, target), result) in jobs.iter().zip(&results) {
            let log = placed(source, result["log"].as_str().unwrap_or_default());
            match result["ptx"].as_str() {
                Some(ptx) => texts.push(source.stamped(*target, ptx)),
                // A fault is the same for every target, unless it is not.
                None if faults.contains(log.trim()) => {}
                None => faults += &format!("{}\n", log.trim()),
            }
            if result["ptx"].is_string() && !log.trim().is_empty() {
                eprintln!("{}", log.trim());
            }
        }
        if !faults.is_empty() {
            bail!("NVRTC {NVRTC} does not compile this:\n{}", faults.trim());
        }
        Ok(texts)
    }

    /// Runs the script on a list of jobs.
    fn ask(&self, jobs: &Vec<Value>) -> Result<Vec<Value>> {
        let mut script = Command::new(&self.python);
        script.arg(&self.script).arg(&self.nvrtc);
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().with_context(|| command::could_not(script))?;
        let mut stdin = child.stdin.take().context("no pipe to Python")?;
        stdin.write_all(&serde_json::to_vec(jobs)?)?;
        drop(stdin);
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "{SCRIPT} ended with {}",
            output.status
        );
        serde_json::from_slice(&output.stdout).context("NVRTC's answer is no JSON")
    }
}

/// Installs both packages, and nothing half: the folder appears when it is whole.
fn install(python: &Path, cache: &Path, site: &Path) -> Result<()> {
    eprintln!("ptx: fetching NVRTC {NVRTC} and ptxas {NVCC} (60 MB) from PyPI, once");
    std::fs::create_dir_all(cache).with_context(|| format!("no folder {}", cache.display()))?;
    let folder = tempfile::tempdir_in(cache)?;
    let venv = folder.path().join("venv");
    quiet(Command::new(python).args(["-m", "venv"]).arg(&venv))?;
    let inside = match cfg!(windows) {
        true => venv.join("Scripts/python.exe"),
        false => venv.join("bin/python"),
    };
    let whole = folder.path().join("site");
    let mut pip = Command::new(inside);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-cache-dir",
    ]);
    pip.args(["--disable-pip-version-check", "--only-binary", ":all:"]);
    pip.args(["--retries", "2", "--timeout", "20"]);
    pip.arg("--target").arg(&whole);
    pip.arg(format!("nvidia-cuda-nvrtc-cu12=={NVRTC}"));
    pip.arg(format!("nvidia-cuda-nvcc=={NVCC}"));
    quiet(&mut pip)?;
    match std::fs::rename(&whole, site) {
        // Another process was faster: what it has installed is the same.
        Err(_) if site.is_dir() => Ok(()),
        renamed => renamed.with_context(|| format!("could not make {}", site.display())),
    }
}

/// Runs a command that has nothing to say unless it fails.
fn quiet(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| command::could_not(command))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| line.contains("ERROR"));
    let last = last.or_else(|| said.lines().last()).unwrap_or_default();
    bail!("{}", last.trim().trim_start_matches("ERROR: "))
}

/// The file whose name begins with one of `names`, the shortest if there are several.
fn file_in(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let name = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let fits = |path: &PathBuf| {
        name(path).is_some_and(|name| names.iter().any(|start| name.starts_with(start)))
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(fits).collect();
    found.sort_by_key(|path| path.as_os_str().len());
    found.into_iter().next()
}

/// NVRTC's `map.cuh(3): error: x` as `kernels/map.cuh:3: error: x`.
fn placed(source: &Source, log: &str) -> String {
    let place = Regex::new(r"(?m)^([^ ()]+\.cuh?)\(([0-9]+)\): ").expect("a valid pattern");
    let told = place.replace_all(log, |found: &Captures<'_>| {
        format!("{}:{}: ", source.path_of(&found[1]), &found[2])
    });
    told.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn messages_name_files_of_the_repository() {
        let tree = Tree::of_texts(&[
            ("kernels/a.cuh", "#include \"b.cuh\""),
            ("kernels/b.cuh", ""),
            ("kernels/ladder/0.cu", "#include \"../a.cuh\""),
        ]);
        let source = Source::read(&tree, "kernels/ladder/0.cu").unwrap();
        let log = "../a.cuh(1): error: x\n  b(2): y\nb.cuh(2): warning: z\nkernels/ladder/0.cu(3): error: (4): w\n";
        assert_eq!(
            placed(&source, log),
            "kernels/a.cuh:1: error: x\n  b(2): y\nkernels/b.cuh:2: warning: z\nkernels/ladder/0.cu:3: error: (4): w\n"
        );
    }

    #[test]
    fn the_plainest_name_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libnvrtc.so.12",
            "libnvrtc-builtins.so.12.0",
            "libnvrtc.so.12.alt",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = file_in(folder.path(), &["libnvrtc.so", "nvrtc64_"]).unwrap();
        assert_eq!(found, folder.path().join("libnvrtc.so.12"));
        assert_eq!(file_in(folder.path(), &["ptxas"]), None);
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let mut cargo = command::cargo();
        let error = quiet(cargo.arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.contains("help"), "{error}");
    }
}

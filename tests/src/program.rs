//! The `gan` program as its users call it: in a folder of its own, on 64 digits, with
//! nothing of the surroundings (data, caches, colours, GPUs) that could change what it does.

mod process;

pub use process::{cpu_time, ended, random_below, signal, wait_until};

use crate::emulated::{self, Variant};
use crate::repository;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Metrics {
    /// The version of the line.
    pub version: u32,
    /// Steps done.
    pub step: u64,
    /// Epochs done, with a fraction.
    pub epoch: f64,
    /// Milliseconds a step.
    pub step_ms: f64,
    /// Images a second.
    pub images_per_s: f64,
    /// What the recipe reports.
    #[serde(flatten)]
    pub numbers: BTreeMap<String, f64>,
}

impl Metrics {
    /// D's and G's loss.
    ///
    /// # Panics
    /// When there is none.
    pub fn losses(&self) -> [f64; 2] {
        ["d_loss", "g_loss"].map(|name| self.numbers[name])
    }
}

/// The program, built as this test was: same profile, same target folder.
///
/// # Panics
/// When it cannot be built.
pub fn gan() -> &'static Path {
    static GAN: OnceLock<PathBuf> = OnceLock::new();
    GAN.get_or_init(build)
}

/// Cargo builds a program for the integration tests of its own package only. Ours is
/// another, so the build is asked for here; it is a matter of milliseconds when the
/// program is there and fresh.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    // TARGET[/TRIPLE]/PROFILE/deps/TEST
    let folder = test
        .ancestors()
        .nth(2)
        .expect("a test lies below its profile's folder");
    let above = folder
        .parent()
        .expect("a profile's folder lies below the target folder");
    let is_target = |folder: &Path| folder.join(".rustc_info.json").is_file();
    let (target, triple) = match above.parent() {
        Some(target) if !is_target(above) && is_target(target) => (target, above.file_name()),
        _ => (above, None),
    };
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let own_name = test.file_stem().and_then(|name| name.to_str());
    let (own_name, _hash) = own_name
        .and_then(|name| name.rsplit_once('-'))
        .expect("cargo names a test TEST-HASH");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // As a part of the workspace and beside a test: cargo chooses the features of what they share
    // for all of them together, and by itself the program would have its libraries compiled again.
    cargo
        .args(["build", "--workspace", "--bin", "gan"])
        .args(["--test", own_name])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(repository());
    if let Some(triple) = triple {
        cargo.arg("--target").arg(triple);
    }
    // What cargo tells this test about itself would look to build scripts like a change.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo could not build the program");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        // Beside it are the test, and the programs of the test's own package.
        let target = &message["target"];
        let is_program = target["name"] == "gan" && target["kind"] == serde_json::json!(["bin"]);
        let executable = message["executable"].as_str().filter(|_| is_program);
        executable.map(PathBuf::from)
    });
    executable.expect("cargo names the program that it built")
}

/// Says why this test did not run, past the capture of passing tests.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// A working folder that vanishes, with 64 digits in `digits`.
#[derive(Debug)]
pub struct Sandbox {
    dir: TempDir,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// A folder with `digits` and nothing else.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Self { dir };
        let digits = sandbox.path("digits");
        fs::create_dir(&digits).expect("a folder");
        for entry in fs::read_dir(repository().join("data/fixture")).expect("the fixture") {
            let entry = entry.expect("a file of the fixture");
            fs::copy(entry.path(), digits.join(entry.file_name())).expect("a copy");
        }
        sandbox
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `gan` with these words, split at spaces.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(gan());
        command.args(words.split_whitespace());
        self.isolate(&mut command);
        command
    }

    /// A shell, in which `$gan` is the program.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("gan", gan());
        self.isolate(&mut command);
        command
    }

    /// `gan` with these words where the emulated device is, with `environment`; `None`, and a
    /// line that says so, where there is no g++ to build it with.
    ///
    /// # Panics
    /// When it does not compile.
    pub fn on_emulated(&self, words: &str, environment: &[(&str, &str)]) -> Option<Done> {
        let library = emulated::library(Variant::Plain, &emulated::kernels())?;
        let mut command = emulated::under(Variant::Plain, &library, gan());
        command.args(words.split_whitespace());
        self.isolate(&mut command);
        command.env_remove("CUDA_VISIBLE_DEVICES");
        command.envs(environment.iter().copied());
        Some(Done::of(command, words))
    }

    fn isolate(&self, command: &mut Command) {
        for name in [
            "GAN_DATA_DIR",
            "GAN_LOG",
            "GAN_MIRROR",
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "RUST_BACKTRACE",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.dir.path())
            // The same on a machine with a GPU.
            .env("CUDA_VISIBLE_DEVICES", "")
            .env("XDG_CACHE_HOME", self.path("cache"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
    }

    /// Runs `gan` with these words to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn gan(&self, words: &str) -> Done {
        Done::of(self.command(words), words)
    }

    /// Runs `gan`, which must succeed.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn ok(&self, words: &str) -> Done {
        let done = self.gan(words);
        assert_eq!(done.code, Some(0), "{done}");
        done
    }

    /// Starts `gan` with these words, silent.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, words: &str) -> Child {
        let mut command = self.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// The lines of `RUN/metrics.jsonl`; none where there is no such file yet.
    ///
    /// # Panics
    /// When a whole line is not what is written there.
    pub fn metrics(&self, run: &str) -> Vec<Metrics> {
        let text = fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        whole.lines().map(parse).collect()
    }

    /// SHA-256 of the checkpoint that `RUN` wrote at `step`.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn hash(&self, run: &str, step: u64) -> String {
        let path = self.checkpoint(run, step);
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Where `RUN` keeps its checkpoint of `step`.
    pub fn checkpoint(&self, run: &str, step: u64) -> PathBuf {
        self.path(run)
            .join(format!("checkpoints/step-{step:08}.safetensors"))
    }

    /// The steps of which `RUN` has checkpoints, in order.
    pub fn checkpoints(&self, run: &str) -> Vec<u64> {
        let step = |path: &String| {
            let name = path.strip_prefix("checkpoints/step-")?;
            name.strip_suffix(".safetensors")?.parse().ok()
        };
        self.files(run).keys().filter_map(step).collect()
    }

    /// Every file below `name`, hidden ones too, and its length.
    pub fn files(&self, name: &str) -> BTreeMap<String, u64> {
        let root = self.path(name);
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.metadata() {
                    Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                    Ok(meta) => {
                        let path = entry.path();
                        let below = path.strip_prefix(&root).unwrap_or(&path);
                        files.insert(below.display().to_string(), meta.len());
                    }
                    // Gone since it was listed.
                    Err(_) => {}
                }
            }
        }
        files
    }
}

/// What a program that ended left behind.
#[derive(Debug)]
pub struct Done {
    /// What it was called with.
    pub words: String,
    /// The exit code; `None` when a signal killed it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Done {
    /// Runs `command` to its end; `words` are for messages.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn of(mut command: Command, words: &str) -> Self {
        Self::from_output(words, command.output().expect("the program starts"))
    }

    /// What `gan` with these words left behind.
    pub fn from_output(words: &str, output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            words: words.to_owned(),
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// It must have failed with `code` and one clear error that has all of `parts`.
    ///
    /// # Panics
    /// When it did otherwise.
    #[track_caller]
    pub fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(!self.stderr.contains("panicked"), "{self}");
        let errors = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error:"));
        assert_eq!(errors.count(), 1, "{self}");
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no `{part}` in what it says\n{self}"
            );
        }
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            words,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "gan {words}\nexit code {code:?}\n-- stdout\n{stdout}\n-- stderr\n{stderr}"
        )
    }
}

/// A Python that has all of `modules`: `$PYTHON`, the repository's `.venv`, or
/// `python3`. A `$PYTHON` that cannot is a mistake, not a reason to skip.
///
/// # Panics
/// When `$PYTHON` is set and lacks a module.
pub fn python(modules: &[&str]) -> Option<PathBuf> {
    // Found, not loaded: that takes PyTorch seconds.
    let script = "import sys, importlib.util as u; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))";
    let has_modules = |python: &PathBuf| {
        let run = Command::new(python)
            .args(["-c", script])
            .args(modules)
            .output();
        run.is_ok_and(|output| output.status.success())
    };
    if let Some(given) = std::env::var_os("PYTHON").map(PathBuf::from) {
        assert!(
            has_modules(&given),
            "PYTHON={} cannot import {modules:?}",
            given.display()
        );
        return Some(given);
    }
    let ours = repository().join(".venv/bin/python");
    [ours, PathBuf::from("python3")]
        .into_iter()
        .find(has_modules)
}

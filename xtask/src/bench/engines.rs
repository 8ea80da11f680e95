//! The engines that take turns: how each is built and started.

use super::server::Server;
use crate::command;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Engine {
    Ours,
    /// Ours on one thread.
    OursAlone,
    PyTorch,
    Burn,
    Candle,
}

impl Engine {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursAlone => "ours, 1 thread",
            Self::PyTorch => "PyTorch",
            Self::Burn => "burn",
            Self::Candle => "candle",
        }
    }
}

/// Bytes that glibc's allocator keeps instead of giving them back: more than a step holds.
const KEPT: &str = "8000000000";

/// Every engine that could be had.
pub(super) struct Engines {
    threads: usize,
    programs: BTreeMap<Engine, PathBuf>,
    running: BTreeMap<Engine, Server>,
    script: PathBuf,
    /// `gan`, as users run it.
    pub(super) gan: PathBuf,
    /// What our engine computes with: `AVX-512`.
    pub(super) simd: String,
}

impl Engines {
    /// Builds ours, and those of `wanted` that can be had; says in a line each which
    /// cannot.
    pub(super) fn build(
        root: &Path,
        threads: usize,
        wanted: &[Engine],
        python: Option<PathBuf>,
    ) -> Result<Self> {
        say("building ours");
        let mut cargo = command::cargo();
        cargo.current_dir(root).args(["build", "--release"]);
        cargo.args(["-p", "detach-bench-tools", "-p", "detach-gan", "--bins"]);
        let built = executables(cargo)?;
        let program = |name: &str| -> Result<PathBuf> {
            let found = built.get(name).cloned();
            found.with_context(|| format!("cargo built no `{name}`"))
        };
        let ours = program("ours")?;
        let mut engines = Self {
            threads,
            programs: BTreeMap::from([(Engine::Ours, ours.clone()), (Engine::OursAlone, ours)]),
            running: BTreeMap::new(),
            script: root.join("benches/peers/pytorch.py"),
            gan: program("gan")?,
            simd: String::new(),
        };
        engines.simd = engines.server(Engine::Ours)?.info()?;
        for (engine, crate_name) in [(Engine::Burn, "burn"), (Engine::Candle, "candle")] {
            if !wanted.contains(&engine) {
                continue;
            }
            say(&format!(
                "building {crate_name}, which takes minutes the first time"
            ));
            match crate_peer(root, crate_name, &engines.simd) {
                Ok(path) => drop(engines.programs.insert(engine, path)),
                Err(error) => say(&format!("without {crate_name}: {error:#}")),
            }
        }
        if wanted.contains(&Engine::PyTorch) {
            match command::python(root, python, &["torch"]) {
                Ok(path) => drop(engines.programs.insert(Engine::PyTorch, path)),
                Err(error) => say(&format!("without PyTorch: {error:#}")),
            }
        }
        Ok(engines)
    }

    pub(super) fn has(&self, engine: Engine) -> bool {
        self.programs.contains_key(&engine)
    }

    /// A time or a value; the engine is started if it does not run yet.
    pub(super) fn ask(&mut self, engine: Engine, runs: usize, case: &str) -> Result<f64> {
        self.server(engine)?.ask(runs, case)
    }

    /// The name and version that an engine gives itself.
    pub(super) fn info(&mut self, engine: Engine) -> Result<String> {
        self.server(engine)?.info()
    }

    fn server(&mut self, engine: Engine) -> Result<&mut Server> {
        if !self.running.contains_key(&engine) {
            let mut start = self.command(engine)?;
            // What PyTorch frees stays with it, or it would get its large results as
            // new pages each time, and slow: this is its best. Memory is measured
            // without; see `fresh`.
            for name in ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"] {
                start.env(name, KEPT);
            }
            self.running.insert(engine, Server::start(start)?);
        }
        let server = self.running.get_mut(&engine);
        server.context("just started")
    }

    /// A process of the engine that has done nothing yet.
    pub(super) fn fresh(&self, engine: Engine) -> Result<Server> {
        Server::start(self.command(engine)?)
    }

    fn command(&self, engine: Engine) -> Result<Command> {
        let Some(program) = self.programs.get(&engine) else {
            bail!("{} is not here", engine.name());
        };
        let threads = match engine {
            Engine::OursAlone => 1,
            _ => self.threads,
        };
        let mut run = Command::new(program);
        if engine == Engine::PyTorch {
            run.arg(&self.script);
        }
        run.arg("--threads").arg(threads.to_string());
        // candle asks this variable, and not its pool, how to split its products.
        run.env("RAYON_NUM_THREADS", threads.to_string());
        Ok(run)
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }
}

/// A line about what goes on, beside the table.
pub(super) fn say(text: &str) {
    eprintln!("bench: {text}");
}

/// The crates are compiled for what this processor has, which they choose when they
/// are built: the best that a user of theirs can do.
fn crate_peer(root: &Path, name: &str, simd: &str) -> Result<PathBuf> {
    let target = match simd {
        "AVX-512" => "-C target-cpu=x86-64-v4",
        "AVX2" => "-C target-cpu=x86-64-v3",
        _ => "",
    };
    let mut cargo = command::cargo();
    cargo.current_dir(root.join("benches/peers").join(name));
    cargo.args(["build", "--release"]).env("RUSTFLAGS", target);
    // A folder of its own: other flags would build ours anew each time.
    cargo.env_remove("CARGO_TARGET_DIR");
    let built = executables(cargo)?;
    let built = built.get(&format!("peer-{name}")).cloned();
    built.context("cargo built no program")
}

/// Runs a cargo build and returns the programs it made, by name.
fn executables(mut cargo: Command) -> Result<BTreeMap<String, PathBuf>> {
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.stderr(Stdio::inherit());
    let output = cargo.output().with_context(|| command::could_not(&cargo))?;
    ensure!(
        output.status.success(),
        "the build ended with {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(executable).collect())
}

fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_from_cargos_messages() {
        let line =
            r#"{"reason":"compiler-artifact","target":{"name":"gan"},"executable":"/t/gan"}"#;
        let expected = ("gan".to_owned(), PathBuf::from("/t/gan"));
        assert_eq!(executable(line), Some(expected));
        for other in [
            r#"{"reason":"compiler-artifact","target":{"name":"gan"},"executable":null}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "running 3 tests",
        ] {
            assert_eq!(executable(other), None, "{other}");
        }
    }
}

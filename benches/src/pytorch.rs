//! PyTorch on the same machine: `peers/pytorch.py`, a server that answers requests as
//! `protocol.rs` describes.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Bytes that glibc's allocator keeps instead of giving them back. Without, PyTorch would get
/// every large result as new pages from the system, and be slower than it can be.
const KEPT: &str = "8000000000";

/// The folder of `pytorch.py` in the sources that this was built from.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// A running PyTorch. It ends with its standard input, hence with this.
#[derive(Debug)]
pub struct PyTorch {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    threads: Option<usize>,
    info: String,
}

impl PyTorch {
    /// Starts the script in the folder `scripts`, on `cpu` or `cuda`, and waits until it is
    /// ready.
    ///
    /// # Errors
    /// When it cannot be started, or ends: this Python has no PyTorch.
    pub fn start(python: &Path, scripts: &Path, device: &str) -> Result<Self, String> {
        let mut child = Command::new(python)
            .arg(scripts.join("pytorch.py"))
            .args(["--device", device])
            .envs(["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"].map(|name| (name, KEPT)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A traceback would say in twenty lines that there is no torch.
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start `{}`: {error}", python.display()))?;
        let answers = child.stdout.take().ok_or("a piped output is there")?;
        let mut started = Self {
            requests: child.stdin.take(),
            child,
            answers: BufReader::new(answers),
            threads: None,
            info: String::new(),
        };
        let answer = started.exchange("1 info").map_err(|error| {
            format!(
                "`{}` does not run pytorch.py; `{} -m pip install torch` may be missing ({error})",
                python.display(),
                python.display()
            )
        })?;
        let text = answer.get("text").and_then(Value::as_str);
        started.info = text.ok_or("PyTorch did not say what it is")?.to_owned();
        Ok(started)
    }

    /// What it says of itself: `PyTorch 2.11.0`.
    pub fn info(&self) -> &str {
        &self.info
    }

    /// The median of `runs` runs in milliseconds, or the value that a case has instead.
    ///
    /// # Errors
    /// When it has no such case, or ended.
    pub fn ask(&mut self, runs: u64, case: &str) -> Result<f64, String> {
        let answer = self.exchange(&format!("{runs} {case}"))?;
        let number = answer.get("ms").or_else(|| answer.get("value"));
        let number = number.and_then(Value::as_f64);
        number.ok_or_else(|| format!("`{case}`: not a number"))
    }

    /// Which of these numbers of threads is fastest for `case`, by the median of a few runs
    /// each.
    ///
    /// # Errors
    /// As [`PyTorch::ask`].
    pub fn best_threads(&mut self, case: &str, choices: &[usize]) -> Result<usize, String> {
        let mut best = (f64::INFINITY, 1);
        for &threads in choices {
            let ms = self.ask_with(threads, 5, case)?;
            if ms < best.0 {
                best = (ms, threads);
            }
        }
        Ok(best.1)
    }

    /// [`PyTorch::ask`] with so many threads.
    ///
    /// # Errors
    /// As [`PyTorch::ask`].
    pub fn ask_with(&mut self, threads: usize, runs: u64, case: &str) -> Result<f64, String> {
        if self.threads != Some(threads) {
            self.ask(1, &format!("threads {threads}"))?;
            self.threads = Some(threads);
        }
        self.ask(runs, case)
    }

    fn exchange(&mut self, request: &str) -> Result<Value, String> {
        let requests = self.requests.as_mut().ok_or("PyTorch was stopped")?;
        let mut line = String::new();
        let answered = writeln!(requests, "{request}")
            .and_then(|()| requests.flush())
            .and_then(|()| self.answers.read_line(&mut line));
        let ended = |error: String| format!("PyTorch ended at `{request}`: {error}");
        answered.map_err(|error| ended(error.to_string()))?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| ended(error.to_string()))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer),
        }
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_start_is_an_error_with_a_cure() {
        let start = |python: &str| PyTorch::start(Path::new(python), &scripts(), "cpu");
        let error = start("no-such-python").expect_err("there is none");
        assert!(
            error.starts_with("cannot start `no-such-python`"),
            "{error}"
        );
        // A program that is no Python ends without an answer.
        let error = start("true").expect_err("no server");
        assert!(error.contains("pip install torch"), "{error}");
    }
}

//! PyTorch on the same device: `benches/peers/pytorch.py --device cuda`, a server that answers
//! requests as `protocol.rs` describes.

use super::Ceilings;
use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running PyTorch. It ends with its standard input, hence with this.
#[derive(Debug)]
pub struct PyTorch {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl PyTorch {
    /// Starts the script in the folder `scripts`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(python: &Path, scripts: &Path) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(scripts.join("pytorch.py"))
            .args(["--device", "cuda"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let answers = child.stdout.take().context("a piped output is there")?;
        Ok(Self {
            requests: child.stdin.take(),
            child,
            answers: BufReader::new(answers),
        })
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn info(&mut self) -> Result<String> {
        let answer = self.exchange("1 info")?;
        let text = answer.get("text").and_then(Value::as_str);
        Ok(text.context("PyTorch did not say what it is")?.to_owned())
    }

    /// The median of `runs` runs in milliseconds, or the value that a case has instead.
    ///
    /// # Errors
    /// When it has no such case, or ended.
    pub fn ask(&mut self, runs: usize, case: &str) -> Result<f64> {
        let answer = self.exchange(&format!("{runs} {case}"))?;
        let number = answer.get("ms").or_else(|| answer.get("value"));
        number.and_then(Value::as_f64).context("not a number")
    }

    /// What it reaches itself.
    pub(super) fn ceilings(&mut self) -> Ceilings {
        let mut ask = |case| match self.ask(1, case) {
            Ok(value) => Some(value),
            Err(error) => {
                eprintln!("          PyTorch, {case}: {error:#}");
                None
            }
        };
        Ceilings {
            fp32: ask("peak fp32"),
            tf32: ask("peak tf32"),
            copy: ask("copy"),
        }
    }

    fn exchange(&mut self, request: &str) -> Result<Value> {
        let requests = self.requests.as_mut().context("PyTorch was stopped")?;
        writeln!(requests, "{request}")?;
        requests.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("PyTorch ended at `{request}`"))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(anyhow!("{error}")),
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

//! An engine that runs as a process of its own and answers requests, a line each; see
//! `benches/src/protocol.rs`.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running engine. It ends with its standard input, hence with this.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| crate::command::could_not(&command))?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("a piped output is there")?;
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// The median of `runs` runs of `case` in milliseconds, or the value that the case
    /// has instead of a time.
    pub(super) fn ask(&mut self, runs: usize, case: &str) -> Result<f64> {
        let line = self.exchange(&format!("{runs} {case}"))?;
        number(&line).with_context(|| format!("`{case}`"))
    }

    /// What the engine says of itself.
    pub(super) fn info(&mut self) -> Result<String> {
        let line = self.exchange("1 info")?;
        match field(&line, "text")? {
            Value::String(text) => Ok(text),
            other => bail!("not a text: {other}"),
        }
    }

    fn exchange(&mut self, request: &str) -> Result<String> {
        let requests = self.requests.as_mut().context("the server was stopped")?;
        let mut line = String::new();
        writeln!(requests, "{request}")?;
        requests.flush()?;
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the server ended without an answer to `{request}`");
        }
        Ok(line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.requests = None;
        // One that is in the middle of something is not waited for.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn number(line: &str) -> Result<f64> {
    let value = field(line, "ms").or_else(|error| field(line, "value").map_err(|_| error))?;
    value.as_f64().context("not a number")
}

/// A field of an answer, or the error that stands there instead.
fn field(line: &str, name: &str) -> Result<Value> {
    let answer: Value =
        serde_json::from_str(line).with_context(|| format!("not an answer: {line}"))?;
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        return Err(anyhow!("{error}"));
    }
    let value = answer.get(name).cloned();
    value.with_context(|| format!("no {name} in {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_numbers_or_errors() {
        assert_eq!(number("{\"ms\":1.5,\"runs\":3}").unwrap(), 1.5);
        assert_eq!(number("{\"value\":500}").unwrap(), 500.0);
        let error = number("{\"error\":\"there is no recipe `x`\"}").unwrap_err();
        assert_eq!(error.to_string(), "there is no recipe `x`");
        for line in [
            "",
            "7",
            "{\"text\":\"x\"}",
            "{\"ms\":\"x\"}",
            "{\"ms\":NaN}",
        ] {
            assert!(number(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_server_that_ends_is_an_error() {
        let mut server = Server::start(crate::command::cargo()).unwrap();
        // Without a task cargo prints its help, which is no answer.
        assert!(server.ask(1, "peak").is_err());
        assert!(Server::start(Command::new("no-such-program")).is_err());
    }
}

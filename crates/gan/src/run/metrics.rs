//! `metrics.jsonl`: a line of JSON each few steps, with a version.

use super::folder::Run;
use anyhow::{Context, Result};
use detach_recipes::{At, Flow, Metrics, Observer};
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The version of a line. Lines without one are of version 0, which knew the numbers of one shape
/// of recipe only; the keys that both have mean the same.
pub const VERSION: u32 = 1;

/// A line of metrics as JSON: `version`, `step`, `epoch`, the recipe's own numbers by name,
/// `step_ms`, `images_per_s`.
pub fn line(metrics: &Metrics) -> String {
    let mut out = format!("{{\"version\":{VERSION},\"step\":{}", metrics.step);
    let numbers = metrics.scalars.iter().copied();
    let before = [("epoch", metrics.epoch)];
    let after = [
        ("step_ms", metrics.step_ms),
        ("images_per_s", metrics.images_per_s),
    ];
    for (name, value) in before.into_iter().chain(numbers).chain(after) {
        out += &format!(",{}:{}", json!(name), json!(value));
    }
    out.push('}');
    out
}

/// Appends to `metrics.jsonl`.
#[derive(Debug)]
pub struct MetricsWriter {
    path: PathBuf,
    file: File,
}

impl MetricsWriter {
    /// Opens the run's file, which from now on describes its first `step` steps.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn open(run: &Run, step: u64) -> Result<Self> {
        let path = run.metrics();
        trim(&path, step)?;
        let file = File::options().create(true).append(true).open(&path);
        Ok(Self {
            file: file.with_context(|| cannot_write(&path))?,
            path,
        })
    }

    /// A whole line or nothing: a disk that fills up leaves no half of one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, metrics: &Metrics) -> Result<()> {
        let mut line = line(metrics).into_bytes();
        line.push(b'\n');
        let length = self.file.metadata().map(|meta| meta.len());
        let written = self.file.write_all(&line);
        if let (Err(_), Ok(length)) = (&written, length) {
            // The error that matters is the one below.
            let _ = self.file.set_len(length);
        }
        written.with_context(|| cannot_write(&self.path))
    }
}

impl Observer for MetricsWriter {
    fn metrics(&mut self, _: At<'_>, metrics: &Metrics) -> Result<Flow> {
        self.append(metrics)?;
        Ok(Flow::Continue)
    }
}

/// Drops lines of steps after `step`: a run that was killed wrote some that its checkpoint
/// does not know. A line is judged by its `step` alone, whatever else it holds; one that says no step, of
/// a newer version or of a person, stays. Half a line at the end goes, and a warning says so.
///
/// # Errors
/// When the file cannot be written.
pub fn trim(path: &Path, step: u64) -> Result<()> {
    let Ok(bytes) = fs::read(path) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&bytes);
    let is_kept = |line: &&str| step_of(line).is_none_or(|of| of <= step);
    let whole = match text.rfind('\n') {
        Some(end) => &text[..=end],
        None => "",
    };
    let half = &text[whole.len()..];
    if !half.is_empty() && step_of(half).is_none() {
        tracing::warn!(
            "{} ended in half a line, which is dropped: {half}",
            path.display()
        );
    }
    // A whole line whose end alone is missing is a line.
    let last = step_of(half).map(|_| half);
    let kept: String = whole
        .lines()
        .chain(last)
        .filter(is_kept)
        .flat_map(|line| [line, "\n"])
        .collect();
    if kept.as_bytes() != bytes {
        detach_files::write(path, |file| file.write_all(kept.as_bytes()))?;
    }
    Ok(())
}

/// The step of a line of metrics; `None` where it is no line of metrics.
fn step_of(line: &str) -> Option<u64> {
    let line: Map<String, Value> = serde_json::from_str(line).ok()?;
    line.get("step")?.as_u64()
}

fn cannot_write(path: &Path) -> String {
    format!(
        "cannot write {}; is the disk full, or the folder read-only?",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_recipe_and_version_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let before = "{\"step\":1,\"d_loss\":0.5,\"real_acc\":1.0}\n\
                      {\"version\":1,\"step\":2,\"w\":3.5}\n\
                      {\"version\":9,\"step\":3,\"of\":{\"the\":\"future\"}}\n\
                      a note that somebody left here\n\
                      {\"version\":1,\"step\":4,\"w\":2.5}\n";
        fs::write(&path, before).expect("a file");
        trim(&path, 4).expect("nothing to do");
        assert_eq!(fs::read_to_string(&path).expect("text"), before);
        trim(&path, 2).expect("trimmed");
        let kept: Vec<&str> = before.lines().collect();
        let expected = format!("{}\n{}\n{}\n", kept[0], kept[1], kept[3]);
        assert_eq!(fs::read_to_string(&path).expect("text"), expected);
    }

    #[test]
    fn half_a_line_goes_and_a_whole_one_without_its_end_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        for (before, after) in [
            ("{\"step\":1}\n{\"st", "{\"step\":1}\n"),
            ("{\"step\":1}\n{\"step\":2}", "{\"step\":1}\n{\"step\":2}\n"),
            ("{\"step\":1}\n{\"step\":7}", "{\"step\":1}\n"),
            ("", ""),
        ] {
            fs::write(&path, before).expect("a file");
            trim(&path, 5).expect("trimmed");
            assert_eq!(fs::read_to_string(&path).expect("text"), after);
        }
    }

    #[test]
    fn a_line_has_the_recipes_own_numbers() {
        let metrics = Metrics {
            step: 7,
            epoch: 0.5,
            scalars: vec![("w", 1.5), ("clipped", 0.25)],
            step_ms: 2.0,
            images_per_s: 32000.0,
        };
        let line: Value = serde_json::from_str(&line(&metrics)).expect("JSON");
        let expected = json!({
            "version": VERSION, "step": 7, "epoch": 0.5, "w": 1.5, "clipped": 0.25,
            "step_ms": 2.0, "images_per_s": 32000.0,
        });
        assert_eq!(line, expected);
    }
}

//! `metrics.jsonl`: a line of JSON each few steps, with a version.

use super::folder::Run;
use anyhow::{Context, Result, ensure};
use detach_recipes::{At, Flow, Metrics, Observer};
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The version of a line. Lines without one are of version 0, which knew the numbers of one shape
/// of recipe only; the keys that both have mean the same.
pub const VERSION: u32 = 1;

/// A line of metrics as JSON: `version`, `step`, `epoch`, the recipe's own numbers and scores by name,
/// `step_ms`, `images_per_s`.
pub fn line(metrics: &Metrics) -> String {
    let mut out = format!("{{\"version\":{VERSION},\"step\":{}", metrics.step);
    let numbers = metrics.scalars.iter().chain(&metrics.scores).copied();
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

/// Appends lines to a file.
#[derive(Debug)]
pub struct LineWriter {
    path: PathBuf,
    file: File,
}

impl LineWriter {
    /// Opens the file at `path`, which from now on describes a run's first `step` steps.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn open(path: PathBuf, step: u64) -> Result<Self> {
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
    pub fn append(&mut self, line: &str) -> Result<()> {
        let line = format!("{line}\n");
        let length = self.file.metadata().map(|meta| meta.len());
        let written = self.file.write_all(line.as_bytes());
        if let (Err(_), Ok(length)) = (&written, length) {
            // The error that matters is the one below.
            let _ = self.file.set_len(length);
        }
        written.with_context(|| cannot_write(&self.path))
    }
}

/// Calls `f` with each line of the file at `path`; never where there is none, or a folder in its place. What is no text,
/// or longer than any line of ours, is passed over.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn for_each_line(path: &Path, mut f: impl FnMut(&str)) -> Result<()> {
    let file = match detach_files::open(path) {
        Ok(file) => file,
        Err(error) if [ErrorKind::NotFound, ErrorKind::IsADirectory].contains(&error.kind()) => {
            return Ok(());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut pieces = Pieces::of(file);
    let cannot_read = || format!("cannot read {}", path.display());
    while let Some(piece) = pieces.next().with_context(cannot_read)? {
        if let (false, Ok(text)) = (piece.long, std::str::from_utf8(piece.bytes)) {
            f(text.trim_end());
        }
    }
    Ok(())
}

/// Appends to `metrics.jsonl`.
#[derive(Debug)]
pub struct MetricsWriter(LineWriter);

impl MetricsWriter {
    /// Opens the run's file, which from now on describes its first `step` steps.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn open(run: &Run, step: u64) -> Result<Self> {
        LineWriter::open(run.metrics(), step).map(Self)
    }

    /// A whole line or nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, metrics: &Metrics) -> Result<()> {
        self.0.append(&line(metrics))
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
/// a newer version or of a person, stays. Half a line at the end goes, and a warning says so. However large the
/// file is, a line of it is in memory.
///
/// # Errors
/// When the file cannot be read or written, or is a link or anything else but a file: such things are left alone.
pub fn trim(path: &Path, step: u64) -> Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    ensure!(
        kind.is_file(),
        "{} is {}, which is left alone; move it away",
        path.display(),
        if kind.is_symlink() {
            "a link"
        } else {
            "no plain file"
        }
    );
    let pieces = || -> Result<Pieces> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Pieces::of(file))
    };
    let mut change = false;
    let mut all = pieces()?;
    while let Some(piece) = all.next()? {
        if piece.is_half() && !piece.is_kept(step) && step_of(piece.bytes).is_none() {
            let half = String::from_utf8_lossy(piece.bytes);
            tracing::warn!(
                "{} ended in half a line, which is dropped: {half}",
                path.display()
            );
        }
        change |= !piece.is_kept(step) || piece.lacks_end();
    }
    if change {
        let mut all = pieces()?;
        detach_files::write(path, |out| {
            while let Some(piece) = all.next()? {
                if piece.is_kept(step) {
                    out.write_all(piece.bytes)?;
                    if piece.lacks_end() {
                        out.write_all(b"\n")?;
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A file line by line; a line longer than any of ours in several pieces.
struct Pieces {
    reader: BufReader<File>,
    bytes: Vec<u8>,
    /// Whether the last piece was the start or the middle of a line.
    inside: bool,
}

/// A line, or a part of a long one.
struct Piece<'a> {
    bytes: &'a [u8],
    /// Whether it belongs to a line that is too long to be one of ours.
    long: bool,
    /// Whether the file ends with it.
    last: bool,
}

impl Pieces {
    /// The longest line that is looked into, in bytes.
    const LONGEST: u64 = 1 << 20;

    fn of(file: File) -> Self {
        Self {
            reader: BufReader::new(file),
            bytes: Vec::new(),
            inside: false,
        }
    }

    fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.bytes.clear();
        let mut limited = (&mut self.reader).take(Self::LONGEST);
        if limited.read_until(b'\n', &mut self.bytes)? == 0 {
            return Ok(None);
        }
        let whole = self.bytes.ends_with(b"\n");
        let last = !whole && self.reader.fill_buf()?.is_empty();
        let long = self.inside || !(whole || last);
        self.inside = !whole;
        let bytes = &self.bytes;
        Ok(Some(Piece { bytes, long, last }))
    }
}

impl Piece<'_> {
    fn lacks_end(&self) -> bool {
        self.last && !self.bytes.ends_with(b"\n")
    }

    /// Whether it is the end of the file, without the end of a line, and no part of a long one.
    fn is_half(&self) -> bool {
        self.lacks_end() && !self.long
    }

    /// A whole line whose end alone is missing is a line.
    fn is_kept(&self, most: u64) -> bool {
        match step_of(self.bytes) {
            _ if self.long => true,
            Some(step) => step <= most,
            None => !self.is_half(),
        }
    }
}

/// The step of a line of metrics; `None` where it is no line of metrics.
fn step_of(line: &[u8]) -> Option<u64> {
    let line: Map<String, Value> = serde_json::from_slice(line).ok()?;
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
    fn what_is_not_text_and_what_is_too_long_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let long = vec![b'x'; 3 * Pieces::LONGEST as usize + 7];
        let strange = b"\xff\xfe no text\n";
        let before = [
            &strange[..],
            b"{\"step\":9}\n",
            &long,
            b"\n{\"step\":1}\n",
            &long,
        ]
        .concat();
        fs::write(&path, before).expect("a file");
        trim(&path, 5).expect("trimmed");
        let after = [&strange[..], &long, b"\n{\"step\":1}\n", &long, b"\n"].concat();
        assert!(fs::read(&path).expect("a file") == after);
    }

    #[test]
    fn lines_are_read_but_for_what_is_no_text_or_too_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let read = || {
            let mut lines = Vec::new();
            for_each_line(&path, |line| lines.push(line.to_owned())).expect("a file, or none");
            lines
        };
        assert!(read().is_empty());
        let long = vec![b'x'; 2 * Pieces::LONGEST as usize + 7];
        let text = [&b"one\n\xff\n"[..], &long, b"\n\ntwo\r\nhalf"].concat();
        fs::write(&path, text).expect("a file");
        assert_eq!(read(), ["one", "", "two", "half"]);
        fs::write(&path, [&b"one\n"[..], &long].concat()).expect("a file");
        assert_eq!(read(), ["one"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_left_alone() {
        let [folder, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let theirs = other.path().join("log");
        fs::write(&theirs, "{\"step\":9}\n").expect("a file");
        let path = folder.path().join("metrics.jsonl");
        for target in [theirs.as_path(), Path::new("/dev/zero"), folder.path()] {
            let _ = fs::remove_file(&path);
            std::os::unix::fs::symlink(target, &path).expect("a link");
            trim(&path, 5).expect_err("a link");
        }
        assert_eq!(fs::read(&theirs).expect("a file"), b"{\"step\":9}\n");
    }

    #[test]
    fn a_line_has_the_recipes_own_numbers() {
        let metrics = Metrics {
            step: 7,
            epoch: 0.5,
            scalars: vec![("w", 1.5), ("clipped", 0.25)],
            scores: vec![("fid", 12.0)],
            step_ms: 2.0,
            images_per_s: 32000.0,
        };
        let line: Value = serde_json::from_str(&line(&metrics)).expect("JSON");
        let expected = json!({
            "version": VERSION, "step": 7, "epoch": 0.5, "w": 1.5, "clipped": 0.25, "fid": 12.0,
            "step_ms": 2.0, "images_per_s": 32000.0,
        });
        assert_eq!(line, expected);
    }
}

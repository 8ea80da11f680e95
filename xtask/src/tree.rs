//! The files of the repository.

use crate::code;
use anyhow::{Context, Result};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

/// Beyond this a file is not read further: no rule needs more of it.
pub(crate) const READ: u64 = 4 << 20;

/// A file, as far as rules look at it.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root on, with `/` on every system.
    pub(crate) path: String,
    /// Length in bytes.
    pub(crate) size: u64,
    /// The whole text, or nothing for a file that is no UTF-8 or too large.
    pub(crate) text: Option<String>,
    /// A Rust file's text with comments and literals blanked out.
    pub(crate) code: Option<String>,
}

/// Every file that is tracked, or would be by `git add .`
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// What git tracks or would track; all there is where git has no say, as
    /// in an unpacked archive.
    pub(crate) fn of_repository(root: &Path) -> Result<Self> {
        let paths = match root.join(".git").exists() {
            true => of_git(root)?,
            false => of_folder(root)?,
        };
        let mut files = Vec::new();
        for path in paths {
            let full = root.join(&path);
            // A tracked file may be deleted, and a link may lead anywhere.
            if fs::symlink_metadata(&full).is_ok_and(|data| data.is_file()) {
                files.push(File::read(path, &full)?);
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// A tree that is only thought of.
    #[cfg(test)]
    pub(crate) fn of_texts(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File::new((*path).into(), text.as_bytes());
        Self {
            files: files.iter().map(file).collect(),
        }
    }

    /// The text of the file at `path`, if it is there and text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.find(path)?.text.as_deref()
    }

    pub(crate) fn find(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    fn read(path: String, full: &Path) -> Result<Self> {
        let context = || format!("could not read {path}");
        let file = fs::File::open(full).with_context(context)?;
        let size = file.metadata().with_context(context)?.len();
        let mut bytes = Vec::new();
        file.take(READ + 1)
            .read_to_end(&mut bytes)
            .with_context(context)?;
        let mut file = Self::new(path, &bytes);
        file.size = file.size.max(size);
        Ok(file)
    }

    /// A file with these bytes.
    pub(crate) fn new(path: String, bytes: &[u8]) -> Self {
        let size = bytes.len() as u64;
        let text = (size <= READ && !bytes.contains(&0))
            .then(|| String::from_utf8(bytes.to_vec()).ok())
            .flatten();
        let code = match &text {
            Some(text) if path.ends_with(".rs") => Some(code::blank(text)),
            _ => None,
        };
        Self {
            path,
            size,
            text,
            code,
        }
    }

    /// The part behind the last dot of the name.
    pub(crate) fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether it is program text, which stays short and finished.
    pub(crate) fn is_source(&self) -> bool {
        matches!(self.extension(), "rs" | "cu" | "cuh" | "py" | "sh") || self.path == ".ci/run"
    }
}

fn of_git(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .current_dir(root)
        .output()
        .context("could not start `git`; install it: it knows which files are ours")?;
    anyhow::ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let list = String::from_utf8(output.stdout).context("a file's name is no UTF-8")?;
    Ok(list.split_terminator('\0').map(ToOwned::to_owned).collect())
}

fn of_folder(root: &Path) -> Result<Vec<String>> {
    /// What .gitignore leaves out.
    const OUT: [&str; 5] = ["target", "runs", ".venv", "__pycache__", ".git"];
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}{name}");
            if !entry.file_type()?.is_dir() {
                paths.push(path);
            } else if !OUT.contains(&name.as_str()) {
                folders.push(path + "/");
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(root: &Path) -> Vec<String> {
        let tree = Tree::of_repository(root).unwrap();
        tree.files.into_iter().map(|file| file.path).collect()
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn an_archive_is_walked_without_what_is_built() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/b/c.rs", "d.md", "target/x.rs", "a/__pycache__/y.pyc"] {
            write(folder.path(), path, "");
        }
        assert_eq!(paths(folder.path()), ["a/b/c.rs", "d.md"]);
    }

    #[test]
    fn a_repository_is_what_git_would_track() {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let mut git = Command::new("git");
            git.args(args).current_dir(folder.path());
            git.output().is_ok_and(|output| output.status.success())
        };
        if !git(&["init", "-q"]) {
            eprintln!("skipped: no git");
            return;
        }
        for path in ["a.rs", "new.rs", "gone.rs", "runs/x.json"] {
            write(folder.path(), path, "");
        }
        write(folder.path(), ".gitignore", "/runs\n");
        assert!(git(&["add", "a.rs", "gone.rs"]));
        fs::remove_file(folder.path().join("gone.rs")).unwrap();
        assert_eq!(paths(folder.path()), [".gitignore", "a.rs", "new.rs"]);
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(
            File::new("a.md".into(), b"caf\xc3\xa9").text.unwrap(),
            "café"
        );
        assert_eq!(File::new("a".into(), b"\x00\x01").text, None);
        assert_eq!(File::new("a".into(), b"\xff").text, None);
        let large = vec![b' '; READ as usize + 1];
        assert_eq!(File::new("a.rs".into(), &large).text, None);
    }
}

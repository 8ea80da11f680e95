//! Files that appear whole or not at all, and files that are files.
//!
//! [`write()`] fills a temporary file in the same folder, flushes it to the disk and renames it over the final
//! name. A program that is killed, or a disk that fills up, leaves the previous file as it was, and at most a
//! temporary one that [`is_leftover`] knows by its name. [`open`] opens what others have put somewhere: a file, and
//! nothing that would have to be waited for.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("notes.txt");
//! detach_files::write(&path, |out| out.write_all(b"all of it, or nothing"))?;
//! assert_eq!(std::fs::read(&path)?, b"all of it, or nothing");
//! # Ok(())
//! # }
//! ```

mod regular;

pub use regular::open;

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What the name of a temporary file starts with; what follows is random, so that two programs may write one
/// file, and short, so that the longest name of a file still has room.
const PREFIX: &str = ".detach-";

/// What the name of a temporary file ends with.
const SUFFIX: &str = ".tmp";

/// A file that could not be written, with the cause and a hint.
#[derive(Debug, thiserror::Error)]
#[error("could not write {}: {cause}; {}", path.display(), hint(cause))]
pub struct WriteError {
    /// The name that the file was to have.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub cause: io::Error,
}

impl WriteError {
    /// The error that `path` could not be written because of `cause`.
    pub fn new(path: &Path, cause: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            cause,
        }
    }
}

fn hint(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "check that its folder exists: create the folder first, or choose another"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space and try again; a file already there was left as it was"
        }
        ErrorKind::IsADirectory => "a folder has that name: choose another",
        _ => "a file already there was left as it was",
    }
}

/// Writes the file `path` through `fill`: temporary file, fsync, rename, fsync of the folder.
///
/// The file has the permissions of any new file of its user.
///
/// # Errors
/// When the folder is missing or closed to us, when the disk is full, or when `fill` fails. Nothing is left
/// under `path` that was not there before.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    replace(path, fill).map_err(|cause| WriteError::new(path, cause))
}

/// Renames a finished file and makes the new name itself durable.
///
/// # Errors
/// When the system refuses to rename it; the error names `to`.
pub fn rename(from: &Path, to: &Path) -> Result<(), WriteError> {
    fs::rename(from, to).map_err(|cause| WriteError::new(to, cause))?;
    sync_folder(folder_of(to));
    Ok(())
}

/// Whether `name`, without its folder, is that of a temporary file that a killed program left behind:
/// `.detach-….tmp`, or the `.checkpoint-….tmp` and `.NAME.….part` of runs made by version 0.1.
pub fn is_leftover(name: &str) -> bool {
    let between = |prefix: &str, suffix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.ends_with(suffix))
    };
    between(PREFIX, SUFFIX) || between(".checkpoint-", ".tmp") || between(".", ".part")
}

fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if path.file_name().is_none() {
        let what = "the path does not end in a name";
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // Temporary files are private by default (0600); what is written here is to be as readable as any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));

    let mut file = BufWriter::new(builder.tempfile_in(folder)?);
    fill(&mut file)?;
    let file = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    sync_folder(folder);
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename survive a power cut: it lives in the folder. The file is in place whatever the answer, and some
/// file systems refuse to sync a folder: so no error.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_half_way_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        write(&path, |out| out.write_all(b"old")).unwrap();
        let error = write(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["grid.png"]);
        let message = error.to_string();
        assert!(message.contains("grid.png"), "{message}");
        assert!(message.contains("free some space"), "{message}");
    }

    #[test]
    fn a_second_write_replaces_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, |out| out.write_all(b"one, and longer")).unwrap();
        write(&path, |out| out.write_all(b"two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn what_is_half_written_is_known_by_its_name_and_the_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, |_| {
            let names = names(folder.path());
            assert_eq!(names.len(), 1);
            assert!(is_leftover(&names[0]), "{names:?}");
            Ok(())
        })
        .unwrap();
        assert!(is_leftover(".checkpoint-Xy12.tmp") && is_leftover(".latest.png.Xy12.part"));
        for name in [
            "a.txt",
            "a.tmp",
            "train-images-idx3-ubyte.gz.part",
            ".profile",
            ".a.tmp",
        ] {
            assert!(!is_leftover(name), "{name}");
        }
    }

    #[test]
    fn the_longest_name_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        write(&path, |out| out.write_all(b"x")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn a_missing_folder_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere/a.txt");
        let message = write(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(message.contains("nowhere/a.txt"), "{message}");
        assert!(message.contains("create the folder"), "{message}");
        assert!(
            !message.contains("--"),
            "a library knows no flag: {message}"
        );
    }

    #[test]
    fn a_path_without_a_name_and_one_that_is_a_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(Path::new("/"), |_| Ok(())).unwrap_err();
        write(folder.path(), |_| Ok(())).unwrap_err();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_rename_takes_the_place_of_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["a.part", "a"].map(|name| folder.path().join(name));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        rename(&from, &to).unwrap();
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(rename(&from, &to).unwrap_err().path, to);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, |_| Ok(())).unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}

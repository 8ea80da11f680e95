//! Files that appear whole or not at all, and files that are files.
//!
//! [`write()`] fills a temporary file in the same folder, flushes it to the disk and renames it over the final
//! name. A program that is killed, or a disk that fills up, leaves the previous file as it was, and at most a
//! temporary one that [`sweep`] removes. One that is being filled is locked, and left alone. [`open`] opens what others
//! have put somewhere: a file, and nothing that would have to be waited for.
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

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What the name of a temporary file starts with; what follows is random, so that two programs may write one
/// file, and short, so that the longest name of a file still has room.
const PREFIX: &str = ".detach-";

/// Random letters and digits between the two.
const RANDOM: usize = 6;

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
        ErrorKind::FileTooLarge => {
            "files may not be so large here (`ulimit -f` says how large); a file already there was left as it was"
        }
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

/// Removes the temporary files that killed programs left behind in `folder`: plain files of our names that no
/// program is filling any more. Whatever else lies there stays, and a folder that is a link is not entered. What
/// cannot be removed takes space and does no other harm.
pub fn sweep(folder: &Path) {
    if !fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir()) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_ours(&entry.file_name().to_string_lossy()) && is_abandoned(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file of this name is one that [`write()`] has not finished, or that a killed program left.
pub fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(is_ours)
}

/// Whether `name` is one that [`write()`] gives to a temporary file, or version 0.1 did: `.detach-…….tmp`,
/// `.checkpoint-…….tmp`.
fn is_ours(name: &str) -> bool {
    [PREFIX, ".checkpoint-"].iter().any(|prefix| {
        let rest = name.strip_prefix(prefix);
        let random = rest.and_then(|rest| rest.strip_suffix(SUFFIX));
        random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

/// Whether nobody holds the lock of a temporary file. Where there are no locks nobody can know, and it stays.
fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if path.file_name().is_none() {
        let what = "the path does not end in a name";
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    let folder = folder_of(path);
    let mut file = BufWriter::new(temporary(folder)?);
    fill(&mut file)?;
    let file = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    let (file, name) = file.into_parts();
    file.sync_all()?;
    fs::rename(&name, path)?;
    // Under its former name there is nothing to remove any more.
    let _ = name.keep();
    sync_folder(folder);
    Ok(())
}

/// A temporary file in `folder`, locked for as long as it is open.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    // Temporary files are private by default (0600); what is written here is to be as readable as any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().try_lock() {
            // A sweep found it between its making and its lock, and is about to remove it.
            Err(TryLockError::WouldBlock) => {}
            // Or has just done so. Some network file systems have no locks; there a sweep removes nothing.
            Ok(()) | Err(TryLockError::Error(_)) => {
                if file.path().try_exists().unwrap_or(true) {
                    return Ok(file);
                }
            }
        }
    }
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
    fn a_sweep_removes_what_nobody_fills_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let stays = [
            "a.txt",
            "a.tmp",
            ".a.tmp",
            ".x.part",
            ".profile",
            ".detach-.tmp",
            ".detach-notes.of.mine.tmp",
            ".detach-Xy12Zw.tmp.bak",
            ".checkpoint-plans.tmp",
            "train-images-idx3-ubyte.gz.part",
        ];
        for name in stays
            .iter()
            .chain(&[".detach-Xy12Zw.tmp", ".checkpoint-Xy12Zw.tmp"])
        {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::create_dir(folder.path().join(".detach-Folder.tmp")).unwrap();
        let path = folder.path().join("new.txt");
        write(&path, |_| {
            sweep(folder.path());
            let half_written = names(folder.path()).len() - stays.len() - 1;
            assert_eq!(half_written, 1, "{:?}", names(folder.path()));
            Ok(())
        })
        .unwrap();
        let mut expected: Vec<&str> = stays.to_vec();
        expected.extend(["new.txt", ".detach-Folder.tmp"]);
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_sweep_goes_through_no_link() {
        use std::os::unix::fs::symlink;
        let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let theirs = other.path().join(".detach-Theirs.tmp");
        fs::write(&theirs, "x").unwrap();
        let link = folder.path().join(".detach-Linked.tmp");
        symlink(&theirs, &link).unwrap();
        symlink(other.path(), folder.path().join("samples")).unwrap();
        sweep(folder.path());
        sweep(&folder.path().join("samples"));
        assert!(theirs.is_file());
        assert!(link.is_symlink());
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

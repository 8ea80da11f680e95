//! One process at a time trains a run.

use super::machine;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The lock's file in a run's folder. It stays when the process is gone; what counts is that the operating
/// system has it locked, which ends with the process however that ends.
const NAME: &str = "run.lock";

/// The right to train a run, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: Option<File>,
}

/// A run that cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is being trained by another process ({by}); wait for it, or stop it first", dir.display())]
    Held {
        /// The run's folder.
        dir: PathBuf,
        /// Which one, as far as it said.
        by: String,
    },
    /// The file cannot be made.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Unmade(PathBuf, #[source] io::Error),
}

impl Lock {
    /// Takes the lock of the run in `dir`.
    ///
    /// Some network file systems have no locks; there a warning is all that can be done.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(NAME);
        let unmade = |cause| LockError::Unmade(path.clone(), cause);
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Ok(Self::none(dir, "something else has the name of its lock"));
        }
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(unmade)?;
        // Whoever asks for the holder has the lock for a moment.
        for pause in [10, 100, 0] {
            match file.try_lock() {
                Ok(()) => {
                    let text = format!("process {} on {}\n", std::process::id(), machine::host());
                    // For people; a full disk is no reason not to go on.
                    let _ = file
                        .set_len(0)
                        .and_then(|()| file.write_all(text.as_bytes()));
                    return Ok(Self { file: Some(file) });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(pause)),
                Err(TryLockError::Error(cause)) => return Ok(Self::none(dir, &cause.to_string())),
            }
        }
        Err(LockError::Held {
            dir: dir.to_owned(),
            by: words(file),
        })
    }

    /// Which process trains the run in `dir`; `None` where none does.
    pub fn holder(dir: &Path) -> Option<String> {
        let path = dir.join(NAME);
        if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            return None;
        }
        let file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(words(file)),
            _ => None,
        }
    }

    /// Whether `name` is that of the lock's file.
    pub fn is_name(name: &std::ffi::OsStr) -> bool {
        name == NAME
    }

    fn none(dir: &Path, why: &str) -> Self {
        tracing::warn!(
            "cannot lock {} ({why}): make sure that no other process trains it",
            dir.display()
        );
        Self { file: None }
    }
}

impl Drop for Lock {
    /// An empty file says that nobody trains here, to people.
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = file.set_len(0);
        }
    }
}

/// What the holder wrote about itself.
fn words(file: File) -> String {
    const MOST: u64 = 200;
    let mut bytes = Vec::new();
    let _ = file.take(MOST).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    match text.trim() {
        "" => "which does not say its name".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Lock::holder(folder.path()), None);
        let lock = Lock::take(folder.path()).expect("free");
        let me = format!("process {}", std::process::id());
        assert!(Lock::holder(folder.path()).is_some_and(|by| by.contains(&me)));
        match Lock::take(folder.path()) {
            Err(LockError::Held { by, .. }) => assert!(by.contains(&me), "{by}"),
            other => panic!("{other:?}"),
        }
        drop(lock);
        assert_eq!(Lock::holder(folder.path()), None);
        let _again = Lock::take(folder.path()).expect("free again");
    }

    /// What a process that was killed, or a machine that went down, leaves: its words, and no lock.
    #[test]
    fn words_alone_hold_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(NAME), "process 1 on elsewhere\n").expect("a file");
        assert_eq!(Lock::holder(folder.path()), None);
        Lock::take(folder.path()).expect("taken over");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let [folder, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let theirs = other.path().join("notes");
        fs::write(&theirs, "mine").expect("a file");
        std::os::unix::fs::symlink(&theirs, folder.path().join(NAME)).expect("a link");
        drop(Lock::take(folder.path()).expect("a warning at most"));
        assert_eq!(fs::read(&theirs).expect("a file"), b"mine");
    }
}

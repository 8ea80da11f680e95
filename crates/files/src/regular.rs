//! Opening what others have put somewhere.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens the regular file `path` for reading; links are followed.
///
/// To open a FIFO waits for somebody who writes to it, perhaps forever, and a device may never end: here
/// they are an error, and nothing waits.
///
/// # Errors
/// What the system says, [`ErrorKind::IsADirectory`] for a folder, and [`ErrorKind::InvalidInput`] with
/// what it is for anything else that is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        let what = format!("it is {}, not a regular file", name_of(kind));
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    File::open(path)
}

#[cfg(unix)]
fn name_of(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn name_of(_: fs::FileType) -> &'static str {
    "a device"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn files_are_opened_and_folders_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "text").unwrap();
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        let error = open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        let error = open(&folder.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    /// A test that hangs would be this one failing.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, what) in [
            (&*fifo, "FIFO"),
            (&socket, "socket"),
            (Path::new("/dev/zero"), "device"),
        ] {
            let error = open(path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(what), "{error}");
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert_eq!(open(&link).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

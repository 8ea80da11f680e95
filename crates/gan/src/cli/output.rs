//! Files that commands write: told apart, named by what they hold, and small enough for their disk.

use super::usage::usage;
use anyhow::{Result, anyhow, ensure};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The name of a file in lower case, without the `.gz` of one that is to be compressed, and whether it is.
pub(super) fn kind_of(path: &Path) -> (String, bool) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    match name.strip_suffix(".gz") {
        Some(inner) => (inner.to_owned(), true),
        None => (name, false),
    }
}

/// Refuses two names of one file, however they are spelt.
///
/// # Errors
/// A usage error, when they are.
pub(super) fn ensure_different(
    (flag, path): (&str, &Path),
    (other_flag, other): (&str, &Path),
) -> Result<()> {
    let there = same_file::is_same_file(path, other).unwrap_or(false);
    if there || place(path) == place(other) {
        return Err(usage(anyhow!(
            "{flag} and {other_flag} are the same file, {}; give them different names",
            path.display()
        )));
    }
    Ok(())
}

/// The folder of a file without links and detours, and its name.
fn place(path: &Path) -> (PathBuf, Option<&OsStr>) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    (folder, path.file_name())
}

/// Refuses a file of so many bytes where its disk has no room for it. A disk that does not tell is taken to have.
///
/// # Errors
/// When it has not.
pub(super) fn ensure_room(path: &Path, bytes: u64) -> Result<()> {
    // The folder itself may have to be made.
    let (folder, _) = place(path);
    let Some(there) = folder.ancestors().find(|folder| folder.is_dir()) else {
        return Ok(());
    };
    let (Ok(free), Ok(1..)) = (fs4::available_space(there), fs4::total_space(there)) else {
        return Ok(());
    };
    ensure!(
        bytes <= free,
        "{} would have {}, and its disk has {} left; ask for fewer, or choose another place with --out",
        path.display(),
        size(bytes),
        size(free)
    );
    Ok(())
}

/// Refuses a path at which no file can be made, before any work: it is a folder or says that it is one, its folder is
/// missing, or its name is none that the system takes.
///
/// # Errors
/// When it is one.
pub(super) fn ensure_place(path: &Path) -> Result<()> {
    let elsewhere = |what: String| {
        anyhow!(
            "could not write {}: {what}; choose another place with --out",
            path.display()
        )
    };
    let (folder, name) = place(path);
    let ends_in_a_slash = path.to_string_lossy().ends_with(std::path::is_separator);
    if name.is_none() || ends_in_a_slash || path.is_dir() {
        return Err(elsewhere("it is a folder".to_owned()));
    }
    if !folder.is_dir() {
        return Err(elsewhere("check that its folder exists".to_owned()));
    }
    match path.symlink_metadata() {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(elsewhere(error.to_string())),
        _ => Ok(()),
    }
}

/// 1536 as `1.5 KiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = bytes.max(1).ilog2() as usize / 10;
    match power {
        0 => format!("{bytes} {}", UNITS[0]),
        _ => format!(
            "{:.1} {}",
            bytes as f64 / 1024_f64.powi(power as i32),
            UNITS[power]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let all = [0, 1023, 1536, 1 << 30, u64::MAX].map(size);
        assert_eq!(
            all,
            ["0 bytes", "1023 bytes", "1.5 KiB", "1.0 GiB", "16.0 EiB"]
        );
    }

    #[test]
    fn one_file_has_many_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("below");
        std::fs::create_dir(&below).expect("a folder");
        let name = |name: &str| folder.path().join(name);
        let differ = |a: &str, b: &str| ensure_different(("--a", &name(a)), ("--b", &name(b)));
        for same in ["x.npy", "./x.npy", "below/../x.npy", "below//..//x.npy"] {
            differ("x.npy", same).expect_err(same);
        }
        differ("x.npy", "below/x.npy").expect("two places");
        differ("x.npy", "y.npy").expect("two names");
        std::fs::write(name("x.npy"), "").expect("a file");
        std::fs::hard_link(name("x.npy"), name("y.npy")).expect("a link");
        differ("x.npy", "y.npy").expect_err("one file");
    }

    #[test]
    fn names_that_no_file_can_have_are_known_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = |name: &str| folder.path().join(name);
        std::fs::write(name("file"), "").expect("a file");
        let long = "n".repeat(300);
        for wrong in [
            "x.npy/",
            ".",
            "",
            "nowhere/x.npy",
            "file/x.npy",
            "file/",
            &long,
        ] {
            ensure_place(&name(wrong)).expect_err(wrong);
        }
        for good in ["x.npy", "file", "-x", "u v", &"n".repeat(255)] {
            ensure_place(&name(good)).expect(good);
        }
    }

    #[test]
    fn names_without_case() {
        let kind = |name: &str| kind_of(Path::new(name));
        assert_eq!(kind("a/X.NPY.GZ"), ("x.npy".to_owned(), true));
        assert_eq!(kind("x.Png"), ("x.png".to_owned(), false));
        assert_eq!(kind("/"), (String::new(), false));
    }
}

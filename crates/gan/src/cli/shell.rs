//! Words of commands that are printed for a person to run.

use os_display::Quotable;
use std::path::Path;

/// The path as a word of a shell's command: as it is where it can be, else in quotes, and whole where it is no text.
pub(super) fn word(path: &Path) -> String {
    let bare = path.to_string_lossy();
    match bare.starts_with('-') {
        // No flag.
        true => Path::new(".").join(path).maybe_quote().to_string(),
        false => path.maybe_quote().to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    #[test]
    fn a_shell_reads_what_was_meant() {
        let names: [&[u8]; 12] = [
            b"runs/dcgan-1",
            b"with spaces",
            b"$(id)",
            b"`id`",
            b"it's",
            b"\"both\" 'quotes'",
            b"u\xe9",
            b"-flag",
            b"new\nline\t\x1b[31m",
            b"~",
            b"*",
            "größe".as_bytes(),
        ];
        for name in names {
            let path = Path::new(OsStr::from_bytes(name));
            let script = format!("printf %s {}", word(path));
            let output = Command::new("bash").args(["-c", &script]).output();
            let Ok(output) = output else {
                return; // No bash here.
            };
            let said = output.stdout.strip_prefix(b"./").unwrap_or(&output.stdout);
            assert_eq!(said, name, "{script}");
        }
    }
}

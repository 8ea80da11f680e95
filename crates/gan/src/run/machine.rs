//! What this machine is called.

use std::{fs, io};

/// The machine's name as far as it fits into a file name; `localhost` where it has none.
pub(super) fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME").map_err(io::Error::other))
        .or_else(|_| std::env::var("COMPUTERNAME").map_err(io::Error::other))
        .unwrap_or_default();
    let name: String = name
        .trim()
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c,
            _ => '-',
        })
        .take(64)
        .collect();
    match name.is_empty() {
        true => "localhost".to_owned(),
        false => name,
    }
}

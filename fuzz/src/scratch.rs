//! A folder for readers that want a path: in memory where the system has such a place.

use std::cell::OnceCell;
use std::path::Path;
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Calls `with` with a folder of this thread, which stays as it was left until the thread ends.
pub(crate) fn scratch<T>(with: impl FnOnce(&Path) -> T) -> T {
    FOLDER.with(|folder| with(folder.get_or_init(make).path()))
}

fn make() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("detach-fuzz-");
    let folder = match memory.is_dir() {
        true => builder.tempdir_in(memory),
        false => builder.tempdir(),
    };
    folder.expect("a folder for files that are fuzzed")
}

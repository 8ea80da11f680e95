//! What the tests of the whole share: numbers by formula, the golden files made from
//! them by PyTorch, a recipe run on them, and the program as its users call it.

pub mod browser;
pub mod critic;
pub mod emulated;
pub mod golden;
pub mod page;
pub mod parity;
pub mod program;
pub mod replay;
pub mod training;
pub mod translator;

use std::path::Path;

/// The root of the repository.
pub fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("this package lies in the repository")
}

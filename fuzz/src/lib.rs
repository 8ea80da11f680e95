//! What bytes of strangers do to what reads them: nothing. A target is a function of bytes that has to return, without a
//! panic, without a hang, and in memory that the bytes can account for.
//!
//! ```text
//! cargo xtask fuzz                     every target, a million inputs each
//! cargo xtask fuzz npz --runs 5000     one of them, shorter
//! cargo xtask fuzz npz --input FILE    one input, such as one that was found
//! ```
//!
//! Inputs are made of three things: the files in `corpus/TARGET/`; files that a generator makes, right in form and wrong in
//! detail ([`fresh`]); and changes of both ([`mutate`]), half of which are sealed again, so that a checksum does not
//! end what was meant to reach further ([`seal`]). The same seed gives the same inputs. A test runs a few thousand of each.
//!
//! An input that was found goes to `corpus/TARGET/` with the change that cures it: every run begins with those.

pub mod engine;
pub mod fresh;
pub mod mutate;
mod scratch;
pub mod seal;
mod targets;

use fastrand::Rng;

pub use targets::TARGETS;

/// What reads bytes, and how to make bytes for it.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Reads the bytes.
    pub run: fn(&[u8]),
    /// Makes a file that is nearly right.
    pub fresh: fn(&mut Rng) -> Vec<u8>,
    /// Makes checksums and lengths right again.
    pub seal: fn(&mut [u8]),
    /// What such files are made of.
    pub words: &'static [&'static str],
    /// Memory that may be in use at once, in bytes: so much, and so much for each byte of the input.
    pub memory: [usize; 2],
}

impl Target {
    /// The target called `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// The most memory that an input of `len` bytes may take.
    pub fn allowance(&self, len: usize) -> usize {
        let [base, per_byte] = self.memory;
        base + per_byte * len
    }
}

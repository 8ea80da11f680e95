//! The data that Detach trains on: MNIST and every data set in its format, found, fetched or made.
//!
//! It knows bytes, files and mirrors, and neither tensors nor networks.
//!
//! # Getting a data set
//!
//! [`Lookup`] looks where a user would: the folder that was asked for; `data/MNIST/raw`, which
//! torchvision fills; the user's cache; the download, where it is allowed; and, when all else fails,
//! it makes digits itself. [`Dataset::provenance`] says in one line which it was and why:
//!
//! ```no_run
//! use detach_mnist::{Lookup, Split};
//!
//! # fn main() -> Result<(), detach_mnist::Error> {
//! let lookup = Lookup::new(std::env::var_os("GAN_DATA_DIR").map(Into::into)).with_download();
//! let data = lookup.find(Split::Train, &mut |progress| eprintln!("{progress:?}"))?;
//! eprintln!("{} images: {}", data.len(), data.provenance);
//! # Ok(())
//! # }
//! ```
//!
//! The images are bytes, `[N, C, H, W]` of any size, ink 255 on paper 0. Networks see them on the scale
//! `(x - 127.5) / 127.5`, and a loop visits them in an order that the *caller's* random integers
//! decide, so that a run can be continued to the same bits:
//!
//! ```
//! use detach_mnist::{Dataset, Split, sample};
//!
//! let data = Dataset::synthetic(0, Split::Train, 100);
//! let mut counter = 0u32;
//! let mut ints = || { counter += 1; counter.wrapping_mul(0x9E37_79B9) }; // a trainer passes Philox
//!
//! let mut epoch = Vec::new();
//! sample::shuffle(data.len(), &mut epoch, &mut ints);
//! let mut batch = vec![0.0; 64 * 784]; // [B, 1, 28, 28]
//! data.batch(&epoch[..64], &mut batch);
//! assert!(batch.iter().all(|x| (-1.0..=1.0).contains(x)));
//! ```
//!
//! # The parts
//!
//! | module | what it is |
//! |---|---|
//! | [`idx`] | the IDX format: [`Idx`] parses and writes it, raw or gzip-compressed; [`idx::Labels`] parses classes |
//! | [`dataset`] | [`Dataset`]: images and labels in memory |
//! | [`provenance`] | [`Provenance`], the statement of where a data set came from |
//! | [`lookup`] | [`Lookup`], the order of places |
//! | [`fetch`] | [`Fetcher`]: mirrors, resuming, SHA-256 before a file gets its name |
//! | [`synth`] | [`Synth`]: handwritten digits as a pure function of (seed, index); [`Dice`], the random numbers of drawing |
//! | [`Packed`] | images in a third of the memory |
//! | [`sample`] | shuffling, sampling with replacement, the scale of pixels |
//!
//! # Files from strangers
//!
//! A header is a claim and a mirror is a stranger. No memory is reserved for bytes that have not
//! arrived; a file that is cut off, goes on too long, or is something else is one [`Error`] with its
//! cause and a hint, never a panic; and a file has its final name only when it is whole, right and
//! on the disk.

pub mod dataset;
mod error;
pub mod fetch;
mod folder;
mod gzip;
pub mod idx;
pub mod lookup;
mod packed;
pub mod provenance;
pub mod sample;
mod split;
pub mod synth;

pub use dataset::Dataset;
pub use error::{Error, IdxError};
pub use fetch::{FetchError, Fetcher, Progress};
pub use idx::Idx;
pub use lookup::Lookup;
pub use packed::Packed;
pub use provenance::{FoundIn, Identity, Origin, PassedOver, Provenance};
pub use split::{PIXELS, SIDE, Split};
pub use synth::{Dice, Synth};

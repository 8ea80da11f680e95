//! Data sets of images: one trait, and what implements it.
//!
//! [`open`](open()) reads a folder of IDX files, an `.npz` file or a folder of PNG images; [`Find`] looks where a user
//! would, and draws images itself when all else fails, or by [name](Named). What they give is a [`Dataset`]: bytes `[C, H, W]`, 0 (paper) to 255
//! (ink), and a class for each image where there are classes.
//!
//! ```
//! use detach_data::{Dataset, Resize, Split, sample, synthetic};
//!
//! let digits = synthetic(0, Split::Train, 100);
//! assert_eq!((digits.len(), digits.shape(), digits.classes()), (100, [1, 28, 28], 10));
//!
//! let mut pixels = vec![0; 28 * 28];
//! let class = digits.read(7, &mut pixels);
//! assert!(class < 10);
//!
//! // As networks see it: in [-1, 1], and of the size that they want.
//! let mut values = vec![0.0; 28 * 28];
//! sample::normalise(&pixels, &mut values);
//! let mut large = Vec::new();
//! Resize::new(28, 64).all(&values, &mut large);
//! assert_eq!(large.len(), 64 * 64);
//! ```
//!
//! # The parts
//!
//! | what | |
//! |---|---|
//! | [`Dataset`], [`Wanted`] | what a set is, and what its user can use |
//! | [`InMemory`], [`synthetic`], [`shapes()`] | a set in a third of the memory, of your own images or of digits or coloured shapes made here |
//! | [`Stacked`] | three images of a grey set as red, green and blue, without end |
//! | [`Named`] | sets that have a name instead of a place |
//! | [`open`](open()) | what lies in a folder or file |
//! | [`Find`], [`Found`] | a set when nobody says where it is |
//! | [`Resize`], [`Tap`] | images enlarged, as PyTorch's `F.interpolate` does it |
//! | [`Antialias`] | images reduced, as it does it with `antialias=True` |
//! | [`sample`] | shuffling, sampling with replacement, the scale of pixels |

mod antialias;
mod dataset;
mod decode;
mod error;
mod find;
mod folder;
mod image;
mod memory;
mod named;
mod npz;
mod open;
mod resize;
mod shapes;
mod stacked;

pub use antialias::Antialias;
pub use dataset::{Dataset, Wanted};
pub use decode::picture;
pub use detach_mnist::{Fetcher, Lookup, Progress, Split, sample};
pub use error::{Error, NpzError};
pub use find::{Find, Found, Place};
pub use memory::{InMemory, synthetic};
pub use named::{Named, NoSuchName};
pub use open::open;
pub use resize::{Resize, Tap};
pub use shapes::{SHAPES, Style, shapes};
pub use stacked::Stacked;

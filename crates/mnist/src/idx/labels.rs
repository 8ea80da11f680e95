//! Labels: classes as numbers, of whatever type they were written in.

use std::io::Read;
use std::path::Path;

use super::Idx;
use super::element::Element;
use super::parse::{Raw, parse};
use crate::error::{Error, IdxError};

/// The shapes that labels may have.
const SHAPE: &str = "[N]";

/// Columns of QMNIST's labels, the first of which is the class.
const QMNIST: usize = 8;

/// The classes that an IDX file gives to images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The class of each image, `[N]`.
    pub classes: Vec<u8>,
    /// Whether the file holds these very bytes, as MNIST's do, and not other numbers that mean the same.
    pub(crate) are_bytes: bool,
}

impl Labels {
    /// Reads labels `[N]` or `[N, 1]` of any of IDX's types, or QMNIST's `[N, 8]` of 32-bit integers, raw or
    /// gzip-compressed, to the end of `reader`. Each must be a whole number from 0 to 255.
    ///
    /// # Errors
    /// Any [`IdxError`].
    pub fn parse(reader: impl Read) -> Result<Self, IdxError> {
        use Element::{F32, F64, I8, I16, I32, U8};
        let raw = parse(reader, &[U8, I8, I16, I32, F32, F64])?;
        let columns = match raw.shape[..] {
            [_] | [_, 1] => 1,
            [_, QMNIST] if raw.element == I32 => QMNIST,
            _ => return Err(IdxError::Axes { shape: raw.shape }),
        };
        let are_bytes = raw.element == U8 && raw.shape.len() == 1;
        let classes = if are_bytes {
            raw.data
        } else {
            classes(&raw, columns)?
        };
        Ok(Self { classes, are_bytes })
    }

    /// Reads the file at `path`; see [`Labels::parse`].
    ///
    /// # Errors
    /// [`Error::Idx`], [`Error::Shape`] or [`Error::Read`], all of which name the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        super::open(path, Self::parse).map_err(|error| match error {
            Error::Idx {
                path,
                cause: IdxError::Axes { shape },
            } => Error::Shape {
                path,
                shape,
                expected: SHAPE,
            },
            error => error,
        })
    }

    /// The file that holds these bytes.
    pub(crate) fn as_idx(&self) -> Idx {
        Idx {
            shape: vec![self.classes.len()],
            data: self.classes.clone(),
        }
    }
}

/// The first of so many columns.
fn classes(raw: &Raw, columns: usize) -> Result<Vec<u8>, IdxError> {
    let class = |(index, row): (usize, &[u8])| {
        let value = raw.element.value(row);
        let class = value as u8;
        // What is no whole number, not finite or out of range is another number once it was a class.
        match f64::from(class) == value {
            true => Ok(class),
            false => Err(IdxError::Label { index, value }),
        }
    };
    let rows = raw.data.chunks_exact(raw.element.size() * columns);
    rows.enumerate().map(class).collect()
}

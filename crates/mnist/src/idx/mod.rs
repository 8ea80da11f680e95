//! The IDX file format of MNIST and its relatives: a big-endian header, then raw bytes.
//!
//! ```text
//! 00 00 | 08 (unsigned bytes) | rank | rank × u32 sizes | data, last axis fastest
//! ```
//!
//! Images are unsigned bytes ([`Idx`]). Labels ([`Labels`]) may be numbers of any type that the format has.
//! Files may be gzip-compressed; which they are is read from their first two bytes, never from
//! their name. A header is a claim: no memory is reserved for bytes that have not arrived.

mod element;
mod labels;
mod parse;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use byteorder::{BigEndian, WriteBytesExt};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::Error;
use element::Element;
use parse::{Raw, product};

pub use crate::error::IdxError;
pub use labels::Labels;

/// The greatest rank that is read or written.
pub const MAX_RANK: usize = 4;

/// The most data, in bytes, that one file may hold (1 GiB). The largest relative of MNIST, EMNIST
/// `byclass`, holds 547 MB; a header that claims more is corrupt.
pub const MAX_BYTES: u64 = 1 << 30;

const UNSIGNED_BYTE: u8 = 0x08;

/// An array of unsigned bytes as an IDX file holds it, e.g. images `[N, 28, 28]` or labels `[N]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Idx {
    /// Sizes, slowest axis first; at most [`MAX_RANK`] of them.
    pub shape: Vec<usize>,
    /// The elements in row-major order: as many as the product of `shape`.
    pub data: Vec<u8>,
}

impl Idx {
    /// An array of `shape` over `data`.
    ///
    /// # Errors
    /// [`IdxError::Layout`] where the product of `shape` is not `data.len()`, [`IdxError::Rank`] and
    /// [`IdxError::TooMuch`] where no file could hold it.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<u8>) -> Result<Self, IdxError> {
        let idx = Self {
            shape: shape.into(),
            data,
        };
        idx.header()?;
        Ok(idx)
    }

    /// Reads one IDX array, raw or gzip-compressed, to the end of `reader`.
    ///
    /// Memory grows with the bytes that arrive, never with what the header claims.
    ///
    /// # Errors
    /// Any [`IdxError`]; bytes after the data are one of them.
    pub fn parse(reader: impl Read) -> Result<Self, IdxError> {
        let Raw { shape, data, .. } = parse::parse(reader, &[Element::U8])?;
        Ok(Self { shape, data })
    }

    /// Reads the IDX file at `path`, raw or gzip-compressed.
    ///
    /// # Errors
    /// [`Error::Idx`] or [`Error::Read`], both of which name the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        open(path.as_ref(), Self::parse)
    }

    /// Writes the array uncompressed: header, then data.
    ///
    /// # Errors
    /// As [`Idx::new`] where the public fields do not agree; [`IdxError::Io`] where `writer` fails.
    pub fn write(&self, mut writer: impl Write) -> Result<(), IdxError> {
        let header = self.header()?;
        writer
            .write_all(&header)
            .and_then(|()| writer.write_all(&self.data))
            .map_err(IdxError::Io)
    }

    /// Writes the array to `path`, gzip-compressed where the name ends in `.gz`.
    ///
    /// The bytes go to a temporary file in the same folder, are flushed to the disk, and then take
    /// the name: `path` holds either what it held before or the whole array.
    ///
    /// # Errors
    /// [`Error::Idx`] where the public fields do not agree, [`Error::Write`] where the disk refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.header().map_err(|cause| of_file(path, cause))?;
        Self::save_pieces(path, &self.shape, |out| out.write_all(&self.data))
    }

    /// Writes an array of `shape` to `path` as [`save`](Self::save) does, without holding it: `fill` writes its
    /// elements in row-major order, in pieces of any length.
    ///
    /// # Errors
    /// [`Error::Idx`] where no file can hold such an array, before `fill` is called; [`Error::Write`] where the disk
    /// refuses, where `fill` fails, and where it writes more or fewer bytes than `shape` has elements.
    pub fn save_pieces(
        path: impl AsRef<Path>,
        shape: &[usize],
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let path = path.as_ref();
        let (header, bytes) = header_of(shape).map_err(|cause| of_file(path, cause))?;
        let fill = |out: &mut dyn Write| {
            out.write_all(&header)?;
            let mut elements = Exactly { out, left: bytes };
            fill(&mut elements)?;
            match elements.left {
                0 => Ok(()),
                left => Err(io::Error::other(format!(
                    "{left} of the {bytes} elements of {shape:?} were not given"
                ))),
            }
        };
        detach_files::write(path, |out| {
            if !is_gzip(path) {
                return fill(out);
            }
            let mut gz = GzEncoder::new(out, Compression::best());
            fill(&mut gz)?;
            gz.finish().map(drop)
        })
        .map_err(Error::Write)
    }

    /// Refuses a shape that no file can hold.
    ///
    /// # Errors
    /// [`IdxError::Rank`] and [`IdxError::TooMuch`].
    pub fn check(shape: &[usize]) -> Result<(), IdxError> {
        header_of(shape).map(drop)
    }

    /// How many items of the shape `item`, such as images `[28, 28]`, one file can hold.
    pub fn most(item: &[usize]) -> u64 {
        let sizes: Vec<u64> = item.iter().map(|&size| size as u64).collect();
        let bytes = u64::try_from(product(&sizes)).unwrap_or(u64::MAX);
        (MAX_BYTES / bytes.max(1)).min(u32::MAX.into())
    }

    /// The header's bytes, after checking that the fields agree with each other and with the format.
    pub(crate) fn header(&self) -> Result<Vec<u8>, IdxError> {
        let (header, bytes) = header_of(&self.shape)?;
        match bytes == self.data.len() as u64 {
            true => Ok(header),
            false => Err(IdxError::Layout {
                shape: self.shape.clone(),
                len: self.data.len(),
            }),
        }
    }
}

fn is_gzip(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|e| e.eq_ignore_ascii_case("gz"))
}

fn of_file(path: &Path, cause: IdxError) -> Error {
    Error::Idx {
        path: path.to_owned(),
        cause,
    }
}

/// The header of an array to be written, and how many bytes of data follow.
fn header_of(shape: &[usize]) -> Result<(Vec<u8>, u64), IdxError> {
    if shape.len() > MAX_RANK {
        return Err(IdxError::Rank(shape.len()));
    }
    let sizes: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let bytes = product(&sizes);
    let fits = sizes.iter().all(|&size| size <= u64::from(u32::MAX));
    let Some(bytes) = u64::try_from(bytes)
        .ok()
        .filter(|bytes| fits && *bytes <= MAX_BYTES)
    else {
        return Err(IdxError::TooMuch {
            shape: sizes,
            bytes,
        });
    };
    let mut header = vec![0, 0, UNSIGNED_BYTE, shape.len() as u8];
    for &size in shape {
        header
            .write_u32::<BigEndian>(size as u32)
            .map_err(IdxError::Io)?;
    }
    Ok((header, bytes))
}

/// A writer that takes so many bytes and not one more.
struct Exactly<'a> {
    out: &'a mut dyn Write,
    left: u64,
}

impl Write for Exactly<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::other(
                "more elements were given than the shape has",
            ));
        }
        let written = self.out.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl fmt::Debug for Idx {
    /// Names the shape and the length: the data of a data set would fill screens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idx")
            .field("shape", &self.shape)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// Reads the file at `path`.
fn open<T>(path: &Path, parse: impl Fn(File) -> Result<T, IdxError>) -> Result<T, Error> {
    let read_error = |cause| Error::Read {
        path: path.to_owned(),
        cause,
    };
    let file = detach_files::open(path).map_err(read_error)?;
    parse(file).map_err(|cause| match cause {
        IdxError::Io(cause) => read_error(cause),
        cause => Error::Idx {
            path: path.to_owned(),
            cause,
        },
    })
}

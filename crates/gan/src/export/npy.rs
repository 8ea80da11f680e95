//! NumPy's `.npy` files: what `gan sample --out x.npy` writes and `np.load`
//! takes.
//!
//! Version 1.0 is the magic `\x93NUMPY`, the version, the length of the header
//! as a little-endian `u16`, a Python dictionary as text, padded so that the
//! values start at a multiple of 64, then the values row by row.

use super::Sink;
use byteorder::{ByteOrder, LittleEndian, ReadBytesExt};
use detach_files::WriteError;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 6] = *b"\x93NUMPY";
/// Magic, version and the header's length.
const PREAMBLE: usize = 10;
/// Values that are converted at a time.
const CHUNK: usize = 16 * 1024;

/// An array as a `.npy` file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Npy {
    /// Its dimensions; empty for a single number.
    pub shape: Vec<usize>,
    /// The values in row-major order. `f8` values are rounded to `f32`.
    pub values: Vec<f32>,
}

/// Why a `.npy` file could not be read, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("could not read {}: {problem}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a `.npy` file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It cannot be opened or read.
    #[error("{0}; check the path and its permissions")]
    Io(#[from] io::Error),
    /// It begins with other bytes.
    #[error("it is no .npy file; write one with np.save(path, array)")]
    Foreign,
    /// It has a version that is not 1.0.
    #[error("it has format version {0}.{1}; np.save writes 1.0 for plain arrays of numbers")]
    Version(u8, u8),
    /// Its header makes no sense.
    #[error("its header is damaged (`{0}`); write it again with np.save")]
    Header(String),
    /// Its values are not `f4` or `f8`, little-endian.
    #[error("its values have type `{0}`; save array.astype('<f4') instead")]
    Type(String),
    /// Its values stand column by column.
    #[error("its values are in Fortran order; save np.ascontiguousarray(array) instead")]
    FortranOrder,
    /// The file is shorter or longer than its header says.
    #[error(
        "shape {shape:?} needs {needed} bytes of values and it has {found}; copy or write it again"
    )]
    Size {
        /// The dimensions in the header.
        shape: Vec<usize>,
        /// Bytes that they take.
        needed: u128,
        /// Bytes behind the header.
        found: u64,
    },
}

/// Writes `values` in row-major order as an array of `shape`, `<f4`.
///
/// # Errors
/// When the file cannot be written.
///
/// # Panics
/// When `shape` and `values` disagree.
#[track_caller]
pub fn write(path: &Path, shape: &[usize], values: &[f32]) -> Result<(), WriteError> {
    let count: usize = shape.iter().product();
    assert!(
        count == values.len(),
        "shape {shape:?} needs {count} values, got {}",
        values.len()
    );
    write_pieces(path, shape, |sink| sink(values))
}

/// Writes an array of `shape`, `<f4`, without holding it: `fill` hands over its values in row-major order, in pieces of
/// any length. Where the name ends in `.gz` the file is gzip-compressed, as `gzip.open` reads it.
///
/// # Errors
/// When the file cannot be written, when `fill` fails, or hands over more or fewer values than `shape` has. What was
/// there before stays then.
pub fn write_pieces(
    path: &Path,
    shape: &[usize],
    fill: impl FnOnce(&mut Sink<'_>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let zipped = path.extension();
    let zipped = zipped.is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    detach_files::write(path, |out| {
        if !zipped {
            return write_values(out, shape, fill);
        }
        let mut gz = GzEncoder::new(out, Compression::default());
        write_values(&mut gz, shape, fill)?;
        gz.finish().map(drop)
    })
}

fn write_values(
    out: &mut dyn Write,
    shape: &[usize],
    fill: impl FnOnce(&mut Sink<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let other = |what: String| io::Error::other(what);
    let count = shape
        .iter()
        .try_fold(1, |n: usize, dim| n.checked_mul(*dim));
    let mut left = count.ok_or_else(|| other(format!("{shape:?} is more than can be counted")))?;
    out.write_all(&header(shape))?;
    let mut bytes = Vec::new();
    fill(&mut |values| {
        let rest = left.checked_sub(values.len());
        left = rest.ok_or_else(|| other(format!("more values were given than {shape:?} has")))?;
        for chunk in values.chunks(CHUNK) {
            bytes.resize(4 * chunk.len(), 0);
            LittleEndian::write_f32_into(chunk, &mut bytes);
            out.write_all(&bytes)?;
        }
        Ok(())
    })?;
    match left {
        0 => Ok(()),
        _ => Err(other(format!("{left} values of {shape:?} were not given"))),
    }
}

/// How many bytes a file of an array of `shape` has, before it is compressed.
pub fn size(shape: &[usize]) -> u64 {
    let values = shape
        .iter()
        .fold(4, |bytes: u64, dim| bytes.saturating_mul(*dim as u64));
    values.saturating_add(header(shape).len() as u64)
}

/// An array of `shape` whose elements are what NumPy calls `kind`, as the bytes of a `.npy` file.
pub(super) fn array(kind: &str, shape: &[usize], values: &[u8]) -> Vec<u8> {
    [&header_of(kind, shape)[..], values].concat()
}

fn header(shape: &[usize]) -> Vec<u8> {
    header_of("<f4", shape)
}

fn header_of(kind: &str, shape: &[usize]) -> Vec<u8> {
    const ALIGNMENT: usize = 64;
    let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    // As NumPy has it: (), (3,), (3, 4).
    let dims = match shape.len() {
        0 | 1 => dims.trim_end(),
        _ => dims.trim_end_matches(", "),
    };
    let mut text =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({dims}), }}").into_bytes();
    let padded = (PREAMBLE + text.len() + 1).next_multiple_of(ALIGNMENT) - PREAMBLE;
    text.resize(padded - 1, b' ');
    text.push(b'\n');
    let length = u16::try_from(text.len()).expect("a shape's text is far below 64 KiB");
    [&MAGIC[..], &[1, 0], &length.to_le_bytes(), &text].concat()
}

/// Reads an array of `<f4` or `<f8` values in C order.
///
/// Memory is taken only after the file's length has been found to agree with
/// its header, so a damaged header cannot ask for more than the file holds.
///
/// # Errors
/// When the file cannot be read, is no `.npy` file, holds other values, or is
/// cut short.
pub fn read(path: &Path) -> Result<Npy, ReadError> {
    load(path).map_err(|problem| ReadError {
        path: path.to_owned(),
        problem,
    })
}

fn load(path: &Path) -> Result<Npy, Problem> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut preamble = [0; PREAMBLE];
    match file.read_exact(&mut preamble) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Problem::Foreign),
        other => other?,
    }
    if preamble[..MAGIC.len()] != MAGIC {
        return Err(Problem::Foreign);
    }
    if preamble[6..8] != [1, 0] {
        return Err(Problem::Version(preamble[6], preamble[7]));
    }
    let mut text = Vec::new();
    let text_length = LittleEndian::read_u16(&preamble[8..]);
    (&mut file)
        .take(text_length.into())
        .read_to_end(&mut text)?;
    let Header { bytes, shape } = Header::parse(&String::from_utf8_lossy(&text))?;

    let found = length.saturating_sub(PREAMBLE as u64 + u64::from(text_length));
    let needed = shape
        .iter()
        .try_fold(bytes as u128, |product, &dim| {
            product.checked_mul(dim as u128)
        })
        .unwrap_or(u128::MAX);
    if needed != u128::from(found) {
        return Err(Problem::Size {
            shape,
            needed,
            found,
        });
    }
    // From the file's own length: the product of absurd dimensions and a zero
    // may overflow.
    let mut values = vec![0.0; found as usize / bytes];
    for chunk in values.chunks_mut(CHUNK) {
        if bytes == 4 {
            file.read_f32_into::<LittleEndian>(chunk)?;
        } else {
            let mut wide = vec![0.0; chunk.len()];
            file.read_f64_into::<LittleEndian>(&mut wide)?;
            for (value, wide) in chunk.iter_mut().zip(wide) {
                *value = wide as f32;
            }
        }
    }
    Ok(Npy { shape, values })
}

/// What the dictionary says.
struct Header {
    /// Bytes of one value: 4 or 8.
    bytes: usize,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Result<Self, Problem> {
        let damaged = || Problem::Header(text.trim_end().chars().take(120).collect());
        let after = |key: &str| {
            let start = text.find(&format!("'{key}':"))? + key.len() + 3;
            Some(text[start..].trim_start())
        };
        let between = |key: &str, open: char, close: char| {
            let (inside, _) = after(key)?.strip_prefix(open)?.split_once(close)?;
            Some(inside)
        };
        let kind = between("descr", '\'', '\'').ok_or_else(damaged)?;
        let bytes = match kind {
            "<f4" => 4,
            "<f8" => 8,
            _ => return Err(Problem::Type(kind.to_owned())),
        };
        let order = after("fortran_order").ok_or_else(damaged)?;
        if order.starts_with("True") {
            return Err(Problem::FortranOrder);
        }
        if !order.starts_with("False") {
            return Err(damaged());
        }
        let dims = between("shape", '(', ')').ok_or_else(damaged)?.trim();
        let dims = dims.strip_suffix(',').unwrap_or(dims);
        let shape = match dims {
            "" => Vec::new(),
            _ => dims
                .split(',')
                .map(|dim| dim.trim().parse().map_err(|_| damaged()))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self { bytes, shape })
    }
}

#[cfg(test)]
mod tests;

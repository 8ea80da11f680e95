//! The bytes of an IDX file of any type, raw or gzip-compressed.

use std::io::{self, Read};

use byteorder::{BigEndian, ByteOrder};

use super::element::Element;
use super::{MAX_BYTES, MAX_RANK};
use crate::error::IdxError;
use crate::gzip::{self, Gunzip};

/// An array as a file holds it.
pub(super) struct Raw {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    /// Row-major and big-endian.
    pub(super) data: Vec<u8>,
}

/// Reads one array to the end of `reader`, if its type is among those that are `wanted`.
pub(super) fn parse(mut reader: impl Read, wanted: &[Element]) -> Result<Raw, IdxError> {
    let start = up_to(&mut reader, 2).map_err(IdxError::Io)?;
    let compressed = start == gzip::MAGIC;
    let whole = io::Cursor::new(start).chain(reader);
    if compressed {
        parse_plain(Gunzip::new(whole), wanted, gzip_error)
    } else {
        parse_plain(whole, wanted, IdxError::Io)
    }
}

fn parse_plain(
    mut reader: impl Read,
    wanted: &[Element],
    error: fn(io::Error) -> IdxError,
) -> Result<Raw, IdxError> {
    let mut bytes = |limit| up_to(&mut reader, limit).map_err(error);

    let magic = bytes(4)?;
    let (code, rank) = match magic[..] {
        [] => return Err(IdxError::Empty),
        [0, 0, code, rank] => (code, rank),
        [0] | [0, 0] | [0, 0, _] => {
            return Err(IdxError::Short {
                expected: 4,
                found: magic.len() as u64,
            });
        }
        _ => return Err(IdxError::Magic(magic)),
    };
    let element = Element::of(code).filter(|element| wanted.contains(element));
    let element = element.ok_or(IdxError::Element { code })?;
    if usize::from(rank) > MAX_RANK {
        return Err(IdxError::Rank(rank.into()));
    }

    let expected = 4 * u64::from(rank);
    let header = bytes(expected)?;
    if (header.len() as u64) < expected {
        return Err(IdxError::Short {
            expected,
            found: header.len() as u64,
        });
    }
    let sizes: Vec<u64> = header
        .chunks_exact(4)
        .map(|size| BigEndian::read_u32(size).into())
        .collect();

    let expected = claimed_bytes(&sizes, element)?;
    // One byte more than expected: it tells a file that goes on from one that ends, and it takes a
    // gzip stream past its checksum.
    let mut data = bytes(expected + 1)?;
    match data.len() as u64 {
        found if found < expected => Err(IdxError::Short { expected, found }),
        found if found > expected => Err(IdxError::Trailing { expected }),
        _ => {
            data.shrink_to_fit();
            Ok(Raw {
                element,
                shape: sizes.iter().map(|&size| size as usize).collect(),
                data,
            })
        }
    }
}

/// At most `limit` bytes, fewer where the reader ends. Memory grows with what arrives.
fn up_to(reader: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of so many elements, unless they are more than a file may hold. A size of 0 excuses no other one: whoever
/// multiplies them must not overflow on the way to 0.
pub(super) fn claimed_bytes(sizes: &[u64], element: Element) -> Result<u64, IdxError> {
    let of = |sizes: &[u64]| product(sizes).saturating_mul(element.size() as u128);
    let bytes = of(&sizes.iter().map(|size| (*size).max(1)).collect::<Vec<_>>());
    if bytes > u128::from(MAX_BYTES) {
        return Err(IdxError::TooLarge {
            shape: sizes.to_vec(),
            bytes,
        });
    }
    Ok(of(sizes) as u64)
}

pub(super) fn product(sizes: &[u64]) -> u128 {
    sizes
        .iter()
        .fold(1, |bytes: u128, &size| bytes.saturating_mul(size.into()))
}

/// A stream that ends early is `UnexpectedEof`, one that does not decode is `InvalidInput` or
/// `InvalidData`; all else comes from the file.
fn gzip_error(cause: io::Error) -> IdxError {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => IdxError::GzipTruncated,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            IdxError::GzipCorrupt(cause.to_string())
        }
        _ => IdxError::Io(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reserves_no_memory() {
        let bytes = up_to(&mut &[1u8, 2, 3][..], 1 << 40).unwrap();
        assert_eq!(bytes, [1, 2, 3]);
        assert!(
            bytes.capacity() < 1 << 16,
            "{} bytes are reserved",
            bytes.capacity()
        );
    }

    #[test]
    fn a_size_of_nothing_hides_no_other_one() {
        let huge = u64::from(u32::MAX);
        for sizes in [[huge, huge, huge, 0], [0, huge, huge, huge]] {
            claimed_bytes(&sizes, Element::U8).expect_err("too large");
        }
        assert_eq!(claimed_bytes(&[0, 28, 28], Element::U8).unwrap(), 0);
    }

    #[test]
    fn the_limit_is_of_bytes_not_of_elements() {
        let sizes = [MAX_BYTES / 4];
        assert_eq!(claimed_bytes(&sizes, Element::I32).unwrap(), MAX_BYTES);
        claimed_bytes(&sizes, Element::F64).expect_err("2 GiB");
    }
}

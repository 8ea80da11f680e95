//! The header of a NumPy array.

use super::zip::up_to;
use crate::error::NpzError;
use std::io::Read;

/// The most that an array may take, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// More than NumPy writes for an array of numbers.
const MAX_HEADER: u64 = 1 << 16;

/// What the header of an array says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The type of its elements, e.g. `|u1` or `<i8`.
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    /// Whether the first axis is the fastest, as in Fortran, and not the last one.
    pub(super) is_fortran: bool,
    /// Length of the header, in bytes.
    pub(super) len: u64,
}

impl Header {
    /// Reads the header of the array `name`.
    pub(super) fn read(name: &str, reader: &mut impl Read) -> Result<Self, NpzError> {
        let wrong = |what: &str| NpzError::Header {
            name: name.to_owned(),
            what: what.to_owned(),
        };
        let mut next = |len| {
            let bytes = up_to(reader, len).map_err(|cause| NpzError::Damaged {
                name: name.to_owned(),
                what: cause.to_string(),
            })?;
            match bytes.len() as u64 == len {
                true => Ok(bytes),
                false => Err(wrong("its header is cut off")),
            }
        };
        let start = next(8)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err(wrong("it does not begin with \\x93NUMPY"));
        }
        let width = match start[6] {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(wrong("its version is not 1, 2 or 3")),
        };
        let len = next(width)?;
        let len = len
            .iter()
            .rev()
            .fold(0, |len, byte| len << 8 | u64::from(*byte));
        if len > MAX_HEADER {
            return Err(wrong("its header is longer than 64 KiB"));
        }
        let text = String::from_utf8_lossy(&next(len)?).into_owned();
        let dtype = value(&text, "descr")
            .and_then(|rest| rest.strip_prefix('\''))
            .and_then(|rest| rest.split_once('\''))
            .ok_or_else(|| wrong("its header has no plain type"))?;
        let is_fortran = match value(&text, "fortran_order") {
            Some(order) if order.starts_with("False") => false,
            Some(order) if order.starts_with("True") => true,
            _ => return Err(wrong("its header does not say its order")),
        };
        let sizes = value(&text, "shape").and_then(sizes);
        let sizes = sizes.ok_or_else(|| wrong("its header has no shape"))?;
        // What is not a number of known width is refused later, by its type.
        let size = width_of(dtype.0).unwrap_or(1);
        // A size of 0 hides no other one.
        let mut sizes_or_one = sizes.iter().map(|size| (*size).max(1));
        let bytes = sizes_or_one.try_fold(size as u64, u64::checked_mul);
        if bytes.is_none_or(|bytes| bytes > MAX_BYTES) || sizes.len() > 8 {
            return Err(NpzError::TooLarge {
                name: name.to_owned(),
                shape: sizes.into_iter().take(8).collect(),
            });
        }
        Ok(Self {
            dtype: dtype.0.to_owned(),
            shape: sizes.into_iter().map(|size| size as usize).collect(),
            is_fortran,
            len: 8 + width + len,
        })
    }

    /// Bytes of an element, if it is an integer or a truth value.
    pub(super) fn width(&self) -> Option<usize> {
        width_of(&self.dtype)
    }

    /// Number of elements.
    pub(super) fn count(&self) -> u64 {
        self.shape.iter().map(|size| *size as u64).product()
    }
}

fn width_of(dtype: &str) -> Option<usize> {
    match dtype {
        "|u1" | "|i1" | "|b1" => Some(1),
        "<u2" | "<i2" | ">u2" | ">i2" => Some(2),
        "<u4" | "<i4" | ">u4" | ">i4" => Some(4),
        "<u8" | "<i8" | ">u8" | ">i8" => Some(8),
        _ => None,
    }
}

/// What stands behind `'key':`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// The numbers of `(60000, 28, 28)`, `(60000,)` or `()`.
fn sizes(text: &str) -> Option<Vec<u64>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let numbers = inside
        .split(',')
        .map(str::trim)
        .filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Header, NpzError> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        Header::read("x", &mut &bytes[..])
    }

    #[test]
    fn headers_of_numpy() {
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }     \n";
        let header = read(text).unwrap();
        assert_eq!(
            (&*header.dtype, &header.shape[..]),
            ("|u1", &[60000, 28, 28][..])
        );
        assert_eq!(
            (header.count(), header.len),
            (60000 * 784, 10 + text.len() as u64)
        );
        let scalar = read("{'descr': '<i8', 'fortran_order': False, 'shape': (), }").unwrap();
        assert_eq!((scalar.shape.len(), scalar.count()), (0, 1));
    }

    #[test]
    fn what_numpy_does_not_write_is_refused() {
        for (text, what) in [
            ("", "type"),
            (
                "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': ()}",
                "type",
            ),
            (
                "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (3,)}",
                "order",
            ),
            ("{'descr': '|u1', 'shape': (3,)}", "order"),
            (
                "{'descr': '|u1', 'fortran_order': False, 'shape': (3, x)}",
                "shape",
            ),
            (
                "{'descr': '|u1', 'fortran_order': False, 'shape': (-3,)}",
                "shape",
            ),
            (
                "{'descr': '|u1', 'fortran_order': False, 'shape': (3",
                "shape",
            ),
            (
                "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967295, 4294967295, 28)}",
                "corrupt",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}

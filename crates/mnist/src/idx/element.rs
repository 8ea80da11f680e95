//! The types that elements of an IDX file may have.

use byteorder::{BigEndian, ByteOrder};

/// The type of a file's elements, all big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Element {
    /// The type that the third byte of a file means.
    pub(super) fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0b => Self::I16,
            0x0c => Self::I32,
            0x0d => Self::F32,
            0x0e => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub(super) fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The element at the start of `bytes`; every type fits into `f64` without rounding.
    ///
    /// # Panics
    /// If there are fewer bytes than an element has.
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        match self {
            Self::U8 => bytes[0].into(),
            Self::I8 => f64::from(bytes[0].cast_signed()),
            Self::I16 => BigEndian::read_i16(bytes).into(),
            Self::I32 => BigEndian::read_i32(bytes).into(),
            Self::F32 => BigEndian::read_f32(bytes).into(),
            Self::F64 => BigEndian::read_f64(bytes),
        }
    }
}

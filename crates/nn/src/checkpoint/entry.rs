//! One tensor of a checkpoint.

use crate::module::Slot;
use detach_tensor::{Array, DType, MAX_RANK};
use safetensors::Dtype;
use std::io::{self, Read, Write};

/// One tensor: its place in the file's header, and its values.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    values: Values,
}

#[derive(Clone, Debug)]
enum Values {
    /// A handle to what was added, or what was read.
    Floats(Array),
    /// A count, or what is in a foreign file.
    Bytes(Vec<u8>),
}

impl Entry {
    pub(super) fn of(slot: Slot<'_>) -> Self {
        let (shape, values) = match slot {
            Slot::Param(param) | Slot::Buffer(param) => {
                let array = param.get().value().clone();
                (array.shape().to_vec(), Values::Floats(array))
            }
            Slot::Count(count) => (
                Vec::new(),
                Values::Bytes(count.get().to_le_bytes().to_vec()),
            ),
        };
        Self {
            dtype: dtype_of(&slot),
            shape,
            values,
        }
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Bytes(bytes) => bytes.len(),
            Values::Floats(array) => array.len() * array.dtype().size(),
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.values {
            Values::Bytes(bytes) => out.write_all(bytes),
            Values::Floats(array) => array.write_le(|bytes| out.write_all(bytes)),
        }
    }

    /// CRC-32C of its bytes.
    pub(super) fn checksum(&self) -> u32 {
        let mut checksum = 0;
        let add = |bytes: &[u8]| checksum = crc32c::crc32c_append(checksum, bytes);
        match &self.values {
            Values::Bytes(bytes) => crc32c::crc32c(bytes),
            Values::Floats(array) => {
                array.write_le(add);
                checksum
            }
        }
    }

    /// Whether it holds no infinity and no NaN.
    pub(super) fn is_finite(&self) -> bool {
        match &self.values {
            Values::Bytes(_) => true,
            Values::Floats(array) => array.is_finite(),
        }
    }

    /// Reads the `length` bytes of a tensor.
    pub(super) fn read(
        dtype: Dtype,
        shape: &[usize],
        length: usize,
        file: &mut impl Read,
    ) -> io::Result<Self> {
        let values = match dtype {
            Dtype::F32 => Values::Floats(floats(DType::F32, shape, file)?),
            Dtype::F64 => Values::Floats(floats(DType::F64, shape, file)?),
            _ => {
                let mut bytes = vec![0; length];
                file.read_exact(&mut bytes)?;
                Values::Bytes(bytes)
            }
        };
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            values,
        })
    }

    /// What keeps this from being written to `slot`.
    pub(super) fn differs(&self, name: &str, slot: &Slot<'_>) -> Option<String> {
        let shape = match slot {
            Slot::Param(param) | Slot::Buffer(param) => param.get().shape().to_vec(),
            Slot::Count(_) => Vec::new(),
        };
        let dtype = dtype_of(slot);
        if self.shape != shape || self.dtype != dtype {
            let (has, is) = (&self.shape, self.dtype);
            return Some(format!(
                "`{name}` is {is} {has:?} and should be {dtype} {shape:?}"
            ));
        }
        let negative = dtype == Dtype::I64 && self.count().is_some_and(i64::is_negative);
        negative.then(|| format!("`{name}` is a negative count"))
    }

    fn count(&self) -> Option<i64> {
        match &self.values {
            Values::Bytes(bytes) => bytes.first_chunk().map(|b| i64::from_le_bytes(*b)),
            Values::Floats(_) => None,
        }
    }

    /// # Panics
    /// When it [differs](Self::differs).
    pub(super) fn write_to(&self, slot: &Slot<'_>) {
        match (slot, &self.values) {
            (Slot::Param(param) | Slot::Buffer(param), Values::Floats(array)) => {
                let device = param.get().kind().device;
                param.set("Checkpoint::restore", &array.to_device(device));
            }
            (Slot::Count(count), _) => count.set(self.count().unwrap_or(0).cast_unsigned()),
            (_, Values::Bytes(_)) => unreachable!("parameters and buffers are floats"),
        }
    }
}

/// An array in memory that the pool knows, straight from the file.
fn floats(dtype: DType, shape: &[usize], file: &mut impl Read) -> io::Result<Array> {
    // The format allows any rank; no layer here has one above four.
    let flat = [shape.iter().product()];
    let shape = if shape.len() > MAX_RANK { &flat } else { shape };
    Array::read_le(shape, dtype, |bytes| file.read_exact(bytes))
}

fn dtype_of(slot: &Slot<'_>) -> Dtype {
    match slot {
        Slot::Param(param) | Slot::Buffer(param) => match param.get().dtype() {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
        },
        Slot::Count(_) => Dtype::I64,
    }
}

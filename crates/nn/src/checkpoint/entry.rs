//! One tensor of a checkpoint.

use crate::module::Slot;
use detach_tensor::{Array, DType, Tensor};
use safetensors::Dtype;
use std::io::{self, Write};

/// One tensor: its place in the file's header, and its values.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

#[derive(Clone, Debug)]
pub(super) enum Values {
    /// As they are in a file.
    Bytes(Vec<u8>),
    /// A handle to what was added.
    Held(Tensor),
}

impl Entry {
    pub(super) fn of(slot: Slot<'_>) -> Self {
        let (shape, values) = match slot {
            Slot::Param(param) | Slot::Buffer(param) => {
                let tensor = param.get().detach();
                (tensor.shape().to_vec(), Values::Held(tensor))
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
            Values::Held(tensor) => tensor.len() * tensor.dtype().size(),
        }
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.values {
            Values::Bytes(bytes) => out.write_all(bytes),
            Values::Held(tensor) => match tensor.dtype() {
                DType::F32 => write_values(out, &tensor.to_vec::<f32>(), f32::to_le_bytes),
                DType::F64 => write_values(out, &tensor.to_vec::<f64>(), f64::to_le_bytes),
            },
        }
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
            Values::Held(_) => None,
        }
    }

    /// # Panics
    /// When it [differs](Self::differs).
    pub(super) fn write_to(&self, slot: &Slot<'_>) {
        match (slot, &self.values) {
            (Slot::Param(param) | Slot::Buffer(param), values) => {
                let values = match (values, self.dtype) {
                    (Values::Held(tensor), _) => tensor.value().clone(),
                    (Values::Bytes(bytes), Dtype::F64) => {
                        Array::from_slice(&values_of(bytes, f64::from_le_bytes), &self.shape)
                    }
                    (Values::Bytes(bytes), _) => {
                        Array::from_slice(&values_of(bytes, f32::from_le_bytes), &self.shape)
                    }
                };
                param.set("Checkpoint::restore", &values);
            }
            (Slot::Count(count), _) => count.set(self.count().unwrap_or(0).cast_unsigned()),
        }
    }
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

/// Piece by piece: the bytes of all values at once would be as much memory again.
fn write_values<T: Copy, const N: usize>(
    out: &mut impl Write,
    values: &[T],
    to: fn(T) -> [u8; N],
) -> io::Result<()> {
    const PIECE: usize = 4096;
    let mut bytes = Vec::with_capacity(PIECE * N);
    for piece in values.chunks(PIECE) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|&value| to(value)));
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn values_of<T, const N: usize>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|&chunk| from(chunk)).collect()
}

//! The innermost loop of everything that multiplies: one register tile.
//!
//! ```text
//! c[i, j] (+)= sum over p of a[i, p] * b[p, j]        i < rows, j < columns
//! ```
//!
//! for as many rows and columns as fit the processor's registers. `a` is read where
//! it lies, with any strides: an element is broadcast to all lanes. `b` is packed in
//! *panels*, [`Shape::columns`] wide: `[k, columns]`, zeros where there is no column.
//! The matrix products and Winograd's convolutions are loops over tiles; they differ in what
//! they pack.
//!
//! Each element is summed in the order of `p` in one accumulator, whatever the tile it
//! is in, so how a product is cut into tiles does not change its bits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(test)]
mod tests;

use crate::simd::{Level, level};

/// The most rows and columns of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Shape {
    /// The tile of this processor.
    pub(crate) fn of_level() -> Self {
        match level() {
            // 28 accumulators, two columns of b and a broadcast: 31 of 32 registers.
            Level::Avx512 => Self {
                rows: 14,
                columns: 32,
            },
            // 12 accumulators, two columns of b and a broadcast: 15 of 16 registers.
            Level::Avx2 => Self {
                rows: 6,
                columns: 16,
            },
            Level::Portable => Self {
                rows: portable::ROWS,
                columns: portable::COLUMNS,
            },
        }
    }
}

/// What happens to a sum on its way to memory: `act(c + sum + bias)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileEpilogue {
    /// Add to what is there (else it is not read).
    pub(crate) add: bool,
    /// One value for each column, or null.
    pub(crate) bias: *const f32,
    /// Negative results are multiplied by it: 1 for the identity, 0 for ReLU.
    pub(crate) slope: f32,
}

impl TileEpilogue {
    /// The sum replaces what is there.
    pub(crate) const STORE: Self = Self {
        add: false,
        bias: std::ptr::null(),
        slope: 1.0,
    };
}

/// The operands of one tile, as pointers: see [`tile`] for what must hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands {
    pub(crate) a: *const f32,
    /// Steps in `a` from row to row and along k, in elements.
    pub(crate) a_strides: [usize; 2],
    /// The packed panel.
    pub(crate) b: *const f32,
    /// Length of the sums.
    pub(crate) k: usize,
    pub(crate) c: *mut f32,
    /// Step in `c` from row to row.
    pub(crate) c_stride: usize,
    /// Rows and columns, at most the [`Shape`]'s.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// Computes one tile.
///
/// # Safety
/// `a` must be readable at `[rows, k]` under its strides, `b` at `k` times
/// [`Shape::columns`] elements and aligned to 64 bytes, `bias` (unless null) at `columns` elements; `c` must be
/// writable at `[rows, columns]` and accessed by nobody else, and `rows` and `columns`
/// be between 1 and those of [`Shape::of_level`].
#[allow(unsafe_code)]
#[inline]
pub(crate) unsafe fn tile(operands: &Operands, finish: &TileEpilogue) {
    debug_assert!(operands.rows <= Shape::of_level().rows && operands.rows > 0);
    debug_assert!(operands.columns <= Shape::of_level().columns && operands.columns > 0);
    match level() {
        // SAFETY: the processor has what `level` names; the rest is the caller's
        // promise.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::tile(operands, finish) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::tile(operands, finish) },
        // SAFETY: as above.
        _ => unsafe { portable::tile(operands, finish) },
    }
}

/// The rows of tiles of nearly equal height that `rows` are cut into: `rows` and
/// start of each. A last tile of one row would run at a fraction of the speed.
pub(crate) fn heights(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let most = Shape::of_level().rows;
    let count = rows.div_ceil(most);
    let (low, higher) = (rows / count.max(1), rows % count.max(1));
    (0..count).map(move |i| (low + usize::from(i < higher), i * low + i.min(higher)))
}

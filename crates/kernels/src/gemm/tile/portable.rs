//! Two or four rows of 16 with whatever the compiler makes of it.

#![allow(unsafe_code)]

use super::{Operands, TileEpilogue};
use crate::simd::multiply_add;

/// Half of the 16 registers of SSE2 and of what engines give WebAssembly; other
/// processors have 32.
pub(super) const ROWS: usize = match cfg!(any(target_arch = "x86_64", target_family = "wasm")) {
    true => 2,
    false => 4,
};
pub(super) const COLUMNS: usize = LANES * QUARTERS;

/// Elements of the register that every processor with vectors has.
const LANES: usize = 4;
const QUARTERS: usize = 4;

/// One register. Sums held as `[f32; COLUMNS]` become scalars: [`write`] walks an array as
/// long as its columns, and the compiler takes apart all that it walks.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Lanes([f32; LANES]);

impl Lanes {
    const ZERO: Self = Self([0.0; LANES]);

    /// `self + a * b`.
    #[inline(always)]
    fn plus(self, a: f32, b: &[f32; LANES]) -> Self {
        Self(std::array::from_fn(|lane| {
            multiply_add(a, b[lane], self.0[lane])
        }))
    }
}

/// As [`super::tile`].
pub(super) unsafe fn tile(operands: &Operands, finish: &TileEpilogue) {
    let [row, step] = operands.a_strides;
    let mut acc = [[Lanes::ZERO; QUARTERS]; ROWS];
    for p in 0..operands.k {
        // SAFETY: the caller's promise. Rows that are not there repeat the last.
        unsafe {
            let b = &*operands
                .b
                .add(p * COLUMNS)
                .cast::<[[f32; LANES]; QUARTERS]>();
            for (r, acc) in acc.iter_mut().enumerate() {
                let a = *operands.a.add(r.min(operands.rows - 1) * row + p * step);
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = acc.plus(a, b);
                }
            }
        }
    }
    let sums = acc.map(|row| {
        let mut sums = [0.0; COLUMNS];
        for (sums, Lanes(lanes)) in sums.as_chunks_mut().0.iter_mut().zip(row) {
            *sums = lanes;
        }
        sums
    });
    // SAFETY: the caller's promise.
    unsafe { write(&sums, operands, finish) }
}

/// Finishes the sums and writes those that are there; `c` as in [`super::tile`].
#[inline(always)]
pub(super) unsafe fn write<const N: usize>(
    sums: &[[f32; N]],
    operands: &Operands,
    finish: &TileEpilogue,
) {
    let columns = operands.columns.min(N);
    for (r, sums) in sums.iter().take(operands.rows).enumerate() {
        // SAFETY: the caller's promise: the row and the bias have `columns` elements.
        let (c, bias) = unsafe {
            let c = operands.c.wrapping_add(r * operands.c_stride);
            let bias = match finish.bias.is_null() {
                true => &[0.0; N][..columns],
                false => std::slice::from_raw_parts(finish.bias, columns),
            };
            (std::slice::from_raw_parts_mut(c, columns), bias)
        };
        for ((c, sum), bias) in c.iter_mut().zip(sums).zip(bias) {
            let mut sum = sum + bias;
            if finish.add {
                sum += *c;
            }
            *c = if sum < 0.0 { sum * finish.slope } else { sum };
        }
    }
}

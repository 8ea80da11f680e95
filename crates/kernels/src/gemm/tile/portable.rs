//! Two or four rows of 16 with whatever the compiler makes of it.

#![allow(unsafe_code)]

use super::{Finish, Operands};

/// Half of the 16 registers of SSE2; the others have 32.
pub(super) const ROWS: usize = if cfg!(target_arch = "x86_64") { 2 } else { 4 };
pub(super) const COLUMNS: usize = 16;

/// As [`super::tile`].
pub(super) unsafe fn tile(operands: &Operands, finish: &Finish) {
    let [row, step] = operands.a_strides;
    let mut acc = [[0.0_f32; COLUMNS]; ROWS];
    for p in 0..operands.k {
        // SAFETY: the caller's promise. Rows that are not there repeat the last.
        unsafe {
            let b = &*operands.b.add(p * COLUMNS).cast::<[f32; COLUMNS]>();
            for (r, acc) in acc.iter_mut().enumerate() {
                let a = *operands.a.add(r.min(operands.rows - 1) * row + p * step);
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc += a * b;
                }
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { write(&acc, operands, finish) }
}

/// Finishes the sums and writes those that are there; `c` as in [`super::tile`].
#[inline(always)]
pub(super) unsafe fn write<const N: usize>(
    sums: &[[f32; N]],
    operands: &Operands,
    finish: &Finish,
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

//! 6 × 16 with AVX2 and FMA.

#![allow(unsafe_code)]
// Constant indices are what keeps an array in registers.
#![allow(clippy::needless_range_loop)]

use super::{Operands, TileEpilogue, portable};
use std::arch::x86_64::*;

/// As [`super::tile`], where the processor has AVX2 and FMA.
pub(super) unsafe fn tile(operands: &Operands, finish: &TileEpilogue) {
    // SAFETY: the caller's promise.
    unsafe {
        match operands.rows {
            1 => rows::<1>(operands, finish),
            2 => rows::<2>(operands, finish),
            3 => rows::<3>(operands, finish),
            4 => rows::<4>(operands, finish),
            5 => rows::<5>(operands, finish),
            _ => rows::<6>(operands, finish),
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn rows<const R: usize>(operands: &Operands, finish: &TileEpilogue) {
    let [row, step] = operands.a_strides;
    let (mut a, mut panel) = (operands.a, operands.b);
    let mut acc = [[_mm256_setzero_ps(); 2]; R];
    // SAFETY: the caller's promise; a prefetch touches nothing.
    unsafe {
        for r in 0..R {
            let c = operands.c.wrapping_add(r * operands.c_stride);
            _mm_prefetch::<_MM_HINT_T0>(c.cast::<i8>());
        }
        for _ in 0..operands.k {
            let b = [_mm256_load_ps(panel), _mm256_load_ps(panel.add(8))];
            for r in 0..R {
                let x = _mm256_broadcast_ss(&*a.add(r * row));
                acc[r][0] = _mm256_fmadd_ps(x, b[0], acc[r][0]);
                acc[r][1] = _mm256_fmadd_ps(x, b[1], acc[r][1]);
            }
            panel = panel.add(16);
            a = a.wrapping_add(step);
        }
        let mut sums = [[0.0_f32; 16]; R];
        for (sums, acc) in sums.iter_mut().zip(acc) {
            _mm256_storeu_ps(sums.as_mut_ptr(), acc[0]);
            _mm256_storeu_ps(sums.as_mut_ptr().add(8), acc[1]);
        }
        portable::write(&sums, operands, finish);
    }
}

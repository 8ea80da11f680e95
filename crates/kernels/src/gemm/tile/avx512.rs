//! 14 × 32 with AVX-512.

#![allow(unsafe_code)]
// Constant indices are what keeps an array in registers.
#![allow(clippy::needless_range_loop)]

use super::{Operands, TileEpilogue};
use std::arch::asm;
use std::arch::x86_64::*;

/// Rows that share a base pointer: as many as one index register's multiples reach.
const GROUP: usize = 7;

/// As [`super::tile`], where the processor has AVX-512 F. A panel whose second half has
/// no columns costs half.
pub(super) unsafe fn tile(operands: &Operands, finish: &TileEpilogue) {
    // SAFETY: the caller's promise.
    unsafe {
        match operands.columns > 16 {
            true => halves::<2>(operands, finish),
            false => halves::<1>(operands, finish),
        }
    }
}

#[inline]
unsafe fn halves<const HALVES: usize>(operands: &Operands, finish: &TileEpilogue) {
    // SAFETY: the caller's promise.
    unsafe {
        match operands.rows {
            1 => rows::<1, HALVES>(operands, finish),
            2 => rows::<2, HALVES>(operands, finish),
            3 => rows::<3, HALVES>(operands, finish),
            4 => rows::<4, HALVES>(operands, finish),
            5 => rows::<5, HALVES>(operands, finish),
            6 => rows::<6, HALVES>(operands, finish),
            7 => rows::<7, HALVES>(operands, finish),
            8 => rows::<8, HALVES>(operands, finish),
            9 => rows::<9, HALVES>(operands, finish),
            10 => rows::<10, HALVES>(operands, finish),
            11 => rows::<11, HALVES>(operands, finish),
            12 => rows::<12, HALVES>(operands, finish),
            13 => rows::<13, HALVES>(operands, finish),
            _ => rows::<14, HALVES>(operands, finish),
        }
    }
}

/// `acc[r] += a[r] * b` for row `r`, if there is one. The address is written in the
/// instruction: left to itself the compiler keeps fourteen pointers, which are more
/// than there are registers, and reloads them in the loop.
macro_rules! row {
    ($acc:ident, $r:literal, $b:ident, $address:literal, $($name:ident = $value:expr),+) => {
        if R > $r {
            let x: __m512;
            asm!(
                concat!("vbroadcastss {x}, dword ptr [", $address, "]"),
                x = out(zmm_reg) x,
                $($name = in(reg) $value,)+
                options(readonly, nostack, preserves_flags),
            );
            for half in 0..HALVES {
                $acc[$r][half] = _mm512_fmadd_ps(x, $b[half], $acc[$r][half]);
            }
        }
    };
}

#[target_feature(enable = "avx512f")]
unsafe fn rows<const R: usize, const HALVES: usize>(operands: &Operands, finish: &TileEpilogue) {
    let Operands { k, c, c_stride, .. } = *operands;
    let step = operands.a_strides[1] * size_of::<f32>();
    let one = operands.a_strides[0] * size_of::<f32>();
    let (three, five) = (3 * one, 5 * one);
    let mut a = operands.a.cast::<u8>();
    let mut second = a.wrapping_add(GROUP * one);
    let mut panel = operands.b;
    let mut acc = [[_mm512_setzero_ps(); HALVES]; R];
    // SAFETY: the caller's promise; a prefetch touches nothing.
    unsafe {
        for r in 0..R {
            let c = c.wrapping_add(r * c_stride).cast::<i8>();
            _mm_prefetch::<_MM_HINT_T0>(c);
            _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(64));
        }
        for _ in 0..k {
            let mut b = [_mm512_setzero_ps(); HALVES];
            for (half, b) in b.iter_mut().enumerate() {
                *b = _mm512_load_ps(panel.add(16 * half));
            }
            row!(acc, 0, b, "{a}", a = a);
            row!(acc, 1, b, "{a} + {s}", a = a, s = one);
            row!(acc, 2, b, "{a} + 2*{s}", a = a, s = one);
            row!(acc, 3, b, "{a} + {s}", a = a, s = three);
            row!(acc, 4, b, "{a} + 4*{s}", a = a, s = one);
            row!(acc, 5, b, "{a} + {s}", a = a, s = five);
            row!(acc, 6, b, "{a} + 2*{s}", a = a, s = three);
            row!(acc, 7, b, "{a}", a = second);
            row!(acc, 8, b, "{a} + {s}", a = second, s = one);
            row!(acc, 9, b, "{a} + 2*{s}", a = second, s = one);
            row!(acc, 10, b, "{a} + {s}", a = second, s = three);
            row!(acc, 11, b, "{a} + 4*{s}", a = second, s = one);
            row!(acc, 12, b, "{a} + {s}", a = second, s = five);
            row!(acc, 13, b, "{a} + 2*{s}", a = second, s = three);
            panel = panel.add(32);
            a = a.wrapping_add(step);
            second = second.wrapping_add(step);
        }
        write(&acc, operands, finish);
    }
}

/// Finishes the sums and writes them; `c` as in [`super::tile`].
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn write<const R: usize, const HALVES: usize>(
    acc: &[[__m512; HALVES]; R],
    operands: &Operands,
    finish: &TileEpilogue,
) {
    let columns = operands.columns;
    let lanes = |half: usize| -> __mmask16 {
        let there = columns.saturating_sub(16 * half).min(16);
        ((1_u32 << there) - 1) as u16
    };
    let slope = _mm512_set1_ps(finish.slope);
    let zero = _mm512_setzero_ps();
    for half in 0..HALVES {
        let mask = lanes(half);
        // SAFETY: masked lanes are neither read nor written, the others are the
        // caller's promise.
        unsafe {
            let bias = match finish.bias.is_null() {
                true => zero,
                false => _mm512_maskz_loadu_ps(mask, finish.bias.wrapping_add(16 * half)),
            };
            for r in 0..R {
                let c = operands.c.wrapping_add(r * operands.c_stride + 16 * half);
                let mut sum = _mm512_add_ps(acc[r][half], bias);
                if finish.add {
                    sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, c));
                }
                if finish.slope != 1.0 {
                    let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(sum, zero);
                    sum = _mm512_mask_mul_ps(sum, negative, sum, slope);
                }
                _mm512_mask_storeu_ps(c, mask, sum);
            }
        }
    }
}

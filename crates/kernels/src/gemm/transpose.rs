//! Transposition in registers: a few rows of a matrix become columns of another, and
//! are finished on the way.

#![allow(unsafe_code)]

use super::matrix::Matrix;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Level, level};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// What happens to an element on its way: `act(x + bias)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowEpilogue<'a> {
    /// One value for each row of the source, added.
    pub(super) bias: Option<&'a [f32]>,
    /// Negative results are multiplied by it: 1 for the identity, 0 for ReLU.
    pub(super) slope: f32,
}

impl RowEpilogue<'_> {
    /// Copies.
    pub(super) const STORE: Self = Self {
        bias: None,
        slope: 1.0,
    };
}

/// Columns of the source that the vector code turns at a time.
const STEP: usize = 4;

/// `out[j * stride + i] = act(x[i, j] + bias[i])` for `x` with rows of neighbours.
///
/// # Panics
/// When `x`'s rows are not neighbours, or `out` or the bias is too short.
pub(super) fn transpose(
    x: Matrix<'_, f32>,
    out: &mut [f32],
    stride: usize,
    finish: &RowEpilogue<'_>,
) {
    let [rows, columns] = x.shape;
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(x.row(0).is_some(), "rows of neighbours");
    assert!(
        (columns - 1) * stride + rows <= out.len(),
        "room for the transpose"
    );
    assert!(
        finish.bias.is_none_or(|bias| bias.len() >= rows),
        "bias for each row"
    );
    // SAFETY: checked above: an element of `out` for each of `x`'s.
    unsafe { transpose_to(x, out.as_mut_ptr(), stride, finish) };
}

/// [`transpose`] to memory that is known by its address alone.
///
/// # Safety
/// `out` must be writable at `rows` elements from each of `columns` multiples of
/// `stride` and accessed by nobody else; `x`'s rows must be neighbours and the bias,
/// if any, must have a value for each.
pub(super) unsafe fn transpose_to(
    x: Matrix<'_, f32>,
    out: *mut f32,
    stride: usize,
    finish: &RowEpilogue<'_>,
) {
    let [rows, columns] = x.shape;
    let lanes = lanes();
    let whole = [rows / lanes * lanes, columns / STEP * STEP];
    #[cfg(target_arch = "x86_64")]
    for i in (0..whole[0]).step_by(lanes) {
        let strip = Strip {
            from: x.as_ptr().wrapping_add(i * x.strides[0]),
            row: x.strides[0],
            to: out.wrapping_add(i),
            column: stride,
            columns: whole[1],
            bias: finish
                .bias
                .map_or(std::ptr::null(), |bias| bias[i..].as_ptr()),
            slope: finish.slope,
        };
        // SAFETY: without the instructions there is no strip; the strip
        // lies inside `x`, and its columns inside `out`.
        unsafe {
            match lanes {
                16 => strip.turn_avx512(),
                _ => strip.turn_avx2(),
            }
        }
    }
    for i in 0..rows {
        let bias = finish.bias.map_or(0.0, |bias| bias[i]);
        let done = if i < whole[0] { whole[1] } else { 0 };
        for j in done..columns {
            let sum = x.at(i, j) + bias;
            let value = if sum < 0.0 { sum * finish.slope } else { sum };
            // SAFETY: the caller's promise.
            unsafe { *out.add(j * stride + i) = value };
        }
    }
}

/// Rows that are turned at a time; no matrix has as many where there is no vector code.
fn lanes() -> usize {
    #[cfg(target_arch = "x86_64")]
    return match level() {
        Level::Avx512 => 16,
        Level::Avx2 => 8,
        Level::Portable => usize::MAX,
    };
    #[cfg(not(target_arch = "x86_64"))]
    usize::MAX
}

/// As many rows as a register has lanes.
#[cfg(target_arch = "x86_64")]
struct Strip {
    from: *const f32,
    row: usize,
    to: *mut f32,
    column: usize,
    /// A multiple of [`STEP`].
    columns: usize,
    /// One for each row, or null.
    bias: *const f32,
    slope: f32,
}

#[cfg(target_arch = "x86_64")]
impl Strip {
    /// Sixteen rows. Lane `l` of a register collects four columns of the rows `4l` to
    /// `4l + 3`, so turning 4 × 4 inside lanes puts the rows in order.
    #[target_feature(enable = "avx512f")]
    unsafe fn turn_avx512(&self) {
        let slope = _mm512_set1_ps(self.slope);
        let zero = _mm512_setzero_ps();
        // SAFETY: the caller's promise, as in `transpose_to`.
        unsafe {
            let bias = match self.bias.is_null() {
                true => zero,
                false => _mm512_loadu_ps(self.bias),
            };
            let finishes = !self.bias.is_null() || self.slope != 1.0;
            for j in (0..self.columns).step_by(STEP) {
                let load = |r: usize| {
                    let at = |r: usize| _mm_loadu_ps(self.from.add(r * self.row + j));
                    let x = _mm512_castps128_ps512(at(r));
                    let x = _mm512_insertf32x4::<1>(x, at(r + 4));
                    let x = _mm512_insertf32x4::<2>(x, at(r + 8));
                    _mm512_insertf32x4::<3>(x, at(r + 12))
                };
                let rows = [load(0), load(1), load(2), load(3)];
                let low = [
                    _mm512_unpacklo_ps(rows[0], rows[1]),
                    _mm512_unpacklo_ps(rows[2], rows[3]),
                ];
                let high = [
                    _mm512_unpackhi_ps(rows[0], rows[1]),
                    _mm512_unpackhi_ps(rows[2], rows[3]),
                ];
                let turned = [
                    _mm512_shuffle_ps::<0x44>(low[0], low[1]),
                    _mm512_shuffle_ps::<0xEE>(low[0], low[1]),
                    _mm512_shuffle_ps::<0x44>(high[0], high[1]),
                    _mm512_shuffle_ps::<0xEE>(high[0], high[1]),
                ];
                for (t, mut x) in turned.into_iter().enumerate() {
                    if finishes {
                        x = _mm512_add_ps(x, bias);
                        let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, zero);
                        x = _mm512_mask_mul_ps(x, negative, x, slope);
                    }
                    _mm512_storeu_ps(self.to.add((j + t) * self.column), x);
                }
            }
        }
    }

    /// Eight rows, as above.
    #[target_feature(enable = "avx2")]
    unsafe fn turn_avx2(&self) {
        let slope = _mm256_set1_ps(self.slope);
        let zero = _mm256_setzero_ps();
        // SAFETY: the caller's promise, as in `transpose_to`.
        unsafe {
            let bias = match self.bias.is_null() {
                true => zero,
                false => _mm256_loadu_ps(self.bias),
            };
            let finishes = !self.bias.is_null() || self.slope != 1.0;
            for j in (0..self.columns).step_by(STEP) {
                let load = |r: usize| {
                    let at = |r: usize| _mm_loadu_ps(self.from.add(r * self.row + j));
                    _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(at(r)), at(r + 4))
                };
                let rows = [load(0), load(1), load(2), load(3)];
                let low = [
                    _mm256_unpacklo_ps(rows[0], rows[1]),
                    _mm256_unpacklo_ps(rows[2], rows[3]),
                ];
                let high = [
                    _mm256_unpackhi_ps(rows[0], rows[1]),
                    _mm256_unpackhi_ps(rows[2], rows[3]),
                ];
                let turned = [
                    _mm256_shuffle_ps::<0x44>(low[0], low[1]),
                    _mm256_shuffle_ps::<0xEE>(low[0], low[1]),
                    _mm256_shuffle_ps::<0x44>(high[0], high[1]),
                    _mm256_shuffle_ps::<0xEE>(high[0], high[1]),
                ];
                for (t, mut x) in turned.into_iter().enumerate() {
                    if finishes {
                        x = _mm256_add_ps(x, bias);
                        let scaled = _mm256_mul_ps(x, slope);
                        let negative = _mm256_cmp_ps::<_CMP_LT_OQ>(x, zero);
                        x = _mm256_blendv_ps(x, scaled, negative);
                    }
                    _mm256_storeu_ps(self.to.add((j + t) * self.column), x);
                }
            }
        }
    }
}

//! Convolutions in half of the multiplications and less, by values at points.
//!
//! A convolution of one dimension multiplies polynomials, and a product of polynomials is known from its values at
//! as many points as it has coefficients ([`transform`]): with `V` the values of a tile of small positions, `X`
//! those of its windows of the big image and `U` those of the weight, at each of 4 × 4 points
//!
//! ```text
//! fprop: V = U X      dgrad: X = Uᵀ V      wgrad: U = V Xᵀ
//! ```
//!
//! are matrix products over channels (and over tiles, for wgrad). There are two geometries: [`four`] (kernel 4,
//! stride 2, padding 1) and [`three`] (kernel 3, stride 1, padding 1).
//!
//! fprop and dgrad take tiles in groups whose values stay in the cache, from reading
//! the image to writing the result. How large a group is changes no bits: no sum
//! crosses tiles. wgrad sums over images in groups of a fixed size, in order.
//!
//! The relative error is that of a direct sum (`benches/RESULTS.md` has it measured), relative to the
//! largest of what a tile sees. A transform mixes that, so an infinity spreads to results that do not
//! see it: each pass says whether all of its results are finite, and if not, the family computes
//! them by patches, which sum each by itself.

mod four;
mod gradient;
mod lanes;
#[cfg(test)]
mod tests;
mod three;
mod tiles;
mod transform;
mod values;
mod weights;

use super::geometry::Conv;
use crate::gemm::tile::{Operands, TileEpilogue, heights, tile};
use crate::simd::simd;
use crate::{Buffer, DType, Device};

/// True for the convolutions that this form covers.
pub(super) fn fits(conv: &Conv) -> bool {
    four::fits(conv) || three::fits(conv)
}

/// `y` from `x` and `w`, and `bias` `[O]` added. False where not all of it is finite: then results
/// that do not see why may be wrong.
#[must_use]
pub(super) fn fprop(
    conv: &Conv,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) -> bool {
    match three::fits(conv) {
        true => three::fprop(conv, x, w, bias, y),
        false => four::fprop(conv, x, w, bias, y),
    }
}

/// `x` from `y` and `w`, and `bias` `[C]` added; as [`fprop`].
#[must_use]
pub(super) fn dgrad(
    conv: &Conv,
    y: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    x: &mut [f32],
) -> bool {
    match three::fits(conv) {
        true => three::dgrad(conv, y, w, bias, x),
        false => four::dgrad(conv, y, w, bias, x),
    }
}

/// `w` from `x` and `y`; as [`fprop`].
#[must_use]
pub(super) fn wgrad(conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) -> bool {
    match three::fits(conv) {
        true => three::wgrad(conv, x, y, w),
        false => four::wgrad(conv, x, y, w),
    }
}

fn scratch(len: usize) -> Buffer {
    Buffer::scratch(Device::Cpu, DType::F32, len)
}

/// `c = a b` at one point: `a` `[rows, k]`, `b` a packed panel `[k, width]`, `c` `[rows, width]`, of which the first
/// `columns` are written.
fn multiply(k: usize, [width, columns]: [usize; 2], a: &[f32], b: &[f32], c: &mut [f32]) {
    let total = a.len() / k;
    assert!(b.len() == k * width && c.len() == total * width && columns <= width);
    for (rows, start) in heights(total) {
        let operands = Operands {
            a: a[start * k..].as_ptr(),
            a_strides: [k, 1],
            b: b.as_ptr(),
            k,
            c: c[start * width..].as_mut_ptr(),
            c_stride: width,
            rows,
            columns,
        };
        // SAFETY: rows `start..start + rows` are inside a, which is [rows, k],
        // and c, which is [rows, width]; b is a whole panel, aligned as scratch
        // is, in steps of whole cache lines.
        #[allow(unsafe_code)]
        unsafe {
            tile(&operands, &TileEpilogue::STORE);
        }
    }
}

simd! {
    /// True without an infinity and a NaN: 0 times anything else is 0.
    fn all_finite(x: &[f32]) -> bool {
        const LANES: usize = 64;
        let mut sums = [0.0_f32; LANES];
        let (whole, rest) = x.as_chunks::<LANES>();
        for x in whole {
            for lane in 0..LANES {
                sums[lane] += x[lane] * 0.0;
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum += x * 0.0;
        }
        sums.iter().all(|sum| *sum == 0.0)
    }
}

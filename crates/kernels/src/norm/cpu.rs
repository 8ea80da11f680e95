//! The fast `f32` path: two passes over memory forward (statistics, result) and two
//! backward (sums, result).
//!
//! Sums are taken in `f64` of what was shifted by the channel's first value, in
//! blocks of a fixed size that are added in order. A mean a thousand times the
//! deviation costs no digits, and neither does the number of rows.

use super::Norm;
use crate::parallel::{CHUNK, for_each_chunk, for_each_chunk_backwards};
use crate::simd::simd;
use crate::{Buffer, DType, Device};
use std::ops::Range;

/// Rows narrower than this are taken several at a time.
const NARROW: usize = 32;

/// Columns a task sums: their accumulators stay in the fastest cache.
const COLUMNS: usize = 512;

pub(super) fn stats(norm: &Norm, x: &Buffer, out: &mut Buffer) {
    let x = x.as_slice::<f32>();
    let shift = Lanes::new(norm, [&x[..norm.channels]], |x| x);
    let sums = sums(norm, x, |range, stride, left, totals| {
        let shift = &shift.row(0)[left..];
        sum_squares(&x[range], stride, shift, totals);
    });
    let (sums, squares) = sums.as_slice::<f64>().split_at(norm.channels);
    let (mean, var) = out.as_mut_slice::<f32>().split_at_mut(norm.channels);
    let part = 1.0 / norm.rows as f64;
    let sums = sums.iter().zip(squares).zip(x);
    for ((mean, var), ((sum, square), shift)) in mean.iter_mut().zip(var).zip(sums) {
        let off = sum * part;
        *mean = (f64::from(*shift) + off) as f32;
        *var = (square * part - off * off).max(0.0) as f32;
    }
}

pub(super) fn forward(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    [gamma, beta]: [&Buffer; 2],
    y: &mut Buffer,
) {
    let x = x.as_slice::<f32>();
    let (mean, var) = stats.as_slice::<f32>().split_at(norm.channels);
    let lanes = Lanes::new(
        norm,
        [mean, var, gamma.as_slice(), beta.as_slice()],
        |[mean, var, gamma, beta]| [mean, gamma * norm.inverse(var), beta],
    );
    let chunk = lanes.chunk();
    for_each_chunk_backwards(y.as_mut_slice(), chunk, 2 * x.len(), |i, y| {
        affine(&x[i * chunk..][..y.len()], &lanes, y);
    });
}

pub(super) fn grad_affine(norm: &Norm, x: &Buffer, stats: &Buffer, dy: &Buffer, out: &mut Buffer) {
    let (x, dy) = (x.as_slice::<f32>(), dy.as_slice::<f32>());
    let (mean, var) = stats.as_slice::<f32>().split_at(norm.channels);
    let lanes = Lanes::new(norm, [mean], |mean| mean);
    let sums = sums(norm, x, |range, stride, left, totals| {
        let mean = &lanes.row(0)[left..];
        sum_products(&x[range.clone()], &dy[range], stride, mean, totals);
    });
    let (products, sums) = sums.as_slice::<f64>().split_at(norm.channels);
    let (dgamma, dbeta) = out.as_mut_slice::<f32>().split_at_mut(norm.channels);
    for ((dgamma, product), var) in dgamma.iter_mut().zip(products).zip(var) {
        *dgamma = *product as f32 * norm.inverse(*var);
    }
    for (dbeta, sum) in dbeta.iter_mut().zip(sums) {
        *dbeta = *sum as f32;
    }
}

pub(super) fn grad_input(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    gamma: &Buffer,
    sums: &Buffer,
    dx: &mut Buffer,
) {
    let (x, dy) = (x.as_slice::<f32>(), dy.as_slice::<f32>());
    let (mean, var) = stats.as_slice::<f32>().split_at(norm.channels);
    let (dgamma, dbeta) = sums.as_slice::<f32>().split_at(norm.channels);
    let part = (1.0 / norm.rows as f64) as f32;
    let lanes = Lanes::new(
        norm,
        [mean, var, gamma.as_slice(), dgamma, dbeta],
        |[mean, var, gamma, dgamma, dbeta]| {
            let inverse = norm.inverse(var);
            [mean, gamma * inverse, dbeta * part, dgamma * part * inverse]
        },
    );
    let chunk = lanes.chunk();
    for_each_chunk_backwards(dx.as_mut_slice(), chunk, 3 * x.len(), |i, dx| {
        let (from, len) = (i * chunk, dx.len());
        through_statistics(&x[from..][..len], &dy[from..][..len], &lanes, dx);
    });
}

impl Norm {
    /// 1/√(var + ε).
    #[inline(always)]
    fn inverse(&self, var: f32) -> f32 {
        1.0 / (var + self.eps as f32).sqrt()
    }

    /// Rows taken as one, so that short rows fill vector registers.
    fn rows_together(&self) -> usize {
        (NARROW / self.channels.max(1)).max(1)
    }

    /// Elements of a row, or of several where they are short.
    fn width(&self) -> usize {
        self.channels * self.rows_together()
    }
}

/// `N` numbers for each channel, repeated for as many rows as are taken together.
struct Lanes<const N: usize> {
    values: Buffer,
    width: usize,
}

impl<const N: usize> Lanes<N> {
    /// `f` of every channel's numbers.
    fn new<const K: usize>(
        norm: &Norm,
        channels: [&[f32]; K],
        f: impl Fn([f32; K]) -> [f32; N],
    ) -> Self {
        // Channels at a time: arrays of a known size become vector instructions.
        const BLOCK: usize = 16;
        let width = norm.width();
        let mut values = Buffer::scratch(Device::Cpu, DType::F32, N * width);
        let rows = values.as_mut_slice::<f32>();
        for start in (0..norm.channels).step_by(BLOCK) {
            let len = BLOCK.min(norm.channels - start);
            let (mut inputs, mut outputs) = ([[1.0; BLOCK]; K], [[0.0; BLOCK]; N]);
            for (block, channel) in inputs.iter_mut().zip(channels) {
                block[..len].copy_from_slice(&channel[start..][..len]);
            }
            for i in 0..BLOCK {
                let numbers = f(std::array::from_fn(|k| inputs[k][i]));
                for k in 0..N {
                    outputs[k][i] = numbers[k];
                }
            }
            for (row, block) in rows.chunks_mut(width).zip(outputs) {
                for copy in row.chunks_mut(norm.channels) {
                    copy[start..][..len].copy_from_slice(&block[..len]);
                }
            }
        }
        Self { values, width }
    }

    fn row(&self, k: usize) -> &[f32] {
        &self.values.as_slice()[k * self.width..][..self.width]
    }

    fn rows(&self) -> [&[f32]; N] {
        std::array::from_fn(|k| self.row(k))
    }

    /// Whole rows, about [`CHUNK`] elements.
    fn chunk(&self) -> usize {
        (CHUNK / self.width).max(1) * self.width
    }
}

/// Two sums for each channel, `[2, channels]` in `f64`.
///
/// `block(range, stride, left, totals)` adds up a block into `totals` `[2, width]`: the
/// first `width` elements of each of the rows that start `stride` apart in `range`,
/// whose first element is in column `left`.
fn sums(
    norm: &Norm,
    x: &[f32],
    block: impl Fn(Range<usize>, usize, usize, &mut [f64]) + Sync + Send,
) -> Buffer {
    let columns = norm.width();
    let rows = x.len().div_ceil(columns.max(1));
    let width = columns.clamp(1, COLUMNS);
    let height = (CHUNK / width).max(1);
    let across = columns.div_ceil(width);
    let blocks = rows.div_ceil(height) * across;
    let mut partial = Buffer::scratch(Device::Cpu, DType::F64, blocks * 2 * width);
    let all = partial.as_mut_slice::<f64>();
    for_each_chunk(all, 2 * width, x.len(), |i, totals| {
        let (left, top) = (i % across * width, i / across * height);
        let width = width.min(columns - left);
        let from = top * columns + left;
        let bottom = rows.min(top + height);
        let to = x.len().min((bottom - 1) * columns + left + width);
        totals.fill(0.0);
        block(from..to, columns, left, &mut totals[..2 * width]);
    });
    let mut out = Buffer::full(Device::Cpu, DType::F64, 2 * norm.channels, 0.0);
    let totals = out.as_mut_slice::<f64>();
    for (i, block) in partial.as_slice::<f64>().chunks(2 * width).enumerate() {
        let left = i % across * width;
        let width = width.min(columns - left);
        for (k, sums) in block[..2 * width].chunks(width).enumerate() {
            // Several rows taken as one are whole rows, from column 0.
            for sums in sums.chunks(norm.channels) {
                let totals = &mut totals[k * norm.channels + left..];
                for (total, sum) in totals.iter_mut().zip(sums) {
                    *total += sum;
                }
            }
        }
    }
    out
}

simd! {
    /// Σ (x − shift) and Σ (x − shift)² over rows that start `stride` apart.
    fn sum_squares(x: &[f32], stride: usize, shift: &[f32], totals: &mut [f64]) {
        let width = totals.len() / 2;
        let (sums, squares) = totals.split_at_mut(width);
        let shift = &shift[..width];
        for group in x.chunks(4 * stride) {
            if group.len() >= 3 * stride + width {
                let row = |k: usize| &group[k * stride..][..width];
                let (a, b, c, d) = (row(0), row(1), row(2), row(3));
                for i in 0..width {
                    let shift = f64::from(shift[i]);
                    let (a, b) = (f64::from(a[i]) - shift, f64::from(b[i]) - shift);
                    let (c, d) = (f64::from(c[i]) - shift, f64::from(d[i]) - shift);
                    sums[i] += (a + b) + (c + d);
                    squares[i] += (a * a + b * b) + (c * c + d * d);
                }
            } else {
                for row in group.chunks(stride) {
                    for (i, x) in row.iter().take(width).enumerate() {
                        let x = f64::from(*x) - f64::from(shift[i]);
                        sums[i] += x;
                        squares[i] += x * x;
                    }
                }
            }
        }
    }
}

simd! {
    /// Σ dy·(x − mean) and Σ dy over rows that start `stride` apart.
    fn sum_products(x: &[f32], dy: &[f32], stride: usize, mean: &[f32], totals: &mut [f64]) {
        let width = totals.len() / 2;
        let (products, sums) = totals.split_at_mut(width);
        let mean = &mean[..width];
        for (xs, dys) in x.chunks(2 * stride).zip(dy.chunks(2 * stride)) {
            if xs.len() >= stride + width {
                let (xa, xb) = (&xs[..width], &xs[stride..][..width]);
                let (da, db) = (&dys[..width], &dys[stride..][..width]);
                for i in 0..width {
                    let a = f64::from(da[i] * (xa[i] - mean[i]));
                    let b = f64::from(db[i] * (xb[i] - mean[i]));
                    products[i] += a + b;
                    sums[i] += f64::from(da[i]) + f64::from(db[i]);
                }
            } else {
                // A whole row and a ragged one, or either.
                for (xs, dys) in xs.chunks(stride).zip(dys.chunks(stride)) {
                    for (i, (x, dy)) in xs.iter().zip(dys).take(width).enumerate() {
                        products[i] += f64::from(*dy * (x - mean[i]));
                        sums[i] += f64::from(*dy);
                    }
                }
            }
        }
    }
}

simd! {
    /// y = (x − mean)·scale + beta.
    fn affine(x: &[f32], lanes: &Lanes<3>, y: &mut [f32]) {
        let [mean, scale, beta] = lanes.rows();
        for (y, x) in y.chunks_mut(lanes.width).zip(x.chunks(lanes.width)) {
            let lanes = mean.iter().zip(scale).zip(beta);
            for ((y, x), ((mean, scale), beta)) in y.iter_mut().zip(x).zip(lanes) {
                *y = (x - mean) * scale + beta;
            }
        }
    }
}

simd! {
    /// dx = scale·(dy − mean of dy − (x − mean)·slope).
    fn through_statistics(x: &[f32], dy: &[f32], lanes: &Lanes<4>, dx: &mut [f32]) {
        let [mean, scale, offset, slope] = lanes.rows();
        let width = lanes.width;
        for ((dx, x), dy) in dx.chunks_mut(width).zip(x.chunks(width)).zip(dy.chunks(width)) {
            let lanes = mean.iter().zip(scale).zip(offset).zip(slope);
            let elements = dx.iter_mut().zip(x).zip(dy);
            for (((dx, x), dy), (((mean, scale), offset), slope)) in elements.zip(lanes) {
                *dx = ((dy - offset) - (x - mean) * slope) * scale;
            }
        }
    }
}

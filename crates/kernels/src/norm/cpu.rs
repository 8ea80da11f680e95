//! The fast `f32` path: two passes over memory forward (statistics, result) and two
//! backward (sums, result).
//!
//! Sums are taken of what was shifted by a value of the same channel: in `f32` over a
//! few rows, then in `f64`. A mean a thousand times the deviation costs no digits, and
//! neither does the number of rows.
//!
//! The activation's derivative is that at z = (x − mean)·scale + β, computed again from
//! x as it was computed forward: cheaper than reading y.

use super::Norm;
use super::tiles::{COLUMNS, Lanes, Tile, Tiles};
use crate::Buffer;
use crate::act::{Activation, with_activation};
use crate::copy::places::Places;
use crate::simd::simd;

/// Rows that are summed in `f32`.
const SHORT: usize = 32;

pub(super) fn stats(norm: &Norm, x: &Buffer, out: &mut Buffer) {
    let x = x.as_slice::<f32>();
    let sums = Tiles::new(norm).sums(1, |tile, totals| {
        let origin = &x[tile.group * norm.group_len()..][..norm.channels];
        sum_squares(tile, x, origin, totals);
    });
    moments(norm, sums.as_slice(), x, out.as_mut_slice());
}

pub(super) fn forward(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    affine: [&Buffer; 2],
    y: &mut Buffer,
) {
    let (x, y) = (x.as_slice::<f32>(), Places::of(y.as_mut_slice()));
    let channels = Channels::of(norm, stats, affine);
    with_activation!(norm.act, act => {
        Tiles::new(norm).for_each_backwards(2, |tile| normalise(act, &tile, &channels, x, y));
    });
}

pub(super) fn grad_affine(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    let images = [x.as_slice::<f32>(), dy.as_slice()];
    let channels = Channels::of(norm, stats, affine);
    let sums = with_activation!(norm.act, act => {
        Tiles::new(norm).sums(2, |tile, totals| {
            sum_products(act, tile, &channels, images, totals);
        })
    });
    affine_gradients(norm, sums.as_slice(), &channels, out.as_mut_slice());
}

pub(super) fn grad_input(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    sums: &Buffer,
    dx: &mut Buffer,
) {
    let images = [x.as_slice::<f32>(), dy.as_slice()];
    let channels = Channels::of(norm, stats, affine);
    let sums = sums.as_slice::<f32>();
    let dx = Places::of(dx.as_mut_slice());
    with_activation!(norm.act, act => {
        Tiles::new(norm).for_each_backwards(3, |tile| {
            through_statistics(act, &tile, &channels, sums, images, dx);
        });
    });
}

/// What there is one of for each channel of each group.
struct Channels<'a> {
    /// Of a group.
    count: usize,
    stats: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    eps: f32,
    /// 1 / rows
    part: f32,
}

impl<'a> Channels<'a> {
    fn of(norm: &Norm, stats: &'a Buffer, [gamma, beta]: [&'a Buffer; 2]) -> Self {
        Self {
            count: norm.channels,
            stats: stats.as_slice(),
            gamma: gamma.as_slice(),
            beta: beta.as_slice(),
            eps: norm.eps as f32,
            part: (1.0 / norm.rows as f64) as f32,
        }
    }

    /// Mean, γ/√(var + ε) and β of a tile's columns.
    #[inline(always)]
    fn affine(&self, tile: &Tile) -> Lanes<3> {
        let eps = self.eps;
        let [mean, var] = pair(self.count, tile.group, self.stats);
        let first = tile.group * self.count;
        let gamma = &self.gamma[first..][..self.count];
        let beta = &self.beta[first..][..self.count];
        Lanes::new(
            tile,
            [mean, var, gamma, beta],
            #[inline(always)]
            |[mean, var, gamma, beta]| [mean, gamma * inverse(var, eps), beta],
        )
    }
}

/// The two rows of group `g` of `[groups, 2, channels]`.
#[inline(always)]
fn pair<T>(channels: usize, g: usize, pairs: &[T]) -> [&[T]; 2] {
    let (a, b) = pairs[2 * g * channels..][..2 * channels].split_at(channels);
    [a, b]
}

/// 1/√(var + ε).
#[inline(always)]
fn inverse(var: f32, eps: f32) -> f32 {
    1.0 / (var + eps).sqrt()
}

/// Two sums for each column. Vectors of them do not cross cache lines.
#[repr(align(64))]
struct Sums([[f32; COLUMNS]; 2]);

/// x − mean, and dz: `dy` before the activation.
#[inline(always)]
fn before<A: Activation>(act: A, [mean, scale, beta]: [f32; 3], x: f32, dy: f32) -> (f32, f32) {
    let centred = x - mean;
    (centred, dy * act.slope(centred * scale + beta))
}

simd! {
    /// Σ (x − origin) and Σ (x − origin)², added to `totals`.
    ///
    /// A few rows at a time are shifted by the first of them, so that what `f32` adds is
    /// never large beside what it adds up to.
    fn sum_squares(tile: &Tile, x: &[f32], origin: &[f32], totals: &mut [f64]) {
        let mut both = Sums([[0.0; COLUMNS]; 2]);
        let Sums([sums, squares]) = &mut both;
        let origin = Lanes::new(tile, [origin], #[inline(always)] |origin| origin);
        let [origin] = origin.rows();
        for block in x[tile.range.clone()].chunks(SHORT * tile.stride) {
            // Only rows taken together can be cut short, and only the last of them.
            let width = tile.width.min(block.len());
            let shift = &block[..width];
            let (sums, squares) = (&mut sums[..width], &mut squares[..width]);
            sums.fill(0.0);
            squares.fill(0.0);
            let mut whole = 0;
            for group in block.chunks(4 * tile.stride) {
                if group.len() < 3 * tile.stride + width {
                    break;
                }
                whole += 4 * tile.stride;
                let (a, b) = (&group[..width], &group[tile.stride..][..width]);
                let (c, d) = group[2 * tile.stride..].split_at(tile.stride);
                let (c, d) = (&c[..width], &d[..width]);
                for i in 0..width {
                    let (a, b) = (a[i] - shift[i], b[i] - shift[i]);
                    let (c, d) = (c[i] - shift[i], d[i] - shift[i]);
                    sums[i] += (a + b) + (c + d);
                    squares[i] += (a * a + b * b) + (c * c + d * d);
                }
            }
            let rest = block.get(whole..).unwrap_or_default();
            for row in rest.chunks(tile.stride) {
                for (i, x) in row.iter().take(width).enumerate() {
                    let x = x - shift[i];
                    sums[i] += x;
                    squares[i] += x * x;
                }
            }
            let rows = block.len().div_ceil(tile.stride);
            let last = width.min(block.len() - (rows - 1) * tile.stride);
            for i in 0..width {
                let count = (if i < last { rows } else { rows - 1 }) as f64;
                let off = f64::from(shift[i]) - f64::from(origin[i]);
                let (sum, square) = (f64::from(sums[i]), f64::from(squares[i]));
                totals[i] += sum + count * off;
                totals[tile.width + i] += square + off * (2.0 * sum + count * off);
            }
        }
    }
}

simd! {
    /// Σ dz·(x − mean) and Σ dz, added to `totals`.
    fn sum_products<A: Activation>(
        act: A,
        tile: &Tile,
        channels: &Channels<'_>,
        images: [&[f32]; 2],
        totals: &mut [f64],
    ) {
        let lanes = channels.affine(tile);
        let [mean, scale, beta] = lanes.rows();
        let mut both = Sums([[0.0; COLUMNS]; 2]);
        let Sums([products, sums]) = &mut both;
        let (product_totals, sum_totals) = totals.split_at_mut(tile.width);
        let [x, dy] = images.map(#[inline(always)] |image| &image[tile.range.clone()]);
        let short = SHORT * tile.stride;
        for (x, dy) in x.chunks(short).zip(dy.chunks(short)) {
            let width = tile.width.min(x.len());
            let (products, sums) = (&mut products[..width], &mut sums[..width]);
            let (mean, scale, beta) = (&mean[..width], &scale[..width], &beta[..width]);
            products.fill(0.0);
            sums.fill(0.0);
            let pair = 2 * tile.stride;
            for (x, dy) in x.chunks(pair).zip(dy.chunks(pair)) {
                if x.len() >= tile.stride + width {
                    let (xa, xb) = (&x[..width], &x[tile.stride..][..width]);
                    let (da, db) = (&dy[..width], &dy[tile.stride..][..width]);
                    for i in 0..width {
                        let column = [mean[i], scale[i], beta[i]];
                        let (a, dza) = before(act, column, xa[i], da[i]);
                        let (b, dzb) = before(act, column, xb[i], db[i]);
                        products[i] += dza * a + dzb * b;
                        sums[i] += dza + dzb;
                    }
                    continue;
                }
                for (x, dy) in x.chunks(tile.stride).zip(dy.chunks(tile.stride)) {
                    for (i, (x, dy)) in x.iter().zip(dy).take(width).enumerate() {
                        let (x, dz) = before(act, [mean[i], scale[i], beta[i]], *x, *dy);
                        products[i] += dz * x;
                        sums[i] += dz;
                    }
                }
            }
            for (total, sum) in product_totals.iter_mut().zip(products) {
                *total += f64::from(*sum);
            }
            for (total, sum) in sum_totals.iter_mut().zip(sums) {
                *total += f64::from(*sum);
            }
        }
    }
}

simd! {
    /// Means and variances `[groups, 2, channels]` of sums shifted by the first row of each group.
    fn moments(norm: &Norm, sums: &[f64], x: &[f32], out: &mut [f32]) {
        let part = 1.0 / norm.rows as f64;
        let groups = out.chunks_exact_mut(2 * norm.channels);
        for (g, (out, x)) in groups.zip(x.chunks_exact(norm.group_len())).enumerate() {
            let [sums, squares] = pair(norm.channels, g, sums);
            let (mean, var) = out.split_at_mut(norm.channels);
            let sums = sums.iter().zip(squares).zip(x);
            for ((mean, var), ((sum, square), shift)) in mean.iter_mut().zip(var).zip(sums) {
                let off = sum * part;
                *mean = (f64::from(*shift) + off) as f32;
                *var = (square * part - off * off).max(0.0) as f32;
            }
        }
    }
}

simd! {
    /// dγ and dβ `[groups, 2, channels]`.
    fn affine_gradients(norm: &Norm, sums: &[f64], channels: &Channels<'_>, out: &mut [f32]) {
        for (g, out) in out.chunks_exact_mut(2 * norm.channels).enumerate() {
            let [products, sums] = pair(norm.channels, g, sums);
            let [_, var] = pair(norm.channels, g, channels.stats);
            let (dgamma, dbeta) = out.split_at_mut(norm.channels);
            for ((dgamma, product), var) in dgamma.iter_mut().zip(products).zip(var) {
                *dgamma = *product as f32 * inverse(*var, channels.eps);
            }
            for (dbeta, sum) in dbeta.iter_mut().zip(sums) {
                *dbeta = *sum as f32;
            }
        }
    }
}

/// Columns taken together, in loops of a length that the compiler knows over arrays that
/// it knows not to overlap.
const BLOCK: usize = 64;

#[inline(always)]
fn affine<A: Activation>(
    act: A,
    [mean, scale, beta]: [&[f32; BLOCK]; 3],
    x: &[f32; BLOCK],
    y: &mut [f32; BLOCK],
) {
    for i in 0..BLOCK {
        y[i] = act.value((x[i] - mean[i]) * scale[i] + beta[i]);
    }
}

#[inline(always)]
fn total_derivative<A: Activation>(
    act: A,
    [mean, scale, beta, offset, slope]: [&[f32; BLOCK]; 5],
    [x, dy]: [&[f32; BLOCK]; 2],
    dx: &mut [f32; BLOCK],
) {
    for i in 0..BLOCK {
        let (x, dz) = before(act, [mean[i], scale[i], beta[i]], x[i], dy[i]);
        dx[i] = ((dz - offset[i]) - x * slope[i]) * scale[i];
    }
}

simd! {
    /// y = act((x − mean)·scale + beta).
    fn normalise<A: Activation>(
        act: A,
        tile: &Tile,
        channels: &Channels<'_>,
        x: &[f32],
        y: Places<'_>,
    ) {
        let lanes = channels.affine(tile);
        let [mean, scale, beta] = lanes.rows();
        for at in tile.range.clone().step_by(tile.stride) {
            let width = tile.width.min(tile.range.end - at);
            // SAFETY: tiles do not overlap, and each has one task.
            #[allow(unsafe_code)]
            let y = unsafe { y.run(at, width) };
            let (x, x_rest) = x[at..][..width].as_chunks();
            let (y, y_rest) = y.as_chunks_mut();
            let (m, s, b) = (mean.as_chunks().0, scale.as_chunks().0, beta.as_chunks().0);
            for (k, y) in y.iter_mut().enumerate() {
                affine(act, [&m[k], &s[k], &b[k]], &x[k], y);
            }
            let left = width - y_rest.len();
            let rest = x_rest.iter().zip(&mean[left..]).zip(&scale[left..]).zip(&beta[left..]);
            for (y, (((x, mean), scale), beta)) in y_rest.iter_mut().zip(rest) {
                *y = act.value((x - mean) * scale + beta);
            }
        }
    }
}

simd! {
    /// dx = scale·(dz − mean of dz − (x − mean)·slope).
    fn through_statistics<A: Activation>(
        act: A,
        tile: &Tile,
        channels: &Channels<'_>,
        sums: &[f32],
        images: [&[f32]; 2],
        dx: Places<'_>,
    ) {
        let affine = channels.affine(tile);
        let [mean, scale, beta] = affine.rows();
        let (part, eps) = (channels.part, channels.eps);
        let [dgamma, dbeta] = pair(channels.count, tile.group, sums);
        let [_, var] = pair(channels.count, tile.group, channels.stats);
        let steps = Lanes::new(
            tile,
            [dgamma, dbeta, var],
            #[inline(always)]
            |[dgamma, dbeta, var]| [dbeta * part, dgamma * part * inverse(var, eps)],
        );
        let [offset, slope] = steps.rows();
        let [x, dy] = images;
        for at in tile.range.clone().step_by(tile.stride) {
            let width = tile.width.min(tile.range.end - at);
            // SAFETY: tiles do not overlap, and each has one task.
            #[allow(unsafe_code)]
            let dx = unsafe { dx.run(at, width) };
            let (x, dy) = (&x[at..][..width], &dy[at..][..width]);
            let whole = width / BLOCK;
            let (blocks, rest) = dx.as_chunks_mut();
            let columns = [mean, scale, beta, offset, slope].map(
                #[inline(always)]
                |lane| lane.as_chunks().0,
            );
            let (xs, dys) = (x.as_chunks().0, dy.as_chunks().0);
            for (k, dx) in blocks.iter_mut().enumerate() {
                let column = columns.map(
                    #[inline(always)]
                    |lane| &lane[k],
                );
                total_derivative(act, column, [&xs[k], &dys[k]], dx);
            }
            for (i, dx) in (whole * BLOCK..).zip(rest) {
                let (x, dz) = before(act, [mean[i], scale[i], beta[i]], x[i], dy[i]);
                *dx = ((dz - offset[i]) - x * slope[i]) * scale[i];
            }
        }
    }
}

//! The fast `f32` path.
//!
//! In the memory order of the operand its axes merge into a few that are in turn
//! kept and reduced. Each pass takes the innermost reduced one away, so there is
//! one kernel, `[outer, reduced, inner]` to `[outer, inner]`, and nearly always one
//! pass: sums of rows have `inner` 1, of a whole array also `outer` 1; sums over
//! the pixels of channels-last images have `outer` 1 and the channels as `inner`.

use super::Reduction;
use crate::map::Unary;
use crate::parallel::{CHUNK, for_each_chunk};
use crate::simd::simd;
use crate::walk::{Walk, offsets};
use crate::{Buffer, DType, Device, Layout, MAX_RANK, Real, View};

/// Accumulators of the kernel for narrow rows: enough additions in flight to
/// hide what one of them takes.
const LANES: usize = 32;

/// Widest row the narrow kernel takes.
const NARROW: usize = 16;

/// Columns a task works on: their accumulators stay in the fastest cache.
const COLUMNS: usize = 256;

pub(super) fn reduce(op: Reduction, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    if x.layout.is_empty() {
        out.as_mut_slice().fill(op.finish(op.start(), 0) as f32);
        return;
    }
    if x.layout.shape() == out_layout.shape() {
        return match op {
            Reduction::Norm => crate::map::unary(Unary::Abs, x, out, out_layout),
            _ => crate::copy::copy(x, out, out_layout),
        };
    }
    let from_start = Layout::strided(x.layout.shape(), x.layout.strides(), 0);
    if !from_start.is_dense() {
        let dense = x.layout.dense_like();
        let mut gathered = Buffer::scratch(Device::Cpu, DType::F32, dense.len());
        crate::copy::copy(x, &mut gathered, &dense);
        let x = View {
            buffer: &gathered,
            layout: dense,
        };
        return reduce(op, x, out, out_layout);
    }
    let targets = out_layout.expand(x.layout.shape());
    let walk = Walk::new([&x.layout, &targets]);
    let xs = &x.buffer.as_slice::<f32>()[x.layout.offset()..][..x.layout.len()];
    let count = x.layout.len() / out_layout.len();
    let finish = |total| op.finish(total, count) as f32;
    match op {
        Reduction::Sum | Reduction::Mean => passes((Add, Add), xs, &walk, out, finish),
        Reduction::Max => passes((Max, Max), xs, &walk, out, finish),
        Reduction::Norm => passes((AddSquares, Add), xs, &walk, out, finish),
    }
}

/// A reduction known to the compiler.
trait Fold: Copy + Sync {
    const START: f64;
    /// What an element counts in a total.
    #[inline(always)]
    fn lift(self, x: f64) -> f64 {
        x
    }
    fn fold(self, a: f64, b: f64) -> f64;
}

#[derive(Clone, Copy)]
struct Add;

impl Fold for Add {
    const START: f64 = 0.0;
    #[inline(always)]
    fn fold(self, a: f64, b: f64) -> f64 {
        a + b
    }
}

/// Squares of elements; totals of these are [`Add`]'s to add.
#[derive(Clone, Copy)]
struct AddSquares;

impl Fold for AddSquares {
    const START: f64 = 0.0;
    #[inline(always)]
    fn lift(self, x: f64) -> f64 {
        x * x
    }
    #[inline(always)]
    fn fold(self, a: f64, b: f64) -> f64 {
        a + b
    }
}

#[derive(Clone, Copy)]
struct Max;

impl Fold for Max {
    const START: f64 = f64::NEG_INFINITY;
    #[inline(always)]
    fn fold(self, a: f64, b: f64) -> f64 {
        if a > b || a.is_nan() { a } else { b }
    }
}

/// `walk` is over (operand, output repeated to its shape), and the operand dense. The first pass
/// folds elements, the others totals; `finish` makes a result of a total.
fn passes<F: Fold, G: Fold>(
    (first, others): (F, G),
    x: &[f32],
    walk: &Walk<2>,
    out: &mut Buffer,
    finish: impl Fn(f64) -> f32,
) {
    let mut axes: [(usize, usize); MAX_RANK] = [(1, 0); MAX_RANK];
    for (slot, (size, [_, to])) in axes.iter_mut().zip(walk.axes()) {
        *slot = (size, to);
    }
    let mut partial: Option<Buffer> = None;
    while let Some(d) = axes.iter().rposition(|(size, to)| *size > 1 && *to == 0) {
        let product = |axes: &[(usize, usize)]| axes.iter().map(|(size, _)| size).product();
        let shape = [product(&axes[..d]), axes[d].0, product(&axes[d + 1..])];
        partial = Some(match &partial {
            None => pass(first, x, shape),
            Some(partial) => pass(others, partial.as_slice::<f64>(), shape),
        });
        axes[d].0 = 1;
    }
    let Some(totals) = partial else {
        unreachable!("shapes that differ have an axis to reduce");
    };
    // Totals are in the operand's memory order, which need not be the output's.
    let kept = Layout::strided(&axes.map(|axis| axis.0), &axes.map(|axis| axis.1), 0);
    let (out, totals) = (out.as_mut_slice::<f32>(), totals.as_slice::<f64>());
    if kept.is_contiguous() {
        for (o, total) in out.iter_mut().zip(totals) {
            *o = finish(*total);
        }
    } else {
        for (at, total) in offsets(&kept).zip(totals) {
            out[at] = finish(*total);
        }
    }
}

/// `[outer, reduced, inner]` to `[outer, inner]`.
fn pass<T: Real, F: Fold>(f: F, x: &[T], [outer, rows, columns]: [usize; 3]) -> Buffer {
    let width = columns.min(COLUMNS);
    let height = (CHUNK / width).min(rows);
    let (down, across) = (rows.div_ceil(height), columns.div_ceil(width));
    // Small blocks are handed out several at a time.
    let together = CHUNK.div_ceil(height * width);
    let mut partial = Buffer::scratch(Device::Cpu, DType::F64, outer * down * across * width);
    let block = |i: usize, totals: &mut [f64]| {
        let (left, rest) = (i % across * width, i / across);
        let (top, o) = (rest % down * height, rest / down);
        let (height, width) = (height.min(rows - top), width.min(columns - left));
        let x = &x[(o * rows + top) * columns + left..];
        let totals = &mut totals[..width];
        totals.fill(F::START);
        if columns <= NARROW {
            narrow(f, &x[..height * width], totals);
        } else {
            wide(f, &x[..(height - 1) * columns + width], columns, totals);
        }
    };
    let all = partial.as_mut_slice::<f64>();
    for_each_chunk(all, together * width, x.len(), |task, totals| {
        for (i, totals) in totals.chunks_mut(width).enumerate() {
            block(task * together + i, totals);
        }
    });
    if down * across == 1 {
        return partial;
    }
    combine(f, &partial, [outer, down, across], columns)
}

/// Folds blocks `[outer, down, across, width]` into `[outer, columns]`, from the top
/// down.
fn combine<F: Fold>(
    f: F,
    blocks: &Buffer,
    [outer, down, across]: [usize; 3],
    columns: usize,
) -> Buffer {
    let width = columns.min(COLUMNS);
    let mut out = Buffer::full(Device::Cpu, DType::F64, outer * columns, F::START);
    let totals = out.as_mut_slice::<f64>();
    for (i, block) in blocks.as_slice::<f64>().chunks(width).enumerate() {
        let (o, left) = (i / across / down, i % across * width);
        let width = width.min(columns - left);
        let totals = &mut totals[o * columns + left..][..width];
        for (total, x) in totals.iter_mut().zip(block) {
            *total = f.fold(*total, *x);
        }
    }
    out
}

simd! {
    /// Folds rows of `totals.len()` columns into `totals`: as many rows at once as
    /// there are lanes for.
    fn narrow<T: Real, F: Fold>(f: F, x: &[T], totals: &mut [f64]) {
        let columns = totals.len();
        let mut lanes = [F::START; LANES];
        if LANES.is_multiple_of(columns) {
            // The usual case, of a length that the compiler knows.
            let (chunks, rest) = x.as_chunks::<LANES>();
            for chunk in chunks {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane = f.fold(*lane, f.lift(x.f64()));
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane = f.fold(*lane, f.lift(x.f64()));
            }
        } else {
            for chunk in x.chunks(LANES / columns * columns) {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane = f.fold(*lane, f.lift(x.f64()));
                }
            }
        }
        for lanes in lanes.chunks(columns) {
            for (total, lane) in totals.iter_mut().zip(lanes) {
                *total = f.fold(*total, *lane);
            }
        }
    }
}

simd! {
    /// Folds rows that start `stride` apart into `totals`, four at a time.
    fn wide<T: Real, F: Fold>(f: F, x: &[T], stride: usize, totals: &mut [f64]) {
        let width = totals.len();
        for group in x.chunks(4 * stride) {
            if group.len() >= 3 * stride + width {
                let (a, b) = (&group[..width], &group[stride..][..width]);
                let (c, d) = (&group[2 * stride..][..width], &group[3 * stride..][..width]);
                for i in 0..width {
                    let ab = f.fold(f.lift(a[i].f64()), f.lift(b[i].f64()));
                    let cd = f.fold(f.lift(c[i].f64()), f.lift(d[i].f64()));
                    totals[i] = f.fold(totals[i], f.fold(ab, cd));
                }
            } else {
                for row in group.chunks(stride) {
                    for (total, x) in totals.iter_mut().zip(row) {
                        *total = f.fold(*total, f.lift(x.f64()));
                    }
                }
            }
        }
    }
}

//! The fast `f32` path, row by row of the result: the rows of the image that it sees are added up
//! first, then the pixels of that sum. Neighbours in memory are channels, so both are sums of runs.

use super::Resample;
use super::geometry::{MOST_TAPS, Reads};
use crate::conv::scratch::PerThread;
use crate::parallel::for_each_chunk;
use crate::simd::simd;

pub(super) fn resample(of: &Resample, x: &[f32], y: &mut [f32]) {
    if x.is_empty() {
        return y.fill(0.0);
    }
    let [wide, line] = [of.from[1], of.to[1]].map(|columns| columns * of.channels);
    let image = of.from[0] * wide;
    let mut taps = [0.0; MOST_TAPS];
    for (to, tap) in taps.iter_mut().zip(of.taps()) {
        *to = *tap as f32;
    }
    let work = x.len() + y.len();
    PerThread::lend(wide, |scratch| {
        for_each_chunk(y, line, work, |row, y| {
            let (n, i) = (row / of.to[0], row % of.to[0]);
            let x = &x[n * image..][..image];
            let rows = of.reads(0, i);
            let first = rows.source * wide;
            match (rows.count, taps[rows.tap.min(MOST_TAPS - 1)]) {
                (0, _) => y.fill(0.0),
                (1, 1.0) => along(of, &taps, &x[first..][..wide], y),
                _ => scratch.with(|sum| {
                    let rows_of = &x[first..][..rows.count * wide];
                    add_rows(&taps[rows.tap..], of.up, rows_of, sum);
                    along(of, &taps, sum, y);
                }),
            }
        });
    });
}

/// `out = 0 + tap · x`, and for what follows `out += tap · x`: with both roundings, in this order,
/// as every device does it.
#[inline(always)]
fn accumulate(first: bool, tap: f32, x: &[f32], out: &mut [f32]) {
    match first {
        true => out.iter_mut().zip(x).for_each(
            #[inline(always)]
            |(o, x)| *o = 0.0 + tap * x,
        ),
        false => out.iter_mut().zip(x).for_each(
            #[inline(always)]
            |(o, x)| *o += tap * x,
        ),
    }
}

simd! {
    /// The sum of rows as long as `sum`, each times every `step`-th of `taps`.
    fn add_rows(taps: &[f32], step: usize, rows: &[f32], sum: &mut [f32]) {
        let taps = taps.iter().step_by(step);
        for (i, (tap, row)) in taps.zip(rows.chunks_exact(sum.len())).enumerate() {
            accumulate(i == 0, *tap, row, sum);
        }
    }
}

simd! {
    /// A row of the result from the sum of rows `x`.
    fn along(of: &Resample, taps: &[f32; MOST_TAPS], x: &[f32], y: &mut [f32]) {
        let channels = of.channels;
        for (j, pixel) in y.chunks_exact_mut(channels).enumerate() {
            let Reads { tap, source, count } = of.reads(1, j);
            if count == 0 {
                pixel.fill(0.0);
            }
            for i in 0..count {
                let x = &x[(source + i) * channels..][..channels];
                accumulate(i == 0, taps[tap + i * of.up], x, pixel);
            }
        }
    }
}

//! Copies between layouts that disagree about which dimension is contiguous:
//! batches of matrix transpositions, tile by tile.

use super::places::Places;
use crate::MAX_RANK;
use crate::parallel::CHUNK;
use crate::walk::Walk;
use std::ops::Range;

/// Side of the square that a kernel transposes: an AVX register of `f32`.
const SIDE: usize = 8;

/// Squares side by side along `p`: together they read whole cache lines.
const LINE: usize = 2;

/// A batch of transpositions: along `q` the output is contiguous, along `p` the
/// operand is.
pub(super) struct Tiles {
    /// Sizes of `p` and `q`.
    sizes: [usize; 2],
    /// The output's step along `p` and the operand's along `q`.
    steps: [usize; 2],
    /// A task's part of `p` and `q`.
    block: [usize; 2],
    /// The other dimensions: sizes and steps of output and operand.
    batch: [(usize, [usize; 2]); MAX_RANK],
    offsets: [usize; 2],
}

impl Tiles {
    /// `None` when the two sides agree, or neither is contiguous. `walk` is over
    /// (output, operand).
    pub(super) fn of(walk: &Walk<2>) -> Option<Self> {
        let last = walk.axes().count() - 1;
        let (q_size, [out_step, q_step]) = walk.axes().next_back()?;
        let (i, (p_size, [p_step, _])) = walk
            .axes()
            .enumerate()
            .find(|(_, (_, [_, x_step]))| *x_step == 1)?;
        if out_step != 1 || i == last || p_size.max(q_size) < SIDE {
            return None;
        }
        let mut batch = [(1, [0; 2]); MAX_RANK];
        let others = walk
            .axes()
            .enumerate()
            .filter(|(j, _)| *j != i && *j != last);
        for (slot, (_, axis)) in batch.iter_mut().zip(others) {
            *slot = axis;
        }
        let q_block = q_size.min(CHUNK / 16);
        Some(Self {
            sizes: [p_size, q_size],
            steps: [p_step, q_step],
            block: [(CHUNK / q_block).next_multiple_of(LINE * SIDE), q_block],
            batch,
            offsets: walk.offsets(),
        })
    }

    /// Number of tasks.
    pub(super) fn count(&self) -> usize {
        let batch: usize = self.batch.iter().map(|(size, _)| size).product();
        batch * self.blocks(0) * self.blocks(1)
    }

    fn blocks(&self, axis: usize) -> usize {
        self.sizes[axis].div_ceil(self.block[axis])
    }

    /// Copies the part of task `i`, which no other task writes.
    pub(super) fn copy(&self, i: usize, x: &[f32], out: Places<'_>) {
        let q = i % self.blocks(1) * self.block[1];
        let p = i / self.blocks(1) % self.blocks(0) * self.block[0];
        let mut rest = i / self.blocks(1) / self.blocks(0);
        let [mut at_out, mut at_x] = self.offsets;
        for &(size, steps) in self.batch.iter().rev() {
            at_out += rest % size * steps[0];
            at_x += rest % size * steps[1];
            rest /= size;
        }
        let matrix = Matrix {
            sizes: [
                self.block[0].min(self.sizes[0] - p),
                self.block[1].min(self.sizes[1] - q),
            ],
            steps: self.steps,
            x: &x[at_x + p + q * self.steps[1]..],
            out,
            at: at_out + p * self.steps[0] + q,
        };
        matrix.transpose();
    }
}

/// `out[at + p·steps[0] + q] = x[p + q·steps[1]]`.
struct Matrix<'a> {
    sizes: [usize; 2],
    steps: [usize; 2],
    x: &'a [f32],
    out: Places<'a>,
    at: usize,
}

impl Matrix<'_> {
    fn transpose(&self) {
        #[cfg(target_arch = "x86_64")]
        if crate::simd::level() >= crate::simd::Level::Avx2 {
            let whole = self.sizes.map(|size| size / SIDE * SIDE);
            // SAFETY: the processor has AVX2.
            #[allow(unsafe_code)]
            unsafe {
                self.squares_avx2(whole);
            }
            return self.edges(whole);
        }
        self.edges([0, 0]);
    }

    /// What is outside the corner of size `whole`.
    fn edges(&self, whole: [usize; 2]) {
        let [p_size, q_size] = self.sizes;
        self.rectangle(whole[0]..p_size, 0..q_size);
        self.rectangle(0..whole[0], whole[1]..q_size);
    }

    /// Element by element, with the longer loop inside.
    fn rectangle(&self, ps: Range<usize>, qs: Range<usize>) {
        if ps.len() < qs.len() {
            for p in ps {
                let row = self.row(p, qs.start, qs.len());
                for (o, q) in row.iter_mut().zip(qs.clone()) {
                    *o = self.x[p + q * self.steps[1]];
                }
            }
        } else {
            for q in qs {
                let column = &self.x[ps.start + q * self.steps[1]..][..ps.len()];
                for (p, x) in ps.clone().zip(column) {
                    self.row(p, q, 1)[0] = *x;
                }
            }
        }
    }

    /// `len` places of row `p` of the output, from `q` on.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    #[inline(always)]
    fn row(&self, p: usize, q: usize, len: usize) -> &mut [f32] {
        // SAFETY: places of this task, and one such slice at a time lives.
        unsafe { self.out.run(self.at + p * self.steps[0] + q, len) }
    }

    /// The corner of size `whole`, multiples of [`SIDE`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn squares_avx2(&self, whole: [usize; 2]) {
        for left in (0..whole[0]).step_by(LINE * SIDE) {
            for q in (0..whole[1]).step_by(SIDE) {
                for p in (left..whole[0].min(left + LINE * SIDE)).step_by(SIDE) {
                    self.square_avx2(p, q);
                }
            }
        }
    }

    /// The square from (p, q): pairs, then fours, then halves change places.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    #[inline]
    fn square_avx2(&self, p: usize, q: usize) {
        use std::arch::x86_64::*;
        let mut pairs = [_mm256_setzero_ps(); SIDE];
        for j in (0..SIDE).step_by(2) {
            let load = |j: usize| {
                let column = &self.x[p + (q + j) * self.steps[1]..][..SIDE];
                // SAFETY: eight elements long.
                unsafe { _mm256_loadu_ps(column.as_ptr()) }
            };
            let (a, b) = (load(j), load(j + 1));
            pairs[j] = _mm256_unpacklo_ps(a, b);
            pairs[j + 1] = _mm256_unpackhi_ps(a, b);
        }
        let mut fours = [_mm256_setzero_ps(); SIDE];
        for half in [0, 4] {
            for i in 0..2 {
                let (a, b) = (pairs[half + i], pairs[half + i + 2]);
                fours[half + 2 * i] = _mm256_shuffle_ps::<0x44>(a, b);
                fours[half + 2 * i + 1] = _mm256_shuffle_ps::<0xEE>(a, b);
            }
        }
        for i in 0..4 {
            let (a, b) = (fours[i], fours[i + 4]);
            let (low, high) = (
                _mm256_permute2f128_ps::<0x20>(a, b),
                _mm256_permute2f128_ps::<0x31>(a, b),
            );
            // SAFETY: eight elements long.
            unsafe { _mm256_storeu_ps(self.row(p + i, q, SIDE).as_mut_ptr(), low) };
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(self.row(p + i + 4, q, SIDE).as_mut_ptr(), high) };
        }
    }
}

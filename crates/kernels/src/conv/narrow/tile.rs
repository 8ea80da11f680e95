//! The innermost loop of all three: one register tile, over a strided band.
//!
//! ```text
//! c[r, j] (+)= sum over u, v of a[rows[r] + u * a_steps[0] + v * a_steps[1]]
//!                             * b[u * b_steps[0] + v * b_steps[1] + j]
//! ```
//!
//! [`crate::gemm::tile`] walks its sums in one stride and is at its best with long ones. Here
//! a sum is a patch, 16 elements long and cut into kernel rows, or it runs over the
//! rows of an image: two nested steps each. Long rows of columns are better than many
//! rows when sums are short, and the loop over bands belongs inside.

#![allow(unsafe_code)]

use super::lanes::{Lanes, Portable};
#[cfg(target_arch = "x86_64")]
use super::lanes::{Ymm, Zmm};
use crate::simd::{Level, level};

/// The most rows of any tile.
pub(super) const MAX_ROWS: usize = 8;
/// Where rows start.
pub(super) type Row = [usize; MAX_ROWS];

/// Operands of a tile that is computed `repeat` times, each time further along `a` and
/// `c`; all steps in elements.
pub(super) struct Tile<'a> {
    pub(super) a: &'a [f32],
    /// Where each row starts in `a`.
    pub(super) rows: &'a [usize],
    pub(super) a_steps: [usize; 2],
    /// Rows of at least `columns` elements, rounded up to whole registers.
    pub(super) b: &'a [f32],
    pub(super) b_steps: [usize; 2],
    /// Lengths of the two nested sums.
    pub(super) counts: [usize; 2],
    /// Step of `c` from row to row.
    pub(super) c_step: usize,
    pub(super) columns: usize,
    pub(super) repeat: usize,
    pub(super) a_repeat: usize,
    pub(super) c_repeat: usize,
    /// Add to what is in `c` (else it is not read).
    pub(super) add: bool,
    /// Added to each sum of its column.
    pub(super) bias: Option<&'a [f32]>,
    /// Negative results are multiplied by it.
    pub(super) slope: f32,
}

/// Columns of `b` and of the weight come in multiples of this many: the widest register.
pub(super) const QUANTUM: usize = 16;

/// Registers of columns and rows of them that fit the processor's registers.
const fn most_rows(registers: usize, columns: usize) -> usize {
    let fit = (registers - columns - 1) / columns;
    if fit < MAX_ROWS { fit } else { MAX_ROWS }
}

/// Elements of a register of this processor.
fn lanes() -> usize {
    match level() {
        Level::Avx512 => 16,
        Level::Avx2 | Level::Portable => 8,
    }
}

/// The most columns of a tile on this processor.
pub(super) fn max_columns() -> usize {
    match level() {
        Level::Avx512 => 64,
        Level::Avx2 => 16,
        Level::Portable => 8,
    }
}

/// The most rows of a tile of so many columns.
pub(super) fn max_rows(columns: usize) -> usize {
    match level() {
        Level::Avx512 => most_rows(32, columns.div_ceil(lanes())),
        Level::Avx2 => most_rows(16, columns.div_ceil(lanes())),
        Level::Portable => 4,
    }
}

/// Start and number of each of the nearly equal pieces of at most `most` that `count`
/// rows are cut into.
pub(super) fn heights(count: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let pieces = count.div_ceil(most);
    let (low, higher) = (count / pieces.max(1), count % pieces.max(1));
    (0..pieces).map(move |i| (i * low + i.min(higher), low + usize::from(i < higher)))
}

/// Start and width of each block of columns.
pub(super) fn blocks(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let most = max_columns();
    (0..columns)
        .step_by(most)
        .map(move |start| (start, most.min(columns - start)))
}

impl Tile<'_> {
    /// Computes it into `c`.
    ///
    /// # Panics
    /// When an operand is shorter than the steps ask for, or there are more rows or
    /// columns than fit.
    pub(super) fn run(&self, c: &mut [f32]) {
        let rows = self.rows.len();
        let last = |steps: [usize; 2]| {
            let [u, v] = self.counts;
            (u - 1) * steps[0] + (v - 1) * steps[1]
        };
        let again = self.repeat - 1;
        let furthest = self.rows.iter().max().expect("a tile has rows");
        assert!(rows <= max_rows(self.columns) && self.columns <= max_columns());
        assert!(furthest + last(self.a_steps) + again * self.a_repeat < self.a.len());
        assert!(last(self.b_steps) + self.columns.next_multiple_of(lanes()) <= self.b.len());
        assert!((rows - 1) * self.c_step + again * self.c_repeat + self.columns <= c.len());
        assert!(self.bias.is_none_or(|bias| bias.len() >= self.columns));
        // SAFETY: the furthest elements of each operand are within its slice, `b` to
        // whole registers, and the processor has what `level` names.
        unsafe {
            match level() {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => self.avx512(c.as_mut_ptr()),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => self.avx2(c.as_mut_ptr()),
                _ => self.portable(c.as_mut_ptr()),
            }
        }
    }
}

/// A function that picks the tile of the right size, and the tiles it picks from.
macro_rules! sizes {
    ($name:ident, $rows:ident, $lanes:ty, [$($feature:meta)?], $(($r:literal, $v:literal))+) => {
        impl Tile<'_> {
            /// # Safety
            /// As [`tile`].
            unsafe fn $name(&self, c: *mut f32) {
                // SAFETY: the caller's promise.
                match (self.rows.len(), self.columns.div_ceil(<$lanes>::COUNT)) {
                    $(($r, $v) => unsafe { $rows::<$r, $v>(self, c) },)+
                    size => unreachable!("a tile of {size:?} registers"),
                }
            }
        }

        $(#[$feature])?
        unsafe fn $rows<const R: usize, const V: usize>(
            operands: &Tile<'_>,
            c: *mut f32,
        ) {
            // SAFETY: the caller's promise.
            unsafe { tile::<$lanes, R, V>(operands, c) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
sizes! {
    avx512, rows_avx512, Zmm, [target_feature(enable = "avx2,fma,avx512f")],
    (1, 4) (2, 4) (3, 4) (4, 4) (5, 4) (6, 4)
    (1, 3) (2, 3) (3, 3) (4, 3) (5, 3) (6, 3) (7, 3) (8, 3)
    (1, 2) (2, 2) (3, 2) (4, 2) (5, 2) (6, 2) (7, 2) (8, 2)
    (1, 1) (2, 1) (3, 1) (4, 1) (5, 1) (6, 1) (7, 1) (8, 1)
}
#[cfg(target_arch = "x86_64")]
sizes! {
    avx2, rows_avx2, Ymm, [target_feature(enable = "avx2,fma")],
    (1, 2) (2, 2) (3, 2) (4, 2) (5, 2) (6, 2)
    (1, 1) (2, 1) (3, 1) (4, 1) (5, 1) (6, 1) (7, 1) (8, 1)
}
sizes! {
    portable, rows_portable, Portable, [],
    (1, 1) (2, 1) (3, 1) (4, 1)
}

/// A statement for each row, written out: in a loop that is not unrolled the compiler
/// would keep all sums in memory.
macro_rules! each_row {
    ($rows:ident, $r:ident => $do:expr) => {
        each_row!(@ $rows, $r, $do, 0 1 2 3 4 5 6 7);
    };
    (@ $rows:ident, $r:ident, $do:expr, $($at:literal)+) => {
        $(if $rows > $at {
            let $r = $at;
            $do
        })+
    };
}

/// # Safety
/// All that [`Tile::run`] asserts, and what [`Lanes`] asks for.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize, const V: usize>(operands: &Tile<'_>, mut c: *mut f32) {
    let [u_step, v_step] = operands.a_steps;
    let [u_count, v_count] = operands.counts;
    let starts: [usize; R] = std::array::from_fn(|r| operands.rows[r]);
    let mut a = operands.a.as_ptr();
    for _ in 0..operands.repeat {
        // SAFETY: the caller's promise.
        unsafe {
            each_row!(R, r => for v in 0..V {
                L::prefetch(c.wrapping_add(r * operands.c_step + v * L::COUNT));
            });
            let mut acc = [[L::zero(); V]; R];
            let (mut a_row, mut b_row) = (a, operands.b.as_ptr());
            for _ in 0..u_count {
                let mut b = b_row;
                let rows = starts.map(|start| a_row.wrapping_add(start));
                let mut at = 0;
                for _ in 0..v_count {
                    let columns: [L; V] = std::array::from_fn(|v| L::load(b.add(v * L::COUNT)));
                    for r in 0..R {
                        let x = L::splat(rows[r].add(at));
                        for v in 0..V {
                            acc[r][v] = x.mul_add(columns[v], acc[r][v]);
                        }
                    }
                    b = b.wrapping_add(operands.b_steps[1]);
                    at += v_step;
                }
                a_row = a_row.wrapping_add(u_step);
                b_row = b_row.wrapping_add(operands.b_steps[0]);
            }
            each_row!(R, r => write(acc[r], c.wrapping_add(r * operands.c_step), operands));
        }
        a = a.wrapping_add(operands.a_repeat);
        c = c.wrapping_add(operands.c_repeat);
    }
}

/// `act(c + sum + bias)` of a row of sums: the one place where results are stored.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn write<L: Lanes, const V: usize>(sums: [L; V], c: *mut f32, operands: &Tile<'_>) {
    for (v, mut sum) in sums.into_iter().enumerate() {
        let start = v * L::COUNT;
        let there = (operands.columns - start).min(L::COUNT);
        // SAFETY: only lanes that are there are touched.
        unsafe {
            let c = c.add(start);
            if let Some(bias) = operands.bias {
                sum = sum.add(L::load_part(bias.as_ptr().add(start), there));
            }
            if operands.add {
                sum = sum.add(L::load_part(c, there));
            }
            if operands.slope != 1.0 {
                sum = sum.bend(operands.slope);
            }
            if there == L::COUNT {
                sum.store(c);
            } else {
                sum.store_part(c, there);
            }
        }
    }
}

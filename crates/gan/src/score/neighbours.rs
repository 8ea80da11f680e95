//! Who is near whom among many rows.
//!
//! All pairs at once are a product of matrices: ‖x − y‖² = ‖x‖² + ‖y‖² − 2x·y in `f32`, which is fast, and wrong in the last
//! digits, where near rows have all of theirs. So a product decides only what it is sure of, by the bound on its rounding;
//! every other pair is decided by the sum of squared differences in `f64`.

use super::distances::Rows;
use detach_tensor::{Array, Tensor};
use rayon::prelude::*;
use std::ops::Range;

/// Rows whose products with all others are in memory at once.
const BLOCK: usize = 256;
/// Products that are looked at together.
const LANES: usize = 16;

/// How near the nearest neighbours of a row are, as squared distances: the first, the second, …
pub type Nearest<const K: usize> = [f64; K];

/// The products `[n, m]` of rows of `a` with all rows of `b`.
pub(crate) fn products(a: &Rows, rows: Range<usize>, b: &Rows) -> Vec<f32> {
    let matrix = |values: &[f32], rows: usize| {
        Tensor::constant(Array::from_slice(values, &[rows, a.width()]))
    };
    let left = &a.values()[rows.start * a.width()..rows.end * a.width()];
    let product = matrix(left, rows.len()).matmul(&matrix(b.values(), b.len()).t());
    product.to_vec::<f32>()
}

/// The squared distance of two rows.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let off = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    let [mut even, mut odd] = [0.0; 2];
    for (x, y) in a.chunks(2).zip(b.chunks(2)) {
        even += off((&x[0], &y[0]));
        odd += x.get(1).zip(y.get(1)).map_or(0.0, off);
    }
    even + odd
}

/// A row of `a` beside all rows of `b`: squared distances to within `slack`.
pub(super) struct Row<'a> {
    /// Its number.
    pub(super) number: usize,
    about: &'a [f32],
    slack: f32,
    row: &'a [f32],
    others: &'a Rows,
}

impl Row<'_> {
    /// The exact one to row `other`.
    pub(super) fn exact(&self, other: usize) -> f64 {
        squared_distance(self.row, self.others.row(other))
    }

    /// Calls `f` with all others that may be within the squared distance `limit`, and the distance to within the slack.
    #[inline]
    pub(super) fn for_near(&self, limit: f32, mut f: impl FnMut(usize, f32)) {
        let limit = limit + self.slack;
        for (chunk, about) in self.about.chunks(LANES).enumerate() {
            if any_within(about, limit) {
                let places = (chunk * LANES..).zip(about);
                let near = places.filter(|(_, about)| **about <= limit);
                near.for_each(|(place, about)| f(place, *about));
            }
        }
    }

    /// Whether row `other`, about so far away, is within the squared distance `limit`.
    #[inline]
    pub(super) fn is_within(&self, other: usize, about: f32, limit: f64) -> bool {
        let slack = f64::from(self.slack);
        match f64::from(about) {
            about if about + slack <= limit => true,
            about if about - slack > limit => false,
            _ => self.exact(other) <= limit,
        }
    }
}

/// Whether any of a few numbers is within `limit`: most often none is, and that is one branch for all of them.
#[inline]
fn any_within(values: &[f32], limit: f32) -> bool {
    match <&[f32; LANES]>::try_from(values) {
        Ok(values) => values.iter().fold(false, |any, x| any | (*x <= limit)),
        Err(_) => true,
    }
}

/// `f` of each row of `a` beside all rows of `b`.
pub(super) fn for_each_row<T: Send>(
    a: &Rows,
    b: &Rows,
    f: impl Fn(&Row<'_>) -> T + Sync,
) -> Vec<T> {
    let squares = |rows: &Rows| -> Vec<f32> {
        let all = rows.values().chunks_exact(rows.width());
        all.map(|row| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() as f32)
            .collect()
    };
    let [squares_a, squares_b] = [a, b].map(squares);
    let largest = squares_b.iter().fold(0.0_f32, |most, x| most.max(*x));
    // A sum of `width` products is off by width·ε/2·‖x‖·‖y‖ at most, twice that counts, and ‖x‖·‖y‖ is at most half of
    // ‖x‖² + ‖y‖²; the squares and three sums are rounded, too.
    let share = (a.width() as f32 + 8.0) * f32::EPSILON / 2.0;
    let mut out = Vec::with_capacity(a.len());
    for start in (0..a.len()).step_by(BLOCK) {
        let block = start..a.len().min(start + BLOCK);
        let mut products = products(a, block, b);
        let rows = products.par_chunks_mut(b.len()).enumerate();
        out.par_extend(rows.map(|(place, about)| {
            let number = start + place;
            let square = squares_a[number];
            for (about, other) in about.iter_mut().zip(&squares_b) {
                *about = square + other - 2.0 * *about;
            }
            f(&Row {
                number,
                about,
                slack: share * (square + largest),
                row: a.row(number),
                others: b,
            })
        }));
    }
    out
}

/// The squared distances of each row of `rows` to its `K` nearest others; infinite where there are fewer.
pub fn nearest_others<const K: usize>(rows: &Rows) -> Vec<Nearest<K>> {
    for_each_row(rows, rows, |row| {
        // The K nearest but for rounding tell how far to look.
        let mut about = [f32::INFINITY; K];
        for (chunk, values) in row.about.chunks(LANES).enumerate() {
            if any_within(values, about[K - 1]) {
                let places = (chunk * LANES..).zip(values);
                let others = places.filter(|(other, _)| *other != row.number);
                others.for_each(|(_, value)| insert(&mut about, *value));
            }
        }
        let mut nearest = [f64::INFINITY; K];
        // The K-th is exactly at most its slack farther, and what is nearer exactly is at most its slack farther by rounding.
        row.for_near(about[K - 1] + row.slack, |other, _| {
            if other != row.number {
                insert(&mut nearest, row.exact(other));
            }
        });
        nearest
    })
}

/// Puts a number in its place among the smallest so far.
fn insert<T: PartialOrd + Copy, const K: usize>(smallest: &mut [T; K], value: T) {
    if value >= smallest[K - 1] {
        return;
    }
    smallest[K - 1] = value;
    for place in (1..K).rev() {
        if smallest[place] < smallest[place - 1] {
            smallest.swap(place, place - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::{DType, Random, Stream};

    /// Rows far from 0 and close to each other, some twice.
    fn rows(count: usize, width: usize) -> Rows {
        let drawn = Random::new(1, Stream::Noise).normal(&[count, width], DType::F32);
        let mut values = (drawn * 0.01 + 30.0).to_vec::<f32>();
        values.copy_within(0..3 * width, 7 * width);
        Rows::new(values, width)
    }

    #[test]
    fn the_nearest_are_those_of_all_pairs() {
        for (count, width) in [(300, 5), (600, 64), (3, 7)] {
            let rows = rows(count.max(10), width).first(count);
            let found = nearest_others::<4>(&rows);
            assert_eq!(found.len(), count);
            for (number, found) in found.iter().enumerate() {
                let others = (0..count).filter(|other| *other != number);
                let distance = |other| squared_distance(rows.row(number), rows.row(other));
                let mut all: Vec<f64> = others.map(distance).collect();
                all.sort_by(f64::total_cmp);
                all.resize(4.max(all.len()), f64::INFINITY);
                assert_eq!(found[..], all[..4], "{number} of {count}");
            }
        }
    }

    #[test]
    fn what_is_within_is_so_exactly() {
        let (a, b) = (rows(80, 33), rows(500, 33).range(60..500));
        let all = for_each_row(&a, &b, |row| {
            let limit = row.exact(11);
            let mut near = Vec::new();
            row.for_near(limit as f32, |other, about| {
                if row.is_within(other, about, limit) {
                    near.push(other);
                }
            });
            near
        });
        for (number, near) in all.iter().enumerate() {
            let distance = |other| squared_distance(a.row(number), b.row(other));
            let within = (0..b.len()).filter(|other| distance(*other) <= distance(11));
            assert_eq!(near[..], within.collect::<Vec<_>>(), "{number}");
        }
    }
}

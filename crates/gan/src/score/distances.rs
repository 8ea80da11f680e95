//! Distances between samples, L2 over all of their numbers.
//!
//! They are sums of squared differences, not ‖x‖² + ‖y‖² − 2xy: of a collapsed generator the latter is rounding.
//! Work is split over rows and summed in their order, so the bits do not depend on the number of threads.

use rayon::prelude::*;

/// Samples as rows of so many numbers.
#[derive(Clone, Debug)]
pub struct Rows {
    values: Vec<f32>,
    width: usize,
}

impl Rows {
    /// `values` in rows of `width`.
    ///
    /// # Panics
    /// When they are no whole number of rows.
    #[track_caller]
    pub fn new(values: Vec<f32>, width: usize) -> Self {
        assert!(
            width > 0 && values.len().is_multiple_of(width),
            "{} numbers are no rows of {width}",
            values.len()
        );
        Self { values, width }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All numbers, one row after the other.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `number`.
    ///
    /// # Panics
    /// When there are fewer rows.
    #[track_caller]
    pub fn row(&self, number: usize) -> &[f32] {
        &self.values[number * self.width..(number + 1) * self.width]
    }

    /// Whether all of their numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// The first `count` rows, or all where there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let values = self.values[..count.min(self.len()) * self.width].to_vec();
        Self::new(values, self.width)
    }

    /// The rows of these numbers.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    #[track_caller]
    pub fn range(&self, range: std::ops::Range<usize>) -> Self {
        let values = self.values[range.start * self.width..range.end * self.width].to_vec();
        Self::new(values, self.width)
    }

    fn rows(&self) -> std::slice::Chunks<'_, f32> {
        self.values.chunks(self.width)
    }

    /// `of` of each row and its number, and the mean of that.
    fn mean(&self, of: impl Fn(usize, &[f32]) -> f64 + Sync) -> f64 {
        let rows: Vec<f64> = self
            .values
            .par_chunks(self.width)
            .enumerate()
            .map(|(number, row)| of(number, row))
            .collect();
        rows.iter().sum::<f64>() / rows.len() as f64
    }

    /// The mean distance between two different rows; 0 where there is one only.
    pub fn spread(&self) -> f64 {
        let others = self.len().saturating_sub(1).max(1) as f64;
        self.mean(|_, row| self.rows().map(|other| distance(row, other)).sum::<f64>() / others)
    }

    /// The mean distance between a row of this and one of `other`.
    pub fn distance_to(&self, other: &Self) -> f64 {
        let count = other.len() as f64;
        self.mean(|_, row| other.rows().map(|them| distance(row, them)).sum::<f64>() / count)
    }

    /// The mean distance of a row to the row of `other` that is nearest to it.
    pub fn nearest(&self, other: &Self) -> f64 {
        self.mean(|_, row| least(other.rows().map(|them| distance(row, them))))
    }

    /// The mean distance of one of the first `count` rows to the nearest one of all others here; infinite where there
    /// are none.
    pub fn nearest_other(&self, count: usize) -> f64 {
        self.first(count).mean(|number, row| {
            let others = self
                .rows()
                .enumerate()
                .filter(|(other, _)| *other != number);
            least(others.map(|(_, other)| distance(row, other)))
        })
    }

    /// The variance of a number over the rows, the mean over all numbers of a row.
    pub fn variance(&self) -> f64 {
        let count = self.len() as f64;
        let of = |column: usize| {
            let column = || self.rows().map(move |row| f64::from(row[column]));
            let mean = column().sum::<f64>() / count;
            column().map(|x| (x - mean).powi(2)).sum::<f64>() / count
        };
        let all: Vec<f64> = (0..self.width).into_par_iter().map(of).collect();
        all.iter().sum::<f64>() / self.width as f64
    }
}

fn least(distances: impl Iterator<Item = f64>) -> f64 {
    distances.fold(f64::INFINITY, f64::min)
}

/// The Euclidean distance of two rows; several partial sums, so that it is vector work.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (chunks, others) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = chunks.remainder().iter().zip(others.remainder());
    let rest: f32 = rest.map(|(x, y)| (x - y) * (x - y)).sum();
    for (xs, ys) in chunks.zip(others) {
        for ((sum, x), y) in sums.iter_mut().zip(xs).zip(ys) {
            *sum += (x - y) * (x - y);
        }
    }
    let sum = sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() + f64::from(rest);
    sum.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Corners of a square whose side is 2 in each of 20 dimensions: sides of √20·2 for two of them apart.
    fn square() -> Rows {
        let side = |x: f32, y: f32| [[x; 10], [y; 10]].concat();
        let corners = [
            side(0.0, 0.0),
            side(0.0, 2.0),
            side(2.0, 0.0),
            side(2.0, 2.0),
        ];
        Rows::new(corners.concat(), 20)
    }

    #[test]
    fn a_square_has_two_sides_and_a_diagonal() {
        let side = 40.0_f64.sqrt();
        let square = square();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        near(square.spread(), side * (2.0 + 2.0_f64.sqrt()) / 3.0);
        near(square.nearest_other(4), side);
        near(square.nearest(&square), 0.0);
        near(square.nearest(&square.first(2)), side / 2.0);
        near(square.distance_to(&square), square.spread() * 0.75);
        near(square.variance(), 1.0);
    }

    #[test]
    fn what_is_all_the_same_has_no_spread() {
        let one = Rows::new(vec![0.3; 60], 20);
        assert_eq!(
            (one.spread(), one.variance(), one.nearest_other(3)),
            (0.0, 0.0, 0.0)
        );
        let single = one.first(1);
        assert_eq!((single.len(), single.spread()), (1, 0.0));
        assert_eq!(single.nearest_other(1), f64::INFINITY);
    }
}

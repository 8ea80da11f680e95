//! Means, covariances and eigenvalues, in `f64`.

use super::distances::Rows;
use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

/// Rows whose sums are added up by one thread: fixed, so that the bits do not depend on how many there are.
const CHUNK: usize = 250;

/// Sums over rows x − c of features around a centre c, from which mean and covariance follow. Sums of parts add up to
/// those of the whole.
#[derive(Clone, Debug)]
pub struct Sums {
    count: f64,
    centre: Vec<f64>,
    /// Σ (x − c).
    first: Vec<f64>,
    /// Σ (x − c)(x − c)ᵀ.
    second: DMatrix<f64>,
}

impl Sums {
    /// Of rows `from` to `to` around `centre`: the closer it is to their mean, the less is rounded.
    pub fn of(rows: &Rows, range: std::ops::Range<usize>, centre: &[f64]) -> Self {
        let width = rows.width();
        let starts: Vec<usize> = range.clone().step_by(CHUNK).collect();
        let parts: Vec<Self> = starts
            .into_par_iter()
            .map(|start| {
                let mut part = Self::none(centre);
                let end = range.end.min(start + CHUNK);
                let mut row = vec![0.0; width];
                (start..end).for_each(|number| part.add_row(rows.row(number), &mut row));
                part
            })
            .collect();
        let mut all = Self::none(centre);
        parts.iter().for_each(|part| all.add(part, 1.0));
        all
    }

    fn none(centre: &[f64]) -> Self {
        let width = centre.len();
        Self {
            count: 0.0,
            centre: centre.to_vec(),
            first: vec![0.0; width],
            second: DMatrix::zeros(width, width),
        }
    }

    fn add_row(&mut self, row: &[f32], off: &mut [f64]) {
        self.count += 1.0;
        for ((off, x), centre) in off.iter_mut().zip(row).zip(&self.centre) {
            *off = f64::from(*x) - centre;
        }
        for (sum, x) in self.first.iter_mut().zip(&*off) {
            *sum += x;
        }
        let width = off.len();
        let columns = self.second.as_mut_slice().chunks_exact_mut(width);
        for (column, y) in columns.zip(&*off) {
            for (sum, x) in column.iter_mut().zip(&*off) {
                *sum += x * y;
            }
        }
    }

    /// Adds `times` the sums of `other`, which is around the same centre.
    pub fn add(&mut self, other: &Self, times: f64) {
        self.count += times * other.count;
        for (sum, x) in self.first.iter_mut().zip(&other.first) {
            *sum += times * x;
        }
        self.second += times * &other.second;
    }

    /// The mean of the rows.
    pub fn mean(&self) -> Vec<f64> {
        let both = self.centre.iter().zip(&self.first);
        both.map(|(centre, sum)| centre + sum / self.count)
            .collect()
    }

    /// Their covariance, divided by one less than there are rows.
    pub fn covariance(&self) -> DMatrix<f64> {
        let off = DMatrix::from_column_slice(self.first.len(), 1, &self.first) / self.count;
        let about_mean = &self.second - &off * off.transpose() * self.count;
        about_mean / (self.count - 1.0).max(1.0)
    }
}

/// The mean of rows.
pub fn mean(rows: &Rows) -> Vec<f64> {
    let mut sums = vec![0.0; rows.width()];
    for row in rows.values().chunks_exact(rows.width()) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += f64::from(*x);
        }
    }
    sums.into_iter()
        .map(|sum| sum / rows.len() as f64)
        .collect()
}

/// The eigenvalues of a symmetric matrix that has none below 0 but by rounding; those are 0.
pub fn eigenvalues(matrix: &DMatrix<f64>) -> Vec<f64> {
    let values = matrix.symmetric_eigenvalues();
    values.iter().map(|value| value.max(0.0)).collect()
}

/// The symmetric square root of a symmetric matrix that has no eigenvalue below 0 but by rounding.
pub fn root(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(matrix);
    let roots = eigen.eigenvalues.map(|value| value.max(0.0).sqrt());
    let vectors = eigen.eigenvectors;
    &vectors * DMatrix::from_diagonal(&roots) * vectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_the_covariance_is_that_of_the_definition() {
        let count = 601;
        let at = |i: usize| {
            [
                (i as f32 * 0.7).sin() + 100.0,
                (i % 7) as f32 + 0.5 * (i as f32 * 0.7).sin(),
            ]
        };
        let rows = Rows::new((0..count).flat_map(at).collect(), 2);
        let centre = mean(&rows);
        let whole = Sums::of(&rows, 0..count, &centre);
        let mut parts = Sums::of(&rows, 0..300, &centre);
        parts.add(&Sums::of(&rows, 300..count, &centre), 1.0);
        let by_hand = |a: usize, b: usize| {
            let mean = |c: usize| {
                (0..count).map(|i| f64::from(rows.row(i)[c])).sum::<f64>() / count as f64
            };
            let (ma, mb) = (mean(a), mean(b));
            let product =
                |i: usize| (f64::from(rows.row(i)[a]) - ma) * (f64::from(rows.row(i)[b]) - mb);
            (0..count).map(product).sum::<f64>() / (count as f64 - 1.0)
        };
        for sums in [&whole, &parts] {
            let covariance = sums.covariance();
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let (is, should) = (covariance[(a, b)], by_hand(a, b));
                assert!((is - should).abs() < 1e-10, "{is} {should}");
            }
        }
        parts.add(&Sums::of(&rows, 300..count, &centre), -1.0);
        let first = Sums::of(&rows, 0..300, &centre);
        assert!((parts.covariance() - first.covariance()).norm() < 1e-10);
    }

    #[test]
    fn a_root_times_itself_is_the_matrix() {
        let half = DMatrix::from_fn(5, 3, |i, j| ((i * 3 + j) as f64).cos());
        // Of rank 3: two eigenvalues are 0 to rounding.
        let matrix = &half * half.transpose();
        let root = root(matrix.clone());
        assert!((&root * &root - &matrix).norm() < 1e-12);
        let sum: f64 = eigenvalues(&matrix).iter().sum();
        assert!((sum - matrix.trace()).abs() < 1e-12);
    }
}

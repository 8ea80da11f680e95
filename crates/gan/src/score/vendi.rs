//! The Vendi score (Friedman & Dieng, TMLR 2023): how many different samples there are, in effect.

use super::distances::Rows;
use super::linear::eigenvalues;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Rows that one thread adds up.
const CHUNK: usize = 250;

/// e to the entropy of the eigenvalues of K/n, K being the cosine between the features of each pair: 1 where all are one,
/// n where none have anything in common. K/n = X·Xᵀ/n has the eigenvalues of Xᵀ·X/n, which is small.
pub fn vendi(rows: &Rows) -> f64 {
    let width = rows.width();
    let chunks = rows.values().par_chunks(CHUNK * width);
    let parts: Vec<DMatrix<f64>> = chunks.map(|rows| products(rows, width)).collect();
    let mut sum = DMatrix::zeros(width, width);
    parts.iter().for_each(|part| sum += part);
    // A row of zeros has no direction, and is left out.
    let trace = sum.trace();
    let values = eigenvalues(&(sum / trace.max(f64::MIN_POSITIVE)));
    let positive = values.iter().filter(|value| **value > 0.0);
    let entropy: f64 = positive.map(|value| -value * value.ln()).sum();
    entropy.exp()
}

/// Σ x·xᵀ/‖x‖².
fn products(rows: &[f32], width: usize) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(width, width);
    for row in rows.chunks_exact(width) {
        let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        let square: f64 = row.iter().map(|x| x * x).sum();
        if square == 0.0 {
            continue;
        }
        let columns = sum.as_mut_slice().chunks_exact_mut(width);
        for (column, y) in columns.zip(&row) {
            let y = y / square;
            for (sum, x) in column.iter_mut().zip(&row) {
                *sum += x * y;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_is_different() {
        let of = |rows: &[[f32; 4]]| vendi(&Rows::new(rows.concat(), 4));
        let axis = |i: usize| {
            let mut row = [0.0; 4];
            row[i % 4] = 1.0 + i as f32;
            row
        };
        assert!((of(&[axis(0); 9]) - 1.0).abs() < 1e-9);
        assert!((of(&(0..8).map(axis).collect::<Vec<_>>()) - 4.0).abs() < 1e-9);
        let two = of(&[axis(0), axis(0), axis(0), axis(1)]);
        let by_hand = (-0.75 * 0.75_f64.ln() - 0.25 * 0.25_f64.ln()).exp();
        assert!((two - by_hand).abs() < 1e-9, "{two} {by_hand}");
    }
}

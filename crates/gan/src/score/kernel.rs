//! The kernel distance of features (Bińkowski et al., ICLR 2018).

use super::distances::Rows;
use super::interval::Estimate;
use super::neighbours::products;
use rayon::prelude::*;

/// Rows of a block, as published.
const BLOCK: usize = 1000;

/// The squared maximum mean discrepancy by the kernel (x·y/d + 1)³, unbiased, so that it may be below 0: the mean over
/// blocks of 1000 rows of each. Published code draws blocks at random, several times the data; these are the data once, so
/// that they are independent and say how sure the mean is.
///
/// Rows are to be in no order: the first of one are compared with the first of the other.
///
/// # Panics
/// When either has less than two rows.
pub fn kernel_distance(samples: &Rows, real: &Rows) -> Estimate {
    let count = samples.len().min(real.len());
    assert!(count > 1, "a distance of two samples at least");
    let blocks = (count / BLOCK).max(1);
    let bound = |block: usize| block * count / blocks;
    let of = |block: usize| {
        let [samples, real] =
            [samples, real].map(|rows| rows.range(bound(block)..bound(block + 1)));
        discrepancy(&samples, &real)
    };
    Estimate::of_mean(&(0..blocks).map(of).collect::<Vec<_>>())
}

/// Of as many rows each.
fn discrepancy(a: &Rows, b: &Rows) -> f64 {
    let count = a.len() as f64;
    let within = |rows: &Rows| kernel_sum(rows, rows, true) / (count * (count - 1.0));
    within(a) + within(b) - 2.0 * kernel_sum(a, b, false) / (count * count)
}

/// The sum of the kernel over all pairs, or over those of different rows.
fn kernel_sum(a: &Rows, b: &Rows, different: bool) -> f64 {
    let width = a.width() as f64;
    let products = products(a, 0..a.len(), b);
    let sums: Vec<f64> = products
        .par_chunks(b.len())
        .enumerate()
        .map(|(row, products)| {
            let kernel = |product: &f32| (f64::from(*product) / width + 1.0).powi(3);
            let all: f64 = products.iter().map(kernel).sum();
            match different {
                true => all - kernel(&products[row]),
                false => all,
            }
        })
        .collect();
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let a = Rows::new(vec![1.0, 0.0, 0.0, 2.0], 2);
        let b = Rows::new(vec![2.0, 2.0, 0.0, 0.0], 2);
        // k(a₁, a₂) = 1; k(b₁, b₂) = 1; k(a, b): 2³, 1, 3³, 1.
        let distance = kernel_distance(&a, &b).value;
        assert!((distance - (1.0 + 1.0 - 2.0 * 37.0 / 4.0)).abs() < 1e-12);
    }

    #[test]
    fn it_is_unbiased_and_says_how_sure_it_is() {
        use detach_tensor::{DType, Random, Stream};
        let draw = |seed: u64, shift: f64| {
            let drawn = Random::new(seed, Stream::Noise).normal(&[6000, 8], DType::F32);
            Rows::new((drawn + shift).to_vec::<f32>(), 8)
        };
        let same = kernel_distance(&draw(1, 0.0), &draw(2, 0.0));
        let reach = same.reach.expect("an interval");
        assert!(same.value.abs() < 1.5 * reach, "{same:?}");
        let apart = kernel_distance(&draw(1, 0.5), &draw(2, 0.0));
        assert!(apart.value > 5.0 * reach, "{apart:?}");
    }
}

//! The Fréchet distance of features (Heusel et al., NeurIPS 2017, there of Inception's).

use super::distances::Rows;
use super::interval::Estimate;
use super::linear::{Sums, eigenvalues, mean, root};
use nalgebra::DMatrix;

/// Parts of samples, one of which is left out at a time to see how sure a distance is.
const PARTS: usize = 20;

/// The normal distribution that has the mean and the covariance of real features.
#[derive(Clone, Debug)]
pub struct Normal {
    mean: Vec<f64>,
    trace: f64,
    root: DMatrix<f64>,
}

impl Normal {
    /// Of the features of real images.
    pub fn of(rows: &Rows) -> Self {
        let sums = Sums::of(rows, 0..rows.len(), &mean(rows));
        let covariance = sums.covariance();
        Self {
            mean: sums.mean(),
            trace: covariance.trace(),
            root: root(covariance),
        }
    }

    /// ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) to the normal distribution of `samples`. The trace of (Σ₁Σ₂)^½ is the sum of
    /// the roots of the eigenvalues of the symmetric Σ₁^½Σ₂Σ₁^½.
    pub fn distance(&self, samples: &Rows) -> Estimate {
        let centre = mean(samples);
        let count = samples.len();
        let bound = |part: usize| part * count / PARTS;
        let parts = (0..PARTS).map(|part| Sums::of(samples, bound(part)..bound(part + 1), &centre));
        let parts: Vec<Sums> = parts.collect();
        let mut whole = parts[0].clone();
        parts[1..].iter().for_each(|part| whole.add(part, 1.0));
        let value = self.distance_of(&whole);
        if count < 2 * PARTS {
            return Estimate::exact(value);
        }
        let without = parts.iter().map(|part| {
            let mut rest = whole.clone();
            rest.add(part, -1.0);
            self.distance_of(&rest)
        });
        Estimate::of_jackknife(value, &without.collect::<Vec<_>>())
    }

    fn distance_of(&self, sums: &Sums) -> f64 {
        let means = self.mean.iter().zip(sums.mean());
        let apart: f64 = means.map(|(a, b)| (a - b).powi(2)).sum();
        let covariance = sums.covariance();
        let trace = self.trace + covariance.trace();
        let product = &self.root * covariance * &self.root;
        let shared: f64 = eigenvalues(&product).iter().map(|value| value.sqrt()).sum();
        apart + trace - 2.0 * shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::{DType, Random, Stream};

    /// Independent normal numbers around `mean` with a deviation for each dimension.
    fn normal(seed: u64, count: usize, mean: f64, deviations: [f64; 2]) -> Rows {
        let drawn = Random::new(seed, Stream::Noise).normal(&[count, 2], DType::F32);
        let values = drawn.to_vec::<f32>();
        let at = |(i, x): (usize, &f32)| (f64::from(*x) * deviations[i % 2] + mean) as f32;
        Rows::new(values.iter().enumerate().map(at).collect(), 2)
    }

    #[test]
    fn normal_distributions_are_as_far_apart_as_the_formula_says() {
        let real = Normal::of(&normal(1, 20_000, 0.0, [1.0, 2.0]));
        let far = real.distance(&normal(2, 20_000, 3.0, [2.0, 0.5]));
        // 2·3² + (1 − 2)² + (2 − 0.5)².
        let reach = far.reach.expect("an interval");
        assert!(
            (far.value - 21.25).abs() < 2.0 * reach && reach < 0.5,
            "{far:?}"
        );
        let near = real.distance(&normal(3, 20_000, 0.0, [1.0, 2.0]));
        assert!(near.value < 2e-3 && near.value > -1e-9, "{near:?}");
    }

    /// The interval is as wide as other samples make it.
    #[test]
    fn the_interval_covers_what_other_samples_would_give() {
        let real = Normal::of(&normal(1, 5000, 0.0, [1.0, 1.0]));
        let draws = (0..60).map(|seed| real.distance(&normal(100 + seed, 1000, 1.0, [1.5, 1.0])));
        let draws: Vec<Estimate> = draws.collect();
        let mean = draws.iter().map(|one| one.value).sum::<f64>() / 60.0;
        let covers = |one: &&Estimate| (one.value - mean).abs() <= one.reach.expect("an interval");
        let covered = draws.iter().filter(covers).count();
        assert!((51..=60).contains(&covered), "{covered} of 60");
    }

    #[test]
    fn what_is_all_the_same_is_as_far_as_its_mean_and_the_variance() {
        let rows = normal(1, 2000, 0.0, [1.0, 1.0]);
        let real = Normal::of(&rows);
        let one = real.distance(&Rows::new(vec![0.5; 200], 2));
        assert!((one.value - 2.5).abs() < 0.2, "{one:?}");
        assert!(real.distance(&rows).value.abs() < 1e-9);
    }
}

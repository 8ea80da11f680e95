//! Whether samples lie where real images do, and real images where samples do: precision and recall (Kynkäänniemi et al.,
//! NeurIPS 2019), density and coverage (Naeem et al., ICML 2020).
//!
//! What is within the distance of an image to its k-th nearest other is in its ball, the border included; all balls of one
//! kind together are where that kind is.

use super::distances::Rows;
use super::interval::Estimate;
use super::neighbours::{Nearest, for_each_row, nearest_others};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Neighbours of precision and recall, as published.
const K_PRECISION: usize = 3;
/// Neighbours of density and coverage, as published.
const K_DENSITY: usize = 5;
/// The share of real images that are nearer to another than what counts as a duplicate.
const DUPLICATE: f64 = 0.01;

/// Features, and how near each is to its neighbours among them.
#[derive(Clone, Debug)]
pub struct Neighbourhood {
    rows: Rows,
    nearest: Vec<Nearest<K_DENSITY>>,
}

/// How samples and real images lie to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// The share of samples in a ball of a real image.
    pub precision: Estimate,
    /// The share of real images in a ball of a sample.
    pub recall: Estimate,
    /// In how many balls of real images a sample is, in k: above 1 where samples crowd where real images do.
    pub density: Estimate,
    /// The share of real images with a sample in their ball.
    pub coverage: Estimate,
    /// The share of samples that have another as near as only one real image of a hundred has one.
    pub duplicates: Estimate,
}

impl Neighbourhood {
    /// Of these rows.
    pub fn of(rows: Rows) -> Self {
        let nearest = nearest_others(&rows);
        Self { rows, nearest }
    }

    /// The squared radius of each ball with k neighbours.
    fn radii(&self, k: usize) -> impl Iterator<Item = f64> {
        self.nearest.iter().map(move |nearest| nearest[k - 1])
    }

    /// The squared distance to the nearest other below which two samples are duplicates.
    fn duplicates_within(&self) -> f64 {
        let mut all: Vec<f64> = self.radii(1).collect();
        all.sort_by(f64::total_cmp);
        all[(all.len() as f64 * DUPLICATE) as usize]
    }

    /// How `samples` and these, real ones, lie to each other.
    pub fn overlap(&self, samples: &Self) -> Overlap {
        let balls: Vec<f64> = samples.radii(K_PRECISION).collect();
        let widest = balls.iter().copied().fold(0.0, f64::max);
        let precise: Vec<AtomicBool> = balls.iter().map(|_| AtomicBool::new(false)).collect();
        // In how many large balls each sample is.
        let crowd: Vec<AtomicU32> = balls.iter().map(|_| AtomicU32::new(0)).collect();
        let real = for_each_row(&self.rows, &samples.rows, |row| {
            let nearest = &self.nearest[row.number];
            let (small, large) = (nearest[K_PRECISION - 1], nearest[K_DENSITY - 1]);
            let (mut covered, mut recalled) = (false, false);
            row.for_near(large.max(widest) as f32, |sample, about| {
                if row.is_within(sample, about, large) {
                    covered = true;
                    crowd[sample].fetch_add(1, Ordering::Relaxed);
                    if row.is_within(sample, about, small) {
                        precise[sample].store(true, Ordering::Relaxed);
                    }
                }
                recalled = recalled || row.is_within(sample, about, balls[sample]);
            });
            [covered, recalled]
        });
        let share = |hits: usize, of: &Rows| Estimate::of_share(hits, of.len());
        let precise = precise.iter().filter(|hit| hit.load(Ordering::Relaxed));
        let duplicate = self.duplicates_within();
        let duplicates = samples.radii(1).filter(|nearest| *nearest < duplicate);
        let crowd = crowd
            .iter()
            .map(|count| f64::from(count.load(Ordering::Relaxed)) / K_DENSITY as f64);
        let of_real = |what: usize| share(real.iter().filter(|hit| hit[what]).count(), &self.rows);
        Overlap {
            precision: share(precise.count(), &samples.rows),
            recall: of_real(1),
            density: Estimate::of_mean(&crowd.collect::<Vec<_>>()),
            coverage: of_real(0),
            duplicates: share(duplicates.count(), &samples.rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::{DType, Random, Stream};

    fn normal(seed: u64, count: usize, shift: f64) -> Rows {
        let drawn = Random::new(seed, Stream::Noise).normal(&[count, 6], DType::F32);
        Rows::new((drawn + shift).to_vec::<f32>(), 6)
    }

    fn overlap(samples: Rows) -> [f64; 5] {
        let real = Neighbourhood::of(normal(1, 1000, 0.0));
        let all = real.overlap(&Neighbourhood::of(samples));
        [
            all.precision,
            all.recall,
            all.density,
            all.coverage,
            all.duplicates,
        ]
        .map(|one| one.value)
    }

    #[test]
    fn the_same_distribution_lies_where_real_ones_do() {
        let [precision, recall, density, coverage, duplicates] = overlap(normal(2, 1000, 0.0));
        assert!(precision > 0.8 && recall > 0.8, "{precision} {recall}");
        assert!(
            (density - 1.0).abs() < 0.1 && coverage > 0.9,
            "{density} {coverage}"
        );
        assert!(duplicates < 0.03, "{duplicates}");
    }

    #[test]
    fn another_lies_elsewhere_and_a_collapse_covers_little() {
        let far = overlap(normal(2, 1000, 20.0));
        assert!(far[..4].iter().all(|share| *share == 0.0), "{far:?}");
        // Real ones, the same ten again and again.
        let ten = normal(1, 10, 0.0);
        let repeated = Rows::new(ten.values().repeat(100), 6);
        let [precision, recall, _, coverage, duplicates] = overlap(repeated);
        assert_eq!([precision, duplicates], [1.0, 1.0]);
        assert!(recall <= 0.01 && coverage < 0.15, "{recall} {coverage}");
    }

    #[test]
    fn few_samples_are_no_fault() {
        let one = overlap(normal(2, 1, 0.0));
        assert!(one.iter().all(|value| value.is_finite()), "{one:?}");
    }
}

//! Numbers and how sure they are.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;

/// A number that was estimated from samples, and the interval around it in which it would be found 95 times of 100 if other
/// samples were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// How far the interval reaches to either side; none where nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<f64>,
}

impl Estimate {
    /// A number without an interval.
    pub fn exact(value: f64) -> Self {
        Self { value, reach: None }
    }

    /// The mean of independent numbers, by Student's t.
    pub fn of_mean(values: &[f64]) -> Self {
        let (value, deviation) = mean_and_deviation(values);
        let count = values.len() as f64;
        let quantile = StudentsT::new(0.0, 1.0, count - 1.0);
        let quantile = quantile.map(|student| student.inverse_cdf(0.5 + CONFIDENCE / 2.0));
        Self {
            value,
            reach: quantile
                .ok()
                .map(|quantile| quantile * deviation / count.sqrt()),
        }
    }

    /// A share of `count`, so many of it, by Wilson's interval, whose ends it is not symmetric to: the farther of them
    /// counts.
    pub fn of_share(hits: usize, count: usize) -> Self {
        let (n, z) = (count as f64, normal_quantile());
        let value = hits as f64 / n;
        let centre = (value + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half =
            z / (1.0 + z * z / n) * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
        let reach = (centre + half - value).max(value - (centre - half));
        Self {
            value,
            reach: (count > 0).then_some(reach),
        }
    }

    /// `value` of a whole, by the values that are left when one of its equal parts is left out (the jackknife): unlike a
    /// bootstrap, no sample counts twice, which a distance between distributions would take for less variety.
    pub fn of_jackknife(value: f64, without: &[f64]) -> Self {
        let parts = without.len() as f64;
        let (_, deviation) = mean_and_deviation(without);
        let error = deviation * (parts - 1.0) / parts.sqrt();
        Self {
            value,
            reach: (without.len() > 1).then(|| normal_quantile() * error),
        }
    }
}

fn normal_quantile() -> f64 {
    let normal = Normal::new(0.0, 1.0).expect("the standard normal distribution");
    normal.inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

/// The mean and the standard deviation, divided by one less than there are.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jackknife_of_a_mean_is_the_error_of_the_mean() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let sum: f64 = values.iter().sum();
        let without: Vec<f64> = values.iter().map(|x| (sum - x) / 39.0).collect();
        let (mean, deviation) = mean_and_deviation(&values);
        let by_hand = 1.959_963_984_540_054 * deviation / 40.0_f64.sqrt();
        let estimate = Estimate::of_jackknife(mean, &without);
        let reach = estimate.reach.expect("an interval");
        assert!((reach - by_hand).abs() < 1e-9, "{reach} {by_hand}");
    }

    #[test]
    fn shares_and_means() {
        // Wilson's interval of 97 of 100 is 0.9155 to 0.9897.
        let share = Estimate::of_share(97, 100);
        let reach = share.reach.expect("an interval");
        assert!(
            share.value == 0.97 && (reach - 0.0545).abs() < 1e-4,
            "{share:?}"
        );
        assert!(
            Estimate::of_share(100, 100)
                .reach
                .is_some_and(|reach| reach > 0.03)
        );
        // Student's t at two degrees of freedom is 4.3027.
        let mean = Estimate::of_mean(&[1.0, 2.0, 3.0]);
        let reach = mean.reach.expect("an interval");
        assert!(mean.value == 2.0 && (reach - 4.3027 / 3.0_f64.sqrt()).abs() < 1e-4);
        assert_eq!(Estimate::of_mean(&[5.0]), Estimate::exact(5.0));
    }
}

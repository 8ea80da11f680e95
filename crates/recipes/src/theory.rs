//! A discriminator of numbers beside the best one that there is (Goodfellow et al., arXiv:1406.2661).
//!
//! For reals of the density p and fakes of the density q, the best discriminator is D* = p / (p + q) (proposition 1), and
//! what is then left of the value V(D, G) = E log D(x) + E log(1 − D(G(z))) is 2·JSD(p, q) − log 4 (theorem 1).

/// Points of the grid, and how far it reaches to both sides.
const POINTS: usize = 601;
const REACH: f64 = 6.0;
const PITCH: f64 = 2.0 * REACH / (POINTS - 1) as f64;
/// A density that is mass enough to learn from: that of N(0, 1) is above it from −2.04 to 2.04.
const MASS: f64 = 0.05;

/// D, D*, and the densities that they are of, on a grid from −6 to 6.
#[derive(Clone, Debug)]
pub struct Theory {
    /// The density of what is real.
    p: Vec<f64>,
    /// The density of what is made: of samples, smoothed by normal kernels.
    q: Vec<f64>,
    /// D(x).
    d: Vec<f64>,
    /// What is made beyond the grid, as a share.
    beyond: f64,
    /// V(D, G).
    value: f64,
}

/// The x of the grid.
pub fn grid() -> Vec<f64> {
    (0..POINTS).map(|i| i as f64 * PITCH - REACH).collect()
}

impl Theory {
    /// Of N(0, 1) and `samples`, at least one, with D's logits on the [grid] and on the samples.
    ///
    /// # Panics
    /// When there are as many logits of neither.
    #[track_caller]
    pub fn of_normal(samples: &[f64], on_grid: &[f64], on_samples: &[f64]) -> Self {
        assert!(
            on_grid.len() == POINTS && on_samples.len() == samples.len() && !samples.is_empty(),
            "{} logits on {POINTS} points and {} on {} samples",
            on_grid.len(),
            on_samples.len(),
            samples.len()
        );
        let n = samples.len() as f64;
        let p: Vec<f64> = grid().into_iter().map(normal).collect();
        let (q, beyond) = smoothed(samples, bandwidth(samples));
        // log D(x) = −softplus(−l), log(1 − D(x)) = −softplus(l).
        let on_reals: f64 = p.iter().zip(on_grid).map(|(p, l)| p * softplus(-l)).sum();
        let on_fakes: f64 = on_samples.iter().map(|l| softplus(*l)).sum();
        Self {
            p,
            q,
            d: on_grid.iter().map(|l| 1.0 / (1.0 + (-l).exp())).collect(),
            beyond,
            value: -on_reals * PITCH - on_fakes / n,
        }
    }

    /// V(D, G): at most [`bound`](Self::bound), but for the smoothing of q.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The Jensen-Shannon divergence of p and q, from 0 to log 2.
    pub fn jsd(&self) -> f64 {
        let term = |a: f64, b: f64| match a > 0.0 {
            true => a * (2.0 * a / (a + b)).ln(),
            false => 0.0,
        };
        let pairs = self.p.iter().zip(&self.q);
        let sum: f64 = pairs.map(|(p, q)| term(*p, *q) + term(*q, *p)).sum();
        // Beyond the grid there is no p.
        0.5 * (sum * PITCH + self.beyond * 2.0_f64.ln())
    }

    /// V(D*, G) = 2·JSD − log 4.
    pub fn bound(&self) -> f64 {
        2.0 * self.jsd() - 4.0_f64.ln()
    }

    /// D* on the grid; NaN where there is next to nothing of either, and of so few samples no density is known.
    pub fn best(&self) -> Vec<f64> {
        let pairs = self.p.iter().zip(&self.q);
        let best = |(p, q): (&f64, &f64)| match p + q > 0.1 * MASS {
            true => p / (p + q),
            false => f64::NAN,
        };
        pairs.map(best).collect()
    }

    /// D on the grid.
    pub fn discriminator(&self) -> &[f64] {
        &self.d
    }

    /// The densities of what is real and of what is made, on the grid.
    pub fn densities(&self) -> [&[f64]; 2] {
        [&self.p, &self.q]
    }

    /// The largest |D − D*| where both densities are above 0.05; 1 where they are so nowhere.
    pub fn gap(&self) -> f64 {
        let both = self.p.iter().zip(&self.q).map(|(p, q)| p.min(*q) > MASS);
        let gaps = self
            .d
            .iter()
            .zip(self.best())
            .map(|(d, best)| (d - best).abs());
        let gaps = gaps.zip(both).filter_map(|(gap, both)| both.then_some(gap));
        gaps.reduce(f64::max).unwrap_or(1.0)
    }
}

/// The density of N(0, 1).
pub fn normal(x: f64) -> f64 {
    (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

/// The mean and the standard deviation of `samples`.
pub fn mean_and_deviation(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let squares = samples.iter().map(|x| (x - mean).powi(2));
    (mean, (squares.sum::<f64>() / n).sqrt())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Silverman's rule: 0.9·min(σ, IQR / 1.34)·n^(−1/5); a point of the grid at least.
fn bandwidth(samples: &[f64]) -> f64 {
    let (_, deviation) = mean_and_deviation(samples);
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quartile = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize];
    let spread = deviation.min((quartile(0.75) - quartile(0.25)) / 1.34);
    (0.9 * spread * (samples.len() as f64).powf(-0.2)).max(PITCH)
}

/// The density of `samples` on the grid, smoothed by normal kernels of the deviation `h`, and the share beyond it.
fn smoothed(samples: &[f64], h: f64) -> (Vec<f64>, f64) {
    let n = samples.len() as f64;
    let mut shares = vec![0.0; POINTS];
    let mut beyond = 0.0;
    for x in samples {
        let place = (x + REACH) / PITCH;
        if !(0.0..(POINTS - 1) as f64).contains(&place) {
            beyond += 1.0 / n;
            continue;
        }
        // Shared by the two points around it, so that nothing is moved.
        let (point, part) = (place as usize, place.fract());
        shares[point] += (1.0 - part) / n;
        shares[point + 1] += part / n;
    }
    let reach = ((5.0 * h / PITCH).ceil() as usize).min(POINTS - 1);
    let kernel: Vec<f64> = (0..=reach).map(|i| normal(i as f64 * PITCH / h)).collect();
    let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
    let at = |point: usize| {
        let points = point.saturating_sub(reach)..=(point + reach).min(POINTS - 1);
        let terms = points.map(|other| shares[other] * kernel[other.abs_diff(point)]);
        terms.sum::<f64>() / (sum * PITCH)
    };
    ((0..POINTS).map(at).collect(), beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N(mean, deviation²) without luck: quantiles of an even grid.
    fn quantiles(mean: f64, deviation: f64) -> Vec<f64> {
        let (mut x, mut mass) = (-6.0, 0.0);
        let one = |i: u32| {
            while mass < (f64::from(i) + 0.5) / 8192.0 {
                mass += normal(x) * 1e-4;
                x += 1e-4;
            }
            mean + deviation * x
        };
        (0..8192).map(one).collect()
    }

    /// With the logits `of` a discriminator.
    fn theory(samples: &[f64], of: impl Fn(f64) -> f64) -> Theory {
        let logits = |x: &[f64]| x.iter().map(|x| of(*x)).collect::<Vec<_>>();
        Theory::of_normal(samples, &logits(&grid()), &logits(samples))
    }

    #[test]
    fn where_both_are_alike_d_is_a_half_and_v_is_minus_log_4() {
        let theory = theory(&quantiles(0.0, 1.0), |_| 0.0);
        let (mean, deviation) = mean_and_deviation(&quantiles(0.0, 1.0));
        assert!(mean.abs() < 1e-3 && (deviation - 1.0).abs() < 2e-3);
        assert!(theory.jsd() < 2e-4, "{}", theory.jsd());
        assert!(theory.gap() < 0.01, "{}", theory.gap());
        assert!((theory.value() + 4.0_f64.ln()).abs() < 1e-6);
        assert!((theory.bound() - theory.value()).abs() < 4e-4);
    }

    /// For N(μ, 1) the best logit is log p − log q = μ²/2 − μx, and the divergence is known by quadrature.
    #[test]
    fn the_best_discriminator_reaches_the_bound() {
        let shift: f64 = 1.5;
        let best = |x: f64| shift * shift / 2.0 - shift * x;
        let of = theory(&quantiles(shift, 1.0), best);
        assert!(of.gap() < 0.02, "{}", of.gap());
        assert!((of.value() - of.bound()).abs() < 0.01);
        let exact: f64 = (0..2_000_000)
            .map(|i| f64::from(i) * 1e-5 - 10.0)
            .map(|x| {
                let (p, q) = (normal(x), normal(x - shift));
                0.5e-5 * (p * (2.0 * p / (p + q)).ln() + q * (2.0 * q / (p + q)).ln())
            })
            .sum();
        assert!((of.jsd() - exact).abs() < 5e-3, "{} {exact}", of.jsd());
        // Any other is worse, and farther from it.
        let other = theory(&quantiles(shift, 1.0), |x| 0.5 * best(x));
        assert!(other.value() < of.value() - 0.01 && other.gap() > 0.1);
    }

    #[test]
    fn what_does_not_meet_is_log_2_apart() {
        for samples in [vec![5.9; 100], vec![40.0; 7], vec![-1e30]] {
            let theory = theory(&samples, |x| if x.abs() > 5.0 { -30.0 } else { 30.0 });
            assert!(
                (theory.jsd() - 2.0_f64.ln()).abs() < 1e-3,
                "{}",
                theory.jsd()
            );
            assert_eq!(theory.gap(), 1.0);
            assert!(theory.value().abs() < 1e-3 && theory.bound().abs() < 2e-3);
        }
    }

    #[test]
    fn a_collapse_to_a_point_is_a_density_all_the_same() {
        let theory = theory(&[0.3; 50], |_| 0.0);
        let [_, q] = theory.densities();
        assert!((q.iter().sum::<f64>() * PITCH - 1.0).abs() < 1e-9);
        assert!(theory.jsd() > 0.5, "{}", theory.jsd());
    }
}

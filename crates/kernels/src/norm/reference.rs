//! The plain loops, for either type.

use super::Norm;
use crate::{Buffer, Real};

pub(super) fn stats<T: Real>(norm: &Norm, x: &Buffer, out: &mut Buffer) {
    let (x, out) = (x.as_slice::<T>(), out.as_mut_slice::<T>());
    let n = norm.rows as f64;
    for c in 0..norm.channels {
        let column = || x[c..].iter().step_by(norm.channels).map(|x| x.f64());
        let mean = column().sum::<f64>() / n;
        let var = column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        out[c] = T::of(mean);
        out[norm.channels + c] = T::of(var);
    }
}

pub(super) fn forward<T: Real>(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    affine: [&Buffer; 2],
    y: &mut Buffer,
) {
    let channels = Channels::<T>::of(norm, stats, affine);
    let y = y.as_mut_slice::<T>();
    for (i, x) in x.as_slice::<T>().iter().enumerate() {
        y[i] = norm.act.value(channels.z(i, *x));
    }
}

pub(super) fn grad_affine<T: Real>(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    let channels = Channels::<T>::of(norm, stats, affine);
    let (x, dy) = (x.as_slice::<T>(), dy.as_slice::<T>());
    let mut sums = vec![0.0; 2 * norm.channels];
    for (i, dy) in dy.iter().enumerate() {
        let c = i % norm.channels;
        let dz = *dy * norm.act.slope(channels.z(i, x[i]));
        sums[c] += (dz * channels.x_hat(i, x[i])).f64();
        sums[norm.channels + c] += dz.f64();
    }
    for (o, sum) in out.as_mut_slice::<T>().iter_mut().zip(sums) {
        *o = T::of(sum);
    }
}

pub(super) fn grad_input<T: Real>(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    sums: &Buffer,
    dx: &mut Buffer,
) {
    let channels = Channels::<T>::of(norm, stats, affine);
    let (x, dy) = (x.as_slice::<T>(), dy.as_slice::<T>());
    let (dgamma, dbeta) = sums.as_slice::<T>().split_at(norm.channels);
    let n = T::of(norm.rows as f64);
    for (i, dx) in dx.as_mut_slice::<T>().iter_mut().enumerate() {
        let c = i % norm.channels;
        let dz = dy[i] * norm.act.slope(channels.z(i, x[i]));
        let inner = dz - dbeta[c] / n - channels.x_hat(i, x[i]) * dgamma[c] / n;
        *dx = channels.gamma[c] * channels.inverse[c] * inner;
    }
}

/// `running ← (1 − momentum)·running + momentum·scale·batch`.
pub(super) fn mix<T: Real>(momentum: f64, scale: f64, batch: &[T], running: &mut [T]) {
    let (old, new) = (T::of(1.0 - momentum), T::of(scale * momentum));
    for (running, batch) in running.iter_mut().zip(batch) {
        *running = old * *running + new * *batch;
    }
}

/// What there is one of for each channel.
struct Channels<'a, T> {
    mean: &'a [T],
    /// 1/√(var + ε)
    inverse: Vec<T>,
    gamma: &'a [T],
    beta: &'a [T],
}

impl<'a, T: Real> Channels<'a, T> {
    fn of(norm: &Norm, stats: &'a Buffer, [gamma, beta]: [&'a Buffer; 2]) -> Self {
        let (mean, var) = stats.as_slice::<T>().split_at(norm.channels);
        let inverse = |var: &T| T::ONE / (*var + T::of(norm.eps)).sqrt();
        Self {
            mean,
            inverse: var.iter().map(inverse).collect(),
            gamma: gamma.as_slice(),
            beta: beta.as_slice(),
        }
    }

    /// Element `i`, `x`, normalised.
    fn x_hat(&self, i: usize, x: T) -> T {
        let c = i % self.mean.len();
        (x - self.mean[c]) * self.inverse[c]
    }

    /// Element `i`, `x`, before the activation.
    fn z(&self, i: usize, x: T) -> T {
        let c = i % self.mean.len();
        self.x_hat(i, x) * self.gamma[c] + self.beta[c]
    }
}

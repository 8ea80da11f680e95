//! The plain loops, for either type.

use super::Norm;
use crate::{Buffer, Real};

pub(super) fn stats<T: Real>(norm: &Norm, x: &Buffer, out: &mut Buffer) {
    let (x, out) = (x.as_slice::<T>(), out.as_mut_slice::<T>());
    let n = norm.rows as f64;
    let groups = x.chunks_exact(norm.group_len());
    for (x, out) in groups.zip(out.chunks_exact_mut(2 * norm.channels)) {
        for c in 0..norm.channels {
            let column = || x[c..].iter().step_by(norm.channels).map(|x| x.f64());
            let mean = column().sum::<f64>() / n;
            let var = column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            out[c] = T::of(mean);
            out[norm.channels + c] = T::of(var);
        }
    }
}

pub(super) fn forward<T: Real>(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    affine: [&Buffer; 2],
    y: &mut Buffer,
) {
    let y = y.as_mut_slice::<T>();
    for (g, x) in x.as_slice::<T>().chunks_exact(norm.group_len()).enumerate() {
        let channels = Channels::<T>::of(norm, g, stats, affine);
        let y = &mut y[g * norm.group_len()..];
        for (i, x) in x.iter().enumerate() {
            y[i] = norm.act.value(channels.z(i, *x));
        }
    }
}

pub(super) fn grad_affine<T: Real>(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    let images = x.as_slice::<T>().chunks_exact(norm.group_len());
    let images = images.zip(dy.as_slice::<T>().chunks_exact(norm.group_len()));
    let outs = out.as_mut_slice::<T>().chunks_exact_mut(2 * norm.channels);
    for (g, ((x, dy), out)) in images.zip(outs).enumerate() {
        let channels = Channels::<T>::of(norm, g, stats, affine);
        let mut sums = vec![0.0; 2 * norm.channels];
        for (i, dy) in dy.iter().enumerate() {
            let c = i % norm.channels;
            let dz = *dy * norm.act.slope(channels.z(i, x[i]));
            sums[c] += (dz * channels.x_hat(i, x[i])).f64();
            sums[norm.channels + c] += dz.f64();
        }
        for (o, sum) in out.iter_mut().zip(sums) {
            *o = T::of(sum);
        }
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
    let (x, dy) = (x.as_slice::<T>(), dy.as_slice::<T>());
    let n = T::of(norm.rows as f64);
    let groups = dx.as_mut_slice::<T>().chunks_exact_mut(norm.group_len());
    for (g, dx) in groups.enumerate() {
        let channels = Channels::<T>::of(norm, g, stats, affine);
        let [dgamma, dbeta] = pair(norm, g, sums.as_slice::<T>());
        let first = g * norm.group_len();
        let (x, dy) = (&x[first..], &dy[first..]);
        for (i, dx) in dx.iter_mut().enumerate() {
            let c = i % norm.channels;
            let dz = dy[i] * norm.act.slope(channels.z(i, x[i]));
            let inner = dz - dbeta[c] / n - channels.x_hat(i, x[i]) * dgamma[c] / n;
            *dx = channels.gamma[c] * channels.inverse[c] * inner;
        }
    }
}

/// `running ← (1 − momentum)·running + momentum·scale·batch`.
pub(super) fn mix<T: Real>(momentum: f64, scale: f64, batch: &[T], running: &mut [T]) {
    let (old, new) = (T::of(1.0 - momentum), T::of(scale * momentum));
    for (running, batch) in running.iter_mut().zip(batch) {
        *running = old * *running + new * *batch;
    }
}

/// The rows of group `g` of `[groups, 2, channels]`.
fn pair<'a, T>(norm: &Norm, g: usize, pairs: &'a [T]) -> [&'a [T]; 2] {
    let (a, b) = pairs[2 * g * norm.channels..][..2 * norm.channels].split_at(norm.channels);
    [a, b]
}

/// What there is one of for each channel of a group.
struct Channels<'a, T> {
    mean: &'a [T],
    /// 1/√(var + ε)
    inverse: Vec<T>,
    gamma: &'a [T],
    beta: &'a [T],
}

impl<'a, T: Real> Channels<'a, T> {
    fn of(norm: &Norm, g: usize, stats: &'a Buffer, affine: [&'a Buffer; 2]) -> Self {
        let [mean, var] = pair(norm, g, stats.as_slice::<T>());
        let inverse = |var: &T| T::ONE / (*var + T::of(norm.eps)).sqrt();
        let own = |all: &'a Buffer| &all.as_slice::<T>()[g * norm.channels..][..norm.channels];
        let [gamma, beta] = affine.map(own);
        Self {
            mean,
            inverse: var.iter().map(inverse).collect(),
            gamma,
            beta,
        }
    }

    /// Element `i` of the group, `x`, normalised.
    fn x_hat(&self, i: usize, x: T) -> T {
        let c = i % self.mean.len();
        (x - self.mean[c]) * self.inverse[c]
    }

    /// Element `i` of the group, `x`, before the activation.
    fn z(&self, i: usize, x: T) -> T {
        let c = i % self.mean.len();
        self.x_hat(i, x) * self.gamma[c] + self.beta[c]
    }
}

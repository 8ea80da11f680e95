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
    [gamma, beta]: [&Buffer; 2],
    y: &mut Buffer,
) {
    let (mean, inverse) = moments::<T>(norm, stats);
    let (gamma, beta) = (gamma.as_slice::<T>(), beta.as_slice::<T>());
    let y = y.as_mut_slice::<T>();
    for (i, x) in x.as_slice::<T>().iter().enumerate() {
        let c = i % norm.channels;
        y[i] = (*x - mean[c]) * inverse[c] * gamma[c] + beta[c];
    }
}

pub(super) fn grad_affine<T: Real>(
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    dy: &Buffer,
    out: &mut Buffer,
) {
    let (mean, inverse) = moments::<T>(norm, stats);
    let (x, dy) = (x.as_slice::<T>(), dy.as_slice::<T>());
    let mut sums = vec![0.0; 2 * norm.channels];
    for (i, dy) in dy.iter().enumerate() {
        let c = i % norm.channels;
        sums[c] += (*dy * ((x[i] - mean[c]) * inverse[c])).f64();
        sums[norm.channels + c] += dy.f64();
    }
    for (o, sum) in out.as_mut_slice::<T>().iter_mut().zip(sums) {
        *o = T::of(sum);
    }
}

pub(super) fn grad_input<T: Real>(
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    gamma: &Buffer,
    sums: &Buffer,
    dx: &mut Buffer,
) {
    let (mean, inverse) = moments::<T>(norm, stats);
    let (x, dy, gamma) = (x.as_slice::<T>(), dy.as_slice::<T>(), gamma.as_slice::<T>());
    let (dgamma, dbeta) = sums.as_slice::<T>().split_at(norm.channels);
    let n = T::of(norm.rows as f64);
    for (i, dx) in dx.as_mut_slice::<T>().iter_mut().enumerate() {
        let c = i % norm.channels;
        let x_hat = (x[i] - mean[c]) * inverse[c];
        *dx = gamma[c] * inverse[c] * (dy[i] - dbeta[c] / n - x_hat * dgamma[c] / n);
    }
}

/// Means, and 1/√(var + ε).
fn moments<'a, T: Real>(norm: &Norm, stats: &'a Buffer) -> (&'a [T], Vec<T>) {
    let (mean, var) = stats.as_slice::<T>().split_at(norm.channels);
    let inverse = var
        .iter()
        .map(|var| T::ONE / (*var + T::of(norm.eps)).sqrt())
        .collect();
    (mean, inverse)
}

//! The plain loop, for either type.

use super::{Factors, Moving};
use crate::Real;

pub(super) fn adam<T: Real>(factors: &Factors, moving: &mut Moving<'_>) {
    let (param, m, v) = (
        moving.param.as_mut_slice::<T>(),
        moving.m.as_mut_slice::<T>(),
        moving.v.as_mut_slice::<T>(),
    );
    let (weight, beta2) = (T::of(factors.weight), T::of(factors.beta2));
    let square_weight = T::of(1.0 - factors.beta2);
    let (correction, eps) = (T::of(factors.correction), T::of(factors.eps));
    let size = T::of(-factors.size);
    for (i, &g) in moving.grad.as_slice::<T>().iter().enumerate() {
        // Whichever end is nearer: `m + w·(g − m)` exactly at w = 0 and w = 1.
        m[i] = if factors.weight < 0.5 {
            m[i] + weight * (g - m[i])
        } else {
            g - (g - m[i]) * (T::ONE - weight)
        };
        v[i] = v[i] * beta2 + square_weight * g * g;
        let root = v[i].sqrt() / correction + eps;
        param[i] += size * m[i] / root;
    }
}

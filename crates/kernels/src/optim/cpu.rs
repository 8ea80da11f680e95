//! The fast `f32` path: four streams in, three out, once.

use super::{Factors, Moving};
use crate::parallel::{CHUNK, pays};
use crate::simd::simd;
use rayon::prelude::*;

/// A chunk of parameter, m, v and gradient.
type Streams<'a> = (&'a mut [f32], &'a mut [f32], &'a mut [f32], &'a [f32]);

pub(super) fn adam(factors: &Factors, all: &mut [Moving<'_>]) {
    let elements: usize = all.iter().map(|one| one.grad.len()).sum();
    if !pays(7 * elements) {
        return all.iter_mut().for_each(|one| step(factors, streams(one)));
    }
    all.par_iter_mut().for_each(|one| {
        let (param, m, v, grad) = streams(one);
        param
            .par_chunks_mut(CHUNK)
            .zip(m.par_chunks_mut(CHUNK))
            .zip(v.par_chunks_mut(CHUNK))
            .zip(grad.par_chunks(CHUNK))
            .for_each(|(((param, m), v), grad)| step(factors, (param, m, v, grad)));
    });
}

fn streams<'a>(one: &'a mut Moving<'_>) -> Streams<'a> {
    (
        one.param.as_mut_slice(),
        one.m.as_mut_slice(),
        one.v.as_mut_slice(),
        one.grad.as_slice(),
    )
}

simd! {
    /// As the reference, but for one division less: √v is multiplied by the
    /// correction's inverse.
    fn step(factors: &Factors, streams: Streams<'_>) {
        let (param, m, v, grad) = streams;
        let near_m = factors.weight < 0.5;
        let (weight, rest) = (factors.weight as f32, (1.0 - factors.weight) as f32);
        let (beta2, square_weight) = (factors.beta2 as f32, (1.0 - factors.beta2) as f32);
        let (inverse, eps) = ((1.0 / factors.correction) as f32, factors.eps as f32);
        let size = factors.size as f32;
        for (((p, m), v), &g) in param.iter_mut().zip(m).zip(v).zip(grad) {
            let d = g - *m;
            *m = if near_m { *m + weight * d } else { g - d * rest };
            *v = *v * beta2 + square_weight * g * g;
            *p -= size * *m / (v.sqrt() * inverse + eps);
        }
    }
}

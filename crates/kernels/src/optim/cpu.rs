//! The fast `f32` path: four streams in, three out, once.

use super::{Factors, Moving};
use crate::parallel::{CHUNK, pays, share_chunks};
use crate::simd::simd;

/// A chunk of parameter, m, v and gradient.
type Streams<'a> = (&'a mut [f32], &'a mut [f32], &'a mut [f32], &'a [f32]);

pub(super) fn adam(factors: &Factors, all: &mut [Moving<'_>]) {
    let elements: usize = all.iter().map(|one| one.grad.len()).sum();
    if !pays(7 * elements) {
        return all.iter_mut().for_each(|one| step(factors, streams(one)));
    }
    let mut chunks = Vec::new();
    for one in all {
        let (param, m, v, grad) = streams(one);
        let params = param.chunks_mut(CHUNK).zip(m.chunks_mut(CHUNK));
        let rest = v.chunks_mut(CHUNK).zip(grad.chunks(CHUNK));
        chunks.extend(params.zip(rest).map(|((p, m), (v, g))| (p, m, v, g)));
    }
    share_chunks(&mut chunks, 1, |_, chunk| {
        for (param, m, v, grad) in chunk {
            step(factors, (param, m, v, grad));
        }
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

//! The plain loop, for either type: one block at a time.

use super::{Distribution, Key, block, gauss, threshold};
use crate::{Buffer, Real};

pub(super) fn fill<T: Real>(distribution: Distribution, key: &Key, out: &mut Buffer) {
    for (i, out) in out.as_mut_slice::<T>().chunks_mut(4).enumerate() {
        let values = values(distribution, block(key, i as u32));
        for (o, v) in out.iter_mut().zip(values) {
            *o = T::of(v);
        }
    }
}

fn values(distribution: Distribution, words: [u32; 4]) -> [f64; 4] {
    match distribution {
        Distribution::Uniform => words.map(|w| f64::from(w >> 8) / f64::from(1 << 24)),
        Distribution::Normal => {
            let [a, b, c, d] = words.map(u64::from);
            let ((a, b), (c, d)) = (gauss::pair(a, b), gauss::pair(c, d));
            [a, b, c, d]
        }
        Distribution::Bernoulli(keep) => words.map(|w| {
            if w >> 8 < threshold(keep) {
                1.0 / keep
            } else {
                0.0
            }
        }),
    }
}

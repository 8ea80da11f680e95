//! Cases of the family `philox`: all of them exact.

use super::{Case, poisoned};
use crate::philox::{Distribution, Key, fill_with};
use crate::{Buffer, Count, Variant};

const ALL: [Distribution; 3] = [
    Distribution::Uniform,
    Distribution::Normal,
    Distribution::Bernoulli(0.7),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for distribution in ALL {
        for len in [0, 1, 2, 3, 4, 1027, 50_000] {
            cases.push(draw(distribution, len));
        }
    }
    for keep in [1e-9, 0.25, 0.700_000_01, 1.0] {
        cases.push(draw(Distribution::Bernoulli(keep), 1500));
    }
    // More blocks than a grid has threads.
    cases.push(draw(Distribution::Uniform, 4_400_003));
    cases
}

/// Of several keys: each part of a counter is above what a few bits hold.
fn draw(distribution: Distribution, len: usize) -> Case {
    let keys = [
        (7, 0, 0, 0),
        (u64::MAX - 5, 65_535, (1 << 48) - 1, u32::MAX),
        (0x0123_4567_89AB_CDEF, 3, 1 << 33 | 5, 2),
    ];
    let name = format!("philox {distribution:?} {len}");
    Case::exact(name, vec![vec![0.0]], move |like: &[Buffer]| {
        let of = |(seed, stream, step, draw)| {
            let step = Count::from(step);
            let mut out = poisoned(&like[0], len);
            let key = Key {
                seed,
                stream,
                step,
                draw,
            };
            fill_with(Variant::Fast, distribution, &key, &mut out);
            out
        };
        keys.into_iter().map(of).collect()
    })
}

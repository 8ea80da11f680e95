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
    cases.push(draw_with(&KEYS[..1], Distribution::Uniform, 4_330_003));
    cases
}

/// Seeds, streams, steps and draws: each part of a counter is above what a few bits hold.
const KEYS: [(u64, u32, u64, u32); 3] = [
    (7, 0, 0, 0),
    (u64::MAX - 5, 65_535, (1 << 48) - 1, u32::MAX),
    (0x0123_4567_89AB_CDEF, 3, 1 << 33 | 5, 2),
];

fn draw(distribution: Distribution, len: usize) -> Case {
    draw_with(&KEYS, distribution, len)
}

fn draw_with(
    keys: &'static [(u64, u32, u64, u32)],
    distribution: Distribution,
    len: usize,
) -> Case {
    let name = format!("philox {distribution:?} {len}");
    Case::exact(name, vec![vec![0.0]], move |like: &[Buffer]| {
        let of = |&(seed, stream, step, draw): &(u64, u32, u64, u32)| {
            let mut out = poisoned(&like[0], len);
            let key = Key {
                seed,
                stream,
                step: Count::from(step),
                draw,
            };
            fill_with(Variant::Fast, distribution, &key, &mut out);
            out
        };
        keys.iter().map(of).collect()
    })
}

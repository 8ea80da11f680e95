//! The fast `f32` path: several blocks side by side in vector registers.

use super::{Distribution, Key, MULTIPLIERS, ROUNDS, WEYL, gauss, threshold};
use crate::Buffer;
use crate::parallel::{CHUNK, for_each_chunk};
use crate::simd::simd;

/// Blocks computed together.
const LANES: usize = 16;

/// Word `j` of block `b` at `[j][b]`: 32-bit words in 64-bit lanes, where the
/// products have room.
type Words = [[u64; LANES]; 4];

/// A distribution known to the compiler.
trait Draw: Fn(&Words) -> [[f32; LANES]; 4] + Copy + Send + Sync {}
impl<F: Fn(&Words) -> [[f32; LANES]; 4] + Copy + Send + Sync> Draw for F {}

pub(super) fn fill(distribution: Distribution, key: &Key, out: &mut Buffer) {
    match distribution {
        Distribution::Uniform => chunks(
            #[inline(always)]
            |words| {
                each(
                    words,
                    #[inline(always)]
                    |w| (w >> 8) as i32 as f32 / 16_777_216.0,
                )
            },
            1,
            key,
            out,
        ),
        Distribution::Normal => chunks(
            #[inline(always)]
            |words| {
                let mut out = [[0.0; LANES]; 4];
                for i in 0..LANES {
                    let (a, b) = gauss::pair(words[0][i], words[1][i]);
                    let (c, d) = gauss::pair(words[2][i], words[3][i]);
                    (out[0][i], out[1][i]) = (a as f32, b as f32);
                    (out[2][i], out[3][i]) = (c as f32, d as f32);
                }
                out
            },
            8,
            key,
            out,
        ),
        Distribution::Bernoulli(keep) => {
            let (threshold, kept) = (threshold(keep) as i32, (1.0 / keep) as f32);
            chunks(
                #[inline(always)]
                move |words| {
                    each(
                        words,
                        #[inline(always)]
                        |w| {
                            if ((w >> 8) as i32) < threshold {
                                kept
                            } else {
                                0.0
                            }
                        },
                    )
                },
                1,
                key,
                out,
            );
        }
    }
}

#[inline(always)]
fn each(words: &Words, f: impl Fn(u64) -> f32) -> [[f32; LANES]; 4] {
    let mut out = [[0.0; LANES]; 4];
    for (out, words) in out.iter_mut().zip(words) {
        for (o, w) in out.iter_mut().zip(words) {
            *o = f(*w);
        }
    }
    out
}

/// `cost` is that of a number relative to an element of a simple loop.
fn chunks<F: Draw>(f: F, cost: usize, key: &Key, out: &mut Buffer) {
    let out = out.as_mut_slice::<f32>();
    let (chunk, work) = (CHUNK / cost, out.len() * cost);
    let (cipher, counter) = key.words();
    for_each_chunk(out, chunk, work, |i, out| {
        let first = (i * chunk / 4) as u32;
        draw(f, cipher, [first, counter[1], counter[2], counter[3]], out);
    });
}

simd! {
    /// Fills `out` from the blocks that start with this counter.
    fn draw<F: Draw>(f: F, key: [u32; 2], counter: [u32; 4], out: &mut [f32]) {
        for (i, out) in out.chunks_mut(4 * LANES).enumerate() {
            let first = counter[0].wrapping_add((i * LANES) as u32);
            let values = f(&blocks(key, [first, counter[1], counter[2], counter[3]]));
            let mut tile = [0.0; 4 * LANES];
            for b in 0..LANES {
                for j in 0..4 {
                    tile[4 * b + j] = values[j][b];
                }
            }
            out.copy_from_slice(&tile[..out.len()]);
        }
    }
}

/// [`super::philox4x32`] of [`LANES`] counters, the first of which is given.
#[inline(always)]
fn blocks(key: [u32; 2], counter: [u32; 4]) -> Words {
    const LOW: u64 = 0xFFFF_FFFF;
    let [mut a, mut b, mut c, mut d] = counter.map(|word| [u64::from(word); LANES]);
    for (i, a) in a.iter_mut().enumerate() {
        *a = a.wrapping_add(i as u64) & LOW;
    }
    let mut key = key;
    for _ in 0..ROUNDS {
        let (k0, k1) = (u64::from(key[0]), u64::from(key[1]));
        for i in 0..LANES {
            let p = (a[i] & LOW).wrapping_mul(u64::from(MULTIPLIERS[0]));
            let q = (c[i] & LOW).wrapping_mul(u64::from(MULTIPLIERS[1]));
            (a[i], b[i]) = ((q >> 32) ^ b[i] ^ k0, q & LOW);
            (c[i], d[i]) = ((p >> 32) ^ d[i] ^ k1, p & LOW);
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    [a, b, c, d]
}

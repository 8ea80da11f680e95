//! Changes of bytes: the usual ones.

use crate::Target;
use fastrand::Rng;

/// The longest input, in bytes. What goes wrong in readers goes wrong early.
const LONGEST: usize = 1 << 14;

/// Numbers at which readers turn.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    u64::MAX >> 1,
    u64::MAX,
];

/// The next input of `target`: a file of its `corpus` or one that its generator made, mostly changed.
pub fn next(target: &Target, corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = match rng.choice(corpus) {
        Some(seed) if rng.bool() => seed.clone(),
        _ => (target.fresh)(rng),
    };
    // One in eight stays as it is.
    for _ in 0..rng.u32(0..8) {
        change(&mut input, target.words, corpus, rng);
        if rng.u32(..4) == 0 {
            break;
        }
    }
    input.truncate(LONGEST);
    if rng.bool() {
        (target.seal)(&mut input);
    }
    input
}

/// One change.
fn change(input: &mut Vec<u8>, words: &[&str], corpus: &[Vec<u8>], rng: &mut Rng) {
    let at = rng.usize(..=input.len());
    match rng.u32(..10) {
        0 => flip(input, rng),
        1 => overwrite(input, at, &[rng.u8(..)]),
        2 => input.insert(at, rng.u8(..)),
        3 => input.truncate(at),
        4 => drop(input.drain(at..(at + rng.usize(..64)).min(input.len()))),
        5 => {
            let piece = input[at..(at + rng.usize(..64)).min(input.len())].to_vec();
            let to = rng.usize(..=input.len());
            let times = 1 << rng.u32(..6);
            input.splice(to..to, piece.repeat(times));
        }
        6 => {
            let Some(other) = rng.choice(corpus) else {
                return;
            };
            let cut = rng.usize(..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[cut..]);
        }
        7 => edge(input, at, rng),
        _ => {
            let Some(word) = rng.choice(words) else {
                return;
            };
            match rng.bool() {
                true => overwrite(input, at, word.as_bytes()),
                false => drop(input.splice(at..at, word.bytes())),
            }
        }
    }
}

fn flip(input: &mut [u8], rng: &mut Rng) {
    if let Some(byte) = rng.choice(input.iter_mut()) {
        *byte ^= 1 << rng.u32(..8);
    }
}

/// Puts a number of one to eight bytes, in either order, where it matters or near it.
fn edge(input: &mut Vec<u8>, at: usize, rng: &mut Rng) {
    let number = EDGES[rng.usize(..EDGES.len())]
        .wrapping_add(rng.u64(..3))
        .wrapping_sub(1);
    let width = 1 << rng.u32(..4);
    match rng.bool() {
        true => overwrite(input, at, &number.to_le_bytes()[..width]),
        false => overwrite(input, at, &number.to_be_bytes()[8 - width..]),
    }
}

fn overwrite(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = (at + bytes.len()).min(input.len());
    input.splice(at..end, bytes.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TARGETS;

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_they_differ() {
        for target in &TARGETS {
            let corpus = [b"seed".to_vec()];
            let inputs = |seed| {
                let mut rng = Rng::with_seed(seed);
                (0..200)
                    .map(|_| next(target, &corpus, &mut rng))
                    .collect::<Vec<_>>()
            };
            let first = inputs(1);
            assert_eq!(first, inputs(1));
            let mut distinct = first.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct.len() > 100, "{}", target.name);
            assert!(first.iter().all(|input| input.len() <= LONGEST));
        }
    }
}

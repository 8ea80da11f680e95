//! What `13-judging.md` computes: numbers of samples whose faults are known, as they are planted.

use crate::Piece;
use crate::text::{fixed, short, table};
use detach::prelude::*;
use detach_gan::score::distances::Rows;
use detach_gan::score::frechet::Normal;
use detach_gan::score::kernel::kernel_distance;
use detach_gan::score::manifold::Neighbourhood;
use detach_gan::score::vendi::vendi;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "judging-count",
        make: |_| count_matters(),
    },
    Piece {
        name: "judging-planted",
        make: |_| planted(),
    },
];

/// Numbers of a feature, as many as the classifier of `gan score` gives.
const WIDTH: usize = 64;

/// So many rows of independent normal numbers.
fn normal(seed: u64, count: usize, width: usize) -> Rows {
    let drawn = Random::new(seed, Stream::Sample).normal(&[count, width], DType::F32);
    Rows::new(drawn.to_vec::<f32>(), width)
}

/// The Fréchet distance and the kernel distance of `count` samples from 10,000 of the same distribution.
pub(crate) fn of_the_same(count: usize) -> [f64; 2] {
    const REAL: usize = 10_000;
    let (samples, real) = (normal(2, count, WIDTH), normal(1, REAL, WIDTH));
    [
        Normal::of(&real).distance(&samples).value,
        kernel_distance(&samples, &real).value,
    ]
}

fn count_matters() -> String {
    let row = |count: usize| {
        let [fid, kid] = of_the_same(count);
        vec![
            count.to_string(),
            short(fid, 2),
            fixed(fid * count as f64, 0),
            fixed(kid, 4),
        ]
    };
    let head = [
        "samples N",
        "Fréchet distance",
        "N times it",
        "kernel distance",
    ];
    table(&head, [100, 200, 500, 1000, 2000, 5000].map(row))
}

/// Features of a space with ten kinds of images in it, 16 numbers each.
const MODES: usize = 10;
const SPACE: usize = 16;
/// How far a kind is from the middle.
const APART: f32 = 6.0;

/// `count` rows, of each kind in turn as `kind` says, `spread` times as wide as kinds are.
fn images(seed: u64, count: usize, spread: f32, kind: impl Fn(usize) -> usize) -> Rows {
    let mut values = normal(seed, count, SPACE).values().to_vec();
    for (i, row) in values.chunks_exact_mut(SPACE).enumerate() {
        row.iter_mut().for_each(|x| *x *= spread);
        row[kind(i) % MODES] += APART;
    }
    Rows::new(values, SPACE)
}

/// What is made by a generator with a known fault.
pub(crate) struct Planted {
    pub(crate) what: &'static str,
    pub(crate) fid: f64,
    kid: f64,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub(crate) coverage: f64,
    pub(crate) duplicates: f64,
    kinds: f64,
}

pub(crate) fn all_planted() -> Vec<Planted> {
    const COUNT: usize = 2000;
    let trained = images(1, COUNT, 1.0, |i| i);
    let as_normal = Normal::of(&trained);
    let neighbourhood = Neighbourhood::of(trained.clone());
    let ten = images(3, MODES, 1.0, |i| i);
    let noise = normal(4, COUNT, SPACE);
    let noise = noise.values().iter().map(|x| 3.0 * x).collect();
    let sets = [
        ("other real images: the floor", images(2, COUNT, 1.0, |i| i)),
        ("the training images themselves", trained.clone()),
        ("three kinds of ten", images(5, COUNT, 1.0, |i| i % 3)),
        ("each kind at half its width", images(6, COUNT, 0.5, |i| i)),
        (
            "ten images, again and again",
            Rows::new(ten.values().repeat(COUNT / MODES), SPACE),
        ),
        ("noise", Rows::new(noise, SPACE)),
    ];
    let of = |(what, samples): (&'static str, Rows)| {
        let overlap = neighbourhood.overlap(&Neighbourhood::of(samples.clone()));
        Planted {
            what,
            fid: as_normal.distance(&samples).value,
            kid: kernel_distance(&samples, &trained).value,
            precision: overlap.precision.value,
            recall: overlap.recall.value,
            coverage: overlap.coverage.value,
            duplicates: overlap.duplicates.value,
            kinds: vendi(&samples),
        }
    };
    sets.into_iter().map(of).collect()
}

fn planted() -> String {
    let row = |planted: Planted| {
        let shares = [
            planted.precision,
            planted.recall,
            planted.coverage,
            planted.duplicates,
        ];
        let numbers = [fixed(planted.fid.abs(), 2), fixed(planted.kid, 1)];
        let shares = shares.map(|share| fixed(share, 2));
        let kinds = fixed(planted.kinds, 1);
        [
            vec![planted.what.to_owned()],
            numbers.into(),
            shares.into(),
            vec![kinds],
        ]
        .concat()
    };
    let head = [
        "samples",
        "FID",
        "KID",
        "precision",
        "recall",
        "coverage",
        "duplicates",
        "Vendi",
    ];
    table(&head, all_planted().into_iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_look_worse_than_they_are() {
        let [few, many] = [100, 2000].map(of_the_same);
        assert!(few[0] > 8.0 * many[0], "{few:?} {many:?}");
        assert!(
            few[1].abs() < 0.1 && many[1].abs() < 0.1,
            "{few:?} {many:?}"
        );
    }

    #[test]
    fn each_fault_shows_in_one_number_and_hides_in_another() {
        let all = all_planted();
        let [floor, copies, three, narrow, ten, noise] = &all[..] else {
            panic!("six");
        };
        assert!(copies.fid < floor.fid && copies.precision == 1.0 && copies.recall == 1.0);
        assert!(three.precision > 0.7 && three.recall < 0.4 && three.coverage < 0.4);
        assert!(narrow.precision > floor.precision && narrow.recall < floor.recall);
        assert!(ten.duplicates == 1.0 && ten.coverage < 0.1 && ten.precision >= floor.precision);
        assert!(noise.precision < 0.05 && noise.coverage < 0.05 && noise.recall > 0.95);
    }
}

use super::*;
use crate::testing::{Dice, assert_close, poisoned, same_bits_on_any_threads};

/// Narrow, ragged, tall, wide; one and many blocks.
const SHAPES: [[usize; 2]; 11] = [
    [1, 1],
    [18, 2],
    [7, 1],
    [50_001, 1],
    [33_000, 3],
    [17, 5],
    [5001, 33],
    [3000, 64],
    [6, 100],
    [64, 1300],
    [130, 513],
];

const ACTS: [Act; 4] = [Act::Identity, Act::Relu, Act::LeakyRelu(0.2), Act::Tanh];

struct Data {
    norm: Norm,
    x: Buffer,
    dy: Buffer,
    gamma: Buffer,
    beta: Buffer,
}

fn data(dtype: DType, [rows, channels]: [usize; 2], mean: f64) -> Data {
    let mut dice = Dice((rows * 1000 + channels) as u64);
    let mut fill = |len: usize, offset: f64| {
        let values: Vec<f64> = (0..len).map(|_| offset + dice.unit()).collect();
        dispatch!(dtype, T => {
            let values: Vec<T> = values.iter().map(|v| crate::Real::of(*v)).collect();
            Buffer::from_slice(Device::Cpu, &values)
        })
    };
    Data {
        norm: Norm {
            groups: 1,
            rows,
            channels,
            eps: 1e-5,
            act: Act::Identity,
        },
        x: fill(rows * channels, mean),
        dy: fill(rows * channels, 0.1),
        gamma: fill(channels, 1.0),
        beta: fill(channels, 0.0),
    }
}

/// Every output of the family: statistics, y, sums, dx.
fn run(variant: Variant, d: &Data) -> [Buffer; 4] {
    let Data {
        norm,
        x,
        dy,
        gamma,
        beta,
    } = d;
    let pair = || poisoned(x.dtype(), 2 * norm.groups * norm.channels);
    let image = || poisoned(x.dtype(), x.len());
    let (mut stats, mut y, mut sums, mut dx) = (pair(), image(), pair(), image());
    stats_with(variant, norm, x, &mut stats);
    forward_with(variant, norm, x, &stats, [gamma, beta], &mut y);
    let (images, affine) = ([x, dy], [gamma, beta]);
    grad_affine_with(variant, norm, images, &stats, affine, &mut sums);
    grad_input_with(variant, norm, images, &stats, affine, &sums, &mut dx);
    [stats, y, sums, dx]
}

#[test]
fn fast_is_the_reference_for_any_shape() {
    let cases = SHAPES
        .into_iter()
        .flat_map(|shape| ACTS.map(|act| (shape, act)));
    for (shape, act) in cases {
        let mut d = data(DType::F32, shape, 0.3);
        d.norm.act = act;
        let (fast, reference) = (run(Variant::Fast, &d), run(Variant::Reference, &d));
        // A batch of one has no variance: 1/√ε turns rounding into numbers of
        // the order of 1.
        let tolerance = [1e-6, 4e-6, 2e-6, 4e-6];
        for (i, name) in ["stats", "y", "sums", "dx"].iter().enumerate() {
            assert_close(
                &fast[i].to_vec(),
                &reference[i].to_vec(),
                tolerance[i] * (shape[0] as f64).sqrt().clamp(1.0, 10.0),
                &format!("{name} of {shape:?} with {act:?}"),
            );
        }
    }
}

#[test]
fn statistics_survive_a_large_mean() {
    for shape in [[50_001, 3], [20_000, 64], [64, 1300]] {
        let d = data(DType::F32, shape, 1000.0);
        let mut stats = poisoned(DType::F32, 2 * shape[1]);
        super::stats(&d.norm, &d.x, &mut stats);
        let x = d.x.to_vec::<f64>();
        let stats = stats.to_vec::<f64>();
        for c in 0..shape[1] {
            let column = || x[c..].iter().step_by(shape[1]);
            let mean = column().sum::<f64>() / shape[0] as f64;
            let var = column().map(|x| (x - mean).powi(2)).sum::<f64>() / shape[0] as f64;
            assert!((stats[c] / mean - 1.0).abs() < 1e-7, "mean of {c}");
            let error = stats[shape[1] + c] / var - 1.0;
            assert!(error.abs() < 1e-6, "variance of {c}: off by {error:e}");
        }
    }
}

/// A first value far off, which a shift by it would lose the variance to.
#[test]
fn statistics_survive_an_outlier() {
    for (at, rows) in [(0, 30_000), (20_000, 30_000), (0, 40)] {
        let norm = Norm {
            groups: 1,
            rows,
            channels: 33,
            eps: 1e-5,
            act: Act::Identity,
        };
        let mut x = data(DType::F32, [rows, 33], 0.0).x.to_vec::<f32>();
        x[33 * at..][..33].fill(1e4);
        let mut stats = poisoned(DType::F32, 66);
        super::stats(&norm, &Buffer::from_slice(Device::Cpu, &x), &mut stats);
        let mut exact = poisoned(DType::F32, 66);
        let x = Buffer::from_slice(Device::Cpu, &x);
        stats_with(Variant::Reference, &norm, &x, &mut exact);
        let pairs = stats.to_vec::<f64>().into_iter().zip(exact.to_vec::<f64>());
        for (c, (fast, exact)) in pairs.enumerate() {
            let error = fast / exact - 1.0;
            assert!(error.abs() < 5e-5, "{c} of {rows} rows: off by {error:e}");
        }
    }
}

#[test]
fn running_statistics_by_hand() {
    let norm = Norm {
        groups: 1,
        rows: 5,
        channels: 2,
        eps: 0.0,
        act: Act::Identity,
    };
    let of = |values: &[f64]| Buffer::from_slice(Device::Cpu, values);
    let (mut mean, mut var) = (of(&[0.0, 1.0]), of(&[1.0, 2.0]));
    track(&norm, &of(&[4.0, 5.0, 0.8, 1.6]), 0.25, &mut mean, &mut var);
    assert_eq!(mean.to_vec::<f64>(), [1.0, 2.0]);
    assert_eq!(var.to_vec::<f64>(), [1.0, 2.0]);
}

#[test]
fn a_constant_channel_has_no_variance() {
    let norm = Norm {
        groups: 1,
        rows: 1000,
        channels: 2,
        eps: 1e-5,
        act: Act::Identity,
    };
    let x = Buffer::full(Device::Cpu, DType::F32, 2000, 1234.567);
    let mut out = poisoned(DType::F32, 4);
    super::stats(&norm, &x, &mut out);
    let mean = f64::from(1234.567f32);
    assert_eq!(out.to_vec::<f64>(), [mean, mean, 0.0, 0.0]);
}

#[test]
fn the_output_is_normal() {
    let d = data(DType::F64, [400, 3], 5.0);
    let [_, y, ..] = run(Variant::Fast, &d);
    let mut stats = poisoned(DType::F64, 6);
    super::stats(&d.norm, &y, &mut stats);
    let stats = stats.to_vec::<f64>();
    let (gamma, beta) = (d.gamma.to_vec::<f64>(), d.beta.to_vec::<f64>());
    for c in 0..3 {
        assert!((stats[c] - beta[c]).abs() < 1e-12);
        assert!((stats[3 + c] / gamma[c].powi(2) - 1.0).abs() < 1e-4);
    }
}

/// The gradients against differences of `Σ dy·y`.
#[test]
fn gradients_are_those_of_the_forward_pass() {
    for act in ACTS {
        gradients_with(act);
    }
}

fn gradients_with(act: Act) {
    let mut d = data(DType::F64, [9, 2], 0.2);
    d.norm.act = act;
    let [_, _, sums, dx] = run(Variant::Fast, &d);
    let loss = |x: &[f64], gamma: &[f64], beta: &[f64]| {
        let buffer = |v: &[f64]| Buffer::from_slice(Device::Cpu, v);
        let moved = Data {
            norm: d.norm,
            x: buffer(x),
            dy: buffer(&d.dy.to_vec::<f64>()),
            gamma: buffer(gamma),
            beta: buffer(beta),
        };
        let y = run(Variant::Reference, &moved)[1].to_vec::<f64>();
        let dy = d.dy.to_vec::<f64>();
        y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>()
    };
    let at = [&d.x, &d.gamma, &d.beta].map(Buffer::to_vec::<f64>);
    let slope = |which: usize, i: usize| {
        let moved = |by: f64| {
            let mut at = at.clone();
            at[which][i] += by;
            loss(&at[0], &at[1], &at[2])
        };
        (moved(1e-6) - moved(-1e-6)) / 2e-6
    };
    let expected: Vec<f64> = (0..18).map(|i| slope(0, i)).collect();
    assert_close(&dx.to_vec(), &expected, 1e-7, "dx");
    let expected: Vec<f64> = (0..4).map(|i| slope(1 + i / 2, i % 2)).collect();
    assert_close(&sums.to_vec(), &expected, 1e-7, "dgamma, dbeta");
}

#[test]
fn threads_do_not_change_bits() {
    for shape in [[50_001, 3], [5001, 64], [64, 1300]] {
        let mut d = data(DType::F32, shape, 0.3);
        d.norm.act = Act::LeakyRelu(0.2);
        for i in 0..4 {
            same_bits_on_any_threads(|| {
                let [stats, y, sums, dx] = run(Variant::Fast, &d);
                [stats, y, sums, dx]
                    .into_iter()
                    .nth(i)
                    .expect("four outputs")
            });
        }
    }
}

#[test]
#[should_panic(expected = "norm::stats: elements of an operand of shape [1, 4, 3]")]
fn shapes_must_agree() {
    let norm = Norm {
        groups: 1,
        rows: 4,
        channels: 3,
        eps: 1e-5,
        act: Act::Identity,
    };
    let x = poisoned(DType::F32, 11);
    super::stats(&norm, &x, &mut poisoned(DType::F32, 6));
}

/// Each group as if it were alone: the same bits on the fast path.
#[test]
fn groups_do_not_see_each_other() {
    for [groups, rows, channels] in [
        [3, 5, 2],
        [4, 49, 64],
        [2, 3000, 33],
        [50, 2, 7],
        [2, 70, 600],
    ] {
        for act in ACTS {
            let Data {
                x, dy, gamma, beta, ..
            } = data(DType::F32, [rows, groups * channels], 0.3);
            let norm = |groups| Norm {
                groups,
                rows,
                channels,
                eps: 1e-5,
                act,
            };
            let all = Data {
                norm: norm(groups),
                x,
                dy,
                gamma,
                beta,
            };
            let part = |of: &Buffer, g: usize| {
                let len = of.len() / groups;
                Buffer::from_slice(Device::Cpu, &of.to_vec::<f32>()[g * len..][..len])
            };
            let fast = run(Variant::Fast, &all);
            for g in 0..groups {
                let [x, dy] = [&all.x, &all.dy].map(|of| part(of, g));
                let [gamma, beta] = [&all.gamma, &all.beta].map(|of| part(of, g));
                let alone = run(
                    Variant::Fast,
                    &Data {
                        norm: norm(1),
                        x,
                        dy,
                        gamma,
                        beta,
                    },
                );
                for (all, alone) in fast.iter().zip(&alone) {
                    let what = format!("{groups} groups of {rows} rows and {channels}, {act:?}");
                    assert_close(&part(all, g).to_vec(), &alone.to_vec(), 0.0, &what);
                }
            }
            let plain = run(Variant::Reference, &all);
            for (fast, plain) in fast.iter().zip(&plain) {
                let what = format!("{groups} groups of {rows} rows and {channels}, {act:?}");
                assert_close(&fast.to_vec(), &plain.to_vec(), 4e-5, &what);
            }
        }
    }
}

//! Cases of the family `norm`: sums over rows are close, everything else is exact.

use super::{Case, Dice, numbers, poisoned};
use crate::norm::{Norm, forward, grad_affine, grad_input, stats, track};
use crate::{Act, Buffer, Device};

const ACTS: [Act; 4] = [Act::Identity, Act::Relu, Act::LeakyRelu(0.2), Act::Tanh];

/// Rows and channels: one block and many in either direction, as few rows as there can be,
/// channels in fours and not, a row that no tile fits.
const SHAPES: [[usize; 2]; 11] = [
    [2, 1],
    [2, 1024],
    [7, 3],
    [16, 256],
    [64, 100],
    [50_176, 1],
    [9001, 3],
    [5001, 16],
    [260, 64],
    [300, 33],
    [130, 1028],
];

/// Groups, rows and channels: few and many of each, more groups than blocks are split for.
const GROUPS: [[usize; 3]; 7] = [
    [2, 5, 3],
    [16, 49, 64],
    [5, 900, 33],
    [3, 9001, 4],
    [300, 4, 8],
    [1200, 3, 1],
    [2, 33_001, 1],
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, [rows, channels]) in SHAPES.into_iter().enumerate() {
        let shape = [1, rows, channels];
        let act = ACTS[i % ACTS.len()];
        cases.push(statistics(shape, 0.1));
        cases.push(given(shape, act));
        // Of two rows nothing but ε is left of the gradient.
        if rows > 2 {
            cases.push(backward(shape, act));
        }
    }
    for mean in [100.0, 1000.0] {
        for [rows, channels] in [[64, 33], [9001, 3], [700, 64]] {
            cases.push(statistics([1, rows, channels], mean));
        }
    }
    for act in ACTS {
        cases.push(given([1, 37, 12], act));
        cases.push(given([1, 205_000, 1], act));
        cases.push(backward([1, 300, 20], act));
    }
    // The most blocks that share a channel.
    cases.push(statistics([1, 33_001, 32], 0.1));
    for (i, shape) in GROUPS.into_iter().enumerate() {
        let act = ACTS[i % ACTS.len()];
        let of_groups = [
            statistics(shape, 3.0),
            given(shape, act),
            backward(shape, act),
        ];
        // A group is a block at least.
        let work = shape[0] << 11;
        cases.extend(of_groups.map(|case| case.of_work(work)));
    }
    cases.push(outlier());
    cases.push(running());
    cases
}

fn norm([groups, rows, channels]: [usize; 3], act: Act) -> Norm {
    Norm {
        groups,
        rows,
        channels,
        eps: 1e-5,
        act,
    }
}

/// Uniform numbers around a mean.
fn around(dice: &mut Dice, len: usize, mean: f32) -> Vec<f32> {
    let of = numbers(dice, len);
    of.into_iter().map(|x| x + mean).collect()
}

/// The rows of each `[2, channels]`: next to a large mean, an error of the variance is small.
fn halves(norm: Norm, pairs: &Buffer) -> [Buffer; 2] {
    let all = pairs.to_vec::<f64>();
    let rows = all.chunks_exact(norm.channels);
    [0, 1].map(|first| {
        let half: Vec<f64> = rows
            .clone()
            .skip(first)
            .step_by(2)
            .flatten()
            .copied()
            .collect();
        Buffer::from_slice(Device::Cpu, &half)
    })
}

fn means_and_variances(norm: Norm, x: &Buffer) -> Vec<Buffer> {
    let mut out = poisoned(x, 2 * norm.groups * norm.channels);
    stats(&norm, x, &mut out);
    halves(norm, &out).into()
}

fn statistics(shape: [usize; 3], mean: f32) -> Case {
    let mut dice = Dice(shape[1] as u64);
    let x = around(&mut dice, shape.iter().product(), mean);
    let name = format!("norm::stats {shape:?}, mean {mean}");
    Case::close(name, 1e-6, vec![x], move |inputs| {
        means_and_variances(norm(shape, Act::Identity), &inputs[0])
    })
}

/// A first row that is far from all others: what is summed in `f32` beside it loses digits.
fn outlier() -> Case {
    let shape = [1, 5000, 6];
    let mut x = around(&mut Dice(1), 5000 * 6, 3.0);
    x[..6].fill(-300.0);
    Case::close(
        "norm::stats, first row far off",
        1e-5,
        vec![x],
        move |inputs| means_and_variances(norm(shape, Act::Identity), &inputs[0]),
    )
}

/// γ and β, and what the kernels are given besides.
fn columns(dice: &mut Dice, channels: usize) -> [Vec<f32>; 2] {
    [around(dice, channels, 1.5), numbers(dice, channels)]
}

/// All of a layer, each step from the device's own last.
fn backward(shape: [usize; 3], act: Act) -> Case {
    let mut dice = Dice(shape[2] as u64);
    let len = shape.iter().product();
    let x = around(&mut dice, len, 0.7);
    let dy = numbers(&mut dice, len);
    let [gamma, beta] = columns(&mut dice, shape[0] * shape[2]);
    let name = format!("norm: all of {shape:?}, {act:?}");
    let norm = norm(shape, act);
    Case::close(name, 1e-5, vec![x, dy, gamma, beta], move |inputs| {
        let [x, dy, gamma, beta] = inputs else {
            unreachable!("four were given")
        };
        let pair = 2 * norm.groups * norm.channels;
        let [mut of_x, mut sums] = [(); 2].map(|()| poisoned(x, pair));
        let [mut y, mut dx] = [(); 2].map(|()| poisoned(x, x.len()));
        let (images, affine) = ([x, dy], [gamma, beta]);
        stats(&norm, x, &mut of_x);
        forward(&norm, x, &of_x, affine, &mut y);
        grad_affine(&norm, images, &of_x, affine, &mut sums);
        grad_input(&norm, images, &of_x, affine, &sums, &mut dx);
        let [dgamma, dbeta] = halves(norm, &sums);
        vec![y, dgamma, dbeta, dx]
    })
}

/// The passes without sums, from statistics and sums that are given; one element is NaN.
fn given(shape: [usize; 3], act: Act) -> Case {
    let mut dice = Dice((shape[1] + shape[2]) as u64);
    let (len, channels) = (shape.iter().product(), shape[0] * shape[2]);
    let mut x = around(&mut dice, len, 0.3);
    x[len / 2] = f32::NAN;
    let dy = numbers(&mut dice, len);
    let [gamma, beta] = columns(&mut dice, channels);
    let mut pair = Vec::new();
    for _ in 0..shape[0] {
        pair.extend(numbers(&mut dice, shape[2]));
        pair.extend(around(&mut dice, shape[2], 1.01));
    }
    let sums = numbers(&mut dice, 2 * channels);
    let name = format!("norm: passes of {shape:?}, {act:?}");
    let norm = norm(shape, act);
    Case::exact(name, vec![x, dy, gamma, beta, pair, sums], move |inputs| {
        let [x, dy, gamma, beta, pair, sums] = inputs else {
            unreachable!("six were given")
        };
        let [mut y, mut dx] = [(); 2].map(|()| poisoned(x, x.len()));
        forward(&norm, x, pair, [gamma, beta], &mut y);
        grad_input(&norm, [x, dy], pair, [gamma, beta], sums, &mut dx);
        vec![y, dx]
    })
}

fn running() -> Case {
    let channels = 300;
    let mut dice = Dice(5);
    let mut random = |len: usize| numbers(&mut dice, len);
    let inputs = vec![random(2 * channels), random(channels), random(channels)];
    Case::exact("norm::track", inputs, move |inputs| {
        let norm = norm([1, 65, channels], Act::Identity);
        let copy = |x: &Buffer| x.to_device(Device::Cpu).to_device(x.device());
        let (mut mean, mut var) = (copy(&inputs[1]), copy(&inputs[2]));
        track(&norm, &inputs[0], 0.1, &mut mean, &mut var);
        vec![mean, var]
    })
}

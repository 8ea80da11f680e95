//! Cases of the family `conv`: the convolutions of the recipes at a batch of 2, and
//! geometries beside them: odd sizes, strides, channels that no tile divides.

use super::gemm::{TILES, cut_as, in_both_modes};
use super::{Case, Dice, numbers, poisoned};
use crate::Buffer;
use crate::Variant;
use crate::conv::{Conv, Epilogue, dgrad_with, fprop_with, wgrad};
use crate::gemm::cuda::plan::Cut;

/// The relative error allowed to a convolution forward, in single precision.
const FORWARD: f64 = 2e-6;
/// And to gradients.
const GRADIENT: f64 = 5e-6;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = geometries()
        .iter()
        .flat_map(|(name, conv)| {
            let work = work(conv);
            of(name, *conv)
                .into_iter()
                .map(move |case| case.of_work(work))
        })
        .collect();
    cases.extend(cuts());
    cases.extend(among_nans());
    cases
}

/// Multiply-adds of each of the three.
fn work(conv: &Conv) -> usize {
    let [small, weight] = [conv.small_shape(), conv.weight_shape()];
    small.iter().product::<usize>() * weight[1..].iter().product::<usize>()
}

/// Convolutions: batch, channels, size, kernel, stride, padding; and transposed ones, which are
/// named after what they make.
fn geometries() -> Vec<(String, Conv)> {
    let forward: [[usize; 7]; 24] = [
        // n, c, h, o, k, s, p: `dcgan`, `dcgan-light`
        [2, 1, 28, 64, 4, 2, 1],
        [2, 64, 14, 128, 4, 2, 1],
        [2, 64, 28, 1, 3, 1, 1],
        [2, 128, 7, 1, 7, 1, 0],
        // `dcgan64`
        [2, 3, 64, 64, 4, 2, 1],
        [2, 64, 32, 128, 4, 2, 1],
        [2, 128, 16, 256, 4, 2, 1],
        [2, 256, 8, 512, 4, 2, 1],
        [2, 512, 4, 1, 4, 1, 0],
        // `began`, `infogan`
        [2, 16, 28, 16, 3, 1, 1],
        [2, 64, 7, 48, 3, 1, 1],
        // others
        [1, 1, 1, 1, 1, 1, 0],
        [3, 2, 5, 3, 3, 1, 1],
        [2, 4, 9, 8, 3, 2, 1],
        [2, 5, 11, 6, 5, 3, 2],
        [2, 12, 10, 20, 4, 3, 0],
        [1, 68, 13, 36, 3, 1, 0],
        [5, 16, 6, 132, 1, 1, 0],
        [2, 8, 9, 8, 1, 2, 0],
        [2, 3, 17, 7, 7, 1, 3],
        [40, 4, 8, 4, 3, 1, 1],
        [4, 1, 13, 1, 5, 2, 2],
        [2, 2, 12, 16, 4, 2, 1],
        [2, 3, 12, 16, 4, 2, 1],
    ];
    let transposed: [[usize; 8]; 9] = [
        // n, small channels, small size, big channels, k, s, p, output padding: `dcgan`
        [2, 256, 7, 128, 4, 2, 1, 0],
        [2, 128, 14, 64, 4, 2, 1, 0],
        [2, 64, 14, 1, 4, 2, 1, 0],
        // `dcgan-light`, `dcgan64`, `cyclegan`
        [2, 100, 1, 128, 7, 1, 0, 0],
        [2, 100, 1, 512, 4, 1, 0, 0],
        [2, 64, 32, 3, 4, 2, 1, 0],
        [1, 64, 9, 32, 3, 2, 1, 1],
        // others
        [2, 6, 5, 7, 2, 3, 0, 1],
        [2, 8, 4, 12, 5, 4, 1, 2],
    ];
    let mut all = Vec::new();
    for [n, c, h, o, k, s, p] in forward {
        let conv = Conv::forward(&[n, c, h, h + h / 8], &[o, c, k, k], [s, s], [p, p]);
        let conv = match h {
            1 | 4 | 7 | 8 | 14 | 16 | 28 | 32 | 64 => {
                Conv::forward(&[n, c, h, h], &[o, c, k, k], [s, s], [p, p])
            }
            _ => conv,
        };
        let few = few(c, o);
        all.push((format!("{n}x{c}x{h} to {o}{few} k{k} s{s} p{p}"), conv));
    }
    for [n, o, h, c, k, s, p, more] in transposed {
        let conv = Conv::transposed(&[n, o, h, h], &[o, c, k, k], [s, s], [p, p], [more, more]);
        let few = few(c, o);
        all.push((
            format!("transposed {n}x{o}x{h} to {c}{few} k{k} s{s} p{p}"),
            conv,
        ));
    }
    let uneven = Conv::forward(&[2, 8, 10, 7], &[12, 8, 2, 5], [1, 2], [0, 3]);
    all.push(("2x8x10x7 to 12 k2,5 s1,2 p0,3".to_owned(), uneven));
    // n, c, h, w, o, k, s, p, d: coprime strides and dilations, common factors, none alike.
    let dilated: [([usize; 6], [[usize; 2]; 3]); 7] = [
        ([2, 8, 11, 12, 3, 3], [[1, 1], [2, 2], [2, 2]]),
        ([2, 64, 9, 9, 68, 3], [[1, 1], [2, 2], [2, 2]]),
        ([2, 1, 14, 10, 16, 3], [[2, 1], [3, 1], [3, 2]]),
        ([1, 5, 17, 13, 7, 4], [[2, 3], [1, 4], [4, 3]]),
        ([2, 12, 16, 15, 8, 3], [[4, 2], [0, 1], [6, 1]]),
        ([3, 4, 9, 8, 4, 2], [[3, 6], [0, 3], [2, 4]]),
        ([2, 3, 7, 7, 5, 4], [[2, 2], [1, 1], [1, 2]]),
    ];
    for ([n, c, h, w, o, k], [stride, padding, dilation]) in dilated {
        let (x, weight) = ([n, c, h, w], [o, c, k, k]);
        let conv = Conv::forward_dilated(&x, &weight, stride, padding, dilation);
        let name = format!("{x:?} to {o} k{k} s{stride:?} p{padding:?} d{dilation:?}");
        all.push((name, conv));
    }
    let images = [&[2, 8, 5, 6][..], &[8, 12, 3, 3]];
    let up = Conv::transposed_dilated(images, [3, 2], [2, 1], [1, 1], [2, 2]);
    all.push(("transposed 2x8x5x6 to 12 k3 s3,2 d2".to_owned(), up));
    all
}

/// Names the channels of which there are so few that they have a kernel of their own.
fn few(c: usize, o: usize) -> String {
    match c.min(o) {
        few @ 1..=4 => format!(", few {few}"),
        _ => String::new(),
    }
}

/// Runs a convolution of a bias, or none, and a slope.
type Pass = fn(Conv, (bool, f64), &[Buffer]) -> Vec<Buffer>;

fn of(name: &str, conv: Conv) -> Vec<Case> {
    let finishes = [(false, 1.0), (true, 0.2), (true, 0.0)];
    let (bias, slope) = finishes[name.len() % 3];
    let of = |run: Pass, finish| {
        move |name, tolerance| {
            let run = move |x: &[Buffer]| run(conv, finish, x);
            Case::close(name, tolerance, inputs(&conv), run)
        }
    };
    let finish = (bias, slope);
    let mut cases = Vec::new();
    cases.extend(in_both_modes(
        of(run_fprop, finish),
        &format!("conv fprop {name}"),
        FORWARD,
    ));
    cases.extend(in_both_modes(
        of(run_dgrad, finish),
        &format!("conv dgrad {name}"),
        GRADIENT,
    ));
    cases.extend(in_both_modes(
        of(run_wgrad, finish),
        &format!("conv wgrad {name}"),
        GRADIENT,
    ));
    cases
}

/// Every tile, with k whole and in parts.
fn cuts() -> Vec<Case> {
    let conv = Conv::forward(&[3, 64, 14, 14], &[132, 64, 4, 4], [2, 2], [1, 1]);
    let cuts = (0..TILES).flat_map(|tile| [1, 2].map(|splits| Cut { tile, splits }));
    cuts.flat_map(|cut| {
        let name = format!("by tile {}, {} parts", cut.tile, cut.splits);
        let cases = of(&name, conv).into_iter();
        cases.map(move |case| cut_as(cut, case))
    })
    .collect()
}

/// Images, weight, and a bias for either image.
fn inputs(conv: &Conv) -> Vec<Vec<f32>> {
    let mut dice = Dice(11);
    let lens = [conv.big_shape(), conv.small_shape(), conv.weight_shape()]
        .map(|shape| shape.iter().product::<usize>());
    let biases = [conv.big_shape()[1], conv.small_shape()[1]];
    let lens = lens.into_iter().chain(biases);
    lens.map(|len| numbers(&mut dice, len)).collect()
}

fn run_fprop(conv: Conv, (bias, slope): (bool, f64), x: &[Buffer]) -> Vec<Buffer> {
    let mut y = poisoned(&x[0], x[1].len());
    let epilogue = Epilogue {
        bias: bias.then_some(&x[4]),
        slope,
    };
    fprop_with(Variant::Fast, &conv, [&x[0], &x[2]], &epilogue, &mut y);
    vec![y]
}

fn run_dgrad(conv: Conv, (bias, slope): (bool, f64), x: &[Buffer]) -> Vec<Buffer> {
    let mut big = poisoned(&x[0], x[0].len());
    let epilogue = Epilogue {
        bias: bias.then_some(&x[3]),
        slope,
    };
    dgrad_with(Variant::Fast, &conv, [&x[1], &x[2]], &epilogue, &mut big);
    vec![big]
}

fn run_wgrad(conv: Conv, _: (bool, f64), x: &[Buffer]) -> Vec<Buffer> {
    let mut w = poisoned(&x[0], x[2].len());
    wgrad(&conv, &x[0], &x[1], &mut w);
    vec![w]
}

/// A kernel's taps in the padding meet 0, not what lies beside the image in memory: all
/// images of the batch but the middle one are NaN, and the results for that one are as if it were
/// alone.
fn among_nans() -> Vec<Case> {
    let make = |channels: [usize; 2]| {
        let [c, o] = channels;
        let conv = Conv::forward(&[3, c, 6, 5], &[o, c, 4, 4], [2, 2], [2, 1]);
        let mut inputs = inputs(&conv);
        for image in &mut inputs[..2] {
            let len = image.len() / 3;
            image[..len].fill(f32::NAN);
            image[2 * len..].fill(f32::NAN);
        }
        let middle = |x: &Buffer| {
            let (all, len) = (x.to_vec::<f64>(), x.len() / 3);
            Buffer::from_slice(crate::Device::Cpu, &all[len..2 * len])
        };
        let run = move |x: &[Buffer]| {
            let [y] = run_fprop(conv, (true, 0.2), x)
                .try_into()
                .expect("one output");
            let [x] = run_dgrad(conv, (true, 0.2), x)
                .try_into()
                .expect("one output");
            vec![middle(&y), middle(&x)]
        };
        let name = format!("conv among NaNs, {c} to {o}");
        Case::close(name, GRADIENT, inputs, run)
    };
    [[4, 8], [3, 5], [1, 8], [8, 1], [64, 64]]
        .into_iter()
        .map(make)
        .collect()
}

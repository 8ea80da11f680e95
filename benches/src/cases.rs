//! The kernels that the peers time too: all calls of `detach_kernels` that a figure
//! beside PyTorch's stands for are in this file.
//!
//! | case | what is timed |
//! |---|---|
//! | `sgemm M N K` | `[M, K]` times `[K, N]` |
//! | `c fprop\|dgrad\|wgrad I O KERNEL STRIDE PADDING SIDE BATCH` | one pass of a Conv2d of I→O channels on SIDE×SIDE images |
//! | `ct fprop\|dgrad\|wgrad …` | the same of a ConvTranspose2d |
//! | `bn N C SIDE` | BatchNorm with ReLU, forward and backward |
//! | `adam LEN …` | one step of Adam over parameters of these lengths |
//! | `relu LEN` | an activation of so many numbers |
//! | `sum ROWS COLUMNS` | the sum of each column |
//! | `channels-last N C SIDE` | a copy from NCHW |
//! | `normal LEN` | so many normal numbers |
//! | `peak` | GFLOP/s of multiply-adds in registers |
//! | `copy` | GB/s, read and written, of a copy that no cache holds |

use crate::operands::{random, view, zeros};
use crate::protocol::Case;
use detach_kernels::conv::{self, Conv};
use detach_kernels::map::{self, Unary};
use detach_kernels::norm::{self, Norm};
use detach_kernels::optim::{self, Adam, Clip, Moving, Rule, Update};
use detach_kernels::philox::{self, Key};
use detach_kernels::{Act, Buffer, Count, Device, Layout, copy, gemm, peak, reduce};
use rayon::prelude::*;
use std::time::Instant;

/// The case that `words` name, on the CPU.
///
/// # Errors
/// When there is none, or its numbers do not fit together.
pub fn prepare(words: &[&str]) -> Result<Case<'static>, String> {
    match words {
        ["peak"] => Ok(Case::Value(Box::new(|| {
            peak::fma_peak(rayon::current_num_threads())
        }))),
        ["copy"] => Ok(Case::Value(Box::new(copy_bandwidth))),
        _ => Ok(Case::Timed(kernel(Device::Cpu, words)?)),
    }
}

/// A call of a kernel.
pub type Call = Box<dyn FnMut()>;

/// The kernel that `words` name, ready to run on `device`; on a GPU a call asks for it and
/// does not wait.
///
/// # Errors
/// As [`prepare`].
pub fn kernel(device: Device, words: &[&str]) -> Result<Call, String> {
    let wrong = || format!("`{}`: not a case of ours", words.join(" "));
    let numbers = |words: &[&str]| -> Result<Vec<usize>, String> {
        let parsed = words.iter().map(|word| word.parse().map_err(|_| wrong()));
        parsed.collect()
    };
    match words {
        ["sgemm", rest @ ..] => match numbers(rest)?[..] {
            [m, n, k] => Ok(sgemm(device, [m, n, k])),
            _ => Err(wrong()),
        },
        [kind @ ("c" | "ct"), pass, rest @ ..] => match numbers(rest)?[..] {
            [i, o, kernel, stride, padding, side, batch] => {
                let x = [batch, i, side, side];
                let (stride, padding) = ([stride; 2], [padding; 2]);
                let geometry = match *kind {
                    "c" => Conv::forward(&x, &[o, i, kernel, kernel], stride, padding),
                    _ => Conv::transposed(&x, &[i, o, kernel, kernel], stride, padding, [0; 2]),
                };
                convolution(device, geometry, *kind == "ct", pass).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        },
        ["bn", rest @ ..] => match numbers(rest)?[..] {
            [n, c, side] => Ok(batch_norm(device, n * side * side, c)),
            _ => Err(wrong()),
        },
        ["adam", rest @ ..] => Ok(adam(device, &numbers(rest)?)),
        ["relu", rest @ ..] => match numbers(rest)?[..] {
            [len] => Ok(relu(device, len)),
            _ => Err(wrong()),
        },
        ["sum", rest @ ..] => match numbers(rest)?[..] {
            [rows, columns] => Ok(sum(device, [rows, columns])),
            _ => Err(wrong()),
        },
        ["channels-last", rest @ ..] => match numbers(rest)?[..] {
            [n, c, side] => Ok(channels_last(device, [n, c, side, side])),
            _ => Err(wrong()),
        },
        ["normal", rest @ ..] => match numbers(rest)?[..] {
            [len] => Ok(normal(device, len)),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// One of `operands.rs`.
type Make = fn(Device, usize) -> Buffer;

fn sgemm(device: Device, [m, n, k]: [usize; 3]) -> Call {
    let [a, b] = [m * k, k * n].map(|len| random(device, len));
    let mut out = zeros(device, m * n);
    Box::new(move || gemm::gemm(view(&a, &[m, k]), view(&b, &[k, n]), &mut out))
}

/// A transposed convolution's forward pass is dgrad, and its gradient in the input is
/// fprop; `wgrad` is the same of both.
fn convolution(device: Device, conv: Conv, transposed: bool, pass: &str) -> Option<Call> {
    let [random, zeros] = [random as Make, zeros].map(|make| move |len| make(device, len));
    let len = |shape: [usize; 4]| shape.iter().product::<usize>();
    let [big, small] = [conv.big_shape(), conv.small_shape()].map(len);
    let weight = len(conv.weight_shape());
    let pass = match (pass, transposed) {
        ("fprop", true) => "dgrad",
        ("dgrad", true) => "fprop",
        (pass, _) => pass,
    };
    Some(match pass {
        "fprop" => {
            let (x, w, mut y) = (random(big), random(weight), zeros(small));
            Box::new(move || conv::fprop(&conv, &x, &w, &mut y))
        }
        "dgrad" => {
            let (y, w, mut x) = (random(small), random(weight), zeros(big));
            Box::new(move || conv::dgrad(&conv, &y, &w, &mut x))
        }
        "wgrad" => {
            let (x, y, mut w) = (random(big), random(small), zeros(weight));
            Box::new(move || conv::wgrad(&conv, &x, &y, &mut w))
        }
        _ => return None,
    })
}

fn batch_norm(device: Device, rows: usize, channels: usize) -> Call {
    let [random, zeros] = [random as Make, zeros].map(|make| move |len| make(device, len));
    let norm = Norm {
        rows,
        channels,
        eps: 1e-5,
        act: Act::Relu,
    };
    let len = rows * channels;
    let (x, dy, gamma, beta) = (random(len), random(len), random(channels), random(channels));
    let [mut stats, mut sums] = [zeros(2 * channels), zeros(2 * channels)];
    let [mut y, mut dx] = [len; 2].map(zeros);
    Box::new(move || {
        let (images, affine) = ([&x, &dy], [&gamma, &beta]);
        norm::stats(&norm, &x, &mut stats);
        norm::forward(&norm, &x, &stats, affine, &mut y);
        norm::grad_affine(&norm, images, &stats, affine, &mut sums);
        norm::grad_input(&norm, images, &stats, affine, &sums, &mut dx);
    })
}

fn adam(device: Device, lens: &[usize]) -> Call {
    let [random, zeros] = [random as Make, zeros].map(|make| move |len| make(device, len));
    let mut parameters: Vec<_> = lens
        .iter()
        .map(|&len| (random(len), zeros(len), zeros(len), random(len)))
        .collect();
    let adam = Update {
        rule: Rule::Adam(Adam {
            beta1: 0.5,
            beta2: 0.999,
            eps: 1e-8,
            keras: false,
            amsgrad: false,
        }),
        lr: 2e-4.into(),
        step: Count::default(),
        weight_decay: 0.0,
        clip: Clip::None,
    };
    Box::new(move || {
        adam.step.add(1);
        let all = parameters.iter_mut();
        let all = all.map(|(param, m, v, grad)| Moving {
            param,
            state: vec![m, v],
            grad,
        });
        optim::update(&adam, &mut all.collect::<Vec<_>>());
    })
}

fn relu(device: Device, len: usize) -> Call {
    let (x, mut out) = (random(device, len), zeros(device, len));
    let layout = Layout::contiguous(&[len]);
    Box::new(move || map::unary(Unary::Relu, view(&x, &[len]), &mut out, &layout))
}

fn sum(device: Device, [rows, columns]: [usize; 2]) -> Call {
    let (x, mut out) = (random(device, rows * columns), zeros(device, columns));
    let layout = Layout::contiguous(&[1, columns]);
    Box::new(move || reduce::sum(view(&x, &[rows, columns]), &mut out, &layout))
}

fn channels_last(device: Device, shape: [usize; 4]) -> Call {
    let len = shape.iter().product();
    let (x, mut out) = (random(device, len), zeros(device, len));
    let layout = Layout::channels_last(&shape);
    Box::new(move || copy::copy(view(&x, &shape), &mut out, &layout))
}

fn normal(device: Device, len: usize) -> Call {
    let mut out = zeros(device, len);
    let key = Key {
        seed: 1,
        stream: 2,
        step: 3.into(),
        draw: 4,
    };
    Box::new(move || philox::normal(&key, &mut out))
}

/// Bytes read and written a second, in GB: the best of ten copies of 128 MiB by all
/// threads.
fn copy_bandwidth() -> f64 {
    const PIECE: usize = 1 << 20;
    let from = vec![1_u8; 128 * PIECE];
    let mut to = vec![0_u8; from.len()];
    let mut copy = |_| {
        let start = Instant::now();
        let pieces = to.par_chunks_mut(PIECE).zip(from.par_chunks(PIECE));
        pieces.for_each(|(to, from)| to.copy_from_slice(from));
        start.elapsed().as_secs_f64()
    };
    let best = (0..10).map(&mut copy).fold(f64::INFINITY, f64::min);
    2.0 * from.len() as f64 / best / 1e9
}

/// What a kernel does at the least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating point operations of the direct algorithm.
    pub flops: f64,
    /// Bytes, of every operand read or written once in each pass over memory.
    pub bytes: f64,
}

/// The work of the kernel that `words` name.
///
/// # Errors
/// When there is no such kernel.
pub fn work(words: &[&str]) -> Result<Work, String> {
    let wrong = || format!("`{}`: not a case of ours", words.join(" "));
    let (kind, rest) = words.split_first().ok_or_else(wrong)?;
    let numbers = rest.iter().filter_map(|word| word.parse().ok());
    let numbers: Vec<f64> = numbers.collect();
    let (flops, elements) = match (*kind, &numbers[..]) {
        ("sgemm", &[m, n, k]) => (2.0 * m * n * k, m * k + k * n + m * n),
        ("c" | "ct", &[i, o, kernel, stride, padding, side, batch]) => {
            let other = match *kind {
                "c" => ((side + 2.0 * padding - kernel) / stride).floor() + 1.0,
                _ => (side - 1.0) * stride + kernel - 2.0 * padding,
            };
            let weight = i * o * kernel * kernel;
            let small = f64::min(side, other);
            let images = batch * (i * side * side + o * other * other);
            (2.0 * batch * small * small * weight, images + weight)
        }
        // Statistics read x, normalising reads it and writes y; both passes backward read x
        // and dy, and the second writes dx.
        ("bn", &[n, c, side]) => (0.0, 8.0 * n * c * side * side),
        ("adam", lens) => (0.0, 7.0 * lens.iter().sum::<f64>()),
        _ => return Err(wrong()),
    };
    Ok(Work {
        flops,
        bytes: 4.0 * elements,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_case_runs() {
        for name in [
            "sgemm 3 4 5",
            "c fprop 2 3 4 2 1 8 2",
            "c dgrad 2 3 4 2 1 8 2",
            "c wgrad 2 3 3 1 1 8 2",
            "ct fprop 3 2 4 2 1 4 2",
            "ct dgrad 3 2 4 2 1 4 2",
            "ct wgrad 3 2 4 2 1 4 2",
            "bn 2 3 4",
            "adam 5 7",
            "relu 9",
            "sum 5 3",
            "channels-last 2 3 4",
            "normal 9",
        ] {
            let words: Vec<&str> = name.split(' ').collect();
            match prepare(&words) {
                Ok(Case::Timed(mut call)) => call(),
                _ => panic!("{name}"),
            }
        }
    }

    #[test]
    fn work_is_that_of_the_direct_algorithm() {
        let work = |name: &str| work(&name.split(' ').collect::<Vec<_>>()).expect("a case");
        assert_eq!(work("sgemm 2 3 5").flops, 60.0);
        assert_eq!(work("sgemm 2 3 5").bytes, 4.0 * 31.0);
        // Each of 7×7 pixels of 128 channels meets 64·16 weights, in 64 images.
        let down = work("c fprop 64 128 4 2 1 14 64");
        assert_eq!(down.flops, 2.0 * (64 * 49 * 128 * 64 * 16) as f64);
        let up = work("ct fprop 128 64 4 2 1 7 64");
        assert_eq!((up.flops, up.bytes), (down.flops, down.bytes));
        assert_eq!(work("adam 5 7").bytes, 4.0 * 7.0 * 12.0);
    }

    #[test]
    fn what_is_no_case_is_an_error() {
        for name in ["sgemm 3 4", "c sprop 2 3 4 2 1 8 2", "adam x", "dance"] {
            let words: Vec<&str> = name.split(' ').collect();
            assert!(prepare(&words).is_err(), "{name}");
        }
    }
}

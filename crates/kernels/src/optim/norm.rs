//! Clipping by the norm of all gradients together: `torch.nn.utils.clip_grad_norm_`.
//!
//! Squares of `f32` are exact in `f64`, and are added in one order on every device: a chunk's
//! elements as a block of threads adds them, then the chunks' sums as one such block does.

use super::{Moving, cuda};
use crate::parallel::for_each_chunk;
use crate::simd::simd;
use crate::{Buffer, DType, Device, Variant, dispatch};

/// Elements of a chunk: what a block of a GPU reads.
const CHUNK: usize = 2048;
const _: () = assert!(CHUNK == cuda::CHUNK, "sums are those of a GPU");
/// Threads of that block, of a warp of it, and neighbours that a thread reads at once.
const THREADS: usize = 256;
const WARP: usize = 32;
const QUAD: usize = 4;

/// min(1, `max` / (‖g‖ + 1e-6)) over all gradients: one `f64` on their device.
pub(super) fn coefficient(variant: Variant, max: f64, all: &[Moving<'_>]) -> Buffer {
    let (device, dtype) = (all[0].grad.device(), all[0].grad.dtype());
    let total = match (device, variant, dtype) {
        (Device::Cpu, Variant::Fast, DType::F32) => sum_of_squares(all),
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            let elements = all.iter().flat_map(|one| one.grad.as_slice::<T>());
            elements.map(|&x| crate::Real::f64(x).powi(2)).sum()
        }),
        (Device::Cuda(device), ..) => return cuda::coefficient(device, max, all),
    };
    let scale = max / (total.sqrt() + 1e-6);
    // A NaN stays.
    Buffer::from_slice(Device::Cpu, &[if scale >= 1.0 { 1.0 } else { scale }])
}

fn sum_of_squares(all: &[Moving<'_>]) -> f64 {
    let chunks = all.iter().map(|one| one.grad.len().div_ceil(CHUNK)).sum();
    let mut sums = Buffer::scratch(Device::Cpu, DType::F64, chunks);
    let mut rest = sums.as_mut_slice::<f64>();
    for one in all {
        let grad = one.grad.as_slice::<f32>();
        let own;
        (own, rest) = rest.split_at_mut(grad.len().div_ceil(CHUNK));
        for_each_chunk(own, 8, grad.len(), |i, sums| {
            let first = &grad[8 * i * CHUNK..];
            for (sum, chunk) in sums.iter_mut().zip(first.chunks(CHUNK)) {
                *sum = of_chunk(chunk);
            }
        });
    }
    let mut threads = [0.0; THREADS];
    for sums in sums.as_slice::<f64>().chunks(THREADS) {
        for (thread, sum) in threads.iter_mut().zip(sums) {
            *thread += sum;
        }
    }
    of_block(&threads)
}

simd! {
    fn of_chunk(x: &[f32]) -> f64 {
        // A thread has two quads of neighbours, half a chunk apart.
        let mut lanes = [0.0_f64; THREADS * QUAD];
        for half in x.chunks(THREADS * QUAD) {
            for (lane, &x) in lanes.iter_mut().zip(half) {
                let x = f64::from(x);
                *lane += x * x;
            }
        }
        let mut threads = [0.0; THREADS];
        for (thread, [a, b, c, d]) in threads.iter_mut().zip(lanes.as_chunks::<QUAD>().0) {
            *thread = (a + b) + (c + d);
        }
        of_block(&threads)
    }
}

/// The sum over a block's threads: `block_sum` of detach.cuh.
#[inline(always)]
fn of_block(threads: &[f64; THREADS]) -> f64 {
    let mut total = None;
    for warp in threads.as_chunks::<WARP>().0 {
        let mut lanes = *warp;
        let mut distance = WARP / 2;
        while distance > 0 {
            for lane in 0..distance {
                lanes[lane] += lanes[lane + distance];
            }
            distance /= 2;
        }
        total = Some(total.map_or(lanes[0], |total: f64| total + lanes[0]));
    }
    total.unwrap_or(0.0)
}

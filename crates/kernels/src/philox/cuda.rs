//! The GPU's side: launches.

use super::{Distribution, Key, threshold};
use crate::cuda::{Launch, Module, args, blocks};
use crate::device::Cuda;
use crate::slot::Slot;
use crate::{Buffer, DType};

static MODULE: Module = Module::new(
    "philox",
    &[(75, include_str!("../../../../kernels/philox.75.ptx"))],
);

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn fill(cuda: Cuda, distribution: Distribution, key: &Key, out: &mut Buffer) {
    assert_eq!(out.dtype(), DType::F32, "random numbers of a GPU");
    if out.is_empty() {
        return;
    }
    let launch = Launch::flat(blocks(out.len().div_ceil(4)));
    let (to, len) = (out.ptr(), out.len() as u64);
    let step = Slot::of(cuda, &key.step);
    let (step, seed, draw, stream) = (step.ptr(), key.seed, key.draw, key.stream);
    // SAFETY: the kernels write `len` elements of `out`, which is aligned to more than four
    // of them, and read the step, whose memory is handed on in the order of the stream.
    unsafe {
        match distribution {
            Distribution::Uniform => {
                let args = args![to, len, step, seed, draw, stream];
                MODULE.launch(cuda, "philox_uniform", launch, args);
            }
            Distribution::Normal => {
                let args = args![to, len, step, seed, draw, stream];
                MODULE.launch(cuda, "philox_normal", launch, args);
            }
            Distribution::Bernoulli(keep) => {
                let (below, kept) = (threshold(keep), (1.0 / keep) as f32);
                let args = args![to, len, step, seed, draw, stream, below, kept];
                MODULE.launch(cuda, "philox_bernoulli", launch, args);
            }
        }
    }
}

//! The GPU's side: launches.

use super::{Adam, Moving};
use crate::DType;
use crate::cuda::{BLOCK, Launch, Module, Param, Ptr, args};
use crate::device::Cuda;
use crate::slot::Slot;

static MODULE: Module = Module::new(
    "optim",
    &[(75, include_str!("../../../../kernels/optim.75.ptx"))],
);

/// Parameters of one launch, and elements of a block: as in the kernel.
const MOST: usize = 64;
const CHUNK: usize = BLOCK as usize * 8;

/// A parameter as the kernel has it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Row {
    param: Ptr,
    m: Ptr,
    v: Ptr,
    grad: Ptr,
    len: u64,
    /// Its first block.
    first: u64,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Table([Row; MOST]);
// SAFETY: addresses and numbers of 64 bits, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Table {}

/// What all parameters have in common; rounded as `cpu.rs` does.
#[derive(Clone, Copy)]
#[repr(C)]
struct Rule {
    lr: f64,
    beta1: f64,
    beta2: f64,
    weight: f32,
    rest: f32,
    decay: f32,
    square_weight: f32,
    eps: f32,
    near: u32,
}
// SAFETY: numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Rule {}

impl Rule {
    fn of(adam: &Adam) -> Self {
        let weight = 1.0 - adam.beta1;
        Self {
            lr: adam.lr,
            beta1: adam.beta1,
            beta2: adam.beta2,
            weight: weight as f32,
            rest: (1.0 - weight) as f32,
            decay: adam.beta2 as f32,
            square_weight: (1.0 - adam.beta2) as f32,
            eps: adam.eps as f32,
            near: u32::from(weight < 0.5),
        }
    }
}

#[track_caller]
pub(super) fn adam(cuda: Cuda, adam: &Adam, all: &mut [Moving<'_>]) {
    let (rule, step) = (Rule::of(adam), Slot::of(cuda, &adam.step));
    let mut table = Vec::with_capacity(MOST.min(all.len()));
    let mut blocks = 0;
    for moving in all {
        assert_eq!(moving.grad.dtype(), DType::F32, "Adam on a GPU");
        if moving.grad.is_empty() {
            continue;
        }
        table.push(Row {
            param: moving.param.ptr(),
            m: moving.m.ptr(),
            v: moving.v.ptr(),
            grad: moving.grad.ptr(),
            len: moving.grad.len() as u64,
            first: blocks,
        });
        blocks += moving.grad.len().div_ceil(CHUNK) as u64;
        if table.len() == MOST {
            launch(cuda, &table, blocks, &rule, step.ptr());
            table.clear();
            blocks = 0;
        }
    }
    if blocks > 0 {
        launch(cuda, &table, blocks, &rule, step.ptr());
    }
}

#[allow(unsafe_code)]
fn launch(cuda: Cuda, rows: &[Row], blocks: u64, rule: &Rule, step: Ptr) {
    let mut table = Table([rows[0]; MOST]);
    table.0[..rows.len()].copy_from_slice(rows);
    let count = rows.len() as u32;
    let launch =
        Launch::flat(u32::try_from(blocks).unwrap_or_else(|_| unreachable!("memory ends")));
    // SAFETY: each row's buffers have its length, are aligned to more than four elements, and
    // but for gradients are the caller's alone; the blocks are those of the rows.
    unsafe { MODULE.launch(cuda, "optim_adam", launch, args![table, count, *rule, step]) };
}

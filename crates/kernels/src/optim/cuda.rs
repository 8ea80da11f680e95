//! The GPU's side: launches.

use super::factors::Gradient;
use super::{Adam, MOST_STATE, Moving, RmsProp, Rule, Sgd, Update};
use crate::cuda::{Arg, BLOCK, Launch, Module, Param, Ptr, args};
use crate::device::Cuda;
use crate::slot::Slot;
use crate::{Buffer, DType, Device, Scalar};

static MODULE: Module = Module::new(
    "optim",
    &[(75, include_str!("../../../../kernels/optim.75.ptx"))],
);

/// Parameters of one launch, and elements of a block: as in the kernels.
const MOST: usize = 64;
pub(super) const CHUNK: usize = BLOCK as usize * 8;

/// A parameter as the kernels have it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Row {
    param: Ptr,
    state: [Ptr; MOST_STATE],
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

/// What happens to a gradient before it is used.
#[derive(Clone, Copy)]
#[repr(C)]
struct Prepare {
    /// Where the factor of all gradients is, or nowhere.
    scale: Ptr,
    limit: f32,
    weight_decay: f32,
}
// SAFETY: an address and two numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Prepare {}

/// Constants of a running mean and of a running mean of squares; rounded as `cpu.rs` does.
#[derive(Clone, Copy)]
#[repr(C)]
struct Means {
    weight: f32,
    rest: f32,
    decay: f32,
    square_weight: f32,
    eps: f32,
    near: u32,
}

impl Means {
    fn new(decay: f64, square_decay: f64, eps: f64) -> Self {
        let weight = 1.0 - decay;
        Self {
            weight: weight as f32,
            rest: (1.0 - weight) as f32,
            decay: square_decay as f32,
            square_weight: (1.0 - square_decay) as f32,
            eps: eps as f32,
            near: u32::from(weight < 0.5),
        }
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct AdamRule {
    beta1: f64,
    beta2: f64,
    means: Means,
    keras: u32,
    unused: u32,
}
// SAFETY: numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for AdamRule {}

#[derive(Clone, Copy)]
#[repr(C)]
struct RmsPropRule {
    means: Means,
    momentum: f32,
}
// SAFETY: numbers of 32 bits.
#[allow(unsafe_code)]
unsafe impl Param for RmsPropRule {}

#[derive(Clone, Copy)]
#[repr(C)]
struct SgdRule {
    dampening: f64,
    momentum: f32,
    nesterov: u32,
}
// SAFETY: numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for SgdRule {}

impl From<Adam> for AdamRule {
    fn from(rule: Adam) -> Self {
        Self {
            beta1: rule.beta1,
            beta2: rule.beta2,
            means: Means::new(rule.beta1, rule.beta2, rule.eps),
            keras: u32::from(rule.keras),
            unused: 0,
        }
    }
}

impl From<RmsProp> for RmsPropRule {
    fn from(rule: RmsProp) -> Self {
        Self {
            means: Means::new(rule.alpha, rule.alpha, rule.eps),
            momentum: rule.momentum as f32,
        }
    }
}

impl From<Sgd> for SgdRule {
    fn from(rule: Sgd) -> Self {
        Self {
            dampening: rule.dampening,
            momentum: rule.momentum as f32,
            nesterov: u32::from(rule.nesterov),
        }
    }
}

#[track_caller]
pub(super) fn update(cuda: Cuda, update: &Update, scale: Option<&Buffer>, all: &mut [Moving<'_>]) {
    let (step, lr) = (Slot::of(cuda, &update.step), Slot::of(cuda, &update.lr));
    let numbers = [step.ptr(), lr.ptr()];
    let how = Gradient::of(update);
    let prepare = Prepare {
        scale: scale.map_or(Ptr::NULL, Buffer::ptr),
        limit: how.limit as f32,
        weight_decay: how.weight_decay as f32,
    };
    let entry = entry(update.rule);
    let rows = all.iter().map(|one| {
        let mut state = [Ptr::NULL; MOST_STATE];
        for (to, from) in state.iter_mut().zip(&one.state) {
            *to = f32_at(from);
        }
        row(f32_at(one.param), state, f32_at(one.grad), one.param.len())
    });
    match update.rule {
        Rule::Adam(rule) => launch_rule(cuda, entry, rows, &AdamRule::from(rule), prepare, numbers),
        Rule::RmsProp(rule) => {
            launch_rule(
                cuda,
                entry,
                rows,
                &RmsPropRule::from(rule),
                prepare,
                numbers,
            );
        }
        Rule::Sgd(rule) => launch_rule(cuda, entry, rows, &SgdRule::from(rule), prepare, numbers),
    }
}

/// The kernel of a rule: which of its streams there are is known to the compiler.
fn entry(rule: Rule) -> &'static str {
    match rule {
        Rule::Adam(rule) if rule.amsgrad => "optim_amsgrad",
        Rule::Adam(_) => "optim_adam",
        Rule::RmsProp(rule) => match (rule.centred, rule.momentum != 0.0) {
            (false, false) => "optim_rmsprop",
            (true, false) => "optim_rmsprop_centred",
            (false, true) => "optim_rmsprop_momentum",
            (true, true) => "optim_rmsprop_centred_momentum",
        },
        Rule::Sgd(rule) if rule.momentum == 0.0 => "optim_sgd",
        Rule::Sgd(_) => "optim_sgd_momentum",
    }
}

fn f32_at(x: &Buffer) -> Ptr {
    assert_eq!(x.dtype(), DType::F32, "an optimiser on a GPU");
    x.ptr()
}

fn row(param: Ptr, state: [Ptr; MOST_STATE], grad: Ptr, len: usize) -> Row {
    Row {
        param,
        state,
        grad,
        len: len as u64,
        first: 0,
    }
}

#[allow(unsafe_code)]
fn launch_rule<R: Param>(
    cuda: Cuda,
    entry: &'static str,
    rows: impl Iterator<Item = Row>,
    rule: &R,
    prepare: Prepare,
    [step, lr]: [Ptr; 2],
) {
    tables(rows, |table, count, blocks| {
        let args = args![*table, count, *rule, prepare, step, lr];
        // SAFETY: as `launch` says.
        unsafe { launch(cuda, entry, blocks, args) };
    });
}

/// Moves averages towards values.
#[allow(unsafe_code)]
pub(super) fn average(cuda: Cuda, decay: &Scalar, all: &mut [(&mut Buffer, &Buffer)]) {
    let decay = Slot::of(cuda, decay);
    let decay = decay.ptr();
    let rows = all
        .iter()
        .map(|(e, p)| row(f32_at(e), [Ptr::NULL; MOST_STATE], f32_at(p), e.len()));
    tables(rows, |table, count, blocks| {
        // SAFETY: as `launch` says.
        unsafe { launch(cuda, "optim_average", blocks, args![*table, count, decay]) };
    });
}

/// Brings elements into [−limit, limit].
#[allow(unsafe_code)]
pub(super) fn clamp(cuda: Cuda, limit: f64, all: &mut [&mut Buffer]) {
    let limit = limit as f32;
    let none = [Ptr::NULL; MOST_STATE];
    let rows = all.iter().map(|x| row(f32_at(x), none, f32_at(x), x.len()));
    tables(rows, |table, count, blocks| {
        // SAFETY: as `launch` says.
        unsafe { launch(cuda, "optim_clamp", blocks, args![*table, count, limit]) };
    });
}

/// min(1, `max` / (‖g‖ + 1e-6)), as `norm.rs` adds the squares.
#[allow(unsafe_code)]
pub(super) fn coefficient(cuda: Cuda, max: f64, all: &[Moving<'_>]) -> Buffer {
    let chunks = all.iter().map(|one| one.grad.len().div_ceil(CHUNK)).sum();
    let device = Device::Cuda(cuda);
    let sums = Buffer::scratch(device, DType::F64, chunks);
    let out = Buffer::scratch(device, DType::F64, 1);
    let mut done = 0;
    let none = [Ptr::NULL; MOST_STATE];
    let rows = all.iter().map(|one| {
        let grad = f32_at(one.grad);
        row(grad, none, grad, one.grad.len())
    });
    tables(rows, |table, count, blocks| {
        let to = sums.ptr().plus(done * size_of::<f64>());
        done += blocks as usize;
        // SAFETY: as `launch` says; every block writes its number of `sums`, which has one for
        // each of all launches.
        unsafe { launch(cuda, "optim_squares", blocks, args![*table, count, to]) };
    });
    let (from, len, to) = (sums.ptr(), chunks as u64, out.ptr());
    // SAFETY: one block reads all of `sums` and writes the only element of `out`.
    unsafe { launch(cuda, "optim_coefficient", 1, args![from, len, max, to]) };
    out
}

/// Calls `launch` with tables of the rows that have elements, how many rows those are, and
/// the blocks of them.
fn tables(rows: impl Iterator<Item = Row>, mut launch: impl FnMut(&Table, u32, u32)) {
    let mut pending: Vec<Row> = Vec::with_capacity(MOST);
    let mut blocks = 0;
    let mut flush = |pending: &mut Vec<Row>, blocks: &mut u64| {
        let Some(first) = pending.first() else {
            return;
        };
        let mut table = Table([*first; MOST]);
        table.0[..pending.len()].copy_from_slice(pending);
        let grid = u32::try_from(*blocks).unwrap_or_else(|_| unreachable!("memory ends"));
        launch(&table, pending.len() as u32, grid);
        pending.clear();
        *blocks = 0;
    };
    for row in rows.filter(|row| row.len > 0) {
        pending.push(Row {
            first: blocks,
            ..row
        });
        blocks += row.len.div_ceil(CHUNK as u64);
        if pending.len() == MOST {
            flush(&mut pending, &mut blocks);
        }
    }
    flush(&mut pending, &mut blocks);
}

/// # Safety
/// The arguments begin with a table and the number of its rows. Each row's buffers have its
/// length, are aligned to more than four elements, and but for gradients are the caller's
/// alone; the blocks are those of the rows. What else they point to is on the device.
#[allow(unsafe_code)]
unsafe fn launch(cuda: Cuda, entry: &'static str, blocks: u32, args: &[Arg<'_>]) {
    // SAFETY: the caller's word.
    unsafe { MODULE.launch(cuda, entry, Launch::flat(blocks), args) };
}

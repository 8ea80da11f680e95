//! The GPU's side: launches.

use super::Norm;
use crate::cuda::{BLOCK, Launch, Module, Param, Ptr, args};
use crate::device::Cuda;
use crate::{Act, Buffer, DType, Device};

static MODULE: Module = Module::new(
    "norm",
    &[(75, include_str!("../../../../kernels/norm.75.ptx"))],
);

/// Threads side by side along the channels, at most: a warp reads neighbours.
const WIDTH: usize = 32;
/// Rows that each thread sums at least, where there are as many.
const ROWS: usize = 16;
/// Blocks that sum, about: each of a large device's processors has some.
const SUMMING: usize = 1024;
/// Blocks that share the rows of a channel, at most: their sums are added up afterwards.
const SPLITS: usize = 256;
/// Blocks from which on a thread of a pass without sums takes several rows, for which it
/// reads the channel's numbers once.
const ENOUGH: usize = 400;

/// How a grid goes over rows and channels; see the kernel.
#[derive(Clone, Copy)]
#[repr(C)]
struct Tiling {
    rows: u32,
    channels: u32,
    width: u32,
    lanes: u32,
    height: u32,
    splits: u32,
}
// SAFETY: numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Tiling {}

impl Tiling {
    /// Blocks of all threads for `rows` of each group, of `wide` channels at once; `height` is
    /// chosen by the lanes there are and the blocks along the channels.
    fn new(
        norm: &Norm,
        rows: usize,
        wide: usize,
        height: impl Fn(usize, usize) -> usize,
    ) -> (Self, Launch) {
        let number = |n: usize| u32::try_from(n).unwrap_or_else(|_| panic!("norm: {n} rows"));
        let columns = norm.channels / wide;
        let width = columns.div_ceil(columns.div_ceil(WIDTH));
        let (lanes, across) = (BLOCK as usize / width, columns.div_ceil(width));
        let height = height(lanes, across);
        let splits = rows.div_ceil(height);
        // Rows are counted through all groups.
        number(norm.groups * rows);
        let tiling = Self {
            rows: number(rows),
            channels: number(norm.channels),
            width: width as u32,
            lanes: lanes as u32,
            height: number(height),
            splits: number(splits),
        };
        let mut launch = Launch::flat(number(norm.groups * splits));
        launch.grid[1] = number(across);
        (tiling, launch)
    }

    /// For sums over the rows.
    fn summing(norm: &Norm) -> (Self, Launch) {
        let height = |lanes: usize, across: usize| {
            let most = (SUMMING / (across * norm.groups)).clamp(1, SPLITS);
            norm.rows
                .div_ceil(most)
                .next_multiple_of(lanes)
                .max(ROWS * lanes)
        };
        Self::new(norm, norm.rows, 1, height)
    }

    /// For adding up the sums that these blocks left, which are its rows.
    fn merging(&self, norm: &Norm) -> (Self, Launch) {
        let splits = self.splits as usize;
        Self::new(norm, splits, 1, |_, _| splits)
    }

    /// For a pass that has as many results as operands, of `wide` channels at once.
    fn passing(norm: &Norm, wide: usize) -> (Self, Launch) {
        let work = norm.groups * norm.rows * norm.channels / wide;
        let rows = (work / (ENOUGH * BLOCK as usize)).clamp(1, ROWS);
        Self::new(norm, norm.rows, wide, |lanes, _| lanes * rows)
    }
}

/// What there is one of for each channel of each group.
#[derive(Clone, Copy)]
#[repr(C)]
struct Channels {
    stats: Ptr,
    gamma: Ptr,
    beta: Ptr,
    eps: f32,
    part: f32,
}
// SAFETY: addresses and numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Channels {}

impl Channels {
    fn of(norm: &Norm, stats: &Buffer, [gamma, beta]: [&Buffer; 2]) -> Self {
        Self {
            stats: stats.ptr(),
            gamma: gamma.ptr(),
            beta: beta.ptr(),
            eps: norm.eps as f32,
            part: (1.0 / norm.rows as f64) as f32,
        }
    }
}

/// An activation as `kernels/act.cuh` has it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Activation {
    kind: u32,
    slope: f32,
}
// SAFETY: numbers, without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Activation {}

impl From<Act> for Activation {
    fn from(act: Act) -> Self {
        let (kind, slope) = match act {
            Act::Identity => (0, 1.0),
            Act::Relu => (1, 0.0),
            Act::LeakyRelu(slope) => (2, slope as f32),
            Act::Tanh => (3, 0.0),
        };
        Self { kind, slope }
    }
}

/// The kernel for channels in fours where there are such, and how many it takes at once.
fn widest(norm: &Norm, [one, four]: [&'static str; 2]) -> (&'static str, usize) {
    match norm.channels.is_multiple_of(4) {
        true => (four, 4),
        false => (one, 1),
    }
}

/// What the blocks leave for a launch, `[groups, splits, 2, channels]`.
fn partial(cuda: Cuda, norm: &Norm, tiling: &Tiling) -> Option<Buffer> {
    let blocks = norm.groups * tiling.splits as usize;
    let len = 2 * blocks * norm.channels;
    (tiling.splits > 1).then(|| Buffer::scratch(Device::Cuda(cuda), DType::F64, len))
}

#[track_caller]
fn assert_f32(like: &Buffer) {
    assert_eq!(like.dtype(), DType::F32, "normalisation on a GPU");
}

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn stats(cuda: Cuda, norm: &Norm, x: &Buffer, out: &mut Buffer) {
    assert_f32(out);
    let (tiling, launch) = Tiling::summing(norm);
    let partial = partial(cuda, norm, &tiling);
    let left = partial.as_ref().map_or(Ptr::NULL, Buffer::ptr);
    let (x, out) = (x.ptr(), out.ptr());
    // SAFETY: `Norm::check` has seen to the shapes; `partial` is there where blocks
    // share the rows of a group, and has room for the sums of each.
    unsafe { MODULE.launch(cuda, "norm_stats", launch, args![x, left, out, tiling]) };
    if partial.is_some() {
        let rows = tiling.rows;
        let (tiling, launch) = tiling.merging(norm);
        let args = args![left, x, out, tiling, rows];
        // SAFETY: as above.
        unsafe { MODULE.launch(cuda, "norm_merge_stats", launch, args) };
    }
}

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn forward(
    cuda: Cuda,
    norm: &Norm,
    x: &Buffer,
    stats: &Buffer,
    affine: [&Buffer; 2],
    y: &mut Buffer,
) {
    assert_f32(y);
    let (entry, wide) = widest(norm, ["norm_forward", "norm_forward4"]);
    let (tiling, launch) = Tiling::passing(norm, wide);
    let channels = Channels::of(norm, stats, affine);
    let act = Activation::from(norm.act);
    let (x, y) = (x.ptr(), y.ptr());
    let args = args![x, channels, y, tiling, act];
    // SAFETY: `Norm::check` has seen to the shapes; buffers are aligned to more than four
    // elements, and so are rows where channels are taken in fours.
    unsafe { MODULE.launch(cuda, entry, launch, args) };
}

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn grad_affine(
    cuda: Cuda,
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    out: &mut Buffer,
) {
    assert_f32(out);
    let (tiling, launch) = Tiling::summing(norm);
    let partial = partial(cuda, norm, &tiling);
    let left = partial.as_ref().map_or(Ptr::NULL, Buffer::ptr);
    let channels = Channels::of(norm, stats, affine);
    let (act, out) = (Activation::from(norm.act), out.ptr());
    let (x, dy) = (x.ptr(), dy.ptr());
    let args = args![x, dy, channels, left, out, tiling, act];
    // SAFETY: as in `stats`.
    unsafe { MODULE.launch(cuda, "norm_grad_affine", launch, args) };
    if partial.is_some() {
        let (tiling, launch) = tiling.merging(norm);
        let args = args![left, channels, out, tiling];
        // SAFETY: as in `stats`.
        unsafe { MODULE.launch(cuda, "norm_merge_affine", launch, args) };
    }
}

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn grad_input(
    cuda: Cuda,
    norm: &Norm,
    [x, dy]: [&Buffer; 2],
    stats: &Buffer,
    affine: [&Buffer; 2],
    sums: &Buffer,
    dx: &mut Buffer,
) {
    assert_f32(dx);
    let (entry, wide) = widest(norm, ["norm_grad_input", "norm_grad_input4"]);
    let (tiling, launch) = Tiling::passing(norm, wide);
    let channels = Channels::of(norm, stats, affine);
    let act = Activation::from(norm.act);
    let (x, dy, sums, dx) = (x.ptr(), dy.ptr(), sums.ptr(), dx.ptr());
    let args = args![x, dy, channels, sums, dx, tiling, act];
    // SAFETY: as in `forward`.
    unsafe { MODULE.launch(cuda, entry, launch, args) };
}

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn track(
    cuda: Cuda,
    norm: &Norm,
    stats: &Buffer,
    momentum: f64,
    [mean, var]: [&mut Buffer; 2],
) {
    assert_f32(stats);
    let unbiased = norm.rows as f64 / (norm.rows - 1) as f64;
    let (old, new_mean) = ((1.0 - momentum) as f32, momentum as f32);
    let new_var = (unbiased * momentum) as f32;
    let channels = norm.channels as u32;
    let launch = Launch::flat(channels.div_ceil(BLOCK));
    let buffers = [stats.ptr(), mean.ptr(), var.ptr()];
    let [stats, mean, var] = buffers;
    let args = args![stats, mean, var, channels, old, new_mean, new_var];
    // SAFETY: `Norm::check` has seen to the shapes, and channels beyond the last are left.
    unsafe { MODULE.launch(cuda, "norm_track", launch, args) };
}

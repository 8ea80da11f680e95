//! The GPU's side: launches.
//!
//! In the memory order of the operand, an output's elements are either neighbours
//! (sums of rows, of a whole array) or those of neighbouring outputs are (sums over the
//! pixels of channels-last images). Neighbouring threads read neighbours either way. Where
//! outputs are few, several blocks share each, and a second launch folds what they found.

use super::{Reduction, Softmax};
use crate::cuda::{BLOCK, Launch, Module, Param, Ptr, args};
use crate::device::Cuda;
use crate::map::Unary;
use crate::strides::{Strides, assert_f32, count, start};
use crate::walk::Walk;
use crate::{Buffer, DType, Device, Layout, View};

static MODULE: Module = Module::new(
    "reduce",
    &[(75, include_str!("../../../../kernels/reduce.75.ptx"))],
);

/// Threads side by side that read a whole line of memory.
const LINE: usize = 32;
/// Elements of a thread before more threads are worth their while.
const SHARE: usize = 16;
/// Blocks that keep any device busy. A constant, so that all devices add in one order.
const BLOCKS: usize = 4 * 132;
/// The most blocks that share an output.
const PARTS: usize = 256;

/// `Fold` in reduce.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct Fold {
    kept: Strides<2>,
    taken: Strides<1>,
    outputs: u32,
    length: u32,
    part: u32,
    across: u32,
    lanes: u32,
    rows: u32,
    divisor: u32,
}
// SAFETY: `Fold` in reduce.cu, all of it C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl Param for Fold {}

/// A warp for each row of `len` elements.
fn warps(len: usize, out: &Buffer) -> (u32, u32, Launch) {
    assert_f32("softmax", out);
    count(out.len());
    let rows = count(out.len() / len);
    (rows, count(len), Launch::flat(rows.div_ceil(BLOCK / 32)))
}

#[allow(unsafe_code)]
pub(super) fn softmax(cuda: Cuda, op: Softmax, len: usize, x: &Buffer, out: &mut Buffer) {
    let (rows, len, launch) = warps(len, out);
    let log = u32::from(op == Softmax::Log);
    let (to, x) = (out.ptr(), x.ptr());
    let args = args![to, x, rows, len, log];
    // SAFETY: reads and writes `rows` rows of `len` elements, which both buffers have.
    unsafe { MODULE.launch(cuda, "reduce_softmax", launch, args) };
}

#[allow(unsafe_code)]
pub(super) fn softmax_grad(
    cuda: Cuda,
    op: Softmax,
    len: usize,
    [dy, y]: [&Buffer; 2],
    out: &mut Buffer,
) {
    let (rows, len, launch) = warps(len, out);
    let log = u32::from(op == Softmax::Log);
    let (to, dy, y) = (out.ptr(), dy.ptr(), y.ptr());
    let args = args![to, dy, y, rows, len, log];
    // SAFETY: as in `softmax`.
    unsafe { MODULE.launch(cuda, "reduce_softmax_grad", launch, args) };
}

#[allow(unsafe_code)]
pub(super) fn reduce(
    cuda: Cuda,
    op: Reduction,
    x: View<'_>,
    out: &mut Buffer,
    out_layout: &Layout,
) {
    assert_f32("reduce", out);
    if x.layout.is_empty() {
        let none = (op.finish(op.start(), 0) as f32).to_bits();
        return cuda.gpu().fill(out.ptr(), none, out_layout.len());
    }
    if x.layout.shape() == out_layout.shape() {
        return match op {
            Reduction::Norm => crate::map::unary(Unary::Abs, x, out, out_layout),
            _ => crate::copy::copy(x, out, out_layout),
        };
    }
    let (first, second) = match op {
        Reduction::Sum | Reduction::Mean => ("reduce_sum", "reduce_sum_parts"),
        Reduction::Max => ("reduce_max", "reduce_max_parts"),
        Reduction::Norm => ("reduce_norm", "reduce_norm_parts"),
    };
    let targets = out_layout.expand(x.layout.shape());
    let mut fold = Fold::new(&Walk::new([&x.layout, &targets]), out_layout.len());
    if op == Reduction::Mean {
        fold.divisor = fold.length;
    }
    let [_, parts, _] = fold.launch().grid;
    let partial = (parts > 1).then(|| {
        let totals = parts as usize * out_layout.len();
        Buffer::scratch(Device::Cuda(cuda), DType::F64, totals)
    });
    let partial_at = partial.as_ref().map_or(Ptr::NULL, Buffer::ptr);
    let (from, to) = (start(x), out.ptr());
    let args = args![from, to, partial_at, fold];
    // SAFETY: reads where the operand's layout says, which lies in its buffer, and writes
    // either [parts, outputs] totals to `partial`, which has as many, or one for each output
    // where its layout says.
    unsafe { MODULE.launch(cuda, first, fold.launch(), args) };
    if partial.is_some() {
        let fold = fold.of_parts(parts as usize);
        let args = args![partial_at, to, fold];
        // SAFETY: as above, from `partial`.
        unsafe { MODULE.launch(cuda, second, fold.launch(), args) };
    }
}

impl Fold {
    /// `walk` is over (operand, output repeated to its shape).
    fn new(walk: &Walk<2>, outputs: usize) -> Self {
        let kept = walk.axes().filter(|(_, [_, to])| *to > 0);
        let taken = walk.axes().filter(|(_, [_, to])| *to == 0);
        let length = taken.clone().map(|(size, _)| size).product();
        let nearest = walk.axes().rev().find(|(_, [from, _])| *from > 0);
        let rows = nearest.is_none_or(|(_, [_, to])| to == 0);
        let mut fold = Self {
            kept: Strides::new(kept),
            taken: Strides::new(taken.map(|(size, [from, _])| (size, [from]))),
            outputs: count(outputs),
            length: count(length),
            part: count(length),
            across: 1,
            lanes: threads(length, outputs, rows),
            rows: u32::from(rows),
            divisor: 1,
        };
        fold.across = BLOCK / fold.lanes;
        let lanes = fold.lanes as usize;
        let blocks = outputs.div_ceil(fold.across as usize);
        let parts = (BLOCKS / blocks).min(length / (lanes * SHARE));
        let part = length.div_ceil(parts.clamp(1, PARTS));
        fold.part = count(part.next_multiple_of(lanes));
        fold
    }

    /// The second launch: what the first found is dense, [parts, outputs].
    fn of_parts(&self, parts: usize) -> Self {
        let outputs = self.outputs as usize;
        let lanes = threads(parts, outputs, false);
        Self {
            kept: self.kept.first_dense(),
            taken: Strides::new([(parts, [outputs])].into_iter()),
            length: count(parts),
            part: count(parts),
            across: BLOCK / lanes,
            lanes,
            rows: 0,
            ..*self
        }
    }

    fn launch(&self) -> Launch {
        Launch {
            grid: [
                self.outputs.div_ceil(self.across),
                self.length.div_ceil(self.part),
                1,
            ],
            ..Launch::flat(1)
        }
    }
}

/// Threads of a block that fold one output, a power of two: as many as read a line of memory
/// together, and where an output is long, more.
fn threads(length: usize, outputs: usize, rows: bool) -> u32 {
    let block = BLOCK as usize;
    let lanes = match rows {
        true => length.min(LINE).max(length.div_ceil(SHARE)),
        false => length.min(block / outputs.next_power_of_two().min(LINE)),
    };
    lanes.next_power_of_two().min(block) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The grid, the threads of an output, and whether they are neighbours.
    fn plan(from: &Layout, to: &[usize]) -> ([u32; 2], u32, bool) {
        let out = Layout::contiguous(to);
        let targets = out.expand(from.shape());
        let fold = Fold::new(&Walk::new([from, &targets]), out.len());
        assert_eq!(fold.across * fold.lanes, BLOCK);
        let [x, y, _] = fold.launch().grid;
        ([x, y], fold.lanes, fold.rows == 1)
    }

    #[test]
    fn few_outputs_are_shared_by_blocks() {
        let image = Layout::channels_last(&[64, 64, 28, 28]);
        assert_eq!(plan(&image, &[1, 64, 1, 1]), ([2, 251], 8, false));
        let dense = Layout::contiguous(&[64, 12544]);
        assert_eq!(plan(&dense, &[1, 12544]), ([392, 1], 8, false));
        assert_eq!(plan(&dense, &[64, 1]), ([64, 3], 256, true));
        assert_eq!(plan(&dense, &[1, 1]), ([1, 196], 256, true));
        let short = Layout::contiguous(&[1000, 10]);
        assert_eq!(plan(&short, &[1000, 1]), ([63, 1], 16, true));
        let narrow = Layout::channels_last(&[7, 3, 30, 30]);
        assert_eq!(plan(&narrow, &[1, 3, 1, 1]), ([1, 6], 64, false));
    }
}

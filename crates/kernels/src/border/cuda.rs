//! The GPU's side: launches.

use super::{Border, Edge};
use crate::Buffer;
use crate::cuda::{BLOCK, Launch, Module, Param, Ptr, args};
use crate::device::Cuda;
use crate::strides::{Divisor, EACH, assert_f32, count};

static MODULE: Module = Module::new(
    "border",
    &[(75, include_str!("../../../../kernels/border.75.ptx"))],
);

/// `Border` in border.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct Geometry {
    /// Of groups of channels that a thread takes at once.
    channels: Divisor,
    /// Of what is written.
    width: Divisor,
    height: Divisor,
    size: [u32; 2],
    pads: [[u32; 2]; 2],
    reflect: u32,
}
// SAFETY: `Border` in border.cu, all of it C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl Param for Geometry {}

impl Geometry {
    fn of(of: &Border, written: [usize; 2], wide: usize) -> Self {
        let [height, width] = written;
        for size in of.padded() {
            count(2 * size);
        }
        Self {
            channels: Divisor::new(of.channels / wide),
            width: Divisor::new(width),
            height: Divisor::new(height),
            size: of.size.map(count),
            pads: of.pads.map(|pads| pads.map(count)),
            reflect: u32::from(of.edge == Edge::Reflect),
        }
    }
}

/// The kernel for channels in fours where there are such, and how many it takes at once.
fn widest(of: &Border, [one, four]: [&'static str; 2]) -> (&'static str, usize) {
    match of.channels.is_multiple_of(EACH as usize) {
        true => (four, EACH as usize),
        false => (one, 1),
    }
}

#[track_caller]
pub(super) fn pad(cuda: Cuda, of: &Border, x: &Buffer, y: &mut Buffer) {
    assert_f32("pad", y);
    let (entry, wide) = widest(of, ["border_pad", "border_pad_four"]);
    let geometry = Geometry::of(of, of.padded(), wide);
    launch(
        cuda,
        entry,
        [y.ptr(), x.ptr()],
        geometry,
        count(y.len()) / wide as u32,
    );
}

#[track_caller]
pub(super) fn fold(cuda: Cuda, of: &Border, y: &Buffer, x: &mut Buffer) {
    assert_f32("fold", x);
    count(y.len());
    let (entry, wide) = widest(of, ["border_fold", "border_fold_four"]);
    let geometry = Geometry::of(of, of.size, wide);
    launch(
        cuda,
        entry,
        [x.ptr(), y.ptr()],
        geometry,
        count(x.len()) / wide as u32,
    );
}

#[allow(unsafe_code)]
fn launch(cuda: Cuda, entry: &'static str, [to, from]: [Ptr; 2], geometry: Geometry, groups: u32) {
    let args = args![to, from, geometry, groups];
    // SAFETY: writes `groups` of channels, which are the output's elements, and reads only pixels
    // that are there; buffers are aligned to more than four elements, and so are pixels where
    // channels are taken in fours.
    unsafe { MODULE.launch(cuda, entry, Launch::flat(groups.div_ceil(BLOCK)), args) };
}

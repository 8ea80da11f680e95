//! The GPU's side: launches.

use super::Resample;
use super::geometry::MOST_TAPS;
use crate::Buffer;
use crate::cuda::{BLOCK, Launch, Module, Param, args};
use crate::device::Cuda;
use crate::strides::{Divisor, EACH, assert_f32, count};

static MODULE: Module = Module::new(
    "resample",
    &[(75, include_str!("../../../../kernels/resample.75.ptx"))],
);

/// `Resample` in resample.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct Geometry {
    /// Of groups of channels that a thread takes at once.
    channels: Divisor,
    width: Divisor,
    height: Divisor,
    from: [u32; 2],
    up: i32,
    down: i32,
    before: i32,
    len: i32,
    taps: [f32; MOST_TAPS],
}
// SAFETY: `Resample` in resample.cu, numbers of four bytes without gaps.
#[allow(unsafe_code)]
unsafe impl Param for Geometry {}

/// A number that kernels count with its sign.
fn signed(n: isize) -> i32 {
    let size = count(n.unsigned_abs()) as i32;
    if n < 0 { -size } else { size }
}

impl Geometry {
    fn of(of: &Resample, wide: usize) -> Self {
        // Places among the zeros are counted, too.
        for axis in 0..2 {
            count(of.from[axis] * of.up);
            count(of.to[axis] * of.down + of.len + of.before.unsigned_abs());
        }
        let mut taps = [0.0; MOST_TAPS];
        for (to, tap) in taps.iter_mut().zip(of.taps()) {
            *to = *tap as f32;
        }
        Self {
            channels: Divisor::new(of.channels / wide),
            width: Divisor::new(of.to[1]),
            height: Divisor::new(of.to[0]),
            from: of.from.map(count),
            up: count(of.up) as i32,
            down: count(of.down) as i32,
            before: signed(of.before),
            len: of.len as i32,
            taps,
        }
    }
}

#[track_caller]
#[allow(unsafe_code)]
pub(super) fn resample(cuda: Cuda, of: &Resample, x: &Buffer, y: &mut Buffer) {
    assert_f32("resample", y);
    let (entry, wide) = match of.channels.is_multiple_of(EACH as usize) {
        true => ("resample_four", EACH as usize),
        false => ("resample_one", 1),
    };
    let geometry = Geometry::of(of, wide);
    count(x.len());
    let groups = count(y.len()) / wide as u32;
    let (x, y) = (x.ptr(), y.ptr());
    let args = args![y, x, geometry, groups];
    let launch = Launch::flat(groups.div_ceil(BLOCK));
    // SAFETY: writes the elements of `y`, and reads of `x` only pixels that are there; buffers are
    // aligned to more than four elements, and so are pixels where channels are taken in fours.
    unsafe { MODULE.launch(cuda, entry, launch, args) };
}

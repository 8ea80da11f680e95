//! The GPU's side: launches.

use super::Rows;
use super::images::{Images, Taps};
use crate::cuda::{BLOCK, Launch, Module, Param, args};
use crate::device::Cuda;
use crate::strides::{Divisor, EACH, Strides, assert_f32, count, start};
use crate::walk::Walk;
use crate::{Buffer, Layout, View};

static MODULE: Module = Module::new(
    "copy",
    &[(75, include_str!("../../../../kernels/copy.75.ptx"))],
);

/// Side of the square that a block transposes.
const TILE: usize = 32;
/// Shorter sides leave too many threads of a tile idle; lines of memory that are read in
/// parts then stay near for the next.
const SHORT: usize = 8;

/// `Transposes` in copy.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct Transposes {
    sizes: [u32; 2],
    out_step: u32,
    x_step: u32,
    tiles: [Divisor; 2],
    batch: Strides<2>,
}
// SAFETY: `Transposes` in copy.cu, all of it C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl Param for Transposes {}

/// `Rows` in copy.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct Picked {
    length: Divisor,
    stride: u32,
    places: Strides<1>,
}
// SAFETY: `Rows` in copy.cu, all of it C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl Param for Picked {}

/// `Pictures` in copy.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct Pictures {
    channels: Divisor,
    width: Divisor,
    height: Divisor,
    from_width: u32,
    from_height: u32,
}
// SAFETY: `Pictures` in copy.cu, all of it C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl Param for Pictures {}

#[allow(unsafe_code)]
pub(super) fn copy(cuda: Cuda, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    assert_f32("copy", out);
    let walk = Walk::new([out_layout, &x.layout]);
    let len = count(out_layout.len());
    let from = start(x);
    let to = start(View {
        buffer: out,
        layout: *out_layout,
    });
    if let Some((transposes, tiles)) = Transposes::of(&walk) {
        let args = args![to, from, transposes];
        // SAFETY: writes where the output's layout says and reads where the operand's does,
        // which lie in their buffers.
        return unsafe { MODULE.launch(cuda, "copy_transposed", Launch::flat(tiles), args) };
    }
    let places = Strides::new(walk.axes());
    let quads = u32::from(walk.inner()[0] == 1 && places.quads(walk.offsets()));
    let launch = Launch::flat(len.div_ceil(BLOCK * EACH));
    let args = args![to, from, places, len, quads];
    // SAFETY: as above.
    unsafe { MODULE.launch(cuda, "copy_strided", launch, args) };
}

impl Transposes {
    /// With the number of tiles; `None` when the two sides agree, neither is contiguous, or
    /// one is short. `walk` is over (output, operand).
    fn of(walk: &Walk<2>) -> Option<(Self, u32)> {
        let last = walk.axes().count() - 1;
        let (q_size, [out_unit, x_step]) = walk.axes().next_back()?;
        let (p, (p_size, [out_step, _])) = walk
            .axes()
            .enumerate()
            .find(|(_, (_, [_, x_unit]))| *x_unit == 1)?;
        if out_unit != 1 || p == last || p_size.min(q_size) < SHORT {
            return None;
        }
        let others = (0..last).filter(|d| *d != p);
        let batch = others.clone().filter_map(|d| walk.axes().nth(d));
        let [p_tiles, q_tiles] = [p_size, q_size].map(|size| size.div_ceil(TILE));
        let matrices: usize = batch.clone().map(|(size, _)| size).product();
        let transposes = Self {
            sizes: [p_size, q_size].map(count),
            out_step: count(out_step),
            x_step: count(x_step),
            tiles: [p_tiles, q_tiles].map(Divisor::new),
            batch: Strides::new(batch),
        };
        // All of it is counted as one walk, too.
        Strides::new(walk.axes());
        Some((transposes, count(matrices * p_tiles * q_tiles)))
    }
}

impl Picked {
    fn of(rows: &Rows) -> Self {
        let walk = Walk::new([&Layout::contiguous(rows.layout.shape()), &rows.layout]);
        Self {
            length: Divisor::new(rows.len),
            stride: count(rows.stride),
            places: Strides::new(walk.axes().map(|(size, [_, x])| (size, [x]))),
        }
    }

    /// True when four neighbours of the output are of one row, and `Strides::quads`.
    fn quads(&self, rows: &Rows) -> bool {
        let aligned = |n: usize| n.is_multiple_of(EACH as usize);
        aligned(rows.len) && aligned(rows.stride) && self.places.quads([rows.layout.offset()])
    }
}

#[allow(unsafe_code)]
pub(super) fn gather(cuda: Cuda, rows: &Rows, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    assert_f32("gather", out);
    let picked = Picked::of(rows);
    let quads = picked.quads(rows);
    let (to, from, index) = (out.ptr(), start(x), index.ptr());
    let (bound, len) = (count(x.layout.shape()[0]), count(out.len()));
    let each = if quads { EACH } else { 1 };
    let quads = u32::from(quads);
    let args = args![to, from, index, picked, bound, len, quads];
    let launch = Launch::flat(len.div_ceil(BLOCK * each));
    // SAFETY: writes the elements of `out`, reads as many indices as it has rows, and of
    // `x` only rows that are there, where its layout says.
    unsafe { MODULE.launch(cuda, "copy_gather", launch, args) };
}

#[allow(unsafe_code)]
pub(super) fn scatter_add(cuda: Cuda, rows: &Rows, x: View<'_>, index: &Buffer, out: &mut Buffer) {
    assert_f32("scatter_add", out);
    let picked = Picked::of(rows);
    let (bound, len) = (count(out.len() / rows.len), count(out.len()));
    let picks = count(index.len());
    let (to, from, index) = (out.ptr(), start(x), index.ptr());
    let args = args![to, from, index, picked, bound, len, picks];
    let launch = Launch::flat(len.div_ceil(BLOCK));
    // SAFETY: writes the elements of `out`, reads all indices, and as many rows of `x`.
    unsafe { MODULE.launch(cuda, "copy_scatter_add", launch, args) };
}

#[allow(unsafe_code)]
pub(super) fn pick(
    cuda: Cuda,
    images: &Images<'_>,
    index: &Buffer,
    taps: [&Taps; 2],
    out: &mut Buffer,
) {
    let [bound, channels, height, width] = images.shape;
    count(images.image_len());
    let [rows, columns] = taps;
    let pictures = Pictures {
        channels: Divisor::new(channels),
        width: Divisor::new(columns.to()),
        height: Divisor::new(rows.to()),
        from_width: count(width),
        from_height: count(height),
    };
    let (bound, len) = (count(bound), count(out.len()));
    let (to, bytes, index) = (out.ptr(), images.words.ptr(), index.ptr());
    let [rows, columns] = [rows, columns].map(|taps| taps.values().ptr());
    let args = args![to, bytes, index, rows, columns, pictures, bound, len];
    let launch = Launch::flat(len.div_ceil(BLOCK));
    // SAFETY: writes the elements of `out`, reads as many indices and taps as it has images, rows
    // and columns, and of the images only those that are there: taps stay within one.
    unsafe { MODULE.launch(cuda, "copy_pick", launch, args) };
}

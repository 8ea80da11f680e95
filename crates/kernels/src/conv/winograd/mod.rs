//! Kernel 4, stride 2, padding 1, in less than half of the multiplications.
//!
//! Split by the parity of its big position, such a convolution is four interleaved
//! convolutions with 2 × 2 taps. Each is a product of polynomials in two variables, and
//! those are computed by their values at 4 × 4 points ([`transform`]): with `V` the
//! values of a tile of 3 × 3 small positions, `X` those of its windows of the big image
//! (one for each parity) and `U` those of the weight, at every point
//!
//! ```text
//! fprop: V = U X      dgrad: X = Uᵀ V      wgrad: U = V Xᵀ
//! ```
//!
//! are matrix products over channels (and over tiles, for wgrad). Sizes that are no
//! multiple of three are cut into tiles of three and two, so 7 = 3 + 2 + 2 wastes nothing.
//!
//! fprop and dgrad take images in groups whose values stay in the cache, from reading
//! the image to writing the result. How large a group is changes no bits: no sum
//! crosses images. wgrad sums over images in groups of a fixed size, in order.
//!
//! The relative error is that of a direct sum (`benches/RESULTS.md` has it measured), relative to the
//! largest of what a tile sees. A transform mixes that, so an infinity spreads to results that do not
//! see it: each pass says whether all of its results are finite, and if not, the family computes
//! them by patches, which sum each by itself.

mod lanes;
#[cfg(test)]
mod tests;
mod tiles;
mod transform;
mod values;
mod weights;

use super::geometry::Conv;
use super::scratch::PerThread;
use crate::gemm::tile::{Operands, Shape, TileEpilogue, heights, tile};
use crate::parallel::share_chunks;
use crate::simd::simd;
use crate::{Buffer, DType, Device};
use lanes::LANES;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use tiles::{SQUARE, Tiles};
use values::{Products, Store};

/// Tiles of a group, at most: enough rows for each panel of the weight that is read.
const GROUP: usize = 48;
/// Tiles that wgrad sums, at most, before it adds to memory.
const CHUNK: usize = 200;
/// The chunks of a batch are a multiple of it, to share out evenly.
const CHUNKS: usize = 4;
/// Elements of values that wgrad keeps at a time: 15 MiB, half of a large cache.
const KEPT: usize = 15 << 18;

/// True for the convolutions that this form covers.
pub(super) fn fits(conv: &Conv) -> bool {
    let shape = conv.kernel == [4, 4] && conv.stride == [2, 2] && conv.padding == [1, 1];
    let doubled = conv.big == conv.small.map(|size| 2 * size);
    let lanes =
        conv.small_channels.is_multiple_of(LANES) && conv.big_channels.is_multiple_of(LANES);
    conv.is_dense() && shape && doubled && lanes && Tiles::new(conv).is_some()
}

/// What all passes of one convolution share.
struct Plan<'a> {
    conv: &'a Conv,
    tiles: Tiles,
    /// Columns of a packed panel.
    width: usize,
}

impl<'a> Plan<'a> {
    /// # Panics
    /// When the convolution does not fit.
    fn new(conv: &'a Conv) -> Self {
        let tiles = Tiles::new(conv).expect("a size of threes and twos");
        let width = Shape::of_level().columns;
        assert!(fits(conv) && width.is_multiple_of(LANES));
        Self { conv, tiles, width }
    }

    /// Calls `f(x, y, scratch)` for groups of images of about [`GROUP`] tiles, with
    /// `scratch` for a group's tiles. The lengths are those of an image in `x` and in `y`.
    ///
    /// Each thread's share is whole groups: one less on one side would be a good part
    /// of the time.
    fn in_groups(
        &self,
        [x_len, y_len]: [usize; 2],
        scratch: impl Fn(usize) -> usize,
        x: &[f32],
        y: &mut [f32],
        f: impl Fn(&[f32], &mut [f32], &mut [f32]) + Sync,
    ) {
        let share = self.conv.batch.div_ceil(2 * rayon::current_num_threads());
        let most = (GROUP / self.tiles.count()).max(1);
        let group = share.div_ceil(share.div_ceil(most));
        PerThread::lend(scratch(group * self.tiles.count()), |scratch| {
            share_chunks(y, group * y_len, |i, y| {
                let x = &x[i * group * x_len..][..y.len() / y_len * x_len];
                scratch.with(|scratch| f(x, y, scratch));
            });
        });
    }

    /// The products of one group with one panel at all points.
    fn multiply(&self, images: usize, k: usize, values: &[f32], panel: &[f32], out: &mut [f32]) {
        let tiles = images * self.tiles.count();
        for point in 0..SQUARE {
            let range = self.tiles.at_point(point, images);
            let a = &values[(point * tiles + range.start) * k..(point * tiles + range.end) * k];
            let b = &panel[point * k * self.width..][..k * self.width];
            let c =
                &mut out[(point * tiles + range.start) * self.width..][..range.len() * self.width];
            for (rows, start) in heights(range.len()) {
                let operands = Operands {
                    a: a[start * k..].as_ptr(),
                    a_strides: [k, 1],
                    b: b.as_ptr(),
                    k,
                    c: c[start * self.width..].as_mut_ptr(),
                    c_stride: self.width,
                    rows,
                    columns: self.width,
                };
                // SAFETY: rows `start..start + rows` are inside a, which is [rows, k],
                // and c, which is [rows, width]; b is a whole panel, aligned as scratch
                // is, in steps of whole cache lines.
                #[allow(unsafe_code)]
                unsafe {
                    tile(&operands, &TileEpilogue::STORE);
                }
            }
        }
    }
}

fn scratch(len: usize) -> Buffer {
    Buffer::scratch(Device::Cpu, DType::F32, len)
}

/// An image's tiles to values at the points.
type ToValues = fn(&Conv, &Tiles, &[f32], &Store, &mut [f32]);
/// Products at the points, plus a bias, to an image's tiles.
type FromValues = fn(&Conv, &Tiles, &Products<'_>, Option<&[f32]>, &mut [f32]);

/// fprop or dgrad: what it reads and writes of an image, and how those become values.
struct Pass {
    /// Channels of what is read and of what is written, as values.
    k: usize,
    n: usize,
    /// Elements of an image that is read and of one that is written.
    lens: [usize; 2],
    pack: fn(&Conv, usize, &[f32], &mut [f32]),
    to_values: ToValues,
    from_values: FromValues,
}

impl Pass {
    /// True where all results are finite.
    fn run(&self, conv: &Conv, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> bool {
        let finite = AtomicBool::new(true);
        let plan = Plan::new(conv);
        let (k, n, width) = (self.k, self.n, plan.width);
        let panel = SQUARE * k * width;
        let mut weight = scratch(n.div_ceil(width) * panel);
        (self.pack)(conv, width, w, weight.as_mut_slice());
        let weight = weight.as_slice::<f32>();
        let needs = |tiles| values::len(tiles, k + width);
        plan.in_groups(self.lens, needs, x, y, |x, y, scratch| {
            let images = y.len() / self.lens[1];
            let tiles = images * plan.tiles.count();
            let (values, products) = scratch.split_at_mut(values::len(tiles, k));
            (self.to_values)(conv, &plan.tiles, x, &Store::rows(tiles, k), values);
            for (i, panel) in weight.chunks_exact(panel).enumerate() {
                plan.multiply(images, k, values, panel, products);
                let products = Products {
                    values: products,
                    tiles,
                    first: i * width,
                    width,
                    channels: width.min(n - i * width),
                };
                (self.from_values)(conv, &plan.tiles, &products, bias, y);
            }
            // While they are in a cache.
            if !all_finite(y) {
                finite.store(false, Ordering::Relaxed);
            }
        });
        finite.into_inner()
    }
}

simd! {
    /// True without an infinity and a NaN: 0 times anything else is 0.
    fn all_finite(x: &[f32]) -> bool {
        const LANES: usize = 64;
        let mut sums = [0.0_f32; LANES];
        let (whole, rest) = x.as_chunks::<LANES>();
        for x in whole {
            for lane in 0..LANES {
                sums[lane] += x[lane] * 0.0;
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum += x * 0.0;
        }
        sums.iter().all(|sum| *sum == 0.0)
    }
}

/// `y` from `x` and `w`, and `bias` `[O]` added. False where not all of it is finite: then results
/// that do not see why may be wrong.
#[must_use]
pub(super) fn fprop(
    conv: &Conv,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) -> bool {
    let pass = Pass {
        k: 4 * conv.big_channels,
        n: conv.small_channels,
        lens: [conv.big_len(), conv.small_len()],
        pack: weights::by_small,
        to_values: values::big_to_values,
        from_values: values::values_to_small,
    };
    pass.run(conv, x, w, bias, y)
}

/// `x` from `y` and `w`, and `bias` `[C]` added; as [`fprop`].
#[must_use]
pub(super) fn dgrad(
    conv: &Conv,
    y: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    x: &mut [f32],
) -> bool {
    let pass = Pass {
        k: conv.small_channels,
        n: 4 * conv.big_channels,
        lens: [conv.small_len(), conv.big_len()],
        pack: weights::by_big,
        to_values: values::small_to_values,
        from_values: values::values_to_big,
    };
    pass.run(conv, y, w, bias, x)
}

/// `w` from `x` and `y`; as [`fprop`].
#[must_use]
pub(super) fn wgrad(conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) -> bool {
    let plan = Plan::new(conv);
    let (m, n) = (conv.small_channels, 4 * conv.big_channels);
    let chunks = (conv.batch * plan.tiles.count()).div_ceil(CHUNK);
    let chunk = conv.batch.div_ceil(chunks.next_multiple_of(CHUNKS));
    let len = values::len(chunk * plan.tiles.count(), m + n);
    // Even, so that two threads get as many each.
    let at_once = (KEPT / len / 2 * 2).clamp(1, conv.batch.div_ceil(chunk));
    let mut kept = scratch(at_once * len);
    let mut sums = scratch(SQUARE * m * n);
    for (i, start) in (0..conv.batch).step_by(chunk * at_once).enumerate() {
        let images = start..conv.batch.min(start + chunk * at_once);
        let chunks = images.len().div_ceil(chunk);
        let of =
            |c: usize| images.start + c * chunk..images.end.min(images.start + (c + 1) * chunk);
        let all = &mut kept.as_mut_slice::<f32>()[..chunks * len];
        // Two tasks for each chunk, so that a thread that is early finds one to take over.
        let mut halves = Vec::new();
        for (c, values) in all.chunks_mut(len).enumerate() {
            let (small, big) =
                values.split_at_mut(values::len(of(c).len() * plan.tiles.count(), m));
            halves.extend([(c, small, true), (c, big, false)]);
        }
        share_chunks(&mut halves, 1, |_, halves| {
            for (c, values, small) in halves {
                match small {
                    true => values_of_small(&plan, y, of(*c), values),
                    false => values_of_big(&plan, x, of(*c), values),
                }
            }
        });
        let all = &kept.as_slice::<f32>()[..chunks * len];
        share_chunks(sums.as_mut_slice(), m * plan.width, |j, sums| {
            for (c, values) in all.chunks_exact(len).enumerate() {
                let add = i > 0 || c > 0;
                add_products(&plan, of(c).len(), values, j, add, sums);
            }
        });
    }
    weights::from_values(conv, plan.width, sums.as_slice(), w);
    all_finite(w)
}

/// The values of some images of `y`, in rows.
fn values_of_small(plan: &Plan<'_>, y: &[f32], images: Range<usize>, out: &mut [f32]) {
    let (conv, len) = (plan.conv, plan.conv.small_len());
    let rows = Store::rows(images.len() * plan.tiles.count(), conv.small_channels);
    let y = &y[images.start * len..images.end * len];
    values::small_to_values(conv, &plan.tiles, y, &rows, out);
}

/// The values of some images of `x`, in panels.
fn values_of_big(plan: &Plan<'_>, x: &[f32], images: Range<usize>, out: &mut [f32]) {
    let (conv, len) = (plan.conv, plan.conv.big_len());
    let tiles = images.len() * plan.tiles.count();
    let panels = Store::panels(tiles, 4 * conv.big_channels, plan.width);
    let x = &x[images.start * len..images.end * len];
    values::big_to_values(conv, &plan.tiles, x, &panels, out);
}

/// `sums (+)= V Xᵀ` of one chunk of images, at one point and for one panel of X: `j`
/// counts both.
fn add_products(
    plan: &Plan<'_>,
    images: usize,
    values: &[f32],
    j: usize,
    add: bool,
    sums: &mut [f32],
) {
    let (m, n) = (plan.conv.small_channels, 4 * plan.conv.big_channels);
    let (point, panel) = (j / (n / plan.width), j % (n / plan.width));
    let tiles = images * plan.tiles.count();
    let range = plan.tiles.at_point(point, images);
    if range.is_empty() {
        if !add {
            sums.fill(0.0);
        }
        return;
    }
    let (small, big) = values.split_at(values::len(tiles, m));
    let a = &small[(point * tiles + range.start) * m..(point * tiles + range.end) * m];
    let first = point * tiles * n + (panel * tiles + range.start) * plan.width;
    let b = &big[first..first + range.len() * plan.width];
    for (rows, start) in heights(m) {
        let operands = Operands {
            a: a[start..].as_ptr(),
            a_strides: [1, m],
            b: b.as_ptr(),
            k: range.len(),
            c: sums[start * plan.width..].as_mut_ptr(),
            c_stride: plan.width,
            rows,
            columns: plan.width,
        };
        // SAFETY: a is [range.len(), m], so its columns `start..start + rows` are inside;
        // b is as many whole rows of a panel and sums is [m, width]. b starts a whole
        // number of cache lines into aligned scratch: `m` and the width are multiples
        // of 16.
        #[allow(unsafe_code)]
        unsafe {
            tile(
                &operands,
                &TileEpilogue {
                    add,
                    ..TileEpilogue::STORE
                },
            );
        }
    }
}

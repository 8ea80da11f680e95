//! Kernel 4, stride 2, padding 1.
//!
//! Split by the parity of its big position, such a convolution is four interleaved
//! convolutions with 2 × 2 taps, whose values at the points are those of a tile of 3 × 3 small positions
//! and of its windows of the big image, one for each parity. Sizes that are no
//! multiple of three are cut into tiles of three and two, so 7 = 3 + 2 + 2 wastes nothing.

use super::gradient::Gradient;
use super::lanes::LANES;
use super::tiles::{SQUARE, Tiles};
use super::values::{self, Products, Store};
use super::{all_finite, multiply, scratch, weights};
use crate::conv::geometry::Conv;
use crate::conv::scratch::PerThread;
use crate::gemm::tile::Shape;
use crate::parallel::share_chunks;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tiles of a group, at most: enough rows for each panel of the weight that is read.
const GROUP: usize = 48;

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
            multiply(k, [self.width; 2], a, b, c);
        }
    }
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
    let gradient = Gradient {
        batch: conv.batch,
        tiles: plan.tiles.count(),
        m: conv.small_channels,
        n: 4 * conv.big_channels,
        width: plan.width,
        small: &|images, out| values_of_small(&plan, y, images, out),
        big: &|images, out| values_of_big(&plan, x, images, out),
        at_point: &|point, images| plan.tiles.at_point(point, images),
    };
    weights::from_values(conv, plan.width, gradient.sums().as_slice(), w);
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

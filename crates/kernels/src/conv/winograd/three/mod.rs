//! Kernel 3, stride 1, padding 1.
//!
//! Tiles are of 2 × 2 small positions, their windows of 4 × 4 big ones, and the taps are three: sixteen
//! multiplications for thirty-six. A side of odd length ends in tiles of one position, which cost as much as
//! any. The values of a tile come of the same `B` as those of kernel 4 ([`super::transform`]).
//!
//! dgrad is fprop of another weight: its taps in reverse, its channels exchanged.

mod groups;
mod values;
mod weights;

use super::gradient::Gradient;
use super::lanes::LANES;
use super::tiles::SQUARE;
use super::values::{Products, Store, len};
use super::{all_finite, multiply, scratch};
use crate::conv::geometry::Conv;
use crate::conv::scratch::PerThread;
use crate::gemm::tile::Shape;
use crate::parallel::share_chunks;
use groups::{Group, Images};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// True for the convolutions that this form covers.
pub(super) fn fits(conv: &Conv) -> bool {
    let shape = conv.kernel == [3, 3] && conv.stride == [1, 1] && conv.padding == [1, 1];
    let lanes =
        conv.small_channels.is_multiple_of(LANES) && conv.big_channels.is_multiple_of(LANES);
    conv.is_dense() && shape && lanes && conv.small.iter().all(|size| *size > 1)
}

/// The big images, and the small ones.
fn images(conv: &Conv) -> [Images; 2] {
    [conv.big_channels, conv.small_channels].map(|channels| Images {
        count: conv.batch,
        size: conv.small,
        channels,
    })
}

/// `to` from `from`, whose images are as large, and a packed `weight` `[panel, point, k, width]`. False where not all
/// of it is finite.
fn pass(
    [from, to]: [Images; 2],
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) -> bool {
    let finite = AtomicBool::new(true);
    let (k, n, width) = (from.channels, to.channels, Shape::of_level().columns);
    let groups = from.groups(k + width);
    let most = groups.iter().map(|group| group.tiles(&from)).max();
    let mut shares = Vec::new();
    let mut left = y;
    for group in &groups {
        let (share, rest) = left.split_at_mut(to.len_of(group));
        shares.push((group, share));
        left = rest;
    }
    PerThread::lend(len(most.unwrap_or(0), k + width), |scratch| {
        share_chunks(&mut shares, 1, |_, shares| {
            for (group, y) in shares {
                scratch.with(|scratch| {
                    let tiles = group.tiles(&from);
                    let (values, products) = scratch.split_at_mut(len(tiles, k));
                    values::of_windows(&from, group, x, &Store::rows(tiles, k), values);
                    for (i, panel) in weight.chunks_exact(SQUARE * k * width).enumerate() {
                        let channels = width.min(n - i * width);
                        let products = &mut products[..len(tiles, width)];
                        for point in 0..SQUARE {
                            multiply(
                                k,
                                [width, channels],
                                &values[point * tiles * k..][..tiles * k],
                                &panel[point * k * width..][..k * width],
                                &mut products[point * tiles * width..][..tiles * width],
                            );
                        }
                        let products = Products {
                            values: products,
                            tiles,
                            first: i * width,
                            width,
                            channels,
                        };
                        values::to_tiles(&to, group, &products, bias, y);
                    }
                });
                // While they are in a cache.
                if !all_finite(y) {
                    finite.store(false, Ordering::Relaxed);
                }
            }
        });
    });
    finite.into_inner()
}

/// The memory of a packed weight.
fn packed(k: usize, n: usize) -> crate::Buffer {
    let width = Shape::of_level().columns;
    scratch(SQUARE * k * n.next_multiple_of(width))
}

/// As [`super::fprop`].
pub(super) fn fprop(
    conv: &Conv,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) -> bool {
    let [big, small] = images(conv);
    let mut weight = packed(big.channels, small.channels);
    weights::by_small(conv, w, weight.as_mut_slice());
    pass([big, small], x, weight.as_slice(), bias, y)
}

/// As [`super::dgrad`].
pub(super) fn dgrad(
    conv: &Conv,
    y: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    x: &mut [f32],
) -> bool {
    let [big, small] = images(conv);
    let mut weight = packed(small.channels, big.channels);
    weights::by_big(conv, w, weight.as_mut_slice());
    pass([small, big], y, weight.as_slice(), bias, x)
}

/// As [`super::wgrad`].
pub(super) fn wgrad(conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) -> bool {
    let [big, small] = images(conv);
    let (m, n, width) = (small.channels, big.channels, Shape::of_level().columns);
    let gradient = Gradient {
        batch: conv.batch,
        tiles: small.tiles(),
        m,
        n,
        width,
        small: &|images: Range<usize>, out| {
            let group = Group::whole(&small, images);
            let rows = Store::rows(group.tiles(&small), m);
            values::of_tiles(&small, &group, y, &rows, out);
        },
        big: &|images: Range<usize>, out| {
            let group = Group::whole(&big, images);
            let padded = n.next_multiple_of(width);
            let panels = Store::panels(group.tiles(&big), padded, width);
            values::of_windows(&big, &group, x, &panels, out);
        },
        at_point: &|_, images| 0..images * small.tiles(),
    };
    weights::from_sums(conv, gradient.sums().as_slice(), w);
    all_finite(w)
}

//! Several views of one shape walked together.

use crate::{Buffer, Layout, MAX_RANK, View};
use std::ops::Range;

/// Panics unless every element of `layout` is inside `buffer`.
#[track_caller]
pub(crate) fn assert_fits(op: &str, buffer: &Buffer, layout: &Layout) {
    if layout.is_empty() {
        return;
    }
    let reach: usize = layout
        .shape()
        .iter()
        .zip(layout.strides())
        .map(|(size, stride)| (size - 1) * stride)
        .sum();
    assert!(
        layout.offset() + reach < buffer.len(),
        "{op}: layout {layout:?} reaches past its buffer of {} elements",
        buffer.len()
    );
}

/// Panics unless `x` lies in its buffer and has `out`'s type, and `layout`, which
/// must be dense, lies in `out`: what families that write a dense result require.
#[track_caller]
pub(crate) fn assert_operands(op: &str, inputs: &[View<'_>], out: &Buffer, layout: &Layout) {
    assert!(layout.is_dense(), "{op}: output {layout:?} is not dense");
    assert_fits(op, out, layout);
    for x in inputs {
        assert_eq!(
            x.buffer.dtype(),
            out.dtype(),
            "{op}: operand and output types"
        );
        assert_eq!(x.buffer.device(), out.device(), "{op}: devices");
        assert_fits(op, x.buffer, &x.layout);
    }
}

/// Where the elements of a layout are, in row-major order of its shape.
pub(crate) fn offsets(layout: &Layout) -> impl Iterator<Item = usize> {
    let layout = *layout;
    let mut index = [0; MAX_RANK];
    let mut at = layout.offset();
    (0..layout.len()).map(move |_| {
        let here = at;
        for d in (0..layout.rank()).rev() {
            index[d] += 1;
            at += layout.strides()[d];
            if index[d] < layout.shape()[d] {
                break;
            }
            at -= layout.strides()[d] * layout.shape()[d];
            index[d] = 0;
        }
        here
    })
}

/// `N` views of one shape, walked in the memory order of the first.
///
/// Dimensions of size 1 are gone and neighbours that lie contiguously in every
/// view are merged, so two dense images of the same order are one dimension.
pub(crate) struct Walk<const N: usize> {
    rank: usize,
    sizes: [usize; MAX_RANK],
    strides: [[usize; N]; MAX_RANK],
    offsets: [usize; N],
}

impl<const N: usize> Walk<N> {
    /// A walk over `layouts`, which have the same shape and at least one element.
    pub(crate) fn new(layouts: [&Layout; N]) -> Self {
        let shape = layouts[0].shape();
        let mut axes = [(0, [0; N]); MAX_RANK];
        let mut count = 0;
        for (i, &size) in shape.iter().enumerate().filter(|(_, size)| **size != 1) {
            axes[count] = (size, layouts.map(|l| l.strides()[i]));
            count += 1;
        }
        let axes = &mut axes[..count];
        axes.sort_by_key(|axis| std::cmp::Reverse(axis.1));
        let mut walk = Self {
            rank: 0,
            sizes: [1; MAX_RANK],
            strides: [[1; N]; MAX_RANK],
            offsets: layouts.map(Layout::offset),
        };
        for &(size, strides) in axes.iter() {
            let last = walk.rank.wrapping_sub(1);
            let merges =
                walk.rank > 0 && (0..N).all(|k| walk.strides[last][k] == strides[k] * size);
            if merges {
                walk.sizes[last] *= size;
                walk.strides[last] = strides;
            } else {
                walk.sizes[walk.rank] = size;
                walk.strides[walk.rank] = strides;
                walk.rank += 1;
            }
        }
        // A single element is a run of one.
        walk.rank = walk.rank.max(1);
        walk
    }

    /// Sizes and strides of the merged dimensions, outermost first.
    pub(crate) fn axes(&self) -> impl DoubleEndedIterator<Item = (usize, [usize; N])> + Clone {
        (0..self.rank).map(|d| (self.sizes[d], self.strides[d]))
    }

    /// Steps of the innermost dimension, in each view.
    pub(crate) fn inner(&self) -> [usize; N] {
        self.strides[self.rank - 1]
    }

    /// Where the first element is, in each view.
    pub(crate) fn offsets(&self) -> [usize; N] {
        self.offsets
    }

    /// The runs along the innermost dimension that make up elements `range`.
    #[inline(always)]
    pub(crate) fn runs(&self, range: Range<usize>) -> Runs<'_, N> {
        let mut index = [0; MAX_RANK];
        let mut at = self.offsets;
        let mut rest = range.start;
        for d in (0..self.rank).rev() {
            index[d] = rest % self.sizes[d];
            rest /= self.sizes[d];
            for (at, stride) in at.iter_mut().zip(self.strides[d]) {
                *at += index[d] * stride;
            }
        }
        Runs {
            walk: self,
            index,
            at,
            left: range.len(),
        }
    }
}

/// See [`Walk::runs`].
pub(crate) struct Runs<'a, const N: usize> {
    walk: &'a Walk<N>,
    index: [usize; MAX_RANK],
    at: [usize; N],
    left: usize,
}

impl<const N: usize> Iterator for Runs<'_, N> {
    /// Where the run starts in each view, and its length.
    type Item = ([usize; N], usize);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let walk = self.walk;
        let last = walk.rank - 1;
        let len = (walk.sizes[last] - self.index[last]).min(self.left);
        let start = self.at;
        self.left -= len;
        for k in 0..N {
            self.at[k] -= self.index[last] * walk.strides[last][k];
        }
        self.index[last] = 0;
        for d in (0..last).rev() {
            self.index[d] += 1;
            for k in 0..N {
                self.at[k] += walk.strides[d][k];
            }
            if self.index[d] < walk.sizes[d] {
                break;
            }
            for k in 0..N {
                self.at[k] -= walk.strides[d][k] * walk.sizes[d];
            }
            self.index[d] = 0;
        }
        Some((start, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited<const N: usize>(walk: &Walk<N>, range: Range<usize>) -> Vec<[usize; N]> {
        let step = walk.inner();
        walk.runs(range)
            .flat_map(|(at, len)| {
                (0..len).map(move |i| std::array::from_fn(|k| at[k] + i * step[k]))
            })
            .collect()
    }

    #[test]
    fn dense_views_of_one_order_are_one_run() {
        let image = Layout::channels_last(&[2, 3, 4, 5]);
        let walk = Walk::new([&image, &image]);
        assert_eq!(walk.axes().collect::<Vec<_>>(), [(120, [1, 1])]);
    }

    #[test]
    fn a_bias_is_a_row_repeated() {
        let image = Layout::channels_last(&[2, 3, 4, 5]);
        let bias = Layout::contiguous(&[1, 3, 1, 1]).expand(image.shape());
        let walk = Walk::new([&image, &bias]);
        assert_eq!(walk.axes().collect::<Vec<_>>(), [(40, [3, 0]), (3, [1, 1])]);
    }

    #[test]
    fn any_range_is_a_part_of_the_whole() {
        let out = Layout::channels_last(&[3, 2, 2, 5]);
        let x = Layout::contiguous(&[5, 4, 2, 4])
            .slice(1, 1, 2)
            .slice(3, 0, 3)
            .permute(&[3, 1, 2, 0]);
        let walk = Walk::new([&out, &x]);
        let all = visited(&walk, 0..60);
        assert_eq!(all.len(), 60);
        let mut expected: Vec<_> = offsets(&out)
            .zip(offsets(&x))
            .map(|(o, x)| [o, x])
            .collect();
        expected.sort_unstable();
        assert_eq!(all, expected);
        for start in 0..60 {
            for end in start..60 {
                assert_eq!(visited(&walk, start..end), all[start..end]);
            }
        }
    }

    #[test]
    fn one_element() {
        let walk = Walk::new([&Layout::contiguous(&[]), &Layout::contiguous(&[])]);
        assert_eq!(visited(&walk, 0..1), [[0, 0]]);
    }

    #[test]
    #[should_panic(expected = "reaches past its buffer")]
    fn layouts_stay_in_their_buffers() {
        let buffer = Buffer::from_slice(crate::Device::Cpu, &[0.0f32; 5]);
        assert_fits("neg", &buffer, &Layout::contiguous(&[2, 3]));
    }
}

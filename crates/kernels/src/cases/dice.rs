//! Random data and layouts for cases and tests.

use crate::Layout;

/// A small generator for test data (splitmix64), independent of the one under
/// test.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// In `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// In `[-1, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// A dense layout of `shape` whose dimensions are stored in any order.
    pub(crate) fn dense(&mut self, shape: &[usize]) -> Layout {
        let mut order: Vec<usize> = (0..shape.len()).collect();
        self.shuffle(&mut order);
        Layout::dense(shape, &order)
    }

    /// A part of a larger dense layout, in any order, from any offset.
    pub(crate) fn part(&mut self, shape: &[usize]) -> Layout {
        let padding: Vec<[usize; 2]> = shape
            .iter()
            .map(|_| [self.below(3), self.below(3)])
            .collect();
        let outer: Vec<usize> = shape
            .iter()
            .zip(&padding)
            .map(|(size, [before, after])| size + before + after)
            .collect();
        let mut layout = self.dense(&outer);
        for (axis, (&size, [before, _])) in shape.iter().zip(&padding).enumerate() {
            layout = layout.slice(axis, *before, size);
        }
        layout
    }

    /// Any of: dense, a part of a larger one, with repeated dimensions.
    pub(crate) fn layout(&mut self, shape: &[usize]) -> Layout {
        match self.below(3) {
            0 => self.dense(shape),
            1 => self.part(shape),
            _ => {
                let kept: Vec<usize> = shape
                    .iter()
                    .map(|&size| if self.below(2) == 0 { 1 } else { size })
                    .collect();
                self.part(&kept).expand(shape)
            }
        }
    }
}

/// The fewest elements a buffer with this layout can have.
pub(crate) fn extent(layout: &Layout) -> usize {
    if layout.is_empty() {
        return 0;
    }
    let reach: usize = layout
        .shape()
        .iter()
        .zip(layout.strides())
        .map(|(size, stride)| (size - 1) * stride)
        .sum();
    layout.offset() + reach + 1
}

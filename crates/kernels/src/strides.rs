//! Where operands' elements lie on a GPU, as kernels/strides.cuh takes it.

use crate::buffer::{Buffer, View};
use crate::cuda::{Param, Ptr};
use crate::layout::MAX_RANK;
use crate::real::DType;

/// Elements of a thread of kernels that go element by element, and of a vector.
pub(crate) const EACH: u32 = 4;

/// Division by a number that is known at launch.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Divisor {
    value: u32,
    magic: u32,
    shift: u32,
}

impl Divisor {
    /// `⌊n / value⌋ = (⌊n · magic / 2³²⌋ + n) / 2^shift` for `n` below 2³¹, with 2^shift the
    /// first power of two that is not below `value` and `magic` the first integer above
    /// 2³² (2^shift − value) / value (Granlund and Montgomery, 1994).
    pub(crate) fn new(value: usize) -> Self {
        let value = count(value);
        assert!(value > 0, "division by 0");
        let shift = value.next_power_of_two().trailing_zeros();
        let above = (1_u64 << shift) - u64::from(value);
        Self {
            value,
            magic: ((above << 32) / u64::from(value) + 1) as u32,
            shift,
        }
    }
}

/// A number of elements or a step, as kernels count.
///
/// # Panics
/// From 2³¹ on: kernels divide by multiplying, which is exact below that.
#[track_caller]
pub(crate) fn count(n: usize) -> u32 {
    assert!(
        n < 1 << 31,
        "{n} elements: a GPU's kernels take views of fewer than 2^31"
    );
    n as u32
}

/// Where the elements of `N` operands of one shape are, counted from their first ones.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Strides<const N: usize> {
    rank: u32,
    /// Innermost first, as are the steps.
    sizes: [Divisor; MAX_RANK],
    steps: [[u32; N]; MAX_RANK],
}

// SAFETY: `Strides` in strides.cuh, all of it C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl<const N: usize> Param for Strides<N> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Param for Divisor {}

impl<const N: usize> Strides<N> {
    /// Dimensions with the operands' steps, outermost first.
    ///
    /// # Panics
    /// When there are 2³¹ elements, or an operand reaches that far.
    #[track_caller]
    pub(crate) fn new(axes: impl DoubleEndedIterator<Item = (usize, [usize; N])>) -> Self {
        let mut out = Self {
            rank: 0,
            sizes: [Divisor::new(1); MAX_RANK],
            steps: [[0; N]; MAX_RANK],
        };
        let (mut len, mut reach) = (1, [0; N]);
        for (size, steps) in axes.rev() {
            let d = out.rank as usize;
            out.sizes[d] = Divisor::new(size);
            out.steps[d] = steps.map(count);
            out.rank += 1;
            len *= size;
            for (reach, step) in reach.iter_mut().zip(steps) {
                *reach += (size - 1) * step;
            }
        }
        for most in reach.into_iter().chain([len]) {
            count(most);
        }
        out
    }

    /// The same places, but for the first operand those of a dense one in the order of
    /// dimensions.
    pub(crate) fn first_dense(mut self) -> Self {
        let mut step = 1;
        for d in 0..self.rank as usize {
            self.steps[d][0] = step;
            step *= self.sizes[d].value;
        }
        self
    }

    /// True when each four elements from a multiple of four on are neighbours in every
    /// operand, the first at a multiple of four, or are one element repeated. `starts` says
    /// where the operands start in their buffers.
    pub(crate) fn quads(&self, starts: [usize; N]) -> bool {
        let rank = self.rank as usize;
        let whole = rank <= 1 || self.sizes[0].value.is_multiple_of(EACH);
        whole
            && (0..N).all(|k| match self.steps[0][k] {
                0 => true,
                1 => {
                    let outer = &self.steps[1..rank.max(1)];
                    let aligned = |step: u32| step.is_multiple_of(EACH);
                    starts[k].is_multiple_of(EACH as usize) && outer.iter().all(|s| aligned(s[k]))
                }
                _ => false,
            })
    }
}

/// Where a view's first element is.
pub(crate) fn start(x: View<'_>) -> Ptr {
    let bytes = x.buffer.dtype().size();
    x.buffer.ptr().plus(x.layout.offset() * bytes)
}

/// Panics unless a GPU's kernels take `x`.
#[track_caller]
pub(crate) fn assert_f32(op: &str, x: &Buffer) {
    assert_eq!(
        x.dtype(),
        DType::F32,
        "{op}: a GPU computes in f32; f64 is for the CPU"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;
    use crate::walk::Walk;

    /// What the kernel does with a divisor.
    fn divided(n: u32, by: &Divisor) -> u32 {
        let high = ((u64::from(n) * u64::from(by.magic)) >> 32) as u32;
        (high + n) >> by.shift
    }

    #[test]
    fn divisors_divide() {
        let most = (1_u32 << 31) - 1;
        let edges = |d: u32| [0, 1, d - 1, d, d.saturating_add(1), most - 1, most];
        let near = |n: u32| (n / 3..n / 3 + 5).chain(n - 5..=n);
        let all = (1..=70).chain((3..31).flat_map(|bit| near(1 << bit)));
        for value in all.chain(near(most)) {
            let by = Divisor::new(value as usize);
            let multiples = (0..40).map(|i| most / value / 40 * i * value);
            let around = multiples.flat_map(|n| [n, n + 1, n.saturating_sub(1)]);
            for n in around.chain(edges(value)).filter(|n| *n <= most) {
                assert_eq!(divided(n, &by), n / value, "{n} / {value}");
            }
        }
    }

    #[test]
    fn quads_are_whole_and_aligned() {
        let image = Layout::channels_last(&[2, 8, 3, 3]);
        let quads = |out: &Layout, x: &Layout| {
            let walk = Walk::new([out, x]);
            Strides::new(walk.axes()).quads(walk.offsets())
        };
        let bias = |c| Layout::contiguous(&[1, c, 1, 1]);
        assert!(quads(&image, &image));
        assert!(quads(&image, &bias(8).expand(image.shape())));
        assert!(quads(&image, &bias(1).expand(image.shape())));
        assert!(!quads(&image, &Layout::contiguous(image.shape())));
        // A row of 6 is not whole quads; one alone may end with a part of one.
        let odd = Layout::channels_last(&[2, 6, 3, 3]);
        assert!(!quads(&odd, &bias(6).expand(odd.shape())));
        assert!(quads(&Layout::contiguous(&[7]), &Layout::contiguous(&[7])));
        // From an odd place, or with rows that start at one.
        let part = |from| Layout::contiguous(&[40]).slice(0, from, 7);
        assert!(quads(&Layout::contiguous(&[7]), &part(4)));
        assert!(!quads(&Layout::contiguous(&[7]), &part(3)));
        let rows = |width| Layout::contiguous(&[5, width]).slice(1, 0, 4);
        assert!(quads(&Layout::contiguous(&[5, 4]), &rows(8)));
        assert!(!quads(&Layout::contiguous(&[5, 4]), &rows(7)));
    }

    #[test]
    #[should_panic(expected = "fewer than 2^31")]
    fn views_are_counted_in_31_bits() {
        Strides::new([(1 << 16, [1 << 15]), (1 << 15, [1])].into_iter());
    }
}

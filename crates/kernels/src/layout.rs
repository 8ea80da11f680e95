//! Shape and strides of a view into a buffer.

use std::fmt;

/// The most dimensions a view can have.
pub const MAX_RANK: usize = 6;

/// Where the elements of an n-d view lie in a buffer: element `[i, j, …]` is at
/// `offset + i·strides[0] + j·strides[1] + …`.
///
/// Strides are in elements; 0 repeats (a broadcast dimension).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    rank: u8,
    shape: [usize; MAX_RANK],
    strides: [usize; MAX_RANK],
    offset: usize,
}

impl Layout {
    /// Row-major: the last dimension is contiguous. The order of NCHW files.
    ///
    /// # Panics
    /// When there are more than [`MAX_RANK`] dimensions, or more elements than an address space
    /// has room for, as in every layout.
    #[track_caller]
    pub fn contiguous(shape: &[usize]) -> Self {
        let mut order = [0; MAX_RANK];
        for (i, o) in order.iter_mut().enumerate() {
            *o = i;
        }
        assert_rank(shape.len());
        Self::dense(shape, &order[..shape.len()])
    }

    /// Shape `[N, C, spatial…]` with C contiguous in memory: the storage order of
    /// images. Below rank 3 it is [`Layout::contiguous`].
    #[track_caller]
    pub fn channels_last(shape: &[usize]) -> Self {
        let rank = shape.len();
        if rank < 3 {
            return Self::contiguous(shape);
        }
        assert_rank(rank);
        let mut order = [0; MAX_RANK];
        for (i, o) in order[1..rank - 1].iter_mut().enumerate() {
            *o = i + 2;
        }
        order[rank - 1] = 1;
        Self::dense(shape, &order[..rank])
    }

    /// No gaps, dimensions stored in `order`, outermost first.
    #[track_caller]
    pub fn dense(shape: &[usize], order: &[usize]) -> Self {
        assert_rank(shape.len());
        assert_elements(shape);
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for &axis in order.iter().rev() {
            strides[axis] = step;
            step *= shape[axis];
        }
        Self::strided(shape, &strides[..shape.len()], 0)
    }

    /// Any strides.
    #[track_caller]
    pub fn strided(shape: &[usize], strides: &[usize], offset: usize) -> Self {
        assert_rank(shape.len());
        assert_elements(shape);
        assert_eq!(shape.len(), strides.len(), "a stride for each dimension");
        let mut out = Self {
            rank: shape.len() as u8,
            shape: [1; MAX_RANK],
            strides: [0; MAX_RANK],
            offset,
        };
        out.shape[..shape.len()].copy_from_slice(shape);
        // The stride of a dimension of size 1 never matters; 0 makes layouts
        // that mean the same compare equal.
        for (i, &stride) in strides.iter().enumerate() {
            out.strides[i] = if shape[i] == 1 { 0 } else { stride };
        }
        out
    }

    /// Sizes of the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape[..self.rank()]
    }

    /// Steps between neighbours along each dimension, in elements.
    pub fn strides(&self) -> &[usize] {
        &self.strides[..self.rank()]
    }

    /// Where element `[0, 0, …]` is.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when this is the row-major layout from offset 0.
    pub fn is_contiguous(&self) -> bool {
        *self == Self::contiguous(self.shape())
    }

    /// True when this is the channels-last layout from offset 0.
    pub fn is_channels_last(&self) -> bool {
        *self == Self::channels_last(self.shape())
    }

    /// True when the view covers `len()` neighbouring elements from offset 0,
    /// each once, in whatever order of dimensions.
    pub fn is_dense(&self) -> bool {
        self.offset == 0 && (self.is_empty() || self.dense_order().is_some())
    }

    fn dense_order(&self) -> Option<()> {
        let mut axes: [(usize, usize); MAX_RANK] = [(0, 1); MAX_RANK];
        for (i, axis) in axes[..self.rank()].iter_mut().enumerate() {
            *axis = (self.strides[i], self.shape[i]);
        }
        let axes = &mut axes[..self.rank()];
        axes.sort_unstable();
        let mut step = 1;
        for &(stride, size) in axes.iter().filter(|(_, size)| *size != 1) {
            if stride != step {
                return None;
            }
            step *= size;
        }
        Some(())
    }

    /// A dense layout of the same shape whose dimensions are stored in the same
    /// order as this one's (broadcast dimensions outermost): what an
    /// element-wise result of this view takes.
    pub fn dense_like(&self) -> Self {
        if self.is_dense() {
            return *self;
        }
        let mut order = [0; MAX_RANK];
        for (i, o) in order.iter_mut().enumerate() {
            *o = i;
        }
        let order = &mut order[..self.rank()];
        // Stable: dimensions of equal stride keep their row-major order.
        order.sort_by_key(|&axis| match self.strides[axis] {
            0 => 0,
            stride => usize::MAX - stride,
        });
        Self::dense(self.shape(), order)
    }

    /// The dimensions in the order `axes`.
    ///
    /// # Panics
    /// When `axes` is not a permutation of `0..rank`.
    #[track_caller]
    pub fn permute(&self, axes: &[usize]) -> Self {
        let mut seen = [false; MAX_RANK];
        assert_eq!(axes.len(), self.rank(), "permute: {axes:?} of {self:?}");
        for &axis in axes {
            assert!(
                axis < self.rank() && !seen[axis],
                "permute: {axes:?} is not a permutation of the axes of {self:?}"
            );
            seen[axis] = true;
        }
        let mut out = *self;
        for (i, &axis) in axes.iter().enumerate() {
            out.shape[i] = self.shape[axis];
            out.strides[i] = self.strides[axis];
        }
        out
    }

    /// Dimensions of size 1 repeated to `shape` (of the same rank).
    ///
    /// # Panics
    /// When a dimension that is not 1 differs.
    #[track_caller]
    pub fn expand(&self, shape: &[usize]) -> Self {
        assert_eq!(shape.len(), self.rank(), "expand {self:?} to {shape:?}");
        assert_elements(shape);
        let mut out = *self;
        for (i, &size) in shape.iter().enumerate() {
            assert!(
                size == self.shape[i] || self.shape[i] == 1,
                "expand {self:?} to {shape:?}: dimension {i} is {} and not 1",
                self.shape[i]
            );
            out.shape[i] = size;
        }
        out
    }

    /// Elements `start..start + len` of dimension `axis`.
    ///
    /// # Panics
    /// When the range leaves the dimension.
    #[track_caller]
    pub fn slice(&self, axis: usize, start: usize, len: usize) -> Self {
        let end = start.checked_add(len);
        assert!(
            axis < self.rank() && end.is_some_and(|end| end <= self.shape[axis]),
            "slice of {len} from {start} of axis {axis} of {self:?}"
        );
        let mut out = *self;
        out.offset += start * self.strides[axis];
        out.shape[axis] = len;
        if len == 1 {
            out.strides[axis] = 0;
        }
        out
    }

    /// The same elements in row-major order under another shape, when strides
    /// can express that; `None` when a copy is needed.
    pub fn reshape(&self, shape: &[usize]) -> Option<Self> {
        if elements(shape) != Some(self.len()) {
            return None;
        }
        let mut strides = [0; MAX_RANK];
        if shape.len() > MAX_RANK {
            return None;
        }
        if self.is_empty() {
            return Some(Self::contiguous(shape));
        }
        // Walk both shapes from the inside, splitting each run of old
        // dimensions that lie contiguously among the new ones.
        let (mut old, mut new) = (self.rank(), shape.len());
        while new > 0 {
            let mut new_size = shape[new - 1];
            let mut new_start = new - 1;
            if new_size == 1 {
                new -= 1;
                continue;
            }
            while old > 0 && self.shape[old - 1] == 1 {
                old -= 1;
            }
            let mut old_start = old - 1;
            let mut old_size = self.shape[old_start];
            let inner = self.strides[old_start];
            while old_size != new_size {
                if old_size < new_size {
                    old_start -= 1;
                    if self.shape[old_start] == 1 {
                        continue;
                    }
                    if self.strides[old_start] != inner * old_size {
                        return None;
                    }
                    old_size *= self.shape[old_start];
                } else {
                    new_start -= 1;
                    new_size *= shape[new_start];
                }
            }
            let mut step = inner;
            for axis in (new_start..new).rev() {
                strides[axis] = step;
                step *= shape[axis];
            }
            (old, new) = (old_start, new_start);
        }
        Some(Self::strided(shape, &strides[..shape.len()], self.offset))
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shape())?;
        if !self.is_contiguous() {
            write!(f, " (strides {:?}", self.strides())?;
            if self.offset != 0 {
                write!(f, " from {}", self.offset)?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

/// How many elements a shape has; `None` where an address space has no room for so many `f64`, or
/// would have none but for another dimension of size 0.
pub fn elements(shape: &[usize]) -> Option<usize> {
    const MOST: usize = isize::MAX as usize / size_of::<f64>();
    let mut sizes = shape.iter().filter(|size| **size > 0);
    let some = sizes.try_fold(1_usize, |all, size| all.checked_mul(*size));
    let some = some.filter(|all| *all <= MOST)?;
    Some(if shape.contains(&0) { 0 } else { some })
}

#[track_caller]
fn assert_elements(shape: &[usize]) {
    assert!(
        elements(shape).is_some(),
        "the shape {shape:?} has more elements than memory can hold; check its sizes"
    );
}

#[track_caller]
fn assert_rank(rank: usize) {
    assert!(rank <= MAX_RANK, "rank {rank}: at most {MAX_RANK}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_last_of_one_channel_is_contiguous() {
        assert!(Layout::contiguous(&[8, 1, 28, 28]).is_channels_last());
        assert!(Layout::channels_last(&[8, 5, 1, 1]).is_contiguous());
        let x = Layout::channels_last(&[2, 3, 4, 5]);
        assert_eq!(x.strides(), [60, 1, 15, 3]);
        assert!(x.is_dense() && !x.is_contiguous());
    }

    #[test]
    fn views() {
        let x = Layout::contiguous(&[2, 3, 4]);
        assert_eq!(x.permute(&[2, 0, 1]).strides(), [1, 12, 4]);
        assert!(x.permute(&[2, 0, 1]).is_dense());
        assert_eq!(x.slice(1, 1, 2).offset(), 4);
        assert!(!x.slice(1, 1, 2).is_dense());
        assert_eq!(
            x.slice(1, 1, 2).dense_like(),
            Layout::contiguous(&[2, 2, 4])
        );
        let row = Layout::contiguous(&[1, 4]).expand(&[3, 4]);
        assert_eq!(row.strides(), [0, 1]);
        assert_eq!(row.dense_like(), Layout::contiguous(&[3, 4]));
    }

    #[test]
    fn sizes_are_multiplied_with_care() {
        assert_eq!(elements(&[]), Some(1));
        assert_eq!(elements(&[3, 0, 5]), Some(0));
        assert_eq!(elements(&[1 << 40, 1 << 30]), None);
        assert_eq!(elements(&[1 << 40, 0, 1 << 30]), None);
        assert_eq!(elements(&[1 << 59]), Some(1 << 59));
        assert_eq!(elements(&[1 << 60]), None);
        let row = Layout::contiguous(&[1, 4]);
        assert_eq!(row.reshape(&[1 << 40, 1 << 30]), None);
        for huge in [
            || Layout::contiguous(&[1 << 40, 1 << 30]),
            || Layout::channels_last(&[1 << 40, 0, 1 << 30]),
            || Layout::strided(&[usize::MAX], &[0], 0),
            || Layout::contiguous(&[1, 1]).expand(&[1 << 40, 1 << 30]),
            || Layout::contiguous(&[4]).slice(0, usize::MAX, 2),
        ] {
            assert!(std::panic::catch_unwind(huge).is_err());
        }
    }

    #[test]
    fn reshape_is_a_view_where_strides_allow() {
        let x = Layout::contiguous(&[2, 3, 4]);
        assert_eq!(x.reshape(&[6, 4]), Some(Layout::contiguous(&[6, 4])));
        assert_eq!(
            x.reshape(&[1, 24, 1]),
            Some(Layout::contiguous(&[1, 24, 1]))
        );
        assert_eq!(x.permute(&[0, 2, 1]).reshape(&[24]), None);
        let t = x
            .permute(&[0, 2, 1])
            .reshape(&[2, 2, 2, 3])
            .expect("splits");
        assert_eq!(t.strides(), [12, 2, 1, 4]);
        assert_eq!(x.reshape(&[5]), None);
        let scalar = Layout::contiguous(&[]);
        assert_eq!(scalar.reshape(&[1, 1]), Some(Layout::contiguous(&[1, 1])));
    }
}

//! Matrices as the CPU's kernels see them: a slice, a shape and strides.

use std::marker::PhantomData;

/// A matrix that is read: any strides, 0 for a broadcast dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    data: &'a [T],
    /// Rows and columns.
    pub(crate) shape: [usize; 2],
    /// Steps from row to row and from column to column, in elements.
    pub(crate) strides: [usize; 2],
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// A view of `data`, whose first element is `[0, 0]`.
    ///
    /// # Panics
    /// When the last element lies outside `data`: whoever reads a `Matrix`
    /// through a pointer relies on this check.
    #[track_caller]
    pub(crate) fn new(data: &'a [T], shape: [usize; 2], strides: [usize; 2]) -> Self {
        let [rows, columns] = shape;
        if rows > 0 && columns > 0 {
            let last = (rows - 1) * strides[0] + (columns - 1) * strides[1];
            assert!(
                last < data.len(),
                "matrix {shape:?} with strides {strides:?} in {} elements",
                data.len()
            );
        }
        Self {
            data,
            shape,
            strides,
        }
    }

    /// A row-major matrix without gaps.
    #[track_caller]
    pub(crate) fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self::new(data, [rows, columns], [columns, 1])
    }

    /// The transpose: the same elements, strides exchanged.
    pub(crate) fn t(self) -> Self {
        Self {
            data: self.data,
            shape: [self.shape[1], self.shape[0]],
            strides: [self.strides[1], self.strides[0]],
        }
    }

    /// `len` rows from row `start`.
    #[track_caller]
    pub(crate) fn rows(self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.shape[0], "rows outside the matrix");
        let from = (start * self.strides[0]).min(self.data.len());
        Self::new(&self.data[from..], [len, self.shape[1]], self.strides)
    }

    /// `len` columns from column `start`.
    #[track_caller]
    pub(crate) fn columns(self, start: usize, len: usize) -> Self {
        self.t().rows(start, len).t()
    }

    /// The element in row `i` of column `j`.
    #[inline]
    pub(crate) fn at(&self, i: usize, j: usize) -> T {
        self.data[i * self.strides[0] + j * self.strides[1]]
    }

    /// Row `i`, when its elements are neighbours.
    #[inline]
    pub(crate) fn row(&self, i: usize) -> Option<&'a [T]> {
        let start = i * self.strides[0];
        (self.strides[1] == 1 || self.shape[1] == 1)
            .then(|| &self.data[start..start + self.shape[1]])
    }

    /// Where element `[0, 0]` is.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }
}

/// A matrix that is written: rows of neighbours, a gap between rows allowed, so
/// that a row-major matrix can be handed out in disjoint rectangles.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    start: *mut f32,
    /// Rows and columns.
    pub(crate) shape: [usize; 2],
    /// Step from row to row, in elements.
    pub(crate) row_stride: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: a `MatrixMut` is the only access to its elements (as a `&mut [f32]`
// is): `new` borrows a slice exclusively and `blocks` consumes what it divides.
#[allow(unsafe_code)]
unsafe impl Send for MatrixMut<'_> {}
// SAFETY: shared access reads the shape alone, `part` apart, whose caller answers for
// what it does.
#[allow(unsafe_code)]
unsafe impl Sync for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    /// All of `data` as a row-major matrix.
    ///
    /// # Panics
    /// When `data` has another number of elements.
    #[track_caller]
    pub(crate) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "matrix [{rows}, {columns}]");
        Self {
            start: data.as_mut_ptr(),
            shape: [rows, columns],
            row_stride: columns,
            owner: PhantomData,
        }
    }

    /// The rectangle of `shape` from `start` on.
    ///
    /// # Safety
    /// While it lives, no element of it may be accessed through another.
    ///
    /// # Panics
    /// When it does not lie inside the matrix.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn part(&self, start: [usize; 2], shape: [usize; 2]) -> MatrixMut<'_> {
        let inside = (0..2).all(|side| start[side] + shape[side] <= self.shape[side]);
        assert!(inside, "part outside the matrix");
        MatrixMut {
            start: self
                .start
                .wrapping_add(start[0] * self.row_stride + start[1]),
            shape,
            ..*self
        }
    }

    /// Divides the matrix into rectangles of at most `rows` x `columns`, given
    /// with the row and column that each starts at.
    pub(crate) fn blocks(self, rows: usize, columns: usize) -> Vec<([usize; 2], Self)> {
        let [m, n] = self.shape;
        let mut blocks = Vec::with_capacity(m.div_ceil(rows) * n.div_ceil(columns));
        for i in (0..m).step_by(rows) {
            for j in (0..n).step_by(columns) {
                // SAFETY: i < m and j < n, so this is an element of the matrix.
                #[allow(unsafe_code)]
                let start = unsafe { self.start.add(i * self.row_stride + j) };
                let shape = [rows.min(m - i), columns.min(n - j)];
                blocks.push((
                    [i, j],
                    Self {
                        start,
                        shape,
                        row_stride: self.row_stride,
                        owner: PhantomData,
                    },
                ));
            }
        }
        blocks
    }

    /// Divides the matrix into blocks of at most `columns` columns, given with the
    /// column that each starts at.
    pub(crate) fn column_blocks(self, columns: usize) -> Vec<(usize, Self)> {
        let rows = self.shape[0];
        let blocks = self.blocks(rows, columns).into_iter();
        blocks.map(|([_, j], block)| (j, block)).collect()
    }

    /// The same elements, borrowed.
    pub(crate) fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut {
            owner: PhantomData,
            ..*self
        }
    }

    /// Row `i`.
    #[allow(unsafe_code)]
    pub(crate) fn row(&mut self, i: usize) -> &mut [f32] {
        assert!(i < self.shape[0], "row outside the matrix");
        // SAFETY: row i lies inside the rectangle, which `self` alone may
        // access, and the borrow of `self` keeps it that way.
        unsafe {
            std::slice::from_raw_parts_mut(self.start.add(i * self.row_stride), self.shape[1])
        }
    }

    /// Where element `[0, 0]` is.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.start
    }
}

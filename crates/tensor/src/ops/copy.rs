//! Moving elements: reshape, permute, expand, slice, pad, concatenate, gather.
//!
//! These are linear, so each one's derivative is its adjoint: permute and its
//! inverse, slice and pad, expand and sum, gather and scatter-add.

mod cases;
mod step;

pub(crate) use cases::cases;

use crate::array::result;
use crate::info::list;
use crate::shape::{assert_axis, assert_expands, assert_possible};
use crate::shape::{expanded_axes, gathered, joined, reduced};
use crate::{Array, Info, Layout, Op, Tensor, apply};
use detach_kernels::{MAX_RANK, copy};

/// Row-major order kept, dimensions regrouped. Images in channels-last storage are
/// copied to row-major first: this is where Flatten and Unflatten convert.
#[derive(Clone, Copy, Debug)]
struct Reshape(Layout);

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        match x.layout().reshape(self.0.shape()) {
            Some(layout) => x.with_layout(layout),
            None => x.contiguous().with_layout(self.0),
        }
    }
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy.reshape(inputs[0].shape()))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves()
    }
}

#[derive(Clone, Copy, Debug)]
struct Permute {
    axes: [usize; MAX_RANK],
    rank: usize,
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        x.with_layout(x.layout().permute(&self.axes[..self.rank]))
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let mut inverse = [0; MAX_RANK];
        for (i, &axis) in self.axes[..self.rank].iter().enumerate() {
            inverse[axis] = i;
        }
        Some(dy.permute(&inverse[..self.rank]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves().set(format!("axes {}", list(&self.axes[..self.rank])))
    }
}

/// Dimensions of size 1 repeated, by stride 0: no memory is touched.
#[derive(Clone, Copy, Debug)]
struct Expand(Layout);

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        x.with_layout(x.layout().expand(self.0.shape()))
    }
    fn grad(&self, _: usize, inputs: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy.sum_axes(&expanded_axes(inputs[0].shape(), y.shape())))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves()
    }
}

#[derive(Clone, Copy, Debug)]
struct Slice {
    axis: usize,
    start: usize,
    len: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        x.with_layout(x.layout().slice(self.axis, self.start, self.len))
    }
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let after = inputs[0].shape()[self.axis] - self.start - self.len;
        Some(dy.pad(self.axis, self.start, after))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        let end = self.start + self.len;
        Info::moves().set(format!("axis {} from {} to {end}", self.axis, self.start))
    }
}

/// Zeros before and after along one axis.
#[derive(Clone, Copy, Debug)]
struct Pad {
    axis: usize,
    before: usize,
    after: usize,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let mut shape = x.shape().to_vec();
        let size = shape[self.axis].saturating_add(self.before);
        shape[self.axis] = size.saturating_add(self.after);
        assert_possible("pad", &shape);
        let layout = Layout::contiguous(&shape);
        let mut out = result("pad", &layout, x.kind());
        out.fill(0.0);
        let inside = layout.slice(self.axis, self.before, x.shape()[self.axis]);
        copy::copy(x.view(&x.read()), &mut out, &inside);
        Array::from_buffer(out, layout)
    }
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy.slice(self.axis, self.before, inputs[0].shape()[self.axis]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves().set(format!(
            "axis {} by {} and {}",
            self.axis, self.before, self.after
        ))
    }
}

#[derive(Clone, Copy, Debug)]
struct Concat {
    axis: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let shapes: Vec<&[usize]> = inputs.iter().map(|x| x.shape()).collect();
        let shape = joined(&shapes, self.axis);
        let layout = Layout::contiguous(&shape);
        let mut out = result("concat", &layout, inputs[0].kind());
        let mut start = 0;
        for x in inputs {
            let part = layout.slice(self.axis, start, x.shape()[self.axis]);
            copy::copy(x.view(&x.read()), &mut out, &part);
            start += x.shape()[self.axis];
        }
        Array::from_buffer(out, layout)
    }
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let size = |x: &Tensor| x.shape()[self.axis];
        let start = inputs[..arg].iter().map(size).sum();
        Some(dy.slice(self.axis, start, size(&inputs[arg])))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves().set(format!("axis {}", self.axis))
    }
}

/// Rows `index` of the first dimension.
#[derive(Clone, Copy, Debug)]
struct Gather;

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let [x, index] = [inputs[0], &inputs[1].contiguous()];
        let shape = gathered(x.shape(), index.shape());
        let layout = Layout::contiguous(&shape);
        let mut out = result("gather", &layout, x.kind());
        copy::gather(x.view(&x.read()), &index.read(), &mut out);
        Array::from_buffer(out, layout)
    }
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let rows = inputs[0].shape()[0];
        (arg == 0).then(|| apply(ScatterAdd { rows }, &[dy, &inputs[1]]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves()
    }
}

/// Row i added to row `index[i]` of `rows` zero rows: gather's adjoint.
#[derive(Clone, Copy, Debug)]
struct ScatterAdd {
    rows: usize,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let [x, index] = [inputs[0], &inputs[1].contiguous()];
        let mut shape = x.shape().to_vec();
        shape[0] = self.rows;
        let layout = Layout::contiguous(&shape);
        let mut out = result("scatter_add", &layout, x.kind());
        copy::scatter_add(x.view(&x.read()), &index.read(), &mut out, self.rows);
        Array::from_buffer(out, layout)
    }
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        (arg == 0).then(|| apply(Gather, &[dy, &inputs[1]]))
    }
    fn info(&self, inputs: &[&[usize]], _: &[usize]) -> Info {
        Info::each(1, inputs[0])
    }
}

/// The same values in channels-last storage; see [`Tensor::channels_last`].
#[derive(Clone, Copy, Debug)]
struct ChannelsLast;

impl Op for ChannelsLast {
    fn name(&self) -> &'static str {
        "channels_last"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        inputs[0].channels_last()
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy.clone())
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves()
    }
}

impl Tensor {
    /// The same elements in row-major order under another shape.
    ///
    /// # Panics
    /// When the number of elements differs.
    #[must_use]
    #[track_caller]
    pub fn reshape(&self, shape: &[usize]) -> Self {
        if shape == self.shape() {
            return self.clone();
        }
        assert_possible("reshape", shape);
        let layout = Layout::contiguous(shape);
        assert!(
            layout.len() == self.len(),
            "reshape: {:?} has {} elements, and {shape:?} has {}",
            self.shape(),
            self.len(),
            layout.len()
        );
        apply(Reshape(layout), &[self])
    }

    /// The same elements without the dimensions `axes`, which are of size 1: what a reduction
    /// leaves them as.
    ///
    /// # Panics
    /// When an axis is not one of the shape's, is named twice, or has another size.
    #[must_use]
    #[track_caller]
    pub fn squeeze(&self, axes: &[usize]) -> Self {
        let shape = self.shape();
        let ones = reduced("squeeze", shape, axes);
        assert!(
            ones == shape,
            "squeeze: the axes {axes:?} of {shape:?} are not all of size 1; reduce or slice them first"
        );
        let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
        let kept: Vec<usize> = kept.map(|axis| shape[axis]).collect();
        self.reshape(&kept)
    }

    /// Dimensions in the order `axes`; a view.
    ///
    /// # Panics
    /// When `axes` is not a permutation.
    #[must_use]
    #[track_caller]
    pub fn permute(&self, axes: &[usize]) -> Self {
        let rank = self.shape().len();
        let all = (0..rank).all(|axis| axes.contains(&axis));
        assert!(
            all && axes.len() == rank,
            "permute: {axes:?} is not an order of the axes of {:?}; name each from 0 on once",
            self.shape()
        );
        let mut op = Permute {
            axes: [0; MAX_RANK],
            rank,
        };
        op.axes[..rank].copy_from_slice(axes);
        apply(op, &[self])
    }

    /// The last two dimensions swapped; a view.
    ///
    /// # Panics
    /// Below rank 2.
    #[must_use]
    #[track_caller]
    pub fn t(&self) -> Self {
        let rank = self.shape().len();
        assert!(
            rank >= 2,
            "t: {:?} has no two dimensions to swap; `reshape` gives it a second",
            self.shape()
        );
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(rank - 2, rank - 1);
        self.permute(&axes)
    }

    /// Dimensions of size 1 repeated to `shape`; missing leading dimensions are
    /// added. A view.
    ///
    /// # Panics
    /// When a dimension that is not 1 differs.
    #[must_use]
    #[track_caller]
    pub fn expand(&self, shape: &[usize]) -> Self {
        if shape == self.shape() {
            return self.clone();
        }
        assert_expands(self.shape(), shape);
        let rank = self.shape().len();
        if rank < shape.len() {
            let mut padded = vec![1; shape.len() - rank];
            padded.extend(self.shape());
            return self.reshape(&padded).expand(shape);
        }
        apply(Expand(Layout::contiguous(shape)), &[self])
    }

    /// A value per channel, `[C]`, repeated to `shape` `[N, C, …]`. A view.
    ///
    /// # Panics
    /// When this is not `[C]`.
    #[must_use]
    #[track_caller]
    pub fn expand_channels(&self, shape: &[usize]) -> Self {
        assert!(
            shape.len() >= 2 && self.shape() == [shape[1]],
            "expand_channels: {:?} to {shape:?}; expected [C] and [N, C, …]",
            self.shape()
        );
        let mut per_channel = vec![1; shape.len()];
        per_channel[1] = shape[1];
        self.reshape(&per_channel).expand(shape)
    }

    /// Elements `start..start + len` of dimension `axis`; a view.
    ///
    /// # Panics
    /// When the range leaves the dimension.
    #[must_use]
    #[track_caller]
    pub fn slice(&self, axis: usize, start: usize, len: usize) -> Self {
        let shape = self.shape();
        assert_axis("slice", shape, axis);
        let end = start.checked_add(len);
        assert!(
            end.is_some_and(|end| end <= shape[axis]),
            "slice: {len} elements from {start} on of axis {axis} of {shape:?}, which has {}",
            shape[axis]
        );
        apply(Slice { axis, start, len }, &[self])
    }

    /// Zeros added before and after dimension `axis`.
    ///
    /// # Panics
    /// When there is no such axis, or no memory for the result.
    #[must_use]
    #[track_caller]
    pub fn pad(&self, axis: usize, before: usize, after: usize) -> Self {
        assert_axis("pad", self.shape(), axis);
        apply(
            Pad {
                axis,
                before,
                after,
            },
            &[self],
        )
    }

    /// Tensors joined along `axis`; the other dimensions agree.
    ///
    /// # Panics
    /// When there is none, or a dimension other than `axis` differs.
    #[must_use]
    #[track_caller]
    pub fn concat(tensors: &[&Self], axis: usize) -> Self {
        assert!(
            !tensors.is_empty(),
            "concat: no tensors along axis {axis}; give it one at least"
        );
        apply(Concat { axis }, tensors)
    }

    /// Rows `index` (integers, stored as floats) of the first dimension.
    ///
    /// # Panics
    /// When this is a scalar, the index is not `[n]`, or one of it is out of range.
    #[must_use]
    #[track_caller]
    pub fn gather(&self, index: &Self) -> Self {
        apply(Gather, &[self, index])
    }

    /// The same values, stored channels-last: what images `[N, C, H, W]` are computed
    /// in. No copy when they already are.
    #[must_use]
    #[track_caller]
    pub fn channels_last(&self) -> Self {
        match self.value().layout().is_channels_last() {
            true => self.clone(),
            false => apply(ChannelsLast, &[self]),
        }
    }
}

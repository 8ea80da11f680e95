//! Slices with a step, and the order of an axis turned round.

use crate::array::result;
use crate::check::Case;
use crate::shape::assert_axis;
use crate::{Array, Info, Layout, Op, Tensor, apply};
use detach_kernels::copy;

/// Elements `start`, `start + step`, … of an axis of `size`; `len` of them.
#[derive(Clone, Copy, Debug)]
struct Steps {
    axis: usize,
    start: usize,
    step: usize,
    len: usize,
    size: usize,
}

impl Steps {
    /// These elements of what `layout` lays out.
    fn of(&self, layout: &Layout) -> Layout {
        // What is empty has no first element to start at.
        let first = layout
            .slice(self.axis, self.start.min(self.size), 0)
            .offset();
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        shape[self.axis] = self.len;
        strides[self.axis] *= self.step;
        Layout::strided(&shape, &strides, first)
    }

    fn info(&self) -> Info {
        let Self {
            axis, start, step, ..
        } = self;
        Info::moves().set(format!("axis {axis} from {start} by {step}"))
    }
}

#[derive(Clone, Copy, Debug)]
struct Take(Steps);

impl Op for Take {
    fn name(&self) -> &'static str {
        "slice_step"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        inputs[0].with_layout(self.0.of(inputs[0].layout()))
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(apply(Place(self.0), &[dy]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        self.0.info()
    }
}

/// Zeros but for these elements: the adjoint of [`Take`], which is its own.
#[derive(Clone, Copy, Debug)]
struct Place(Steps);

impl Op for Place {
    fn name(&self) -> &'static str {
        "place_step"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let mut shape = x.shape().to_vec();
        shape[self.0.axis] = self.0.size;
        let layout = Layout::contiguous(&shape);
        let mut out = result(self.name(), &layout, x.kind());
        out.fill(0.0);
        copy::copy(x.view(&x.read()), &mut out, &self.0.of(&layout));
        Array::from_buffer(out, layout)
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(apply(Take(self.0), &[dy]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        self.0.info()
    }
}

impl Tensor {
    /// Elements `start`, `start + step`, `start + 2·step`, … of dimension `axis`, `len` of them: every
    /// other one, or with a negative step from behind. A view, unless the step is negative.
    ///
    /// ```
    /// # use detach_tensor::{Array, Tensor};
    /// let x = Tensor::constant(Array::from_slice(&[0.0_f32, 1.0, 2.0, 3.0, 4.0], &[5]));
    /// assert_eq!(x.slice_step(0, 1, 2, 2).to_vec::<f32>(), [1.0, 3.0]);
    /// assert_eq!(x.slice_step(0, 4, -2, 3).to_vec::<f32>(), [4.0, 2.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When there is no such axis, the step is 0, or an element is not in the dimension.
    #[must_use]
    #[track_caller]
    pub fn slice_step(&self, axis: usize, start: usize, step: isize, len: usize) -> Self {
        let shape = self.shape();
        assert_axis("slice_step", shape, axis);
        let size = shape[axis];
        let most = len.saturating_sub(1).try_into().unwrap_or(isize::MAX);
        let last = step
            .checked_mul(most)
            .and_then(|way| start.checked_add_signed(way));
        let inside = len == 0 || (start < size && last.is_some_and(|last| last < size));
        assert!(
            step != 0 && inside,
            "slice_step: {len} elements from {start} on by {step} of axis {axis} of {shape:?}; \
             expected a step other than 0 and elements of 0..{size}"
        );
        let steps = |start, step| Steps {
            axis,
            start,
            step,
            len,
            size,
        };
        match (step, last) {
            (1, _) if len > 0 => self.slice(axis, start, len),
            (1.., _) => apply(Take(steps(start, step.unsigned_abs())), &[self]),
            (_, Some(last)) if len > 0 => {
                apply(Take(steps(last, step.unsigned_abs())), &[self]).flip(axis)
            }
            _ => apply(Take(steps(0, 1)), &[self]),
        }
    }

    /// The elements of dimension `axis` in the opposite order.
    ///
    /// # Panics
    /// When there is no such axis.
    #[must_use]
    #[track_caller]
    pub fn flip(&self, axis: usize) -> Self {
        assert_axis("flip", self.shape(), axis);
        let size = self.shape()[axis];
        if size < 2 {
            return self.clone();
        }
        let index: Vec<f64> = (0..size).rev().map(|i| i as f64).collect();
        let index = Self::constant(Array::from_f64(&index, &[size], self.kind()));
        let mut axes: Vec<usize> = (0..self.shape().len()).collect();
        axes.swap(0, axis);
        self.permute(&axes).gather(&index).permute(&axes)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let range = (-2.0, 2.0);
    let s = &[2, 7, 4][..];
    vec![
        Case::new("slice_step", |x| x[0].slice_step(1, 1, 3, 2)).input(s, range),
        Case::new("slice_step backwards", |x| x[0].slice_step(1, 6, -2, 3)).input(s, range),
        Case::new("slice_step of images", |x| x[0].slice_step(3, 0, 2, 2))
            .input(&[2, 3, 2, 4], range)
            .channels_last(),
        Case::new("flip", |x| x[0].flip(2)).input(s, range),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Array, Tensor, grad};

    /// Every start, step and length, beside the elements picked one by one; and the gradient, which
    /// is 1 where an element was picked.
    #[test]
    fn every_slice() {
        let values: Vec<f64> = (0..24).map(f64::from).collect();
        let x = Tensor::variable(Array::from_slice(&values, &[2, 6, 2]));
        let x = |view: bool| match view {
            true => x.permute(&[2, 1, 0]),
            false => x.clone(),
        };
        for (start, step, len) in (0..6).flat_map(|start| {
            let steps = (-7..=7).filter(|step| *step != 0);
            steps.flat_map(move |step| (0..=6).map(move |len| (start, step, len)))
        }) {
            let last = start + step * (len - 1);
            if len > 0 && !(0..6).contains(&last) {
                continue;
            }
            for x in [x(false), x(true)] {
                let y = x.slice_step(1, start as usize, step, len as usize);
                let picked: Vec<Tensor> = (0..len)
                    .map(|i| x.slice(1, (start + step * i) as usize, 1))
                    .collect();
                assert_eq!(y.shape(), [2, len as usize, 2]);
                if len == 0 {
                    continue;
                }
                let expected = Tensor::concat(&picked.iter().collect::<Vec<_>>(), 1);
                assert_eq!(y.to_vec::<f64>(), expected.to_vec::<f64>());
                let of = |y: &Tensor| grad(&y.square().sum(), &[&x], false)[0].to_vec::<f64>();
                assert_eq!(of(&y), of(&expected), "{start} {step} {len}");
            }
        }
        assert_eq!(x(false).slice_step(1, 6, 1, 0).shape(), [2, 0, 2]);
        assert_eq!(
            x(true).flip(0).flip(0).to_vec::<f64>(),
            x(true).to_vec::<f64>()
        );
    }
}

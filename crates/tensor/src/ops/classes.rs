//! Classes and the largest of several: argmax, one-hot, softmax, pooling.
//!
//! All but softmax are composed of maxima, comparisons and sums, so their derivatives of every order
//! come with them. Softmax and its logarithm have kernels: of rows as short as those of an attention,
//! six passes over memory took ten times as long as one.

use crate::array::result;
use crate::check::Case;
use crate::shape::{assert_axis, reduced_from_some};
use crate::{Array, Info, Kind, Layout, Op, Tensor, apply};
use detach_kernels::reduce::{self, Softmax};

/// Of rows, which are the last dimension.
#[derive(Clone, Copy, Debug)]
struct Rows(Softmax);

impl Op for Rows {
    fn name(&self) -> &'static str {
        match self.0 {
            Softmax::Plain => "softmax",
            Softmax::Log => "log_softmax",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0].contiguous();
        let layout = Layout::contiguous(x.shape());
        let mut out = result(self.name(), &layout, x.kind());
        reduce::softmax(self.0, row_len(&x), &x.read(), &mut out);
        Array::from_buffer(out, layout)
    }

    fn grad(&self, _: usize, _: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(apply(RowsGrad(self.0), &[dy, y]))
    }

    /// Of a row of n: the largest and the sum in n − 1 each, n differences and n exponentials, and then n quotients, or
    /// a logarithm and n differences.
    fn info(&self, _: &[&[usize]], output: &[usize]) -> Info {
        let ends = match self.0 {
            Softmax::Plain => 2,
            Softmax::Log => 1,
        };
        of_rows(5, ends, output)
    }
}

/// So many operations for each element, less so many for each row.
fn of_rows(each: usize, less: usize, shape: &[usize]) -> Info {
    let elements: usize = shape.iter().product();
    let rows = elements / shape.last().copied().unwrap_or(1).max(1);
    Info::of(each * elements - less * rows)
}

/// `(dy, y)`: y·(dy − Σ dy·y), of the logarithm dy − eʸ·Σ dy.
#[derive(Clone, Copy, Debug)]
struct RowsGrad(Softmax);

impl Op for RowsGrad {
    fn name(&self) -> &'static str {
        match self.0 {
            Softmax::Plain => "softmax_grad",
            Softmax::Log => "log_softmax_grad",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [dy, y] = [inputs[0].contiguous(), inputs[1].contiguous()];
        let layout = Layout::contiguous(y.shape());
        let mut out = result(self.name(), &layout, y.kind());
        reduce::softmax_grad(self.0, row_len(&y), [&dy.read(), &y.read()], &mut out);
        Array::from_buffer(out, layout)
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dx: &Tensor) -> Option<Tensor> {
        let (dy, y) = (&inputs[0], &inputs[1]);
        let last = y.shape().len() - 1;
        let total = |x: &Tensor| x.sum_axes(&[last]).expand(y.shape());
        Some(match (self.0, arg) {
            // Linear in dy, and its matrix is symmetric.
            (Softmax::Plain, 0) => apply(*self, &[dx, y]),
            (Softmax::Plain, _) => dx * (dy - total(&(dy * y))) - dy * total(&(dx * y)),
            (Softmax::Log, 0) => dx - total(&(dx * y.exp())),
            (Softmax::Log, _) => -(dx * y.exp() * total(dy)),
        })
    }

    /// Of a row of n: n products or exponentials, a sum in n − 1, n differences and n products.
    fn info(&self, _: &[&[usize]], output: &[usize]) -> Info {
        of_rows(4, 1, output)
    }
}

/// Elements of a row; of a scalar there are none to speak of.
fn row_len(x: &Array) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

/// 0, 1, … along `axis` of a shape of as many dimensions as `rank`, all others 1.
#[track_caller]
fn count_up(size: usize, axis: usize, rank: usize, kind: Kind) -> Tensor {
    assert!(
        size <= 1 << 24,
        "an axis of {size}: indices are stored as floats, which count to 2^24; reshape it to two"
    );
    let numbers: Vec<f64> = (0..size).map(|i| i as f64).collect();
    let mut shape = vec![1; rank];
    shape[axis] = size;
    Tensor::constant(Array::from_f64(&numbers, &shape, kind))
}

impl Tensor {
    /// Where along `axis`, which stays as a dimension of size 1, the largest element is: the first of
    /// equals, or the first NaN. An index is an integer stored as a float; its derivative is 0.
    ///
    /// # Panics
    /// When there is no such axis, it is empty, or longer than 2²⁴.
    #[must_use]
    #[track_caller]
    pub fn argmax(&self, axis: usize) -> Self {
        assert_axis("argmax", self.shape(), axis);
        let (x, shape) = (self.detach(), self.shape());
        let largest = x.max_axes(&[axis]).expand(shape);
        // Only where the largest is NaN is anything unlike itself.
        let hits = x.equal(&largest) + x.not_equal(&x);
        // Counted from behind, the first hit is the largest number.
        let size = shape[axis];
        let before_end = -count_up(size, axis, shape.len(), self.kind()) + size as f64;
        let first = (hits * before_end.expand(shape)).max_axes(&[axis]);
        -first + size as f64
    }

    /// Where along `axis`, which stays as a dimension of size 1, the smallest element is; as
    /// [`argmax`](Self::argmax).
    ///
    /// # Panics
    /// As [`argmax`](Self::argmax).
    #[must_use]
    #[track_caller]
    pub fn argmin(&self, axis: usize) -> Self {
        (-self.detach()).argmax(axis)
    }

    /// Labels `[…]`, integers stored as floats, as rows `[…, classes]` of zeros with a 1 at the
    /// label. Its derivative is 0.
    ///
    /// ```
    /// # use detach_tensor::{Array, Tensor};
    /// let labels = Tensor::constant(Array::from_slice(&[2.0_f32, 0.0], &[2]));
    /// assert_eq!(labels.one_hot(3).to_vec::<f32>(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When a label is not an integer in `0..classes` (on a GPU, where looking would be waiting, its row
    /// is NaN), or the shape has as many dimensions as there can be.
    #[must_use]
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Self {
        let row = count_up(classes, 1, 2, self.kind());
        let square = [classes, classes];
        let identity = row.t().expand(&square).equal(&row.expand(&square));
        let rows = identity.gather(&self.detach().reshape(&[self.len()]));
        rows.reshape(&[self.shape(), &[classes]].concat())
    }

    /// eˣ over its sum along `axis`: positive numbers that add up to 1. Without overflow for any x.
    ///
    /// # Panics
    /// When there is no such axis, or it is empty.
    #[must_use]
    #[track_caller]
    pub fn softmax(&self, axis: usize) -> Self {
        self.along(axis, Softmax::Plain)
    }

    /// The logarithm of [`softmax`](Self::softmax), with all its digits where that is close to 0 or
    /// not a number above it any more.
    ///
    /// # Panics
    /// As [`softmax`](Self::softmax).
    #[must_use]
    #[track_caller]
    pub fn log_softmax(&self, axis: usize) -> Self {
        self.along(axis, Softmax::Log)
    }

    #[track_caller]
    fn along(&self, axis: usize, softmax: Softmax) -> Self {
        let op = Rows(softmax);
        reduced_from_some(op.name(), self.shape(), &[axis]);
        let last = self.shape().len() - 1;
        let mut axes: Vec<usize> = (0..=last).collect();
        axes.swap(axis, last);
        match axis == last {
            true => apply(op, &[self]),
            false => apply(op, &[&self.permute(&axes)]).permute(&axes),
        }
    }

    /// The largest of each square of `size` by `size` pixels of images `[N, C, H, W]`. Rows and
    /// columns that fill no square are left out, as PyTorch's. Equal pixels share the gradient, where
    /// PyTorch gives it to the first.
    ///
    /// # Panics
    /// When these are no images, or a side is shorter than `size`, which is 1 at least.
    #[must_use]
    #[track_caller]
    pub fn max_pool2(&self, size: usize) -> Self {
        let &[n, c, height, width] = self.shape() else {
            panic!(
                "max_pool2: {:?}; expected images [N, C, H, W]",
                self.shape()
            )
        };
        assert!(
            size > 0 && height >= size && width >= size,
            "max_pool2: squares of {size} by {size} in {:?}; use a size from 1 to its sides",
            self.shape()
        );
        let (rows, columns) = (height / size, width / size);
        let whole = self.slice(2, 0, rows * size).slice(3, 0, columns * size);
        let squares = whole.reshape(&[n, c, rows, size, columns, size]);
        let largest = squares.max_axes(&[3, 5]).squeeze(&[3, 5]);
        match self.value().layout().is_channels_last() {
            true => largest.channels_last(),
            false => largest,
        }
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let range = (-2.0, 2.0);
    let s = &[2, 5, 3][..];
    vec![
        Case::new("argmax", |x| x[0].argmax(1).expand(x[0].shape()) * &x[0]).input(s, range),
        Case::new("one_hot", |x| x[0].one_hot(4) * &x[1])
            .index(&[3.0, 0.0, 1.0])
            .input(&[3, 4], range),
        Case::new("softmax", |x| x[0].softmax(1)).input(s, range),
        Case::new("softmax of rows", |x| x[0].softmax(2)).input(s, range),
        Case::new("log_softmax", |x| x[0].log_softmax(1)).input(s, range),
        Case::new("max_pool2", |x| x[0].max_pool2(2))
            .input(&[2, 3, 5, 4], range)
            .channels_last(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Array, DType, Tensor, grad};

    fn tensor(values: &[f64], shape: &[usize], dtype: DType) -> Tensor {
        Tensor::variable(Array::from_f64(values, shape, dtype))
    }

    #[test]
    fn the_first_of_equals() {
        const NAN: f64 = f64::NAN;
        for dtype in [DType::F32, DType::F64] {
            let rows = [
                [1.0, 3.0, 3.0, -1.0],
                [2.0, 2.0, 2.0, 2.0],
                [1.0, NAN, 5.0, NAN],
                [f64::NEG_INFINITY; 4],
                [0.0, -0.0, f64::INFINITY, f64::INFINITY],
            ];
            let x = tensor(rows.as_flattened(), &[5, 4], dtype);
            let largest = x.argmax(1);
            assert_eq!(largest.shape(), [5, 1]);
            assert_eq!(largest.to_vec::<f64>(), [1.0, 0.0, 1.0, 0.0, 2.0]);
            assert_eq!(x.argmin(1).to_vec::<f64>(), [3.0, 0.0, 1.0, 0.0, 0.0]);
            assert_eq!(x.t().argmax(0).to_vec::<f64>(), largest.to_vec::<f64>());
            assert!(!largest.is_tracked());
        }
    }

    /// What is too large for an exponential, and what is 0 beside it.
    #[test]
    fn softmax_of_extremes() {
        for dtype in [DType::F32, DType::F64] {
            let rows = [[1e4, 0.0], [-1e4, -1e4], [f64::NEG_INFINITY, 3.0]];
            let x = tensor(rows.as_flattened(), &[3, 2], dtype);
            assert_eq!(x.softmax(1).to_vec::<f64>(), [1.0, 0.0, 0.5, 0.5, 0.0, 1.0]);
            let log = x.log_softmax(1).to_vec::<f64>();
            assert_eq!(log[..2], [0.0, -1e4]);
            assert!((log[2] + 2.0_f64.ln()).abs() < 1e-7);
            assert_eq!(log[4..], [f64::NEG_INFINITY, 0.0]);
            let dx = grad(&x.log_softmax(1).slice(1, 1, 1).sum(), &[&x], false);
            let dx = dx[0].to_vec::<f64>();
            assert_eq!(dx, [-1.0, 1.0, -0.5, 0.5, 0.0, 0.0]);
        }
    }

    /// The kernels against the formula they stand for, to the third order.
    #[test]
    fn softmax_is_its_formula() {
        let random = crate::Random::new(3, crate::Stream::Noise);
        let x = Tensor::variable(random.normal(&[3, 5, 4], DType::F64).value().clone());
        let c = random.at(1).normal(&[3, 5, 4], DType::F64);
        let below = |x: &Tensor, axis| x - x.detach().max_axes(&[axis]).expand(x.shape());
        let of_sum = |x: &Tensor, axis| x.exp().sum_axes(&[axis]).expand(x.shape());
        for axis in 0..3 {
            let formula = below(&x, axis).exp() / of_sum(&below(&x, axis), axis);
            let log_formula = below(&x, axis) - of_sum(&below(&x, axis), axis).ln();
            for (fused, formula) in [
                (x.softmax(axis), formula),
                (x.log_softmax(axis), log_formula),
            ] {
                let orders = |y: &Tensor| {
                    let mut all = vec![y.clone()];
                    for _ in 0..3 {
                        let last = all.last().expect("one") * &c;
                        all.push(grad(&last.square().sum(), &[&x], true).remove(0));
                    }
                    all
                };
                for (order, (a, b)) in orders(&fused).iter().zip(orders(&formula)).enumerate() {
                    let (a, b) = (a.to_vec::<f64>(), b.to_vec::<f64>());
                    let close = a
                        .iter()
                        .zip(&b)
                        .all(|(a, b)| (a - b).abs() <= 1e-11 * b.abs().max(1.0));
                    assert!(close, "axis {axis}, order {order}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn labels_of_any_shape() {
        let labels = tensor(&[1.0, 0.0, 2.0, 1.0], &[2, 2], DType::F32);
        let rows = labels.one_hot(3);
        assert_eq!(rows.shape(), [2, 2, 3]);
        assert_eq!(rows.argmax(2).to_vec::<f32>(), labels.to_vec::<f32>());
        assert_eq!(rows.sum().item(), 4.0);
        for wrong in [3.0, -1.0, 0.5, f64::NAN] {
            let refused =
                std::panic::catch_unwind(|| tensor(&[wrong], &[1], DType::F64).one_hot(3).len());
            assert!(refused.is_err(), "{wrong}");
        }
    }

    #[test]
    fn pools_are_the_largest_of_squares() {
        let values: Vec<f64> = (0..30).map(f64::from).collect();
        let x = tensor(&values, &[1, 2, 3, 5], DType::F64);
        for x in [x.clone(), x.channels_last()] {
            let y = x.max_pool2(2);
            assert_eq!(y.shape(), [1, 2, 1, 2]);
            assert_eq!(y.to_vec::<f64>(), [6.0, 8.0, 21.0, 23.0]);
            assert_eq!(
                y.value().layout().is_channels_last(),
                x.value().layout().is_channels_last()
            );
            assert_eq!(x.max_pool2(1).to_vec::<f64>(), values);
        }
        let flat = tensor(&[1.0; 4], &[1, 1, 2, 2], DType::F64);
        let dx = grad(&flat.max_pool2(2).sum(), &[&flat], false);
        assert_eq!(dx[0].to_vec::<f64>(), [0.25; 4]);
    }
}

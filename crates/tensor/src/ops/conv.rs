//! Convolutions: three ops over one geometry.
//!
//! A convolution is bilinear, y = fprop(x, w), so it has two adjoints: x = dgrad(y, w)
//! and w = wgrad(x, y). Each of the three is bilinear again and its derivatives are
//! the other two: the trio is closed, and dgrad *is* the transposed convolution
//! (Dumoulin & Visin, arXiv:1603.07285).
//!
//! | op | d/d first | d/d second |
//! |---|---|---|
//! | fprop(x, w) | dgrad(dy, w) | wgrad(x, dy) |
//! | dgrad(y, w) | fprop(dx, w) | wgrad(dx, y) |
//! | wgrad(x, y) | dgrad(y, dw) | fprop(x, dw) |

use super::fuse::{Epilogue, Fused};
use crate::array::result;
use crate::check::Case;
use crate::info::{both, times};
use crate::{Array, Conv, Info, Layout, Op, Tensor, apply};
use detach_kernels::conv;
use detach_kernels::{Buffer, Variant};

#[derive(Clone, Copy, Debug)]
struct Fprop(Conv);

#[derive(Clone, Copy, Debug)]
struct Dgrad(Conv);

#[derive(Clone, Copy, Debug)]
struct Wgrad(Conv);

/// Runs `kernel` on both operands in channels-last storage, into a result in it.
#[track_caller]
fn run(
    op: &str,
    [a, b]: [&Array; 2],
    shape: [usize; 4],
    kernel: impl FnOnce(&Buffer, &Buffer, &mut Buffer),
) -> Array {
    let (a, b) = (a.channels_last(), b.channels_last());
    let layout = Layout::channels_last(&shape);
    let mut out = result(op, &layout, a.kind());
    kernel(&a.read(), &b.read(), &mut out);
    Array::from_buffer(out, layout)
}

/// The three are one product of three indices, so their costs are the same: each element of the small image meets each
/// tap of each channel of the big one.
fn info(of: &Conv) -> Info {
    let small: usize = of.small_shape().iter().product();
    let [_, big_channels, rows, columns] = of.weight_shape();
    let mut geometry = times(&[rows, columns]);
    for (word, pair, usual) in [
        (" stride ", of.stride(), 1),
        (" pad ", of.padding(), 0),
        (" dilation ", of.dilation(), 1),
    ] {
        if pair != [usual; 2] {
            geometry += word;
            geometry += &both(pair);
        }
    }
    Info::of(2 * small * big_channels * rows * columns).set(geometry)
}

impl Fused for Fprop {
    fn run(&self, inputs: [&Array; 2], epilogue: &conv::Epilogue<'_>) -> Array {
        run(self.name(), inputs, self.0.small_shape(), |x, w, y| {
            conv::fprop_with(Variant::Fast, &self.0, [x, w], epilogue, y);
        })
    }
}

impl Fused for Dgrad {
    fn run(&self, inputs: [&Array; 2], epilogue: &conv::Epilogue<'_>) -> Array {
        run(self.name(), inputs, self.0.big_shape(), |y, w, x| {
            conv::dgrad_with(Variant::Fast, &self.0, [y, w], epilogue, x);
        })
    }
}

impl Op for Fprop {
    fn name(&self) -> &'static str {
        "conv fprop"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        self.run([inputs[0], inputs[1]], &conv::Epilogue::NONE)
    }
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(match arg {
            0 => apply(Dgrad(self.0), &[dy, &inputs[1]]),
            _ => apply(Wgrad(self.0), &[&inputs[0], dy]),
        })
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        info(&self.0)
    }
}

impl Op for Dgrad {
    fn name(&self) -> &'static str {
        "conv dgrad"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        self.run([inputs[0], inputs[1]], &conv::Epilogue::NONE)
    }
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dx: &Tensor) -> Option<Tensor> {
        Some(match arg {
            0 => apply(Fprop(self.0), &[dx, &inputs[1]]),
            _ => apply(Wgrad(self.0), &[dx, &inputs[0]]),
        })
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        info(&self.0)
    }
}

impl Op for Wgrad {
    fn name(&self) -> &'static str {
        "conv wgrad"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let (inputs, shape) = ([inputs[0], inputs[1]], self.0.weight_shape());
        run(self.name(), inputs, shape, |x, y, w| {
            conv::wgrad(&self.0, x, y, w);
        })
    }
    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dw: &Tensor) -> Option<Tensor> {
        Some(match arg {
            0 => apply(Dgrad(self.0), &[&inputs[1], dw]),
            _ => apply(Fprop(self.0), &[&inputs[0], dw]),
        })
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        info(&self.0)
    }
}

impl Tensor {
    /// 2-D convolution of `[N, I, H, W]` with `weight` `[O, I, kh, kw]`, zero padding
    /// and no bias, to `[N, O, (H + 2·padding − kh) / stride + 1, …]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn conv2d(&self, weight: &Self, stride: [usize; 2], padding: [usize; 2]) -> Self {
        self.conv2d_fused(weight, stride, padding, Epilogue::default())
    }

    /// `act(conv2d(self) + bias)` with a bias `[O]`, in one pass over memory.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn conv2d_fused(
        &self,
        weight: &Self,
        stride: [usize; 2],
        padding: [usize; 2],
        epilogue: Epilogue<'_>,
    ) -> Self {
        self.conv2d_dilated(weight, stride, padding, [1; 2], epilogue)
    }

    /// [`Tensor::conv2d_fused`] with `dilation` pixels from tap to tap.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn conv2d_dilated(
        &self,
        weight: &Self,
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        epilogue: Epilogue<'_>,
    ) -> Self {
        let shapes = [self.shape(), weight.shape()];
        let geometry = Conv::forward_dilated(shapes[0], shapes[1], stride, padding, dilation);
        let shape = geometry.small_shape();
        epilogue.apply(Fprop(geometry), [self, weight], &shape)
    }

    /// Transposed 2-D convolution of `[N, I, H, W]` with `weight` `[I, O, kh, kw]`,
    /// to `[N, O, (H − 1)·stride − 2·padding + kh + output_padding, …]`: the adjoint of
    /// the [`conv2d`](Self::conv2d) that maps such outputs to such inputs.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn conv_transpose2d(
        &self,
        weight: &Self,
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
    ) -> Self {
        self.conv_transpose2d_fused(weight, stride, padding, output_padding, Epilogue::default())
    }

    /// `act(conv_transpose2d(self) + bias)` with a bias `[O]`, in one pass over memory.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn conv_transpose2d_fused(
        &self,
        weight: &Self,
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
        epilogue: Epilogue<'_>,
    ) -> Self {
        self.conv_transpose2d_dilated(weight, stride, padding, output_padding, [1; 2], epilogue)
    }

    /// [`Tensor::conv_transpose2d_fused`] with `dilation` pixels of the result from tap to tap.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn conv_transpose2d_dilated(
        &self,
        weight: &Self,
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
        dilation: [usize; 2],
        epilogue: Epilogue<'_>,
    ) -> Self {
        let shapes = [self.shape(), weight.shape()];
        let geometry = Conv::transposed_dilated(shapes, stride, padding, output_padding, dilation);
        let shape = geometry.big_shape();
        epilogue.apply(Dgrad(geometry), [self, weight], &shape)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let range = (-1.0, 1.0);
    let conv = |name, x: &[usize], w: &[usize], stride, padding| {
        Case::new(name, move |t| t[0].conv2d(&t[1], stride, padding))
            .input(x, range)
            .channels_last()
            .input(w, range)
    };
    let transposed = |name, x: &[usize], w: &[usize], stride, padding, extra| {
        Case::new(name, move |t| {
            t[0].conv_transpose2d(&t[1], stride, padding, extra)
        })
        .input(x, range)
        .input(w, range)
    };
    // wgrad as a forward op is reached by differentiating; here it is the op itself.
    let wgrad = Conv::forward(&[2, 2, 5, 6], &[3, 2, 4, 3], [2, 1], [1, 0]);
    vec![
        conv(
            "conv k4 s2 p1",
            &[2, 2, 6, 6],
            &[3, 2, 4, 4],
            [2, 2],
            [1, 1],
        ),
        conv(
            "conv k3 s1 p1",
            &[2, 3, 4, 5],
            &[1, 3, 3, 3],
            [1, 1],
            [1, 1],
        ),
        conv(
            "conv k3 s2, a row unused",
            &[1, 2, 6, 6],
            &[2, 2, 3, 3],
            [2, 2],
            [0, 0],
        ),
        Case::new("conv, dilated", |t| {
            t[0].conv2d_dilated(&t[1], [2, 1], [1, 2], [2, 3], Epilogue::default())
        })
        .input(&[2, 2, 6, 7], range)
        .channels_last()
        .input(&[3, 2, 3, 2], range),
        Case::new("conv transpose, dilated", |t| {
            t[0].conv_transpose2d_dilated(
                &t[1],
                [2, 3],
                [1, 0],
                [0, 1],
                [3, 2],
                Epilogue::default(),
            )
        })
        .input(&[2, 3, 3, 2], range)
        .input(&[3, 2, 2, 3], range),
        conv("conv k1", &[2, 3, 3, 3], &[4, 3, 1, 1], [1, 1], [0, 0]),
        conv(
            "conv over the whole image",
            &[2, 3, 4, 4],
            &[1, 3, 4, 4],
            [1, 1],
            [0, 0],
        ),
        transposed(
            "conv transpose k4 s2 p1",
            &[2, 3, 3, 3],
            &[3, 2, 4, 4],
            [2, 2],
            [1, 1],
            [0, 0],
        ),
        transposed(
            "conv transpose from 1×1",
            &[2, 3, 1, 1],
            &[3, 2, 4, 4],
            [1, 1],
            [0, 0],
            [0, 0],
        ),
        transposed(
            "conv transpose, output padding",
            &[1, 2, 3, 3],
            &[2, 2, 3, 3],
            [2, 2],
            [1, 1],
            [1, 1],
        ),
        Case::new("conv wgrad", move |t| apply(Wgrad(wgrad), &[&t[0], &t[1]]))
            .input(&wgrad.big_shape(), range)
            .input(&wgrad.small_shape(), range),
    ]
}

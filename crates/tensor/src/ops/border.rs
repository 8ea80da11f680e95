//! Pads that repeat an image's own pixels, and what is made of them: bilinear enlarging.
//!
//! Two linear ops, each the other's adjoint and rule: a pad repeats pixels, a fold adds what stands
//! for a pixel to it.

use crate::array::result;
use crate::check::Case;
use crate::{Array, Fir, Info, Layout, Op, Tensor, apply};
use detach_kernels::border::{self, Border, Edge};

#[derive(Clone, Copy, Debug)]
struct Pad(Border);

#[derive(Clone, Copy, Debug)]
struct Fold(Border);

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad of images"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0].channels_last();
        let layout = Layout::channels_last(&self.0.out_shape());
        let mut out = result(self.name(), &layout, x.kind());
        border::pad(&self.0, &x.read(), &mut out);
        Array::from_buffer(out, layout)
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(apply(Fold(self.0), &[dy]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        Info::moves()
    }
}

impl Op for Fold {
    fn name(&self) -> &'static str {
        "fold of a pad"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let y = inputs[0].channels_last();
        let layout = Layout::channels_last(&self.0.in_shape());
        let mut out = result(self.name(), &layout, y.kind());
        border::fold(&self.0, &y.read(), &mut out);
        Array::from_buffer(out, layout)
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dx: &Tensor) -> Option<Tensor> {
        Some(apply(Pad(self.0), &[dx]))
    }
    /// What lies on the same pixel is added.
    fn info(&self, inputs: &[&[usize]], output: &[usize]) -> Info {
        let elements = |shape: &[usize]| shape.iter().product::<usize>();
        Info::of(elements(inputs[0]) - elements(output))
    }
}

impl Tensor {
    /// Images `[N, C, H, W]` with their mirror images around them, the outermost pixels not
    /// repeated; `pads` is `[[top, bottom], [left, right]]`.
    ///
    /// ```
    /// # use detach_tensor::{Array, Tensor};
    /// let x = Tensor::constant(Array::from_slice(&[0.0, 1.0, 2.0], &[1, 1, 1, 3]));
    /// let y = x.pad_reflect([[0, 0], [2, 1]]);
    /// assert_eq!(y.to_vec::<f64>(), [2.0, 1.0, 0.0, 1.0, 2.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When this is no batch of images, or a pad is not shorter than the image.
    #[must_use]
    #[track_caller]
    pub fn pad_reflect(&self, pads: [[usize; 2]; 2]) -> Self {
        apply(Pad(Border::new(self.shape(), pads, Edge::Reflect)), &[self])
    }

    /// Images `[N, C, H, W]` with their outermost pixels repeated around them; `pads` is
    /// `[[top, bottom], [left, right]]`.
    ///
    /// # Panics
    /// When this is no batch of images, or there are no pixels to repeat.
    #[must_use]
    #[track_caller]
    pub fn pad_replicate(&self, pads: [[usize; 2]; 2]) -> Self {
        let border = Border::new(self.shape(), pads, Edge::Replicate);
        apply(Pad(border), &[self])
    }

    /// Images twice as large, pixels in between made of their neighbours in the ratio 3 : 1, at the
    /// border of the outermost alone: PyTorch's `Upsample(scale_factor=2, mode="bilinear")`, which
    /// does not align corners.
    ///
    /// ```
    /// # use detach_tensor::{Array, Tensor};
    /// let x = Tensor::constant(Array::from_slice(&[0.0, 4.0], &[1, 1, 1, 2]));
    /// let row = x.upsample_bilinear2().slice(2, 0, 1);
    /// assert_eq!(row.to_vec::<f64>(), [0.0, 1.0, 3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::pad_replicate`].
    #[must_use]
    #[track_caller]
    pub fn upsample_bilinear2(&self) -> Self {
        let fir = Fir::new(&[0.25, 0.75, 0.75, 0.25]).up(2).pad([0, -1]);
        self.pad_replicate([[1; 2]; 2]).resample(&fir)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, f: fn(&Tensor) -> Tensor| {
        Case::new(name, move |x| f(&x[0]))
            .input(&[2, 3, 3, 4], (-2.0, 2.0))
            .channels_last()
    };
    vec![
        case("pad_reflect", |x| x.pad_reflect([[2, 1], [0, 3]])),
        case("pad_replicate", |x| x.pad_replicate([[4, 0], [1, 2]])),
        case("upsample_bilinear2", Tensor::upsample_bilinear2),
    ]
}

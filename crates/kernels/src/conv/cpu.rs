//! `f32` convolutions on the host: which form a geometry takes, and what follows the sum.

use super::geometry::Conv;
use super::{im2col, narrow, winograd};
use crate::gemm::cpu::{gemm, gemm_act};
use crate::gemm::matrix::Matrix;
use crate::gemm::{Epilogue, TypedEpilogue};
use crate::parallel::{CHUNK, for_each_chunk};
use std::fmt;

/// The algorithms for a convolution. They differ in their last bits, so the choice
/// depends on the geometry alone, never on a timing or on the number of threads; but where
/// Winograd's results are not all finite, they are computed again by patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The images are matrices already: one product.
    Matrix,
    /// Few channels on one side: sums straight from the image.
    Direct,
    /// Kernel 4, stride 2, padding 1: Winograd's F(3,2) and F(2,2). Kernel 3, stride 1, padding 1: F(2,3).
    Winograd,
    /// Patches gathered into a matrix.
    Im2col,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Matrix => "matrix product",
            Self::Direct => "direct",
            Self::Winograd => "Winograd",
            Self::Im2col => "im2col",
        })
    }
}

impl Conv {
    /// The form that is fastest for this geometry (`benches/RESULTS.md`), the same on
    /// all levels of instructions.
    pub fn form(&self) -> Form {
        if self.as_matrix().is_some() {
            Form::Matrix
        } else if narrow::fits(self) {
            Form::Direct
        } else if winograd::fits(self) {
            Form::Winograd
        } else {
            Form::Im2col
        }
    }

    /// Rows and columns of the big image as the matrix of its own patches, when
    /// each element is in exactly one patch and patches are stored one by one.
    fn as_matrix(&self) -> Option<(usize, usize)> {
        let pointwise = self.kernel == [1, 1] && self.stride == [1, 1];
        let whole = self.small == [1, 1] && self.kernel == self.big;
        let [h, w] = self.small;
        ((pointwise || whole) && self.padding == [0, 0] && self.is_dense())
            .then(|| (self.batch * h * w, self.patch()))
    }

    fn small_matrix<'a>(&self, y: &'a [f32]) -> Matrix<'a, f32> {
        let channels = self.small_channels;
        Matrix::row_major(y, y.len() / channels, channels)
    }

    fn big_matrix<'a>(&self, x: &'a [f32]) -> Matrix<'a, f32> {
        Matrix::row_major(x, x.len() / self.patch(), self.patch())
    }

    fn weight_matrix<'a>(&self, w: &'a [f32]) -> Matrix<'a, f32> {
        Matrix::row_major(w, self.small_channels, self.patch())
    }
}

/// `y` from `x` and `w`, in a form that the geometry has.
pub(super) fn fprop(
    form: Form,
    conv: &Conv,
    x: &[f32],
    w: &[f32],
    epilogue: &Epilogue<'_>,
    y: &mut [f32],
) {
    let act = TypedEpilogue::<f32>::new(epilogue);
    match form {
        Form::Matrix => gemm_act(conv.big_matrix(x), conv.weight_matrix(w).t(), y, &act),
        Form::Direct => narrow::fprop(conv, x, w, y, &direct(&act)),
        Form::Winograd => {
            if !winograd::fprop(conv, x, w, act.bias, y) {
                return fprop(Form::Im2col, conv, x, w, epilogue, y);
            }
            finish(&TypedEpilogue { bias: None, ..act }, conv.small_channels, y);
        }
        Form::Im2col => {
            im2col::fprop(conv, x, w, y);
            finish(&act, conv.small_channels, y);
        }
    }
}

/// The gradient in `x` from `y`'s and `w`.
pub(super) fn dgrad(
    form: Form,
    conv: &Conv,
    y: &[f32],
    w: &[f32],
    epilogue: &Epilogue<'_>,
    x: &mut [f32],
) {
    let act = TypedEpilogue::<f32>::new(epilogue);
    match form {
        Form::Matrix => {
            gemm(conv.small_matrix(y), conv.weight_matrix(w), x);
            finish(&act, conv.big_channels, x);
        }
        Form::Direct => narrow::dgrad(conv, y, w, x, &direct(&act)),
        Form::Winograd => {
            if !winograd::dgrad(conv, y, w, act.bias, x) {
                return dgrad(Form::Im2col, conv, y, w, epilogue, x);
            }
            finish(&TypedEpilogue { bias: None, ..act }, conv.big_channels, x);
        }
        Form::Im2col => {
            im2col::dgrad(conv, y, w, x);
            finish(&act, conv.big_channels, x);
        }
    }
}

/// The gradient in `w` from `x` and `y`'s.
pub(super) fn wgrad(form: Form, conv: &Conv, x: &[f32], y: &[f32], w: &mut [f32]) {
    match form {
        Form::Matrix => gemm(conv.small_matrix(y).t(), conv.big_matrix(x), w),
        Form::Direct => narrow::wgrad(conv, x, y, w),
        Form::Winograd => {
            if !winograd::wgrad(conv, x, y, w) {
                wgrad(Form::Im2col, conv, x, y, w);
            }
        }
        Form::Im2col => im2col::wgrad(conv, x, y, w),
    }
}

fn direct<'a>(act: &TypedEpilogue<'a>) -> narrow::DirectEpilogue<'a> {
    narrow::DirectEpilogue {
        bias: act.bias,
        slope: act.slope,
    }
}

/// What follows the sum, where the form has not done it.
fn finish(act: &TypedEpilogue<'_>, channels: usize, out: &mut [f32]) {
    if act.bias.is_none() && act.slope == 1.0 {
        return;
    }
    let (chunk, work) = ((CHUNK / channels).max(1) * channels, 2 * out.len());
    for_each_chunk(out, chunk, work, |_, pixels| {
        for pixel in pixels.chunks_exact_mut(channels) {
            act.finish(pixel, 0);
        }
    });
}

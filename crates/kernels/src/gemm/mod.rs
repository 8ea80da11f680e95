//! Matrix multiplication.
//!
//! ```text
//! out[i, j] = sum over p of a[i, p] * b[p, j]
//! ```
//!
//! The operands may be any views: a transposed weight or a broadcast row costs
//! no copy. With three dimensions, the first counts independent products.

mod blocked;
mod caches;
pub(crate) mod cpu;
pub(crate) mod cuda;
pub(crate) mod matrix;
pub(crate) mod pack;
mod peer;
mod reference;
mod share;
#[cfg(test)]
mod tests;
pub(crate) mod tile;
mod transpose;
mod vector;

use crate::{Buffer, DType, Device, Real, Variant, View};
use matrix::Matrix;

/// What runs on the CPU: [`Variant::Reference`], [`Variant::Peer`], [`Variant::Fast`].
pub const VARIANTS: &[&str] = &["reference", "blocked matrixmultiply", "register tiles"];

/// What happens to a product on its way to memory: `act(a * b + bias)`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// `[N]`, added to each row.
    pub bias: Option<&'a Buffer>,
    /// Negative results are multiplied by it: 1 is the identity, 0 ReLU, anything
    /// between LeakyReLU.
    pub slope: f64,
}

impl Epilogue<'_> {
    /// The product as it is.
    pub const NONE: Self = Self {
        bias: None,
        slope: 1.0,
    };
}

/// An [`Epilogue`] of one element type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypedEpilogue<'a, T = f32> {
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) slope: T,
}

impl TypedEpilogue<'_> {
    const NONE: Self = Self {
        bias: None,
        slope: 1.0,
    };
}

impl<'a, T: Real> TypedEpilogue<'a, T> {
    pub(crate) fn new(epilogue: &Epilogue<'a>) -> Self {
        Self {
            bias: epilogue.bias.map(Buffer::as_slice),
            slope: T::of(epilogue.slope),
        }
    }

    /// Finishes part of a row of sums, which starts in column `start`.
    pub(crate) fn finish(&self, row: &mut [T], start: usize) {
        if let Some(bias) = self.bias {
            for (x, &bias) in row.iter_mut().zip(&bias[start..]) {
                *x += bias;
            }
        }
        if self.slope != T::ONE {
            for x in row.iter_mut().filter(|x| **x < T::ZERO) {
                *x *= self.slope;
            }
        }
    }
}

/// `a` `[M, K]` times `b` `[K, N]`, or `[B, M, K]` times `[B, K, N]`, into the
/// contiguous `out`.
///
/// # Panics
/// When the shapes do not fit, the operands differ in type or device, or `out`
/// has another number of elements.
#[track_caller]
pub fn gemm(a: View<'_>, b: View<'_>, out: &mut Buffer) {
    gemm_fused_with(Variant::Fast, a, b, &Epilogue::NONE, out);
}

/// [`gemm`] and what follows it: `out = act(a * b + bias)`.
///
/// # Panics
/// As [`gemm`], and when the bias has another size than N, type or device.
#[track_caller]
pub fn gemm_fused(a: View<'_>, b: View<'_>, epilogue: &Epilogue<'_>, out: &mut Buffer) {
    gemm_fused_with(Variant::Fast, a, b, epilogue, out);
}

/// [`gemm`] by the implementation named.
///
/// # Panics
/// As [`gemm`].
#[track_caller]
pub fn gemm_with(variant: Variant, a: View<'_>, b: View<'_>, out: &mut Buffer) {
    gemm_fused_with(variant, a, b, &Epilogue::NONE, out);
}

/// [`gemm_fused`] by the implementation named.
///
/// # Panics
/// As [`gemm_fused`].
#[track_caller]
pub fn gemm_fused_with(
    variant: Variant,
    a: View<'_>,
    b: View<'_>,
    epilogue: &Epilogue<'_>,
    out: &mut Buffer,
) {
    let [rows, columns] = check(a, b, epilogue, out);
    if out.is_empty() {
        return;
    }
    let products = out.len() / (rows * columns);
    match (out.device(), out.dtype(), variant) {
        (Device::Cpu, DType::F32, Variant::Fast) => {
            let act = TypedEpilogue::new(epilogue);
            let product = |i| (matrix(a, i), matrix(b, i));
            cpu::gemm_all(products, product, out.as_mut_slice(), &act);
        }
        (Device::Cuda(device), ..) => cuda::gemm(device, [a, b], epilogue, out),
        (Device::Cpu, dtype, _) => crate::dispatch!(dtype, T => {
            let act = TypedEpilogue::<T>::new(epilogue);
            match variant == Variant::Peer && dtype == DType::F32 {
                true => {
                    let out = out.as_mut_slice::<f32>().chunks_exact_mut(rows * columns);
                    out.enumerate().for_each(|(i, out)| peer::gemm(matrix(a, i), matrix(b, i), out));
                }
                false => {
                    let product = |i| (matrix(a, i), matrix(b, i));
                    reference::gemm_all(products, product, out.as_mut_slice::<T>());
                }
            }
            for row in out.as_mut_slice::<T>().chunks_exact_mut(columns) {
                act.finish(row, 0);
            }
        }),
    }
}

/// Product `i` of a batch's operand, or the only one.
fn matrix<'a, T: Real>(x: View<'a>, i: usize) -> Matrix<'a, T> {
    let (shape, strides) = (x.layout.shape(), x.layout.strides());
    let first = x.layout.offset() + if shape.len() == 3 { i * strides[0] } else { 0 };
    let data = x.buffer.as_slice();
    let (rows, columns) = (shape.len() - 2, shape.len() - 1);
    Matrix::new(
        &data[first.min(data.len())..],
        [shape[rows], shape[columns]],
        [strides[rows], strides[columns]],
    )
}

/// Checks the operands and returns the shape of one product.
#[track_caller]
fn check(a: View<'_>, b: View<'_>, epilogue: &Epilogue<'_>, out: &Buffer) -> [usize; 2] {
    let (left, right) = (a.layout.shape(), b.layout.shape());
    let fit = match (left, right) {
        ([_, k], [l, _]) => k == l,
        ([count, _, k], [other, l, _]) => count == other && k == l,
        _ => false,
    };
    assert!(
        fit,
        "gemm: {left:?} times {right:?}; [M, K] times [K, N] or [B, M, K] times [B, K, N] fit"
    );
    for x in [Some(a.buffer), Some(b.buffer), epilogue.bias]
        .into_iter()
        .flatten()
    {
        let (kind, of_out) = ((x.dtype(), x.device()), (out.dtype(), out.device()));
        assert_eq!(kind, of_out, "gemm: type and device of input and output");
    }
    let shape = [left[left.len() - 2], right[right.len() - 1]];
    let batch = if left.len() == 3 { left[0] } else { 1 };
    assert_eq!(
        out.len(),
        batch * shape[0] * shape[1],
        "gemm: {left:?} times {right:?} into another number of elements"
    );
    if let Some(bias) = epilogue.bias {
        assert_eq!(
            bias.len(),
            shape[1],
            "gemm: a bias for each column of {left:?} times {right:?}"
        );
    }
    shape
}

//! Matrix products.
//!
//! Y = A·B gives dA = dY·Bᵀ and dB = Aᵀ·dY: two more products, and the transposes are
//! only strides.

use super::fuse::{Epilogue, Fused};
use crate::array::result;
use crate::check::Case;
use crate::shape::assert_possible;
use crate::{Array, Layout, Op, Tensor, apply};
use detach_kernels::gemm;

#[derive(Clone, Copy, Debug)]
struct MatMul;

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        self.run([inputs[0], inputs[1]], &gemm::Epilogue::NONE)
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(match arg {
            0 => dy.matmul(&inputs[1].t()),
            _ => inputs[0].t().matmul(dy),
        })
    }
}

impl Fused for MatMul {
    fn run(&self, [a, b]: [&Array; 2], epilogue: &gemm::Epilogue<'_>) -> Array {
        let shape = product_shape(a.shape(), b.shape());
        let layout = Layout::contiguous(&shape);
        let (x, y) = (a.read(), b.read());
        let mut out = result("matmul", &layout, a.kind());
        gemm::gemm_fused(a.view(&x), b.view(&y), epilogue, &mut out);
        Array::from_buffer(out, layout)
    }
}

#[track_caller]
fn product_shape(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len();
    let fits = (rank == 2 || rank == 3)
        && b.len() == rank
        && a[rank - 1] == b[rank - 2]
        && a[..rank - 2] == b[..rank - 2];
    assert!(
        fits,
        "matmul: {a:?} · {b:?} do not fit; expected [M, K] · [K, N] or [B, M, K] · [B, K, N]"
    );
    let mut shape = a.to_vec();
    shape[rank - 1] = b[rank - 1];
    assert_possible("matmul", &shape);
    shape
}

impl Tensor {
    /// The matrix product `[M, K] · [K, N]`, or one for each of a batch
    /// `[B, M, K] · [B, K, N]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn matmul(&self, other: &Self) -> Self {
        apply(MatMul, &[self, other])
    }

    /// `act(self · other + bias)` of `[M, K] · [K, N]` with a bias `[N]`, in one pass over memory.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn matmul_fused(&self, other: &Self, epilogue: Epilogue<'_>) -> Self {
        let shape = product_shape(self.shape(), other.shape());
        epilogue.apply(MatMul, [self, other], &shape)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let range = (-1.0, 1.0);
    vec![
        Case::new("matmul", |x| x[0].matmul(&x[1]))
            .input(&[3, 5], range)
            .input(&[5, 4], range),
        Case::new("matmul of transposed views", |x| x[0].t().matmul(&x[1].t()))
            .input(&[5, 3], range)
            .input(&[4, 5], range),
        Case::new("matmul to one column", |x| x[0].matmul(&x[1]))
            .input(&[6, 9], range)
            .input(&[9, 1], range),
        Case::new("batched matmul", |x| x[0].matmul(&x[1]))
            .input(&[2, 3, 5], range)
            .input(&[2, 5, 4], range),
    ]
}

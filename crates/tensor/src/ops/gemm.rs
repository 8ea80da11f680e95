//! Matrix products.
//!
//! Y = A·B gives dA = dY·Bᵀ and dB = Aᵀ·dY: two more products, and the transposes are
//! only strides.

use super::fuse::{Epilogue, Fused};
use crate::array::result;
use crate::check::Case;
use crate::info::times;
use crate::shape::{assert_possible, broadcast};
use crate::{Array, Info, Layout, Op, Tensor, apply};
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

    /// Each element is a sum of K products.
    fn info(&self, inputs: &[&[usize]], output: &[usize]) -> Info {
        let terms = inputs[0].last().copied().unwrap_or(0);
        let geometry = format!("{} · {}", times(inputs[0]), times(inputs[1]));
        Info::each(2 * terms, output).set(geometry)
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
    if !fits {
        misfit(a, b);
    }
    let mut shape = a.to_vec();
    shape[rank - 1] = b[rank - 1];
    assert_possible("matmul", &shape);
    shape
}

#[track_caller]
#[cold]
fn misfit(a: &[usize], b: &[usize]) -> ! {
    panic!(
        "matmul: {a:?} · {b:?} do not fit; expected [M, K] · [K, N] or […, M, K] · […, K, N] with \
         dimensions … that are equal or 1"
    )
}

/// A shape of two dimensions at least: those of the batch, and those of the matrix.
fn split(shape: &[usize]) -> (&[usize], [usize; 2]) {
    let (batch, matrix) = shape.split_at(shape.len() - 2);
    (batch, [matrix[0], matrix[1]])
}

impl Tensor {
    /// The matrix product `[M, K] · [K, N]`, or one for each of a batch `[…, M, K] · […, K, N]`.
    ///
    /// As NumPy's: dimensions before the last two are broadcast, and an operand `[K]` is a row on the
    /// left, a column on the right, of which the result has no trace.
    ///
    /// # Panics
    /// When the shapes do not fit, or an operand is a scalar.
    #[must_use]
    #[track_caller]
    pub fn matmul(&self, other: &Self) -> Self {
        let (a, b) = (self.shape(), other.shape());
        match (a, b) {
            ([], _) | (_, []) => {
                panic!("matmul: {a:?} · {b:?}: a scalar is no matrix; `*` multiplies by one")
            }
            ([k], [_, ..]) => {
                let product = self.reshape(&[1, *k]).matmul(other);
                let row = product.shape().len() - if b.len() == 1 { 1 } else { 2 };
                product.squeeze(&[row])
            }
            (_, [k]) => {
                let product = self.matmul(&other.reshape(&[*k, 1]));
                product.squeeze(&[a.len() - 1])
            }
            ([_, _], [_, _]) => apply(MatMul, &[self, other]),
            ([batch, _, _], [other_batch, _, _]) if batch == other_batch => {
                apply(MatMul, &[self, other])
            }
            _ => self.matmul_batches(other),
        }
    }

    /// The product of matrices, at least one of them a batch: as a product of two matrices where the
    /// second is one, else of two batches of one dimension.
    #[track_caller]
    fn matmul_batches(&self, other: &Self) -> Self {
        let (a, b) = (self.shape(), other.shape());
        let ((batch_a, [m, k]), (batch_b, [rows, n])) = (split(a), split(b));
        let Some(batch) = broadcast(batch_a, batch_b).filter(|_| k == rows) else {
            misfit(a, b)
        };
        let shape = [&batch[..], &[m, n]].concat();
        assert_possible("matmul", &shape);
        let count: usize = batch.iter().product();
        if batch_b.is_empty() {
            let product = self.reshape(&[count * m, k]).matmul(other);
            return product.reshape(&shape);
        }
        let whole = |matrix: [usize; 2]| [&batch[..], &matrix].concat();
        let a = self.expand(&whole([m, k])).reshape(&[count, m, k]);
        let b = other.expand(&whole([k, n])).reshape(&[count, k, n]);
        apply(MatMul, &[&a, &b]).reshape(&shape)
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
        Case::new("matmul of broadcast batches", |x| x[0].matmul(&x[1]))
            .input(&[2, 1, 3, 5], range)
            .input(&[3, 5, 4], range),
        Case::new("matmul of a batch by one", |x| x[0].matmul(&x[1]))
            .input(&[2, 3, 2, 5], range)
            .input(&[5, 4], range),
        Case::new("matmul of vectors", |x| x[0].matmul(&x[1]).matmul(&x[2]))
            .input(&[5], range)
            .input(&[2, 5, 4], range)
            .input(&[4], range),
    ]
}

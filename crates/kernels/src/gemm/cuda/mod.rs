//! The GPU's side of the products: any strides of both operands.

pub(crate) mod igemm;
pub(crate) mod plan;

use super::Epilogue;
use crate::cuda::Module;
use crate::device::Cuda;
use crate::{Buffer, Layout, View};
use igemm::{Class, Entries, Igemm, Operand, entries, u32_of};

static MODULE: Module = Module::new(
    "gemm",
    &[
        (75, include_str!("../../../../../kernels/gemm.75.ptx")),
        (80, include_str!("../../../../../kernels/gemm.80.ptx")),
    ],
);

pub(super) fn gemm(cuda: Cuda, operands: [View<'_>; 2], epilogue: &Epilogue<'_>, out: &mut Buffer) {
    let [a, b] = operands.map(|x| Matrices::of(&x.layout));
    let [m, k, n] = [a.shape[0], a.shape[1], b.shape[1]];
    // Lines of the second operand are its columns.
    let b = b.transposed();
    let access = [Access::of(&a), Access::of(&b)];
    let class = Class {
        m: u32_of(m),
        k: u32_of(k),
        ..Class::ONE
    };
    let product = Igemm {
        a: a.operand(operands[0].buffer),
        b: b.operand(operands[1].buffer),
        n: u32_of(n),
        batch: u32_of(m * n),
        ..Igemm::new(out, epilogue)
    };
    let entries = entries(access);
    let fours = access.iter().all(|operand| operand.fours);
    let products = a.count;
    igemm::launch(
        cuda,
        &MODULE,
        &entries,
        product.of(&[class], products),
        fours,
    );
}

/// The kernels for two operands that are read so.
fn entries([a, b]: [Access; 2]) -> Entries {
    match (a.along_k, b.along_k) {
        (true, true) => entries!("gemm_kk", "gemm_sum"),
        (true, false) => entries!("gemm_kn", "gemm_sum"),
        (false, true) => entries!("gemm_mk", "gemm_sum"),
        (false, false) => entries!("gemm_mn", "gemm_sum"),
    }
}

/// How an operand is read.
#[derive(Clone, Copy)]
struct Access {
    /// Neighbours in memory are neighbours along k, not from line to line.
    along_k: bool,
    /// It can be read four elements at a time.
    fours: bool,
}

impl Access {
    fn of(x: &Matrices) -> Self {
        let [lines, k] = x.strides;
        let along_k = k == 1 || lines != 1;
        let (inner, outer, len) = match along_k {
            true => (k, lines, x.shape[1]),
            false => (lines, k, x.shape[0]),
        };
        let aligned = [outer, len, x.step, x.offset];
        Self {
            along_k,
            fours: inner == 1 && aligned.iter().all(|at| at.is_multiple_of(4)),
        }
    }
}

/// Matrices one after the other: an operand.
#[derive(Clone, Copy)]
struct Matrices {
    count: usize,
    /// Lines and elements of a line.
    shape: [usize; 2],
    strides: [usize; 2],
    /// From one matrix to the next.
    step: usize,
    offset: usize,
}

impl Matrices {
    fn of(layout: &Layout) -> Self {
        let (shape, strides) = (layout.shape(), layout.strides());
        let (count, step) = match shape.len() {
            3 => (shape[0], strides[0]),
            _ => (1, 0),
        };
        let last = |of: &[usize]| [of[of.len() - 2], of[of.len() - 1]];
        Self {
            count,
            shape: last(shape),
            strides: last(strides),
            step,
            offset: layout.offset(),
        }
    }

    fn transposed(self) -> Self {
        let turned = |[a, b]: [usize; 2]| [b, a];
        Self {
            shape: turned(self.shape),
            strides: turned(self.strides),
            ..self
        }
    }

    /// # Panics
    /// When a matrix reaches further than 32 bits can count.
    #[track_caller]
    fn operand(&self, buffer: &Buffer) -> Operand {
        let last = |i: usize| self.shape[i].saturating_sub(1) * self.strides[i];
        u32_of(last(0) + last(1));
        let [line, k] = self.strides.map(u32_of);
        Operand {
            batch: u32_of(self.step),
            line: [line, 0, 0],
            k: [k, 0, 0],
            ..Operand::at(buffer, self.offset)
        }
    }
}

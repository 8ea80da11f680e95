//! The GPU's side of the products: any strides of both operands.

pub(crate) mod igemm;
pub(crate) mod plan;

use super::Epilogue;
use crate::cuda::Module;
use crate::device::Cuda;
use crate::{Buffer, Layout, View};
use igemm::{Class, Entries, Igemm, Operand, narrow};

static MODULE: Module = Module::new(
    "gemm",
    &[(75, include_str!("../../../../../kernels/gemm.75.ptx"))],
);

pub(super) fn gemm(cuda: Cuda, operands: [View<'_>; 2], epilogue: &Epilogue<'_>, out: &mut Buffer) {
    let [a, b] = operands.map(|x| Matrices::of(&x.layout));
    let [m, k, n] = [a.shape[0], a.shape[1], b.shape[1]];
    // Lines of the second operand are its columns.
    let b = b.transposed();
    let forms = [Form::of(&a), Form::of(&b)];
    let class = Class {
        m: narrow(m),
        k: narrow(k),
        ..Class::ONE
    };
    let product = Igemm {
        a: a.operand(operands[0].buffer),
        b: b.operand(operands[1].buffer),
        n: narrow(n),
        batch: narrow(m * n),
        ..Igemm::new(out, epilogue)
    };
    let entries = entries(forms);
    let vectors = forms.iter().all(|form| form.vectors);
    let products = a.count;
    igemm::launch(
        cuda,
        &MODULE,
        &entries,
        product.of(&[class], products),
        vectors,
    );
}

/// The kernels of a form.
fn entries([a, b]: [Form; 2]) -> Entries {
    macro_rules! of {
        ($form:literal) => {
            Entries {
                tiles: [
                    concat!("gemm_", $form, "_128x64"),
                    concat!("gemm_", $form, "_64x64"),
                    concat!("gemm_", $form, "_any"),
                ],
                sums: ["gemm_sum", "gemm_sum4"],
            }
        };
    }
    match (a.along_k, b.along_k) {
        (true, true) => of!("kk"),
        (true, false) => of!("kn"),
        (false, true) => of!("mk"),
        (false, false) => of!("mn"),
    }
}

/// How an operand is read.
#[derive(Clone, Copy)]
struct Form {
    /// Neighbours in memory are neighbours along k, not from line to line.
    along_k: bool,
    /// It can be read four elements at a time.
    vectors: bool,
}

impl Form {
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
            vectors: inner == 1 && aligned.iter().all(|at| at.is_multiple_of(4)),
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

    fn operand(&self, buffer: &Buffer) -> Operand {
        let [line, k] = self.strides.map(narrow);
        Operand {
            batch: narrow(self.step),
            line: [line, 0, 0],
            k: [k, 0, 0],
            ..Operand::at(buffer, self.offset)
        }
    }
}

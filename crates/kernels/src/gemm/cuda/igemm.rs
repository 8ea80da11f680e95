//! A product whose operands are read through digits of their indices: what
//! `kernels/igemm.cuh` computes. Products of matrices and the three convolutions are
//! such products.

use super::plan::{Means, Plan, Shape};
use crate::cuda::{Launch, Module, Param, Ptr, args, blocks};
use crate::device::Cuda;
use crate::gemm::Epilogue;
use crate::{Buffer, DType, Device};

/// `Operand` of `igemm.cuh`, field by field.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Operand {
    pub(crate) data: Ptr,
    pub(crate) batch: u32,
    pub(crate) line: [u32; 3],
    pub(crate) k: [u32; 3],
    pub(crate) size: [u32; 2],
    pub(crate) line_step: [u32; 2],
    pub(crate) k_step: [u32; 2],
}

impl Operand {
    /// One that starts at an element of `buffer`, without strides.
    pub(crate) fn at(buffer: &Buffer, offset: usize) -> Self {
        Self {
            data: buffer.ptr().plus(offset * size_of::<f32>()),
            batch: 0,
            line: [0; 3],
            k: [0; 3],
            size: [0; 2],
            line_step: [0; 2],
            k_step: [0; 2],
        }
    }
}

/// `Class` of `igemm.cuh`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Class {
    pub(crate) m: u32,
    pub(crate) k: u32,
    pub(crate) line_inner: [u32; 2],
    pub(crate) k_inner: [u32; 2],
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) out: u32,
    pub(crate) origin: [u32; 2],
}

impl Class {
    /// Of matrices, but for `m` and `k`.
    pub(crate) const ONE: Self = Self {
        m: 0,
        k: 0,
        line_inner: [1; 2],
        k_inner: [1; 2],
        a: 0,
        b: 0,
        out: 0,
        origin: [0; 2],
    };
}

/// Classes of one launch.
pub(crate) const CLASSES: usize = 4;

/// `Igemm` of `igemm.cuh`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Igemm {
    pub(crate) a: Operand,
    pub(crate) b: Operand,
    pub(crate) out: Ptr,
    pub(crate) partial: Ptr,
    pub(crate) bias: Ptr,
    pub(crate) slope: f32,
    pub(crate) n: u32,
    pub(crate) rows: u32,
    pub(crate) splits: u32,
    pub(crate) slice: u32,
    pub(crate) batch: u32,
    pub(crate) out_line: [u32; 3],
    pub(crate) classes: [Class; CLASSES],
}

// SAFETY: `repr(C)`, as the kernels declare it.
#[allow(unsafe_code)]
unsafe impl Param for Igemm {}

/// Products of one launch: a batch of one class, or one of each of several.
#[derive(Clone, Copy)]
pub(crate) struct Products {
    igemm: Igemm,
    count: usize,
    /// The longest k.
    depth: usize,
}

impl Igemm {
    /// A product into `out`; operands and sizes are to be said.
    ///
    /// # Panics
    /// When `out` is not of `f32`.
    #[track_caller]
    pub(crate) fn new(out: &Buffer, epilogue: &Epilogue<'_>) -> Self {
        assert_eq!(out.dtype(), DType::F32, "products on a GPU are of float32");
        let nothing = Operand::at(out, 0);
        Self {
            a: nothing,
            b: nothing,
            out: out.ptr(),
            partial: Ptr::NULL,
            bias: epilogue.bias.map_or(Ptr::NULL, Buffer::ptr),
            slope: epilogue.slope as f32,
            n: 0,
            rows: 0,
            splits: 1,
            slice: 0,
            batch: 0,
            out_line: [0; 3],
            classes: [Class::ONE; CLASSES],
        }
    }

    /// `count` products: of the classes given, or all of the only one.
    pub(crate) fn of(mut self, classes: &[Class], count: usize) -> Products {
        self.classes[..classes.len()].copy_from_slice(classes);
        self.rows = classes.iter().map(|class| class.m).max().unwrap_or(0);
        let depth = classes.iter().map(|class| class.k).max().unwrap_or(0);
        Products {
            igemm: self,
            count,
            depth: depth as usize,
        }
    }
}

/// The names of a form's kernels: `entries!("gemm_kk", "gemm_sum")`.
pub(crate) struct Entries {
    /// By [`Tile`](super::plan::Tile).
    pub(crate) tiles: [&'static str; 6],
    /// What sums up partial sums, one or four at a time.
    pub(crate) sums: [&'static str; 2],
}

macro_rules! entries {
    ($form:literal, $sum:literal) => {
        $crate::gemm::cuda::igemm::Entries {
            tiles: [
                concat!($form, "_128x64"),
                concat!($form, "_64x64"),
                concat!($form, "_any"),
                concat!($form, "_tf32_128x128"),
                concat!($form, "_tf32_128x64"),
                concat!($form, "_tf32_64x64"),
            ],
            sums: [$sum, concat!($sum, "4")],
        }
    };
}
pub(crate) use entries;

/// Asks for products, split as their sizes suggest. `fours` says that both operands
/// can be read four elements at a time.
#[allow(unsafe_code)]
pub(crate) fn launch(
    cuda: Cuda,
    module: &Module,
    entries: &Entries,
    products: Products,
    fours: bool,
) {
    let Products {
        igemm: mut product,
        count,
        depth,
    } = products;
    let [m, n] = [product.rows as usize, product.n as usize];
    if m * n * count == 0 {
        return;
    }
    let shape = Shape {
        m,
        n,
        k: depth,
        count,
    };
    let plan = Plan::of(&shape, Means::of(fours, cuda.matmul()));
    product.splits = u32_of(plan.splits);
    product.slice = u32_of(plan.slice);
    let parts = match plan.splits {
        1 => 0,
        splits => splits * count * m * n,
    };
    let partial = Buffer::scratch(Device::Cuda(cuda), DType::F32, parts);
    product.partial = partial.ptr();
    let grid = [
        m.div_ceil(plan.tile.m),
        n.div_ceil(plan.tile.n),
        count * plan.splits,
    ];
    let launch = Launch {
        grid: grid.map(u32_of),
        block: 32 * plan.tile.warps as u32,
        shared: u32_of(plan.tile.shared()),
    };
    // SAFETY: the operands' strides keep within their buffers for all lines and k of every
    // class, which whoever made the product from checked shapes answers for; blocks write the
    // rows below m and columns below n, of `out` or of a part of `partial`.
    unsafe { module.launch(cuda, entries.tiles[plan.tile.index], launch, args![product]) };
    if plan.splits > 1 {
        let vector = n.is_multiple_of(4);
        let items = m * n / if vector { 4 } else { 1 };
        let mut launch = Launch::flat(blocks(items));
        launch.grid[1] = u32_of(count);
        // SAFETY: reads the parts that were just written, and writes the same rows and
        // columns of `out`.
        unsafe {
            module.launch(
                cuda,
                entries.sums[usize::from(vector)],
                launch,
                args![product],
            );
        }
    }
}

/// A number as the kernels have it.
///
/// # Panics
/// When it does not fit.
#[track_caller]
pub(crate) fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or_else(|_| {
        panic!("a GPU's product or convolution counts {number} elements: more than fit 32 bits")
    })
}

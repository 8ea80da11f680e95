//! What a launch is told: which kernel, how many threads, which parameters.

#![cfg_attr(
    target_family = "wasm",
    allow(dead_code, reason = "the driver reads them")
)]

use super::ptr::Ptr;
use std::ffi::c_void;
use std::marker::PhantomData;

/// Threads of a block, where a kernel has no reason for another number.
pub(crate) const BLOCK: u32 = 256;

/// Blocks of [`BLOCK`] threads for `items` in a loop of stride "all threads": enough to fill
/// the largest device a few times over, so that none of them starts for one item.
pub(crate) fn blocks(items: usize) -> u32 {
    const MOST: usize = 132 * 8 * 4;
    items.div_ceil(BLOCK as usize).clamp(1, MOST) as u32
}

/// The kernels of one family.
pub(crate) struct Module {
    pub(super) family: &'static str,
    /// PTX by the compute capability (times ten) that it takes, lowest first. A later one
    /// has all kernels of the earlier.
    pub(super) versions: &'static [(u32, &'static str)],
}

impl Module {
    pub(crate) const fn new(
        family: &'static str,
        versions: &'static [(u32, &'static str)],
    ) -> Self {
        Self { family, versions }
    }
}

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch {
    /// Blocks along x, y and z.
    pub(crate) grid: [u32; 3],
    /// Threads of a block.
    pub(crate) block: u32,
    /// Bytes of dynamic shared memory.
    pub(crate) shared: u32,
}

impl Launch {
    /// `blocks` blocks of [`BLOCK`] threads, without shared memory.
    pub(crate) fn flat(blocks: u32) -> Self {
        Self {
            grid: [blocks, 1, 1],
            block: BLOCK,
            shared: 0,
        }
    }
}

/// A value as a kernel takes it.
///
/// # Safety
/// The type is `Copy`, `repr(C)` or primitive, and lies in memory as the kernel's
/// parameter of the same size does.
#[allow(unsafe_code)]
pub(crate) unsafe trait Param: Copy {}

macro_rules! primitive_params {
    ($($t:ty),*) => {$(
        // SAFETY: lies in memory as C's type of that size.
        #[allow(unsafe_code)]
        unsafe impl Param for $t {}
    )*};
}
primitive_params!(u32, i32, u64, f32, f64, Ptr);

/// Where a parameter is.
#[derive(Clone, Copy)]
pub(crate) struct Arg<'a> {
    pub(super) at: *const c_void,
    pub(super) bytes: usize,
    of: PhantomData<&'a ()>,
}

impl<'a> Arg<'a> {
    pub(crate) fn of<T: Param>(value: &'a T) -> Self {
        Self {
            at: std::ptr::from_ref(value).cast(),
            bytes: size_of::<T>(),
            of: PhantomData,
        }
    }
}

/// The parameters of a launch: references to anything that is a [`Param`].
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        &[$($crate::cuda::Arg::of(&$value)),*]
    };
}
pub(crate) use args;

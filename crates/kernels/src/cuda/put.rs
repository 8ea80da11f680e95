//! A few values of the host's on their way to a GPU.

use super::handle::Cuda;
use super::params::{Launch, Module, Param, args};
use super::ptr::Ptr;

static MODULE: Module = Module::new(
    "step",
    &[(75, include_str!("../../../../kernels/step.75.ptx"))],
);

/// Words that travel with the launch of a kernel.
#[derive(Clone, Copy)]
#[repr(C)]
struct Words([u32; WORDS]);
const WORDS: usize = 256;
// SAFETY: an array of C's `unsigned`.
#[allow(unsafe_code)]
unsafe impl Param for Words {}

/// Copies a few values to the device, as parameters of a kernel: they are taken when it is
/// asked for, so nothing waits and nothing is pinned. Many are copied by the driver.
#[allow(unsafe_code)]
pub(crate) fn put<T: bytemuck::Pod>(cuda: Cuda, to: Ptr, values: &[T]) {
    let bytes: &[u8] = bytemuck::cast_slice(values);
    if bytes.len() > 8 * size_of::<Words>() {
        return cuda.gpu().upload(to, values);
    }
    for (i, part) in bytes.chunks(size_of::<Words>()).enumerate() {
        let mut words = Words([0; WORDS]);
        bytemuck::cast_slice_mut(&mut words.0)[..part.len()].copy_from_slice(part);
        let to = to.plus(i * size_of::<Words>());
        let len = (part.len() / size_of::<u32>()) as u32;
        // SAFETY: writes `len` words, which the caller has room for at `to`.
        unsafe { MODULE.launch(cuda, "step_put", Launch::flat(1), args![to, words, len]) };
    }
}

//! Kernels: the committed PTX of a family, and launching what is in it.

use super::driver::Gpu;
use super::memory::Ptr;
use crate::device::Cuda;
use cudarc::driver::{result, sys};
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::marker::PhantomData;

/// The kernels of one family.
pub(crate) struct Module {
    family: &'static str,
    /// PTX by the compute capability (times ten) that it takes, lowest first. A later one
    /// has all kernels of the earlier.
    versions: &'static [(u32, &'static str)],
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
    /// `blocks` blocks of [`BLOCK`](super::BLOCK) threads, without shared memory.
    pub(crate) fn flat(blocks: u32) -> Self {
        Self {
            grid: [blocks, 1, 1],
            block: super::BLOCK,
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
    at: *const c_void,
    bytes: usize,
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

/// A kernel on a device.
#[derive(Clone)]
struct Function {
    handle: sys::CUfunction,
    /// Bytes of each parameter, as the PTX has them.
    params: Vec<usize>,
    /// Dynamic shared memory that it may have.
    shared: u32,
}

/// What a device has loaded.
#[derive(Default)]
pub(super) struct Functions {
    modules: HashMap<&'static str, Loaded>,
}

struct Loaded {
    module: sys::CUmodule,
    ptx: &'static str,
    functions: HashMap<&'static str, Function>,
}

/// Shared memory that every kernel may have; more is asked for.
const SHARED: u32 = 48 << 10;
/// The most parameters a kernel of ours has.
const MOST_PARAMS: usize = 24;

impl Module {
    pub(crate) const fn new(
        family: &'static str,
        versions: &'static [(u32, &'static str)],
    ) -> Self {
        Self { family, versions }
    }

    /// Asks `cuda` to run the kernel `entry`, after everything it was asked before.
    ///
    /// # Panics
    /// When there is no such kernel, when the arguments have not the number and sizes of
    /// its parameters, or when the driver refuses.
    ///
    /// # Safety
    /// The kernel, given these arguments and this many threads, stays within the memory
    /// of the buffers that its pointers are of, writes only to what the caller may write,
    /// and ends.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn launch(
        &self,
        cuda: Cuda,
        entry: &'static str,
        launch: Launch,
        args: &[Arg<'_>],
    ) {
        let gpu = cuda.gpu();
        gpu.enter();
        let function = self.function(gpu, entry, launch.shared);
        let sizes = args.iter().map(|arg| arg.bytes);
        assert!(
            sizes.eq(function.params.iter().copied()),
            "{entry}: called with arguments of {:?} bytes, its parameters have {:?}",
            args.iter().map(|arg| arg.bytes).collect::<Vec<_>>(),
            function.params
        );
        let mut params = [std::ptr::null_mut::<c_void>(); MOST_PARAMS];
        for (param, arg) in params.iter_mut().zip(args) {
            *param = arg.at.cast_mut();
        }
        let [x, y, z] = launch.grid;
        // SAFETY: the function is loaded in this context, the parameters are as many and as
        // large as its own, and the driver only reads them; the rest is the caller's word.
        let launched = unsafe {
            result::launch_kernel(
                function.handle,
                (x, y, z),
                (launch.block, 1, 1),
                launch.shared,
                gpu.stream,
                &mut params[..args.len()],
            )
        };
        gpu.must(entry, launched);
    }

    /// The kernel, loaded at its first launch.
    fn function(&self, gpu: &Gpu, entry: &'static str, shared: u32) -> Function {
        let mut functions = gpu.functions();
        let loaded = functions.modules.entry(self.family);
        let loaded = loaded.or_insert_with(|| self.load(gpu));
        let function = loaded.functions.entry(entry);
        let ptx = loaded.ptx;
        let module = loaded.module;
        let function = function.or_insert_with(|| find(gpu, module, ptx, entry));
        if shared > function.shared {
            allow_shared(gpu, function, entry, shared);
        }
        function.clone()
    }

    #[allow(unsafe_code)]
    fn load(&self, gpu: &Gpu) -> Loaded {
        let fits = |(needs, _): &&(u32, &str)| *needs <= gpu.info.capability;
        let Some((_, ptx)) = self.versions.iter().rev().find(fits) else {
            panic!("{}: no kernels for {}", self.family, gpu.info.name);
        };
        let text = CString::new(*ptx).unwrap_or_else(|_| unreachable!("PTX without NUL"));
        // SAFETY: the text ends with a NUL, and is only read.
        let module = unsafe { result::module::load_data(text.as_ptr().cast()) };
        Loaded {
            module: gpu.must(&format!("loading the kernels of `{}`", self.family), module),
            ptx,
            functions: HashMap::new(),
        }
    }
}

#[allow(unsafe_code)]
fn find(gpu: &Gpu, module: sys::CUmodule, ptx: &str, entry: &'static str) -> Function {
    let Some(params) = params(ptx, entry) else {
        panic!("there is no kernel `{entry}` for {}", gpu.info.name);
    };
    assert!(params.len() <= MOST_PARAMS, "{entry}: too many parameters");
    let name = CString::new(entry).unwrap_or_else(|_| unreachable!("names have no NUL"));
    // SAFETY: the module is loaded, and is never unloaded.
    let handle = gpu.must(entry, unsafe { result::module::get_function(module, name) });
    Function {
        handle,
        params,
        shared: SHARED,
    }
}

#[allow(unsafe_code)]
fn allow_shared(gpu: &Gpu, function: &mut Function, entry: &str, shared: u32) {
    use sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as MOST;
    // SAFETY: the function is loaded.
    let allowed =
        unsafe { result::function::set_function_attribute(function.handle, MOST, shared as i32) };
    gpu.must(
        &format!("{entry}: {shared} bytes of shared memory"),
        allowed,
    );
    function.shared = shared;
}

// SAFETY: handles of the driver's, which any thread may use; the PTX is static.
#[allow(unsafe_code)]
unsafe impl Send for Functions {}

/// The bytes of each parameter of the kernel `entry`, in order, as the PTX declares them:
/// `.param .u64 name` or `.param .align 8 .b8 name[64]`.
fn params(ptx: &str, entry: &str) -> Option<Vec<usize>> {
    let start = ptx.match_indices(".entry ").find_map(|(at, found)| {
        let rest = &ptx[at + found.len()..];
        let name = rest.split(|c: char| c == '(' || c.is_whitespace()).next()?;
        (name == entry).then_some(rest)
    })?;
    let list = &start[start.find('(')? + 1..start.find(')')?];
    let params = list.split(',').filter(|param| !param.trim().is_empty());
    params.map(param_bytes).collect()
}

fn param_bytes(declaration: &str) -> Option<usize> {
    let mut words = declaration.split_whitespace();
    let kind = words.rfind(|word| word.starts_with('.'))?;
    let bits: usize = kind
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .ok()?;
    let Some((_, length)) = declaration.split_once('[') else {
        return Some(bits / 8);
    };
    let length: usize = length.split(']').next()?.trim().parse().ok()?;
    Some(bits / 8 * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTX: &str = "
.version 8.0
.target sm_75
.visible .entry map_unary(
	.param .u64 map_unary_param_0,
	.param .align 8 .b8 map_unary_param_1[72],
	.param .f32 map_unary_param_2
)
.maxntid 256, 1, 1
{
	ret;
}
.visible .entry map_unary2()
{
	ret;
}
";

    #[test]
    fn parameters_are_those_of_the_ptx() {
        assert_eq!(params(PTX, "map_unary"), Some(vec![8, 72, 4]));
        assert_eq!(params(PTX, "map_unary2"), Some(vec![]));
        assert_eq!(params(PTX, "map"), None);
    }
}

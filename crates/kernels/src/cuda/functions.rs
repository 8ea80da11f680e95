//! The committed PTX of a family, loaded, and the kernels in it.

use super::context::Context;
use super::params::Module;
use cudarc::driver::{result, sys};
use std::collections::HashMap;
use std::ffi::CString;

/// A kernel on a device.
pub(super) struct Function {
    pub(super) handle: sys::CUfunction,
    /// Bytes of each parameter, as the PTX has them.
    pub(super) params: Vec<usize>,
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
pub(super) const MOST_PARAMS: usize = 24;

impl Functions {
    /// The kernel `entry` of a family with so much shared memory, loaded at its first launch.
    pub(super) fn get(
        &mut self,
        context: &Context,
        of: &Module,
        entry: &'static str,
        shared: u32,
    ) -> &Function {
        let loaded = self.modules.entry(of.family);
        let loaded = loaded.or_insert_with(|| load(context, of));
        let function = loaded.functions.entry(entry);
        let (ptx, module) = (loaded.ptx, loaded.module);
        let function = function.or_insert_with(|| find(context, module, ptx, entry));
        if shared > function.shared {
            allow_shared(context, function, entry, shared);
        }
        function
    }

    /// The kernels that were asked for so far, sorted.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let loaded = self.modules.values();
        let mut names: Vec<_> = loaded
            .flat_map(|loaded| loaded.functions.keys().copied())
            .collect();
        names.sort_unstable();
        names
    }
}

#[allow(unsafe_code)]
fn load(context: &Context, of: &Module) -> Loaded {
    let fits = |(needs, _): &&(u32, &str)| *needs <= context.info.capability;
    let Some((_, ptx)) = of.versions.iter().rev().find(fits) else {
        panic!("{}: no kernels for {}", of.family, context.info.name);
    };
    let text = CString::new(*ptx).unwrap_or_else(|_| unreachable!("PTX without NUL"));
    // SAFETY: the text ends with a NUL, and is only read.
    let module = unsafe { result::module::load_data(text.as_ptr().cast()) };
    Loaded {
        module: context.must(&format!("loading the kernels of `{}`", of.family), module),
        ptx,
        functions: HashMap::new(),
    }
}

#[allow(unsafe_code)]
fn find(context: &Context, module: sys::CUmodule, ptx: &str, entry: &'static str) -> Function {
    let Some(params) = params(ptx, entry) else {
        panic!("there is no kernel `{entry}` for {}", context.info.name);
    };
    assert!(params.len() <= MOST_PARAMS, "{entry}: too many parameters");
    let name = CString::new(entry).unwrap_or_else(|_| unreachable!("names have no NUL"));
    // SAFETY: the module is loaded, and is never unloaded.
    let handle = context.must(entry, unsafe { result::module::get_function(module, name) });
    Function {
        handle,
        params,
        shared: SHARED,
    }
}

#[allow(unsafe_code)]
fn allow_shared(context: &Context, function: &mut Function, entry: &str, shared: u32) {
    use sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as MOST;
    // SAFETY: the function is loaded.
    let allowed =
        unsafe { result::function::set_function_attribute(function.handle, MOST, shared as i32) };
    context.must(
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

//! The driver's side of a GPU: its context, its one stream, its memory, and how kernels
//! are launched. What a family computes there is in the family's own `cuda.rs`.
//!
//! **One stream.** Everything asked of a device is done in the order it was asked for, so
//! a buffer that is dropped can be handed on at once: its next owner's kernels run after
//! the last ones of its old owner. Only reading back waits.
//!
//! The driver is looked for at run time, once ([`open`]); nothing here is reached where
//! there is none. For WebAssembly there cannot be one, and `absent.rs` stands in its place.

#[cfg(target_family = "wasm")]
mod absent;
#[cfg(not(target_family = "wasm"))]
mod capture;
#[cfg(not(target_family = "wasm"))]
mod context;
#[cfg(not(target_family = "wasm"))]
mod functions;
#[cfg(not(target_family = "wasm"))]
mod gpu;
mod handle;
mod info;
#[cfg(not(target_family = "wasm"))]
mod memory;
mod params;
mod ptr;
mod put;

#[cfg(target_family = "wasm")]
pub(crate) use absent::{Captured, Gpu, open};
#[cfg(not(target_family = "wasm"))]
pub(crate) use capture::Captured;
#[cfg(not(target_family = "wasm"))]
pub(crate) use gpu::{Gpu, open};
pub use handle::Cuda;
pub use info::{GpuInfo, Matmul};
pub(crate) use params::{Arg, BLOCK, Launch, Module, Param, args, blocks};
pub(crate) use ptr::{Home, Ptr};
pub(crate) use put::put;

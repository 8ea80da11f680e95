//! Raw compute: buffers in, buffers out, on the CPU or an NVIDIA GPU.
//!
//! This crate knows nothing of gradients. A kernel takes [`Buffer`]s and a
//! geometry and writes into a buffer that the caller provides; it never
//! allocates results and never keeps state:
//!
//! ```
//! use detach_kernels::{Buffer, DType, Device, Layout, View, gemm};
//!
//! let device = Device::Cpu; // or what `Device::open` found
//! let a = Buffer::from_slice(device, &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
//! let layout = Layout::contiguous(&[2, 3]);
//! let view = View { buffer: &a, layout };
//! let transposed = View { buffer: &a, layout: layout.permute(&[1, 0]) };
//!
//! let mut out = Buffer::scratch(device, DType::F32, 4);
//! gemm::gemm(view, transposed, &mut out); // A · Aᵀ, [2, 3] · [3, 2]
//! assert_eq!(out.to_vec::<f32>(), [14.0, 32.0, 32.0, 77.0]);
//! ```
//!
//! # Reading order
//!
//! 1. [`Buffer`], [`Layout`], [`View`]: memory, and how it is seen.
//! 2. [`map`]: the smallest family, from `mod.rs` through `reference.rs` to `cpu.rs`.
//! 3. [`gemm`]: `tile/` (the innermost loop), `blocked.rs` (around it). For a GPU, the
//!    same product from naive to fast stands in the repository's `kernels/ladder/`.
//! 4. [`conv`]: three passes, four forms, chosen by geometry alone.
//! 5. [`mod@step`]: why a training step is one unit; [`Count`] and [`Scalar`]: what of it
//!    changes from step to step.
//!
//! # A family
//!
//! Every family has
//!
//! - `reference.rs`: the plain loop, generic over `f32` and `f64`. It is the
//!   golden every faster path is tested against, and the path `f64` runs on;
//! - `cpu.rs`: the fast path for `f32`;
//! - `mod.rs`: the geometry, the public functions and the one `match` on the
//!   device.
//!
//! **Same bits.** No kernel's result depends on the number of threads: work is
//! split over outputs, or into chunks of a fixed size whose partial results are
//! combined in a fixed order.

pub mod act;
mod arena;
pub mod border;
pub mod buffer;
pub mod cases;
pub mod conv;
pub mod copy;
mod count;
mod cuda;
pub mod device;
mod error;
mod families;
pub mod gemm;
mod graph;
pub mod layout;
pub mod map;
pub mod norm;
pub mod optim;
mod parallel;
pub mod peak;
pub mod philox;
pub mod real;
mod recording;
pub mod recycle;
pub mod reduce;
pub mod resample;
mod scalar;
pub mod simd;
mod slot;
pub mod step;
mod strides;
#[cfg(test)]
mod testing;
pub mod variant;
mod walk;

pub use act::Act;
pub use buffer::{Buffer, View, pool_stats};
pub use count::Count;
pub use device::{Device, DeviceError, Matmul};
pub use families::families;
pub use layout::{Layout, MAX_RANK};
pub use real::{DType, Real};
pub use scalar::Scalar;
pub use step::{StepKey, Steps, step};
pub use variant::Variant;

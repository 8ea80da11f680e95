//! Raw compute: buffers in, buffers out.
//!
//! This crate knows nothing of gradients. A kernel takes [`Buffer`]s and a
//! geometry and writes into a buffer that the caller provides; it never
//! allocates results and never keeps state. Every family has
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
pub mod buffer;
pub mod cases;
pub mod conv;
pub mod copy;
mod count;
mod cuda;
pub mod device;
pub mod gemm;
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
mod scalar;
pub mod simd;
pub mod step;
#[cfg(test)]
mod testing;
pub mod variant;
mod walk;

pub use act::Act;
pub use buffer::{Buffer, View, pool_stats};
pub use count::Count;
pub use device::{Device, DeviceError, Matmul};
pub use layout::{Layout, MAX_RANK};
pub use real::{DType, Real};
pub use scalar::Scalar;
pub use step::{StepKey, Steps, step};
pub use variant::Variant;

//! Tensors that remember how they were made, and the gradient of anything made
//! from them.
//!
//! # Reading order
//!
//! 1. [`Array`]: an n-d array of `f32` or `f64`. It remembers nothing.
//! 2. [`Tensor`]: an array and, unless it is a constant, the node of the graph
//!    that made it. [`Tensor::detach`] is the array without the node.
//! 3. [`Op`]: a primitive. `forward` sees arrays, the derivative rule sees
//!    tensors.
//! 4. [`grad`](grad()): walks the graph backwards. There is no mode and no flag: whether
//!    the walk is itself recorded is only a matter of whether the rules are
//!    handed tensors or detached ones.
//! 5. [`ops`]: one family a file. [`ops::map`] has the rules everybody knows,
//!    [`ops::conv`] why there are three convolutions, [`ops::norm`] what a fused
//!    op and its reference formula are.
//! 6. [`check`]: how a rule is tested, to the second order.
//!
//! # Any order
//!
//! What `grad` returns with `create_graph` is made of the same ops as everything else:
//!
//! ```
//! use detach_tensor::{Array, Tensor, grad};
//!
//! let x = Tensor::variable(Array::from_slice(&[3.0_f64], &[]));
//! let y = &x * &x * &x;
//! let dy = grad(&y, &[&x], true).remove(0);
//! let d2y = grad(&dy, &[&x], false).remove(0);
//! assert_eq!((y.item(), dy.item(), d2y.item()), (27.0, 27.0, 18.0));
//! ```

mod array;
pub mod check;
mod grad;
mod images;
mod info;
mod op;
pub mod ops;
pub mod optim;
mod origin;
pub mod profile;
mod random;
mod recorder;
mod shape;
mod stale;
mod tensor;
pub mod trace;

pub use array::{Array, Kind};
pub use detach_kernels::conv::Conv;
pub use detach_kernels::copy::Taps;
pub use detach_kernels::device::GpuInfo;
pub use detach_kernels::families as kernel_families;
pub use detach_kernels::recycle::{Counting, Recycling};
pub use detach_kernels::resample::Fir;
pub use detach_kernels::simd::{Level as SimdLevel, level as simd_level};
pub use detach_kernels::{
    Act, Count, DType, Device, DeviceError, Layout, MAX_RANK, Matmul, Real, Scalar, StepKey, Steps,
    buffer::PoolStats, pool_stats, step,
};
pub use grad::{grad, vjp};
pub use images::ImageBytes;
pub use info::Info;
pub use op::{Op, apply};
pub use ops::Epilogue;
pub use optim::{assign, track_statistics};
pub use random::{Random, Stream};
pub use tensor::Tensor;

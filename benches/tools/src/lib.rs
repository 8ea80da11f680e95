//! What measures more than a kernel: `ours` is the server that `cargo xtask bench --peers`
//! times beside its peers, `profile` says where a step's time goes, and `gpu-report` checks
//! and measures all of it on a GPU.
//!
//! It is a package of its own so that `cargo bench` builds the kernels and no more.

pub mod gpu;
pub mod profile;
pub mod steps;

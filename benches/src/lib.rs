//! What measures: `cargo bench` compares the variants of every kernel, the binary
//! `ours` is the server that `cargo xtask bench --peers` times beside its peers, and
//! `profile` says where a step's time goes. `gpu-report` checks and measures all of it on a GPU.

pub mod cases;
pub mod gpu;
pub mod operands;
pub mod profile;
pub mod protocol;
pub mod steps;

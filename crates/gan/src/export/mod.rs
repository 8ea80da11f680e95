//! Files for others to read.

pub mod npy;

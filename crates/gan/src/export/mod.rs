//! Files for others to read.

pub mod npy;
pub mod npz;
pub mod onnx;
pub mod pytorch;

use std::io;

/// Takes values in row-major order, in pieces of any length: how files that are larger than memory are written.
pub type Sink<'a> = dyn FnMut(&[f32]) -> io::Result<()> + 'a;

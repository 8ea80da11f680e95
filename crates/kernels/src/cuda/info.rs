//! What a GPU is, and how it is asked to compute.

/// How products and convolutions are computed on a GPU. The CPU always computes in
/// [`Matmul::Fp32`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Matmul {
    /// 24 bits of every factor.
    #[default]
    Fp32,
    /// 11 bits of every factor, summed in 24, on tensor cores: several times as fast,
    /// at a relative error of about 3e-4. Takes compute capability 8.0 or later.
    Tf32,
}

/// What is known of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuInfo {
    /// What it is called.
    pub name: String,
    /// Compute capability, times ten: 90 is 9.0.
    pub capability: u32,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Bytes of memory.
    pub memory: usize,
}

//! The families of kernels.

use crate::{border, conv, copy, gemm, map, norm, optim, philox, reduce, resample};

/// Each family with the names of its implementations on the CPU, slowest first.
pub fn families() -> [(&'static str, &'static [&'static str]); 10] {
    [
        ("gemm", gemm::VARIANTS),
        ("conv", conv::VARIANTS),
        ("map", map::VARIANTS),
        ("reduce", reduce::VARIANTS),
        ("copy", copy::VARIANTS),
        ("norm", norm::VARIANTS),
        ("optim", optim::VARIANTS),
        ("philox", philox::VARIANTS),
        ("resample", resample::VARIANTS),
        ("border", border::VARIANTS),
    ]
}

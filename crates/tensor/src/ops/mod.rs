//! The primitives, one family a file, each with its derivative rules and cases.
//!
//! A rule is written in the same operations that users write in, so reading one is
//! reading calculus: the derivative of `x · y` with respect to `x` is `dy · y`.

pub mod border;
pub mod classes;
pub mod conv;
pub mod copy;
mod formula;
mod fuse;
pub mod gemm;
pub mod map;
pub mod norm;
pub mod reduce;
pub mod resample;

pub use fuse::Epilogue;

use crate::check::Case;

/// Every op's cases: what the tests and benches iterate over.
pub fn cases() -> Vec<Case> {
    [
        map::cases,
        reduce::cases,
        copy::cases,
        gemm::cases,
        conv::cases,
        norm::cases,
        classes::cases,
        resample::cases,
        border::cases,
    ]
    .into_iter()
    .flat_map(|family| family())
    .collect()
}

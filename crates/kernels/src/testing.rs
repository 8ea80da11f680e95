//! What the tests of several families share.

use crate::Layout;
pub(crate) use crate::cases::{Dice, extent};
use crate::{Buffer, DType, Device, Real, View, dispatch};

impl Dice {
    /// A shape of up to `rank` dimensions, each up to `size`.
    pub(crate) fn shape(&mut self, rank: usize, size: usize) -> Vec<usize> {
        (0..self.below(rank + 1))
            .map(|_| 1 + self.below(size))
            .collect()
    }

    /// A buffer that `layout` fits in, filled from `[-1, 1)`.
    pub(crate) fn buffer(&mut self, dtype: DType, layout: &Layout) -> Buffer {
        let len = extent(layout);
        dispatch!(dtype, T => {
            let values: Vec<T> = (0..len).map(|_| T::of(self.unit())).collect();
            Buffer::from_slice(Device::Cpu, &values)
        })
    }
}

/// An output nobody has written yet: every element is NaN.
pub(crate) fn poisoned(dtype: DType, len: usize) -> Buffer {
    Buffer::full(Device::Cpu, dtype, len, f64::NAN)
}

/// The elements of a view in row-major order.
pub(crate) fn values(x: View<'_>) -> Vec<f64> {
    let all = x.buffer.to_vec::<f64>();
    crate::walk::offsets(&x.layout).map(|at| all[at]).collect()
}

/// The contents as bits: NaNs compare too.
pub(crate) fn bits(x: &Buffer) -> Vec<u64> {
    dispatch!(x.dtype(), T => x.as_slice::<T>().iter().map(|v| v.f64().to_bits()).collect())
}

/// Runs `f` with 1, 2 and 7 threads and panics unless the results have the same
/// bits.
#[track_caller]
pub(crate) fn same_bits_on_any_threads(f: impl Fn() -> Buffer + Sync) {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads start");
        pool.install(|| bits(&f()))
    };
    let one = run(1);
    assert!(
        one.iter().all(|x| !f64::from_bits(*x).is_nan()),
        "some of the output was never written"
    );
    for threads in [2, 7] {
        assert!(one == run(threads), "{threads} threads: other bits");
    }
}

/// Panics unless `a` and `b` agree to `tolerance`, relative above 1.
#[track_caller]
pub(crate) fn assert_close(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}: lengths");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let close = (a - b).abs() <= tolerance * b.abs().max(1.0);
        assert!(
            close || a == b || (a.is_nan() && b.is_nan()),
            "{what}: [{i}] is {a}, not {b}"
        );
    }
}

//! Training on the emulated device: every op against the CPU, whole steps, captured steps
//! against steps run one by one, and runs that change devices.

mod captured;
mod ops;
mod phases;
mod runs;
mod steps;

use detach_tensor::{DType, Device, Kind, Matmul};

/// `f32` on the emulated device.
fn cuda() -> Kind {
    Kind {
        dtype: DType::F32,
        device: Device::open("cuda:0", Matmul::Fp32).expect("the emulated device"),
    }
}

/// ‖a − b‖ / ‖b‖.
fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
    // NaN would be below no bound.
    difference / norm(&mut b.iter().copied()).max(1e-12)
}

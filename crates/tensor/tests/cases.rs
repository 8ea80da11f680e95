//! Every op's case: derivatives of order 1 and 2, and the fast `f32` path against `f64`.

use detach_tensor::ops::cases;
use detach_tensor::{Array, DType};

#[test]
fn first_order() {
    for case in cases() {
        case.check_first_order().unwrap_or_else(|m| panic!("{m}"));
    }
}

#[test]
fn second_order() {
    for case in cases() {
        case.check_second_order().unwrap_or_else(|m| panic!("{m}"));
    }
}

#[test]
fn f32_is_close_to_f64() {
    for case in cases() {
        let narrow = case.value_and_gradients(DType::F32);
        let wide = case.value_and_gradients(DType::F64);
        for (i, (n, w)) in narrow.iter().zip(&wide).enumerate() {
            let error = relative_error(n, w);
            assert!(error < 2e-6, "{}, result {i}: {error:e}", case.name);
        }
    }
}

/// ‖a − b‖ / ‖b‖.
fn relative_error(a: &Array, b: &Array) -> f64 {
    let (a, b) = (a.to_vec::<f64>(), b.to_vec::<f64>());
    let difference: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = b.iter().map(|b| b * b).sum();
    difference.sqrt() / norm.sqrt().max(1e-12)
}

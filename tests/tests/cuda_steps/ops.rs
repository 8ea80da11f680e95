//! One op at a time.

use crate::{cuda, relative_error};
use detach_tensor::ops::cases;
use detach_tensor::{Array, DType, Tensor, assign};
use detach_tests::emulated::{self, Variant};

/// The fast `f32` kernels of the device against the CPU's loops in `f64`: values, and
/// gradients, which other kernels compute.
#[test]
fn every_case_is_close_to_f64() {
    emulated::run(Variant::Plain, &[], || {
        for case in cases() {
            let narrow = case.value_and_gradients(cuda());
            let wide = case.value_and_gradients(DType::F64);
            assert_eq!(narrow.len(), wide.len());
            for (i, (n, w)) in narrow.iter().zip(&wide).enumerate() {
                assert_eq!(n.kind(), cuda(), "{}, result {i}", case.name);
                let error = relative_error(&n.to_vec(), &w.to_vec());
                let tolerance = match i {
                    0 => 2e-6,
                    _ => 5e-6,
                };
                assert!(error < tolerance, "{}, result {i}: {error:e}", case.name);
            }
        }
    });
}

#[test]
fn values_go_there_and_back() {
    emulated::run(Variant::Plain, &[], || {
        let values: Vec<f32> = (0..120_u8).map(f32::from).collect();
        let here = Array::from_slice(&values, &[2, 3, 4, 5]).channels_last();
        let there = here.to_kind(cuda());
        assert!(there.layout().is_channels_last());
        assert_eq!(there.to_vec::<f32>(), values);
        assert_eq!(there.to_device(here.kind().device).to_vec::<f32>(), values);
        assert_eq!(there.to_vec::<f64>(), here.to_vec::<f64>());
        // Written in the order that the memory has.
        let mut row_major = Tensor::constant(Array::zeros(&[2, 3, 4, 5], cuda()));
        assign("a test", &mut row_major, &there);
        assert!(!row_major.value().layout().is_channels_last());
        assert_eq!(row_major.to_vec::<f32>(), values);
        let bytes = there.write_le(<[u8]>::to_vec);
        assert_eq!(bytes, here.write_le(<[u8]>::to_vec));
    });
}

#[test]
fn values_of_another_device_are_refused() {
    emulated::run(Variant::Plain, &[], || {
        let here = Array::from_slice(&[1.0_f32, 2.0], &[2]);
        let mut there = Tensor::constant(here.to_kind(cuda()));
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assign("a test", &mut there, &here);
        }));
        let refused = refused.expect_err("devices differ");
        let text = refused.downcast_ref::<String>().expect("a message");
        assert!(text.starts_with("a test: [2] Kind"), "{text}");
    });
}

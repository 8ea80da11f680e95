//! Buffers on a GPU, emulated where there is none: what is written comes back, memory is
//! handed on, and a device that cannot be had says why.

use detach_tensor::{Array, DType, Device, DeviceError, Kind, Matmul, pool_stats};
use detach_tests::emulated::{Variant, run};

fn gpu() -> Device {
    Device::open("cuda:0", Matmul::Fp32).unwrap_or_else(|error| panic!("{error}"))
}

fn kind(dtype: DType) -> Kind {
    Kind {
        dtype,
        device: gpu(),
    }
}

fn there_and_back() {
    // As parameters of a kernel, of several, and as a copy of the driver's.
    for len in [0, 1, 3, 256, 257, 2048, 2049, 5000] {
        let values: Vec<f64> = (0..len).map(|i| f64::from(i).sin()).collect();
        let narrow: Vec<f32> = values.iter().map(|x| *x as f32).collect();
        let shape = [len as usize];
        let wide = Array::from_f64(&values, &shape, kind(DType::F64));
        assert_eq!(wide.to_vec::<f64>(), values);
        let array = Array::from_f64(&values, &shape, kind(DType::F32));
        assert_eq!(array.kind().device, gpu());
        assert_eq!(array.to_vec::<f32>(), narrow);
        assert_eq!(array.to_device(Device::Cpu).to_vec::<f32>(), narrow);
        let bytes = array.write_le(<[u8]>::to_vec);
        let read = |to: &mut [u8]| -> Result<(), ()> {
            to.copy_from_slice(&bytes);
            Ok(())
        };
        let again = Array::read_le(&shape, kind(DType::F32), read).expect("no error");
        assert_eq!(again.to_vec::<f32>(), narrow);
    }
    for dtype in [DType::F32, DType::F64] {
        let full = Array::full(2.5, &[3, 700], kind(dtype));
        assert!(full.to_vec::<f64>().iter().all(|x| *x == 2.5));
    }
}

#[test]
fn what_is_written_comes_back() {
    run(Variant::Plain, &[], there_and_back);
}

#[test]
fn what_is_written_stays_inside_of_its_buffer() {
    run(Variant::Address, &[("DETACH_NO_POOL", "1")], there_and_back);
}

#[test]
fn memory_is_handed_on() {
    run(Variant::Plain, &[], || {
        let one = || drop(Array::zeros(&[64, 784], kind(DType::F32)));
        one();
        let before = pool_stats(gpu());
        (0..100).for_each(|_| one());
        assert_eq!(
            pool_stats(gpu()).system_allocations,
            before.system_allocations
        );
        assert_eq!(pool_stats(gpu()).bytes_in_use, 0);
    });
}

#[test]
fn a_driver_that_is_too_old_is_refused() {
    run(Variant::Plain, &[("EMU_DRIVER", "11080")], || {
        let error = DeviceError::OldDriver("11.8".to_owned());
        assert_eq!(Device::open("cuda:0", Matmul::Fp32), Err(error.clone()));
        assert_eq!(Device::auto(Matmul::Fp32), (Device::Cpu, Some(error)));
    });
}

#[test]
fn a_driver_without_a_device_is_no_device() {
    run(Variant::Plain, &[("EMU_DEVICES", "0")], || {
        let error = DeviceError::NoDevice { index: 0, count: 0 };
        assert_eq!(Device::auto(Matmul::Fp32), (Device::Cpu, Some(error)));
    });
}

#[test]
fn a_device_of_another_number_is_not_there() {
    run(Variant::Plain, &[("EMU_DEVICES", "2")], || {
        Device::open("cuda:1", Matmul::Fp32).expect("there are two");
        let error = DeviceError::NoDevice { index: 2, count: 2 };
        assert_eq!(Device::open("cuda:2", Matmul::Fp32), Err(error));
    });
}

#[test]
fn tf32_takes_a_device_that_has_it() {
    run(Variant::Plain, &[("EMU_CAPABILITY", "75")], || {
        Device::open("cuda:0", Matmul::Fp32).expect("7.5 is enough");
        let error = Device::open("cuda:0", Matmul::Tf32).expect_err("no tensor cores for it");
        assert!(
            matches!(error, DeviceError::OldDevice { needs: 80, .. }),
            "{error}"
        );
    });
}

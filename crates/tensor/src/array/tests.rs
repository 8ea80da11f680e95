//! Handles, views and versions.

use super::*;

#[test]
fn views_share_memory_and_copies_do_not() {
    let x = Array::from_slice(&[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    let t = x.with_layout(x.layout().permute(&[1, 0]));
    assert!(t.shares_memory(&x));
    assert_eq!(t.to_vec::<f64>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert!(t.dense().shares_memory(&x));
    assert!(!t.contiguous().shares_memory(&x));
}

#[test]
fn channels_last_keeps_the_logical_order() {
    let values: Vec<f64> = (0..24).map(f64::from).collect();
    let x = Array::from_slice(&values, &[1, 2, 3, 4]);
    let y = x.channels_last();
    assert_eq!(y.layout().strides()[1], 1);
    assert_eq!(y.to_vec::<f64>(), values);
}

#[test]
fn files_are_row_major() {
    let x = Array::from_slice(&[1.0_f32, 2.0, 3.0, 4.0], &[1, 2, 1, 2]);
    let bytes = x.channels_last().write_le(<[u8]>::to_vec);
    let read = |to: &mut [u8]| -> Result<(), ()> {
        to.copy_from_slice(&bytes);
        Ok(())
    };
    let y = Array::read_le(&[1, 2, 1, 2], DType::F32, read).expect("no error");
    assert_eq!(y.to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
#[should_panic(expected = "stale handle: an array [2] was read after `a test` wrote to it")]
fn older_handles_are_stale_after_a_write() {
    let mut x = Array::zeros(&[2], DType::F32);
    let old = x.clone();
    x.write("a test", |_| ());
    assert_eq!(x.to_vec::<f32>(), [0.0, 0.0]);
    old.to_vec::<f32>();
}

//! Labels of every type that IDX knows.

use std::fs;
use std::io::Write;

use detach_mnist::idx::{IdxError, Labels};
use detach_mnist::{Dataset, Error, Idx, Split};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

fn idx(code: u8, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, sizes.len() as u8];
    sizes
        .iter()
        .for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

/// Each number in its type, big-endian.
fn elements(code: u8, numbers: &[f64]) -> Vec<u8> {
    let bytes = |number: &f64| match code {
        0x08 => vec![*number as u8],
        0x09 => (*number as i8).to_be_bytes().to_vec(),
        0x0b => (*number as i16).to_be_bytes().to_vec(),
        0x0c => (*number as i32).to_be_bytes().to_vec(),
        0x0d => (*number as f32).to_be_bytes().to_vec(),
        _ => number.to_be_bytes().to_vec(),
    };
    numbers.iter().flat_map(bytes).collect()
}

const TYPES: [u8; 6] = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];

#[test]
fn classes_of_every_type() {
    let numbers = [0.0, 9.0, 3.0, 127.0];
    for code in TYPES {
        for sizes in [&[4][..], &[4, 1]] {
            let file = idx(code, sizes, &elements(code, &numbers));
            let labels = Labels::parse(&file[..]).unwrap();
            assert_eq!(labels.classes, [0, 9, 3, 127], "{code:#04x} {sizes:?}");
        }
    }
    let wide = idx(0x0b, &[1], &elements(0x0b, &[255.0]));
    assert_eq!(Labels::parse(&wide[..]).unwrap().classes, [255]);
}

#[test]
fn numbers_that_are_no_class_are_named() {
    for (code, number) in [
        (0x09, -1.0),
        (0x0b, 256.0),
        (0x0c, -7.0),
        (0x0c, 65_536.0),
        (0x0d, 1.5),
        (0x0d, f64::NAN),
        (0x0e, f64::INFINITY),
        (0x0e, 255.5),
        (0x0e, -1e300),
    ] {
        let file = idx(code, &[2], &elements(code, &[1.0, number]));
        let error = Labels::parse(&file[..]).unwrap_err();
        let IdxError::Label { index: 1, value } = error else {
            panic!("{code:#04x} {number}: {error}")
        };
        assert_eq!(value.to_string(), number.to_string());
    }
}

#[test]
fn shapes_that_are_no_list_are_refused() {
    for (code, sizes) in [
        (0x08, &[][..]),
        (0x08, &[2, 8]),
        (0x0c, &[2, 7]),
        (0x0c, &[1, 2, 8]),
        (0x0d, &[2, 8]),
    ] {
        let count = sizes.iter().product::<u32>() as usize;
        let file = idx(code, sizes, &elements(code, &vec![0.0; count]));
        let error = Labels::parse(&file[..]).unwrap_err();
        assert!(matches!(error, IdxError::Axes { .. }), "{sizes:?}: {error}");
    }
    for code in [0x00, 0x0a, 0x0f, 0xff] {
        let error = Labels::parse(&idx(code, &[0], &[])[..]).unwrap_err();
        assert!(matches!(error, IdxError::Element { .. }), "{error}");
    }
}

/// What QMNIST adds: the writer, the writer's hand, where the digit was found.
#[test]
fn the_first_of_qmnists_columns_is_the_class() {
    let root = tempfile::tempdir().unwrap();
    let digits = Dataset::synthetic(1, Split::Train, 3);
    let images = root.path().join("qmnist-train-images-idx3-ubyte.gz");
    let as_idx = Idx::new([3, 28, 28], digits.images.clone()).unwrap();
    as_idx.save(images).unwrap();
    let row = |class: u8| {
        [
            f64::from(class),
            4.0,
            2500.0,
            112_000.0,
            -1.0,
            7.0,
            0.0,
            0.0,
        ]
    };
    let rows: Vec<f64> = digits.labels.iter().flat_map(|class| row(*class)).collect();
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(&idx(0x0c, &[3, 8], &elements(0x0c, &rows)))
        .unwrap();
    let labels = root.path().join("qmnist-train-labels-idx2-int.gz");
    fs::write(&labels, gz.finish().unwrap()).unwrap();

    let data = Dataset::open(root.path(), Split::Train).unwrap();
    assert_eq!(data.images, digits.images);
    assert_eq!(data.labels, digits.labels);
    assert!(!data.provenance.is_mnist());

    fs::write(&labels, idx(0x0c, &[2, 8], &elements(0x0c, &rows[..16]))).unwrap();
    let error = Dataset::open(root.path(), Split::Train).unwrap_err();
    let Error::Count { images, labels, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*images, *labels), (3, 2));
}

proptest! {
    #[test]
    fn any_classes_come_back(
        code in prop::sample::select(TYPES.to_vec()), classes in prop::collection::vec(0_u8..128, 0..40),
    ) {
        let numbers: Vec<f64> = classes.iter().map(|class| f64::from(*class)).collect();
        let file = idx(code, &[classes.len() as u32], &elements(code, &numbers));
        prop_assert_eq!(Labels::parse(&file[..]).unwrap().classes, classes);
    }

    #[test]
    fn arbitrary_elements_never_panic(
        code in 0_u8..16, rank in 0_u8..6, bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 0, 0, 1, 8, 200]), 0..80),
    ) {
        let file = [&[0, 0, code, rank], &bytes[..]].concat();
        let _ = Labels::parse(&file[..]);
    }
}

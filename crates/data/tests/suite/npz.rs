//! `.npz` files, as NumPy writes them and as nobody should.

use crate::contents;
use detach_data::{Error, Split, Wanted, open};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

const ANY: Wanted = Wanted {
    channels: None,
    side: None,
};

/// An array as NumPy writes it.
fn npy(dtype: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    npy_in("False", dtype, shape, bytes)
}

fn npy_in(fortran: &str, dtype: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(bytes);
    out
}

/// An archive of members.
fn zip(members: &[(&str, Vec<u8>)], deflate: bool) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let packed = if deflate {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        } else {
            bytes.clone()
        };
        let mut common = vec![20, 0, 0, 0, if deflate { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for field in [crc.sum(), packed.len() as u32, bytes.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let at = out.len() as u32;
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(packed);
    }
    let (at, count) = (out.len() as u32, members.len() as u16);
    let size = directory.len() as u32;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes().repeat(2));
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn put(bytes: &[u8]) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("mnist.npz");
    fs::write(&path, bytes).unwrap();
    (root, path)
}

fn keras(deflate: bool) -> Vec<u8> {
    let members = [
        ("x_test.npy", npy("|u1", "(1, 2, 3)", &[9; 6])),
        (
            "x_train.npy",
            npy("|u1", "(2, 2, 3)", &(0..12).collect::<Vec<_>>()),
        ),
        ("y_train.npy", npy("|u1", "(2,)", &[4, 1])),
    ];
    zip(&members, deflate)
}

/// The error's text, after checking that there is one and that it names the file.
#[track_caller]
fn refusal(bytes: &[u8]) -> String {
    let (_root, path) = put(bytes);
    let error = open(&path, Split::Train, ANY).expect_err("no data set");
    let text = error.to_string();
    assert!(text.contains("mnist.npz"), "{text}");
    text
}

/// What is said of training images of this type, shape and content, with these labels.
#[track_caller]
fn refused(images: Vec<u8>, labels: Vec<u8>) -> String {
    refusal(&zip(
        &[("x_train.npy", images), ("y_train.npy", labels)],
        true,
    ))
}

#[test]
fn stored_and_deflated_members_by_file_and_by_folder() {
    for deflate in [false, true] {
        let (root, path) = put(&keras(deflate));
        for given in [root.path(), &path] {
            let set = open(given, Split::Train, ANY).unwrap();
            assert_eq!((set.len(), set.shape(), set.classes()), (2, [1, 2, 3], 5));
            assert_eq!(contents(&*set), ((0..12).collect(), vec![4, 1]));
            assert!(set.source().contains("mnist.npz"), "{}", set.source());
            let test = open(given, Split::Test, ANY).unwrap();
            assert_eq!((test.classes(), contents(&*test).0), (0, vec![9; 6]));
        }
    }
}

#[test]
fn colours_come_last_or_first_and_labels_in_any_width() {
    for (shape, expected) in [
        ("(1, 1, 2, 3)", [1, 4, 2, 5, 3, 6]),
        ("(1, 3, 1, 2)", [1, 2, 3, 4, 5, 6]),
    ] {
        for (dtype, bytes) in [
            ("|i1", vec![7]),
            ("<i2", vec![7, 0]),
            ("<u4", vec![7, 0, 0, 0]),
            ("<i8", vec![7, 0, 0, 0, 0, 0, 0, 0]),
            (">i2", vec![0, 7]),
            (">u4", vec![0, 0, 0, 7]),
            (">i8", vec![0, 0, 0, 0, 0, 0, 0, 7]),
        ] {
            let images = npy("|u1", shape, &[1, 2, 3, 4, 5, 6]);
            let labels = npy(dtype, "(1, 1)", &bytes);
            let (_root, path) = put(&zip(
                &[("x_train.npy", images), ("y_train.npy", labels)],
                true,
            ));
            let set = open(&path, Split::Train, ANY).unwrap();
            assert_eq!((set.shape(), set.classes()), ([3, 1, 2], 8));
            assert_eq!(contents(&*set), (expected.to_vec(), vec![7]));
        }
    }
}

#[test]
fn truth_values_are_two_classes() {
    let images = npy("|u1", "(2, 1, 1)", &[1, 2]);
    let labels = npy("|b1", "(2,)", &[1, 0]);
    let (_root, path) = put(&zip(
        &[("x_train.npy", images), ("y_train.npy", labels)],
        false,
    ));
    let set = open(&path, Split::Train, ANY).unwrap();
    assert_eq!((set.classes(), contents(&*set).1), (2, vec![1, 0]));
}

/// NumPy writes an array as it lies in memory, and says so.
#[test]
fn arrays_in_fortrans_order_are_turned() {
    let [count, height, width, channels] = [2, 4, 3, 3];
    for (sizes, shape) in [
        (vec![count, height, width], "(2, 4, 3)"),
        (vec![count, height, width, channels], "(2, 4, 3, 3)"),
        (vec![count, channels, height, width], "(2, 3, 4, 3)"),
    ] {
        let len = sizes.iter().product::<usize>();
        let plain: Vec<u8> = (0..len as u8).collect();
        let mut turned = vec![0; len];
        for (index, value) in plain.iter().enumerate() {
            let (mut rest, mut at, mut stride) = (index, 0, len);
            for size in sizes.iter().rev() {
                stride /= size;
                at += rest % size * stride;
                rest /= size;
            }
            turned[at] = *value;
        }
        let read = |images| {
            let labels = npy_in("True", "<i2", "(2, 1)", &[3, 0, 1, 0]);
            let (_root, path) = put(&zip(
                &[("x_train.npy", images), ("y_train.npy", labels)],
                true,
            ));
            contents(&*open(&path, Split::Train, ANY).unwrap())
        };
        let expected = read(npy("|u1", shape, &plain));
        assert_eq!(read(npy_in("True", "|u1", shape, &turned)), expected);
        assert_eq!(expected.1, [3, 1]);
    }
}

#[test]
fn names_in_capitals_and_what_macos_adds() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("MNIST.NPZ"), keras(true)).unwrap();
    fs::write(root.path().join("._MNIST.NPZ"), "no archive").unwrap();
    assert_eq!(open(root.path(), Split::Train, ANY).unwrap().len(), 2);
}

#[test]
fn what_is_too_large_is_reduced() {
    let images = npy("|u1", "(1, 4, 4)", &[80; 16]);
    let (_root, path) = put(&zip(&[("x_train.npy", images)], false));
    let set = open(&path, Split::Train, Wanted::new(1, 2)).unwrap();
    assert_eq!((set.shape(), contents(&*set).0), ([1, 2, 2], vec![80; 4]));
    let set = open(&path, Split::Train, Wanted::new(3, 64)).unwrap();
    assert_eq!(set.shape(), [1, 4, 4]);
}

#[test]
fn what_is_missing_is_named() {
    let there = refusal(&zip(&[("arr_0.npy", npy("|u1", "(1,)", &[1]))], false));
    assert!(there.contains("no x_train, only arr_0.npy"), "{there}");
    let (_root, path) = put(&zip(
        &[("x_train.npy", npy("|u1", "(1, 1, 1)", &[1]))],
        false,
    ));
    let error = open(&path, Split::Test, ANY).unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }), "{error}");
}

#[test]
fn arrays_that_are_no_data_set_are_refused() {
    let images = npy("|u1", "(2, 1, 1)", &[1, 2]);
    for (text, what) in [
        (
            refused(npy("<f4", "(1, 1, 1)", &[0; 4]), Vec::new()),
            "<f4 of shape [1, 1, 1], not uint8",
        ),
        (
            refused(npy("<i8", "(1, 1, 1)", &[0; 8]), images.clone()),
            "not uint8 of shape",
        ),
        (
            refused(npy("|u1", "(4,)", &[0; 4]), images.clone()),
            "[N, H, W]",
        ),
        (
            refused(npy("|u1", "(0, 2, 2)", &[]), images.clone()),
            "N at least 1",
        ),
        (
            refused(images.clone(), npy("|u1", "(3,)", &[0; 3])),
            "2 images but 3 labels",
        ),
        (
            refused(images.clone(), npy("|u1", "(2, 2)", &[0; 4])),
            "[N] or [N, 1]",
        ),
        (
            refused(images.clone(), npy("<i2", "(2,)", &[0, 0, 255, 255])),
            "label -1 is no class",
        ),
        (
            refused(
                images.clone(),
                npy("<u4", "(2,)", &[0, 0, 1, 0, 0, 0, 0, 0]),
            ),
            "label 65536",
        ),
        (
            refused(images.clone(), npy("<f8", "(2,)", &[0; 16])),
            "integers",
        ),
        (
            refused(images.clone(), b"not NumPy at all".to_vec()),
            "no NumPy array",
        ),
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
}

#[test]
fn claims_that_the_bytes_do_not_back_are_refused() {
    let huge = npy("|u1", "(4294967295, 28, 28)", &[0; 20]);
    let text = refused(huge, Vec::new());
    assert!(text.contains("more than the 1 GiB"), "{text}");
    let wide = npy("<i8", "(134217729,)", &[0; 16]);
    let text = refused(npy("|u1", "(2, 1, 1)", &[1, 2]), wide);
    assert!(text.contains("more than the 1 GiB"), "{text}");
    let hidden = npy("|u1", "(0, 4294967295, 4294967295)", &[]);
    assert!(refused(hidden, Vec::new()).contains("more than the 1 GiB"));
    let within = npy("|u1", "(1000000, 28, 28)", &[0; 20]);
    assert!(refused(within, Vec::new()).contains("damaged"));
    // The directory claims what the header does; the bytes are not there.
    let mut archive = keras(false);
    let claim = npy("|u1", "(9, 2, 3)", &[]).len() as u32 + 54;
    let of_train = archive
        .windows(4)
        .rposition(|w| w == b"PK\x01\x02")
        .unwrap();
    archive[of_train + 24..][..4].copy_from_slice(&claim.to_le_bytes());
    assert!(!refusal(&archive).is_empty());
}

#[test]
fn damage_is_found_by_the_checksum() {
    let mut archive = keras(false);
    let images = (0..12).collect::<Vec<u8>>();
    let at = archive
        .windows(12)
        .position(|window| window == images)
        .unwrap();
    archive[at + 3] ^= 1;
    let text = refusal(&archive);
    assert!(text.contains("CRC-32 differs"), "{text}");
}

#[test]
fn every_way_to_be_cut_off_is_an_error() {
    let archive = keras(true);
    for length in 2..archive.len() {
        let text = refusal(&archive[..length]);
        assert!(text.contains("no zip archive"), "{length}: {text}");
    }
}

#[test]
fn a_comment_may_look_like_an_end() {
    let mut archive = keras(true);
    let length = archive.len() - 2;
    archive[length] = 40;
    archive.extend(b"PK\x05\x06");
    archive.extend([0; 36]);
    let (_root, path) = put(&archive);
    assert_eq!(open(&path, Split::Train, ANY).unwrap().len(), 2);
}

#[test]
fn encrypted_and_oddly_packed_members_are_refused() {
    for (offset, value, what) in [(6, 1, "encrypted"), (8, 14, "method 14")] {
        let mut archive = keras(false);
        for at in 0..archive.len() - 46 {
            if archive[at..].starts_with(b"PK\x01\x02") {
                archive[at + offset + 2] = value;
            }
        }
        let text = refusal(&archive);
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn of_several_files_one_must_be_named() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a.npz", "b.npz"] {
        fs::write(root.path().join(name), keras(true)).unwrap();
    }
    let error = open(root.path(), Split::Train, ANY).unwrap_err();
    assert!(error.to_string().contains("a.npz, b.npz"), "{error}");
    fs::write(root.path().join("mnist.npz"), keras(true)).unwrap();
    open(root.path(), Split::Train, ANY).unwrap();
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        [height, width] in [1_usize..6, 1_usize..6], count in 1_usize..6, deflate in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 5 * 25), labels in prop::collection::vec(any::<u8>(), 5),
    ) {
        let images = &bytes[..count * height * width];
        let shape = format!("({count}, {height}, {width})");
        let members = [
            ("x_train.npy", npy("|u1", &shape, images)),
            ("y_train.npy", npy("|u1", &format!("({count},)"), &labels[..count])),
        ];
        let (_root, path) = put(&zip(&members, deflate));
        let set = open(&path, Split::Train, ANY).unwrap();
        let (read, classes) = contents(&*set);
        prop_assert_eq!(&read[..], images);
        prop_assert!(classes.iter().zip(&labels).all(|(a, b)| *a == u32::from(*b)));
    }

    #[test]
    fn damaged_archives_never_panic(
        deflate in any::<bool>(),
        changes in prop::collection::vec((0_usize..500, any::<u8>()), 1..4),
    ) {
        let mut archive = keras(deflate);
        for (at, byte) in changes {
            let at = 2 + at % (archive.len() - 2);
            archive[at] = byte;
        }
        let (_root, path) = put(&archive);
        if let Err(error) = open(&path, Split::Train, ANY) {
            prop_assert!(error.to_string().contains("mnist.npz"), "{}", error);
        }
    }
}

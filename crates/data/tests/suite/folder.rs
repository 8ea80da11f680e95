//! Folders of PNG images.

use crate::{contents, put};
use detach_data::{Error, Split, Wanted, open};
use proptest::prelude::*;
use std::fs;

const ANY: Wanted = Wanted {
    channels: None,
    side: None,
};

#[test]
fn a_plain_folder_has_no_classes_and_the_order_of_names() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("b.png"), [1, 2], &[3, 4]);
    put(root.path().join("a.PNG"), [1, 2], &[1, 2]);
    put(root.path().join("c.png"), [1, 2], &[5, 6]);
    fs::write(root.path().join("notes.txt"), "no image").unwrap();
    fs::write(root.path().join(".hidden.png"), "no image").unwrap();
    let set = open(root.path(), Split::Train, ANY).unwrap();
    assert_eq!((set.len(), set.shape(), set.classes()), (3, [1, 1, 2], 0));
    assert_eq!(contents(&*set), (vec![1, 2, 3, 4, 5, 6], vec![0; 3]));
    let told = set.source();
    assert!(told.starts_with("PNG images from"), "{told}");
    assert!(told.contains(&root.path().display().to_string()), "{told}");
}

#[test]
fn sub_folders_are_classes_in_the_order_of_their_names() {
    let root = tempfile::tempdir().unwrap();
    for (name, value) in [("dog/1", 1), ("cat/2", 2), ("eel/1", 3), ("cat/1", 4)] {
        put(
            root.path().join(name).with_extension("png"),
            [1, 1],
            &[value],
        );
    }
    fs::create_dir(root.path().join(".cache")).unwrap();
    let set = open(root.path(), Split::Train, ANY).unwrap();
    assert_eq!(set.classes(), 3);
    assert_eq!(contents(&*set), (vec![4, 2, 1, 3], vec![0, 0, 1, 2]));
    assert!(set.source().starts_with("3 classes of PNG images"));
}

#[test]
fn train_and_test_may_be_apart() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("train/x/1.png"), [1, 1], &[1]);
    put(root.path().join("train/y/1.png"), [1, 1], &[2]);
    let error = open(root.path(), Split::Test, ANY).unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }), "{error}");
    assert!(
        error.to_string().contains("no folder called test"),
        "{error}"
    );
    put(root.path().join("test/1.png"), [1, 1], &[3]);
    let train = open(root.path(), Split::Train, ANY).unwrap();
    let test = open(root.path(), Split::Test, ANY).unwrap();
    assert_eq!((contents(&*train).0, train.classes()), (vec![1, 2], 2));
    assert_eq!((contents(&*test).0, test.classes()), (vec![3], 0));
}

#[test]
fn archives_wrap_their_folders_and_call_them_otherwise() {
    for (train, test) in [
        ("train", "test"),
        ("Training", "Testing"),
        ("mnist_png/training", "mnist_png/testing"),
        ("a/b/Train", "a/b/Test"),
    ] {
        let root = tempfile::tempdir().unwrap();
        put(root.path().join(train).join("0/1.png"), [1, 1], &[1]);
        put(root.path().join(train).join("1/1.png"), [1, 1], &[2]);
        put(root.path().join(test).join("0/1.png"), [1, 1], &[3]);
        fs::create_dir_all(root.path().join("__MACOSX/0")).unwrap();
        fs::write(root.path().join("__MACOSX/0/1.png"), "no image").unwrap();
        let set = open(root.path(), Split::Train, ANY).unwrap();
        assert_eq!(contents(&*set), (vec![1, 2], vec![0, 1]), "{train}");
        let set = open(root.path(), Split::Test, ANY).unwrap();
        assert_eq!(contents(&*set).0, [3], "{train}");
    }
}

/// Of things that move on rails and roads.
#[test]
fn a_class_may_be_called_train() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("Car/1.png"), [1, 1], &[1]);
    put(root.path().join("Train/1.png"), [1, 1], &[2]);
    let set = open(root.path(), Split::Train, ANY).unwrap();
    assert_eq!(contents(&*set), (vec![1, 2], vec![0, 1]));
    // One folder alone is one class.
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("cats/1.png"), [1, 1], &[1]);
    assert_eq!(open(root.path(), Split::Train, ANY).unwrap().classes(), 1);
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_and_fifos_are_named_and_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let fifo = |name: &str| {
        let path = root.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        path
    };
    put(root.path().join("good.png"), [1, 1], &[1]);
    std::os::unix::fs::symlink("nowhere", root.path().join("link.png")).unwrap();
    fifo("fifo.png");
    let error = open(root.path(), Split::Train, ANY).unwrap_err();
    let Error::Images { count, files, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*count, 2);
    assert!(files[0].starts_with("fifo.png") && files[1].starts_with("link.png"));
    for path in [fifo("images"), fifo("mnist.npz")] {
        let error = open(&path, Split::Train, ANY).unwrap_err();
        assert!(matches!(error, Error::NotThere { .. }), "{error}");
    }
    // In a folder it is a file that cannot be read.
    let error = open(root.path(), Split::Train, ANY).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn a_set_is_grey_until_one_image_is_not() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("1.png"), [1, 2], &[1, 2]);
    put(root.path().join("2.png"), [1, 2], &[9, 9, 9, 4, 4, 4]);
    let grey = open(
        root.path(),
        Split::Train,
        Wanted {
            channels: Some(3),
            side: None,
        },
    )
    .unwrap();
    assert_eq!(grey.shape(), [1, 1, 2]);
    assert_eq!(contents(&*grey).0, [1, 2, 9, 4]);

    put(root.path().join("3.png"), [1, 2], &[255, 0, 0, 7, 8, 9]);
    put(root.path().join("4.png"), [1, 2], &[5, 6]);
    let colour = open(root.path(), Split::Train, ANY).unwrap();
    assert_eq!(colour.shape(), [3, 1, 2]);
    let expected = [
        [1, 2, 1, 2, 1, 2],
        [9, 4, 9, 4, 9, 4],
        [255, 7, 0, 8, 0, 9],
        [5, 6, 5, 6, 5, 6],
    ];
    assert_eq!(contents(&*colour).0, expected.as_flattened());
    let wanted = Wanted {
        channels: Some(1),
        side: None,
    };
    let grey = open(root.path(), Split::Train, wanted).unwrap();
    assert_eq!(contents(&*grey).0, [1, 2, 9, 4, 76, 8, 5, 6]);
}

#[test]
fn images_become_as_large_as_wanted_or_as_the_first_one() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("1.png"), [2, 2], &[0, 100, 200, 100]);
    put(root.path().join("2.png"), [4, 8], &[50; 32]);
    let set = open(root.path(), Split::Train, ANY).unwrap();
    assert_eq!(set.shape(), [1, 2, 2]);
    assert_eq!(contents(&*set).0, [0, 100, 200, 100, 50, 50, 50, 50]);
    assert!(set.source().contains("resized to 2×2"), "{}", set.source());
    let set = open(root.path(), Split::Train, Wanted::new(1, 1)).unwrap();
    assert_eq!(contents(&*set).0, [100, 50]);
    let set = open(root.path(), Split::Train, Wanted::new(3, 5)).unwrap();
    assert_eq!(set.shape(), [1, 5, 5]);
}

#[test]
fn unreadable_files_are_named_up_to_ten() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("good.png"), [1, 1], &[1]);
    fs::write(root.path().join("bad-00.png"), "<html>").unwrap();
    let error = open(root.path(), Split::Train, ANY)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("1 of 2 images") && error.contains("bad-00.png ("),
        "{error}"
    );
    for i in 1..12 {
        fs::write(root.path().join(format!("bad-{i:02}.png")), "").unwrap();
    }
    let error = open(root.path(), Split::Train, ANY).unwrap_err();
    let Error::Images {
        count, all, files, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((*count, *all, files.len()), (12, 13, 10));
    let text = error.to_string();
    assert!(
        text.contains("bad-09.png (it is cut off); …; repair"),
        "{text}"
    );
}

#[test]
fn classes_or_none_but_not_both() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("cat/1.png"), [1, 1], &[1]);
    fs::create_dir(root.path().join("dog")).unwrap();
    fs::write(root.path().join("dog/1.jpg"), "jpeg").unwrap();
    let error = open(root.path(), Split::Train, ANY).unwrap_err();
    assert!(matches!(error, Error::EmptyClass { .. }), "{error}");
    assert!(error.to_string().contains("dog"), "{error}");
    put(root.path().join("1.png"), [1, 1], &[1]);
    let error = open(root.path(), Split::Train, ANY).unwrap_err();
    assert!(matches!(error, Error::Mixed { images: 1, .. }), "{error}");
    assert!(error.to_string().contains("such as cat"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_written_is_read(
        [height, width] in [1_usize..7, 1_usize..7],
        colour in any::<bool>(),
        images in prop::collection::vec((0_usize..3, prop::collection::vec(any::<u8>(), 3 * 36)), 1..9),
    ) {
        let root = tempfile::tempdir().unwrap();
        let bytes = if colour { 3 } else { 1 } * height * width;
        let mut by_class = [const { Vec::new() }; 3];
        for (index, (class, image)) in images.iter().enumerate() {
            put(root.path().join(format!("{class}/{index}.png")), [height, width], &image[..bytes]);
            by_class[*class].push(&image[..bytes]);
        }
        let set = open(root.path(), Split::Train, ANY).unwrap();
        prop_assert_eq!(set.len(), images.len());
        prop_assert_eq!(set.classes(), by_class.iter().filter(|class| !class.is_empty()).count());
        let (read, labels) = contents(&*set);
        prop_assert!(labels.is_sorted());
        let expected: Vec<&[u8]> = by_class.into_iter().flatten().collect();
        let channels = set.shape()[0];
        for (image, expected) in read.chunks(channels * height * width).zip(expected) {
            let depth = if colour { 3 } else { 1 };
            for (i, pixel) in expected.chunks(depth).enumerate() {
                for channel in 0..channels {
                    prop_assert_eq!(image[channel * height * width + i], pixel[channel % depth]);
                }
            }
        }
    }

    #[test]
    fn hostile_files_are_an_error_that_names_them(
        at in 0_usize..60, byte in any::<u8>(), cut in 0_usize..80,
    ) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("hostile.png");
        put(&path, [4, 4], &[3; 16]);
        let mut bytes = fs::read(&path).unwrap();
        if let Some(damaged) = bytes.get_mut(at) {
            *damaged = byte;
        }
        bytes.truncate(bytes.len().min(cut));
        fs::write(&path, bytes).unwrap();
        if let Err(error) = open(root.path(), Split::Train, Wanted::new(1, 8)) {
            prop_assert!(error.to_string().contains("hostile.png"), "{}", error);
        }
    }
}

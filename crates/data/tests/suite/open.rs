//! What lies where, and where a data set is looked for.

use crate::{contents, find, put};
use detach_data::{Dataset, Error, Split, Wanted, open, synthetic};
use proptest::prelude::*;
use std::fs;

#[test]
fn idx_files_go_before_all_others() {
    let root = tempfile::tempdir().unwrap();
    let digits = detach_mnist::Dataset::synthetic(1, Split::Train, 5);
    digits.save(root.path()).unwrap();
    put(root.path().join("1.png"), [1, 1], &[1]);
    fs::write(root.path().join("mnist.npz"), "PK").unwrap();
    let set = open(root.path(), Split::Train, Wanted::new(1, 64)).unwrap();
    assert_eq!((set.len(), set.shape()), (5, [1, 28, 28]));
    assert_eq!(contents(&*set).0, digits.images);
    assert!(
        set.source().contains("in MNIST's format"),
        "{}",
        set.source()
    );
}

#[test]
fn idx_images_alone_have_no_classes() {
    let root = tempfile::tempdir().unwrap();
    let paths = detach_mnist::Dataset::synthetic(1, Split::Train, 5)
        .save(root.path())
        .unwrap();
    fs::remove_file(&paths[1]).unwrap();
    for path in [root.path(), &paths[0]] {
        let set = open(path, Split::Train, Wanted::default()).unwrap();
        assert_eq!((set.len(), set.classes()), (5, 0));
        assert!(set.source().contains("without labels"), "{}", set.source());
    }
}

#[test]
fn where_nothing_is_the_error_says_what_could_be() {
    let root = tempfile::tempdir().unwrap();
    for path in [root.path().to_owned(), root.path().join("no/such")] {
        let error = open(&path, Split::Train, Wanted::default()).unwrap_err();
        assert!(matches!(error, Error::NotThere { .. }), "{error}");
        let text = error.to_string();
        for word in [&*path.display().to_string(), "IDX", "PNG", "npz"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("--"), "a library knows no flag: {text}");
    }
    let page = root.path().join("page.html");
    fs::write(&page, "<html>").unwrap();
    let error = open(&page, Split::Train, Wanted::default()).unwrap_err();
    assert!(error.to_string().contains("page.html"), "{error}");
}

#[test]
fn digits_are_made_where_nothing_was_found_and_the_statement_says_why() {
    let root = tempfile::tempdir().unwrap();
    let mut find = find(&root, Wanted::new(1, 28));
    let found = find.find(Split::Test, &mut |_| {}).unwrap();
    assert!(found.is_synthetic());
    assert_eq!(found.dataset.len(), 10_000);
    assert_eq!(
        found.dataset.checksum(),
        synthetic(0, Split::Test, 10_000).checksum()
    );
    assert_eq!(
        found.dataset.source(),
        "synthetic digits made here (seed 0)"
    );
    assert!(found.statement.starts_with(&found.dataset.source()));
    assert!(
        found.statement.contains("download: not allowed"),
        "{}",
        found.statement
    );

    find.lookup.synthetic = None;
    let error = find.find(Split::Train, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("no data set found"), "{error}");
}

#[test]
fn what_was_asked_for_is_taken_or_refused_but_never_replaced() {
    let root = tempfile::tempdir().unwrap();
    let cats = root.path().join("cats");
    put(cats.join("1.png"), [2, 2], &[1; 4]);
    let mut find = find(&root, Wanted::new(1, 2));
    find.given = Some(cats.clone());
    let found = find.find(Split::Train, &mut |_| {}).unwrap();
    assert!(!found.is_synthetic());
    assert_eq!(
        (found.dataset.len(), found.statement),
        (1, found.dataset.source())
    );
    find.given = Some(root.path().join("dogs"));
    let error = find.find(Split::Train, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn idx_of_any_size_comes_back(
        shape in prop::sample::select(vec![[1, 3, 5], [1, 28, 28], [3, 4, 4], [1, 1, 1]]),
        count in 1_usize..5, bytes in prop::collection::vec(any::<u8>(), 4 * 784),
    ) {
        let root = tempfile::tempdir().unwrap();
        let images = bytes[..count * shape.iter().product::<usize>()].to_vec();
        let set = detach_mnist::Dataset {
            images: images.clone(),
            labels: (0..count as u8).collect(),
            shape,
            ..detach_mnist::Dataset::synthetic(0, Split::Train, 1)
        };
        set.save(root.path()).unwrap();
        let read = open(root.path(), Split::Train, Wanted::default()).unwrap();
        prop_assert_eq!((read.shape(), read.classes()), (shape, count));
        prop_assert_eq!(contents(&*read), (images, (0..count as u32).collect()));
    }

    #[test]
    fn hostile_idx_files_are_an_error_that_names_them(
        changes in prop::collection::vec((0_usize..16, any::<u8>()), 0..3), cut in 0_usize..2000,
    ) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("train-images-idx3-ubyte");
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28];
        bytes.resize(16 + 2 * 784, 3);
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        fs::write(&path, bytes).unwrap();
        if let Err(error) = open(root.path(), Split::Train, Wanted::new(1, 14)) {
            prop_assert!(error.to_string().contains("train-images-idx3-ubyte"), "{}", error);
        }
    }
}

//! Finding a data set: layouts, names, the order of places, and what is said about it.

use std::fs;
use std::path::Path;

use detach_mnist::{Dataset, Error, FoundIn, Identity, Idx, Lookup, Origin, Split};
use tempfile::TempDir;

/// Writes `count` digits of a seed under the given names.
fn put(folder: &Path, prefix: &str, stem: &str, suffix: &str, seed: u64, count: usize) {
    fs::create_dir_all(folder).unwrap();
    let data = Dataset::synthetic(seed, Split::Train, count);
    let name = |what, rank| folder.join(format!("{prefix}{stem}-{what}{rank}-ubyte{suffix}"));
    Idx::new([count, 28, 28], data.images)
        .unwrap()
        .save(name("images", "-idx3"))
        .unwrap();
    Idx::new([count], data.labels)
        .unwrap()
        .save(name("labels", "-idx1"))
        .unwrap();
}

/// A lookup that knows nothing outside `root`.
pub(crate) fn lookup(root: &TempDir) -> Lookup {
    Lookup {
        local: root.path().join("data"),
        cache: Some(root.path().join("cache")),
        ..Lookup::new(None)
    }
}

pub(crate) fn find(lookup: &Lookup) -> Result<Dataset, Error> {
    lookup.find(Split::Train, &mut |_| {})
}

pub(crate) fn found(data: &Dataset) -> Option<FoundIn> {
    match data.provenance.origin {
        Origin::Files { found, .. } => Some(found),
        Origin::Synthetic { .. } => None,
    }
}

#[test]
fn a_folder_may_have_any_of_the_usual_layouts() {
    for (within, suffix) in [("", ""), ("", ".gz"), ("raw", ".gz"), ("MNIST/raw", "")] {
        let root = tempfile::tempdir().unwrap();
        put(&root.path().join(within), "", "train", suffix, 1, 5);
        let data = Dataset::open(root.path(), Split::Train).unwrap();
        assert_eq!(data.len(), 5);
        assert_eq!(data.images, Dataset::synthetic(1, Split::Train, 5).images);
        assert_eq!(found(&data), Some(FoundIn::Given));
        assert!(!data.provenance.is_mnist() && !data.provenance.is_synthetic());
        assert!(matches!(
            Dataset::open(root.path(), Split::Test),
            Err(Error::NotThere { .. })
        ));
    }
}

#[test]
fn names_may_have_a_dot_a_prefix_or_the_word_test() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "", "train", "", 1, 3);
    for what in ["images-idx3", "labels-idx1"] {
        let name = |what: &str| root.path().join(format!("train-{what}-ubyte"));
        fs::rename(name(what), name(&what.replace("-idx", ".idx"))).unwrap();
    }
    assert_eq!(Dataset::open(root.path(), Split::Train).unwrap().len(), 3);

    let root = tempfile::tempdir().unwrap();
    put(root.path(), "kmnist-", "test", ".gz", 1, 4);
    assert_eq!(Dataset::open(root.path(), Split::Test).unwrap().len(), 4);
}

#[test]
fn of_several_data_sets_one_must_be_named() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "emnist-letters-", "train", ".gz", 1, 3);
    put(root.path(), "emnist-digits-", "train", ".gz", 2, 4);
    let error = Dataset::open(root.path(), Split::Train).unwrap_err();
    let Error::Ambiguous { names, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(names, &["emnist-digits", "emnist-letters"]);
    assert!(
        error.to_string().contains("emnist-digits, emnist-letters"),
        "{error}"
    );
    assert_eq!(
        Dataset::open(root.path().join("emnist-letters"), Split::Train)
            .unwrap()
            .len(),
        3
    );

    put(root.path(), "", "train", "", 3, 6);
    assert_eq!(Dataset::open(root.path(), Split::Train).unwrap().len(), 6);
}

#[test]
fn emnist_is_turned_upright_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "emnist-letters-", "train", ".gz", 1, 3);
    let data = Dataset::open(root.path(), Split::Train).unwrap();
    let stored = Dataset::synthetic(1, Split::Train, 3);
    for (row, column) in [(0, 0), (3, 20), (14, 9), (27, 1)] {
        for i in 0..3 {
            assert_eq!(
                data.image(i)[28 * row + column],
                stored.image(i)[28 * column + row]
            );
        }
    }
    assert_ne!(data.images, stored.images);
    assert!(
        data.provenance.to_string().contains("turned upright"),
        "{}",
        data.provenance
    );
}

#[test]
fn a_folder_that_was_asked_for_is_taken_or_refused_but_never_replaced() {
    let root = tempfile::tempdir().unwrap();
    put(
        &root.path().join("data/MNIST/raw"),
        "",
        "train",
        ".gz",
        1,
        5,
    );
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for folder in [empty.clone(), root.path().join("no/such")] {
        let asked = Lookup {
            given: Some(folder.clone()),
            ..lookup(&root)
        };
        let error = find(&asked).unwrap_err();
        assert!(matches!(error, Error::NotThere { .. }), "{error}");
        assert!(
            error.to_string().contains(&folder.display().to_string()),
            "{error}"
        );
    }
    put(&empty, "", "train", "", 2, 7);
    fs::remove_file(empty.join("train-images-idx3-ubyte")).unwrap();
    let error = Dataset::open(&empty, Split::Train).unwrap_err().to_string();
    assert!(
        error.contains("has train-labels-idx1-ubyte but no train-images-idx3-ubyte"),
        "{error}"
    );
}

#[test]
fn the_order_is_local_cache_synthetic_and_is_told() {
    let root = tempfile::tempdir().unwrap();
    let lookup = lookup(&root);

    let made = find(&lookup).unwrap();
    assert_eq!(made.len(), 60_000);
    assert_eq!(
        made.images[..10 * 784],
        Dataset::synthetic(0, Split::Train, 10).images
    );
    let told = made.provenance.to_string();
    assert!(
        told.starts_with("synthetic digits made here (seed 0), because"),
        "{told}"
    );
    let places: Vec<_> = made
        .provenance
        .passed_over
        .iter()
        .map(|passed| &passed.place)
        .collect();
    assert!(
        places[0].contains("data") && places[1].contains("cache"),
        "{places:?}"
    );
    assert_eq!(places[2], "download");
    assert!(told.contains("download: not allowed"), "{told}");

    put(
        &root.path().join("cache/MNIST/raw"),
        "",
        "train",
        ".gz",
        1,
        5,
    );
    let cached = find(&lookup).unwrap();
    assert_eq!(
        (found(&cached), cached.provenance.passed_over.len()),
        (Some(FoundIn::Cache), 1)
    );

    put(
        &root.path().join("data/MNIST/raw"),
        "",
        "train",
        ".gz",
        1,
        6,
    );
    let local = find(&lookup).unwrap();
    assert_eq!(
        (found(&local), local.provenance.passed_over.len()),
        (Some(FoundIn::Local), 0)
    );
    assert!(
        local.provenance.to_string().contains("not MNIST itself"),
        "{}",
        local.provenance
    );
    assert!(matches!(
        local.provenance.origin,
        Origin::Files {
            identity: Identity::Other,
            ..
        }
    ));
}

#[test]
fn files_that_are_there_and_broken_are_an_error_not_a_reason_to_take_others() {
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("data/MNIST/raw");
    put(&raw, "", "train", ".gz", 1, 50);
    let images = raw.join("train-images-idx3-ubyte.gz");
    let bytes = fs::read(&images).unwrap();
    fs::write(&images, &bytes[..bytes.len() / 2]).unwrap();
    let error = find(&lookup(&root)).unwrap_err();
    assert!(matches!(error, Error::Idx { .. }), "{error}");
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[test]
fn images_and_labels_must_belong_together() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "", "train", "", 1, 5);
    let labels = root.path().join("train-labels-idx1-ubyte");
    Idx::new([4], vec![0; 4]).unwrap().save(&labels).unwrap();
    let error = Dataset::open(root.path(), Split::Train)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("5 images") && error.contains("4 labels"),
        "{error}"
    );

    Idx::new([1, 5], vec![0; 5]).unwrap().save(&labels).unwrap();
    let error = Dataset::open(root.path(), Split::Train).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Shape {
                expected: "[N]",
                ..
            }
        ),
        "{error}"
    );

    for shape in [&[0, 28, 28][..], &[5, 0, 28], &[5, 28], &[5, 2, 3, 3]] {
        let images = Idx::new(shape, vec![0; shape.iter().product()]).unwrap();
        images
            .save(root.path().join("train-images-idx3-ubyte"))
            .unwrap();
        let error = Dataset::open(root.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
        assert!(error.to_string().contains("[N, H, W]"), "{error}");
    }
}

#[test]
fn images_without_labels_are_taken_where_they_were_asked_for_and_before_made_ones() {
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("data/MNIST/raw");
    put(&raw, "", "train", "", 1, 5);
    fs::remove_file(raw.join("train-labels-idx1-ubyte")).unwrap();
    let given = [raw.clone(), raw.join("train-images-idx3-ubyte")];
    for given in given {
        let data = Dataset::open(&given, Split::Train).unwrap();
        assert_eq!((data.len(), data.classes(), data.labels.len()), (5, 0, 0));
        let told = data.provenance.to_string();
        assert!(told.contains("without labels"), "{told}");
        Dataset::open(&given, Split::Test).unwrap_err();
    }

    let alone = find(&lookup(&root)).unwrap();
    assert_eq!((alone.len(), found(&alone)), (5, Some(FoundIn::Local)));
    let told = alone.provenance.to_string();
    let missing = "has train-images-idx3-ubyte but no train-labels-idx1-ubyte";
    assert!(told.contains(missing), "{told}");

    // With labels elsewhere, those go first.
    put(&root.path().join("cache/MNIST/raw"), "", "train", "", 2, 6);
    assert_eq!(find(&lookup(&root)).unwrap().len(), 6);
}

#[test]
fn images_may_have_any_size_and_three_channels() {
    for (shape, [channels, height, width]) in [
        (vec![4, 32, 20], [1, 32, 20]),
        (vec![4, 3, 5, 7], [3, 5, 7]),
        (vec![4, 1, 1, 1], [1, 1, 1]),
    ] {
        let root = tempfile::tempdir().unwrap();
        let pixels = channels * height * width;
        let images: Vec<u8> = (0..4 * pixels).map(|i| i as u8).collect();
        let name = format!("train-images-idx{}-ubyte", shape.len());
        let path = root.path().join(name);
        Idx::new(shape, images.clone()).unwrap().save(path).unwrap();
        let labels = root.path().join("train-labels-idx1-ubyte");
        let of_class = Idx::new([4], vec![0, 6, 1, 2]).unwrap();
        of_class.save(labels).unwrap();

        let data = Dataset::open(root.path(), Split::Train).unwrap();
        assert_eq!(data.shape, [channels, height, width]);
        assert_eq!((data.len(), data.classes()), (4, 7));
        assert_eq!(data.image(3), &images[3 * pixels..]);
        let other = root.path().join("other");
        assert_eq!(data.save(&other).unwrap().len(), 2);
        let again = Dataset::open(&other, Split::Train).unwrap();
        assert_eq!((again.images, again.shape), (images, data.shape));
    }
}

#[test]
fn a_batch_is_the_images_of_its_indices_on_the_scale_of_networks() {
    let data = Dataset::synthetic(1, Split::Train, 10);
    let mut batch = vec![9.0; 3 * 784];
    data.batch(&[7, 0, 7], &mut batch);
    assert!(batch[..784] == batch[2 * 784..]);
    for (value, &pixel) in batch[784..2 * 784].iter().zip(data.image(0)) {
        assert_eq!(*value, (f32::from(pixel) - 127.5) / 127.5);
    }
}

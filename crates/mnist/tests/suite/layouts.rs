//! Where files lie in the archives that people have, and what lies there instead of a file.

use std::fs;
use std::path::Path;

use detach_mnist::{Dataset, Error, Idx, Split};

/// Writes five digits of `seed` as these two files; folders are made where they are missing.
fn put(root: &Path, images: &str, labels: &str, seed: u64) -> Vec<u8> {
    let data = Dataset::synthetic(seed, Split::Train, 5);
    let files = [
        (images, vec![5, 28, 28], data.images.clone()),
        (labels, vec![5], data.labels),
    ];
    for (name, shape, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        Idx::new(shape, bytes).unwrap().save(path).unwrap();
    }
    data.images
}

#[track_caller]
fn assert_opens(path: &Path, images: &[u8]) {
    let data = Dataset::open(path, Split::Train).unwrap();
    assert!(data.images == images, "other images in {}", path.display());
    assert_eq!(data.labels.len(), 5);
}

#[test]
fn archives_of_every_layout() {
    for (images, labels) in [
        ("raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte"),
        ("RAW/train-images-idx3-ubyte", "RAW/train-labels-idx1-ubyte"),
        (
            "mnist/Raw/train-images-idx3-ubyte",
            "mnist/Raw/train-labels-idx1-ubyte",
        ),
        (
            "FashionMNIST/raw/train-images-idx3-ubyte.gz",
            "FashionMNIST/raw/train-labels-idx1-ubyte.gz",
        ),
        (
            "archive/train-images.idx3-ubyte",
            "archive/train-labels.idx1-ubyte",
        ),
        (
            "gzip/emnist-a-train-images-idx3-ubyte.gz",
            "gzip/emnist-a-train-labels-idx1-ubyte.gz",
        ),
        ("TRAIN-IMAGES-IDX3-UBYTE.GZ", "TRAIN-LABELS-IDX1-UBYTE.GZ"),
        ("train_images_idx3_ubyte", "train.labels.idx1.ubyte.gz"),
        // As one unpacks the archive of a well-known site: a folder of each file's name.
        (
            "train-images-idx3-ubyte/train-images-idx3-ubyte",
            "train-labels-idx1-ubyte/train-labels-idx1-ubyte",
        ),
        (
            "archive/train-images.idx3-ubyte/train-images-idx3-ubyte.gz",
            "archive/train-labels-idx1-ubyte",
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        let upright = put(root.path(), images, labels, 1);
        let data = Dataset::open(root.path(), Split::Train).expect(images);
        let turned = images.contains("emnist");
        assert_eq!(data.images == upright, !turned, "{images}");
        assert_eq!(data.labels.len(), 5, "{images}");
    }
}

/// The layout in which both are there, the file and a folder of its name.
#[test]
fn a_file_goes_before_a_folder_of_its_name() {
    let root = tempfile::tempdir().unwrap();
    let (inner, labels) = (
        "train-images-idx3-ubyte/train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
    );
    let images = put(root.path(), inner, labels, 1);
    assert_opens(root.path(), &images);
    let images = put(root.path(), "train-images-idx3-ubyte.gz", labels, 2);
    assert_opens(root.path(), &images);
    let images = put(root.path(), "train-images.idx3-ubyte", labels, 3);
    assert_opens(root.path(), &images);

    // A folder of the name and nothing in it is told, not passed over.
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("train-images-idx3-ubyte")).unwrap();
    let error = Dataset::open(root.path(), Split::Train).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn what_is_spelt_as_usual_and_unpacked_goes_before_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let labels = "train-labels-idx1-ubyte";
    for (seed, name) in [
        (1, "TRAIN-images-idx3-ubyte.gz"),
        (2, "train-images-idx3-ubyte.gz"),
        (3, "TRAIN-images-idx3-ubyte"),
        (4, "train-images-idx3-ubyte"),
    ] {
        let images = put(root.path(), name, labels, seed);
        assert_opens(root.path(), &images);
    }
}

/// `--data-dir .` is not meant to find what lies somewhere below.
#[test]
fn folders_of_other_names_are_not_looked_into() {
    let root = tempfile::tempdir().unwrap();
    put(
        root.path(),
        "digits/train-images-idx3-ubyte",
        "digits/train-labels-idx1-ubyte",
        1,
    );
    let error = Dataset::open(root.path(), Split::Train).unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }), "{error}");
}

/// What macOS adds to an archive has the name and is no data.
#[test]
fn hidden_files_are_nobodys_data() {
    let root = tempfile::tempdir().unwrap();
    let images = put(
        root.path(),
        "MNIST/train-images-idx3-ubyte",
        "MNIST/train-labels-idx1-ubyte",
        1,
    );
    for folder in ["MNIST", "__MACOSX/raw"] {
        let folder = root.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("._train-images-idx3-ubyte"), "not IDX").unwrap();
    }
    assert_opens(root.path(), &images);
}

#[test]
fn of_several_folders_one_must_be_named() {
    let root = tempfile::tempdir().unwrap();
    for (name, seed) in [("KMNIST", 1), ("FashionMNIST", 2)] {
        let folder = root.path().join(name).join("raw");
        put(
            &folder,
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            seed,
        );
    }
    let error = Dataset::open(root.path(), Split::Train).unwrap_err();
    let Error::Ambiguous { names, .. } = &error else {
        panic!("{error}")
    };
    for name in names {
        Dataset::open(root.path().join(name), Split::Train).unwrap();
    }
    let raw = root.path().join("MNIST/raw");
    let images = put(
        &raw,
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        3,
    );
    assert_opens(root.path(), &images);
}

#[test]
fn a_prefix_may_lie_below_raw() {
    let root = tempfile::tempdir().unwrap();
    for (prefix, seed) in [("kmnist", 1), ("other", 2)] {
        let [images, labels] =
            ["images-idx3", "labels-idx1"].map(|what| format!("raw/{prefix}-train-{what}-ubyte"));
        let images = put(root.path(), &images, &labels, seed);
        assert_opens(&root.path().join(prefix), &images);
        assert_opens(&root.path().join("raw").join(prefix), &images);
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_and_fifos_are_told_and_not_waited_for() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let fifo = |path: &Path| {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    };
    let link = |path: &Path| symlink("nowhere", path).unwrap();
    for make in [&fifo as &dyn Fn(&Path), &link] {
        let root = tempfile::tempdir().unwrap();
        let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
        make(&root.path().join(images));
        let error = Dataset::open(root.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error}");
        assert!(error.to_string().contains(images), "{error}");
        let error = Dataset::open(root.path().join(images), Split::Train).unwrap_err();
        assert!(matches!(error, Error::NotThere { .. }), "{error}");

        // Beside a file that is one, it is in nobody's way.
        let packed = put(root.path(), "train-images-idx3-ubyte.gz", labels, 1);
        assert_opens(root.path(), &packed);
        fs::remove_file(root.path().join(labels)).unwrap();
        make(&root.path().join(labels));
        Dataset::open(root.path(), Split::Train).expect_err("labels that cannot be read");
    }
}

/// A folder that cannot be looked into is not one that is not there.
#[cfg(unix)]
#[test]
fn a_link_in_a_circle_is_told() {
    let root = tempfile::tempdir().unwrap();
    let circle = root.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    let error = Dataset::open(&circle, Split::Train).unwrap_err();
    let Error::NotThere { reason, .. } = &error else {
        panic!("{error}")
    };
    assert_ne!(reason, "no such folder");
}

/// A link to a file or folder is what it leads to.
#[cfg(unix)]
#[test]
fn links_are_followed() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let there = root.path().join("there");
    let images = put(
        &there,
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        1,
    );
    let here = root.path().join("here");
    fs::create_dir(&here).unwrap();
    symlink(&there, here.join("raw")).unwrap();
    assert_opens(&here, &images);
    fs::remove_file(here.join("raw")).unwrap();
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
        symlink(there.join(name), here.join(name)).unwrap();
    }
    assert_opens(&here, &images);
}

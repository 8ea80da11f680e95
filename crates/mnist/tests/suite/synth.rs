//! Synthetic digits: the same everywhere, different from each other, and of MNIST's measure.

use std::collections::HashSet;

use detach_mnist::{Dataset, Error, Idx, IdxError, PIXELS, Split, Synth};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/fixture");

#[test]
fn the_committed_fixture_is_what_this_code_writes() {
    let made = tempfile::tempdir().unwrap();
    Dataset::synthetic(0, Split::Train, 64)
        .save(made.path())
        .unwrap();
    for name in ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        let committed = Idx::open(format!("{FIXTURE}/{name}")).unwrap();
        let written = Idx::open(made.path().join(name)).unwrap();
        // Unpacked: how well a file is compressed is the business of the compressor's version.
        assert_eq!(committed.shape, written.shape, "{name}");
        assert!(
            committed.data == written.data,
            "{name} differs: the generator has changed, which changes every run on synthetic digits; \
             if that is meant, write the fixture anew (data/README.md says how)"
        );
    }
}

#[test]
fn digits_written_as_they_are_made_are_those_that_are_held() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    // Less than a piece, whole pieces, and a short last one.
    for (split, count) in [(Split::Train, 5), (Split::Test, 512), (Split::Train, 600)] {
        let mut heard = 0;
        let mut hear = |made| {
            heard += made;
            Ok(())
        };
        Synth::new(3)
            .save(split, count, folders[0].path(), &mut hear)
            .unwrap();
        assert_eq!(heard, count as u64);
        let held = Dataset::synthetic(3, split, count);
        for path in held.save(folders[1].path()).unwrap() {
            let ours = folders[0].path().join(path.file_name().unwrap());
            assert_eq!(Idx::open(&ours).unwrap(), Idx::open(&path).unwrap());
        }
    }
}

#[test]
fn more_digits_than_a_file_holds_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    let most = usize::try_from(Synth::most()).unwrap();
    assert!(most * PIXELS <= 1 << 30 && (most + 1) * PIXELS > 1 << 30);
    for count in [most + 1, u32::MAX as usize, usize::MAX] {
        let error = Synth::new(0)
            .save(Split::Train, count, &below, &mut |_| panic!("no work"))
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Idx {
                    cause: IdxError::TooMuch { .. },
                    ..
                }
            ),
            "{error}"
        );
        assert!(!below.exists());
    }
}

#[test]
fn work_that_is_stopped_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let stop = &mut |_| Err(std::io::Error::other("stopped"));
    let error = Synth::new(0).save(Split::Train, 600, folder.path(), stop);
    assert!(error.unwrap_err().to_string().contains("stopped"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_image_is_a_function_of_seed_and_index() {
    let synth = Synth::new(7);
    let (images, labels) = synth.range(100..130);
    assert_eq!(images.len(), 30 * PIXELS);
    for i in (0..30).rev() {
        assert_eq!(
            images[i * PIXELS..(i + 1) * PIXELS],
            synth.image(100 + i as u64)
        );
        assert_eq!(labels[i], synth.label(100 + i as u64));
        assert_eq!(
            synth.image(100 + i as u64),
            synth.image_of(labels[i], 100 + i as u64)
        );
    }
    assert_ne!(images, Synth::new(8).range(100..130).0);
}

#[test]
fn no_two_images_are_alike() {
    let train = Dataset::synthetic(0, Split::Train, 3000);
    let test = Dataset::synthetic(0, Split::Test, 3000);
    let all: HashSet<&[u8]> = (0..3000)
        .flat_map(|i| [train.image(i), test.image(i)])
        .collect();
    assert_eq!(all.len(), 6000);
}

#[test]
fn all_digits_are_equally_likely() {
    let labels = Dataset::synthetic(3, Split::Train, 10_000).labels;
    for digit in 0..10 {
        let count = labels.iter().filter(|&&label| label == digit).count();
        // Five deviations of a count: 5 · sqrt(10000 · 0.1 · 0.9).
        assert!(count.abs_diff(1000) < 150, "{count} images of {digit}");
    }
}

#[test]
fn ink_is_as_much_as_mnist_has() {
    let images = Dataset::synthetic(1, Split::Train, 5000).images;
    let share = |keep: fn(u8) -> bool| {
        images.iter().filter(|&&pixel| keep(pixel)).count() as f64 / images.len() as f64
    };
    let mean =
        images.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / 255.0 / images.len() as f64;
    // MNIST: 0.1307, 0.191 and 0.074.
    assert!((0.12..0.14).contains(&mean), "mean pixel {mean}");
    let inked = share(|pixel| pixel > 0);
    assert!(
        (0.17..0.21).contains(&inked),
        "share of pixels with ink {inked}"
    );
    let full = share(|pixel| pixel >= 250);
    assert!(
        (0.06..0.09).contains(&full),
        "share of pixels full of ink {full}"
    );
}

#[test]
fn digits_fill_a_box_of_20_and_are_centred_by_mass() {
    let data = Dataset::synthetic(2, Split::Train, 2000);
    for i in 0..data.len() {
        let ink: Vec<(f64, usize, usize)> = (data.image(i).iter().enumerate())
            .filter(|&(_, &pixel)| pixel > 0)
            .map(|(at, &pixel)| (f64::from(pixel), at / 28, at % 28))
            .collect();
        let mass: f64 = ink.iter().map(|(weight, ..)| weight).sum();
        let row = ink
            .iter()
            .map(|&(weight, row, _)| weight * row as f64)
            .sum::<f64>()
            / mass;
        let column = ink
            .iter()
            .map(|&(weight, _, column)| weight * column as f64)
            .sum::<f64>()
            / mass;
        assert!(
            (row - 13.5).abs() < 0.6 && (column - 13.5).abs() < 0.6,
            "{i}: centre {row}, {column}"
        );

        let extent = |of: fn(&(f64, usize, usize)) -> usize| {
            ink.iter().map(of).max().unwrap() - ink.iter().map(of).min().unwrap() + 1
        };
        let longer = extent(|ink| ink.1).max(extent(|ink| ink.2));
        assert!(
            (18..=24).contains(&longer),
            "image {i} is {longer} pixels long"
        );
    }
}

#[test]
fn digits_can_be_told_apart() {
    // The nearest mean image, learnt from one half, names the other half. MNIST gives 0.82.
    let learn = Dataset::synthetic(4, Split::Train, 3000);
    let judge = Dataset::synthetic(4, Split::Test, 1000);
    let mut means = vec![[0.0f32; PIXELS]; 10];
    for i in 0..learn.len() {
        let count = learn
            .labels
            .iter()
            .filter(|&&label| label == learn.labels[i])
            .count() as f32;
        for (sum, &pixel) in means[usize::from(learn.labels[i])]
            .iter_mut()
            .zip(learn.image(i))
        {
            *sum += f32::from(pixel) / count;
        }
    }
    let distance = |mean: &[f32; PIXELS], image: &[u8]| -> f32 {
        mean.iter()
            .zip(image)
            .map(|(&m, &pixel)| (m - f32::from(pixel)).powi(2))
            .sum()
    };
    let right = (0..judge.len())
        .filter(|&i| {
            let near = |&a: &usize, &b: &usize| {
                distance(&means[a], judge.image(i)).total_cmp(&distance(&means[b], judge.image(i)))
            };
            (0..10).min_by(near) == Some(judge.labels[i].into())
        })
        .count();
    assert!(right > 800, "{right} of 1000");
}

#[test]
#[should_panic(expected = "10 is not a digit")]
fn there_are_ten_digits() {
    let _ = Synth::new(0).image_of(10, 0);
}

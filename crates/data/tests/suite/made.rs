//! Data sets that need no download: the same everywhere, varied, and found by name.

use crate::{contents, find};
use detach_data::{
    Dataset, Error, Find, InMemory, Named, Place, SHAPES, Split, Stacked, Style, Wanted, shapes,
    synthetic,
};
use std::collections::HashSet;

const STYLES: [Style; 3] = [Style::Shaded, Style::Filled, Style::Outlined];

/// Bytes of a shape.
const BYTES: usize = 3 * 64 * 64;

#[test]
fn a_shape_is_a_function_of_seed_and_index() {
    for style in STYLES {
        let set = shapes(style, 3, Split::Train, 40);
        assert_eq!(
            (set.len(), set.shape(), set.classes()),
            (40, [3, 64, 64], 10)
        );
        let (images, labels) = contents(&set);
        let (first, first_labels) = contents(&shapes(style, 3, Split::Train, 7));
        assert_eq!(first, images[..7 * BYTES]);
        assert_eq!(first_labels, labels[..7]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let on_three = pool.unwrap().install(|| shapes(style, 3, Split::Train, 40));
        assert_eq!(on_three.checksum(), set.checksum());
        assert_eq!(contents(&on_three), (images, labels));
    }
}

/// Neither a seed, nor a split, nor a style has an image of another's, and no set has one twice.
#[test]
fn no_two_shapes_are_equal() {
    let mut seen = HashSet::new();
    for style in STYLES {
        for (seed, split) in [(0, Split::Train), (1, Split::Train), (0, Split::Test)] {
            let (images, _) = contents(&shapes(style, seed, split, 60));
            for image in images.chunks_exact(BYTES) {
                assert!(seen.insert(image.to_vec()), "{style:?} {seed} {split:?}");
            }
        }
    }
}

/// Another version of the program must draw the same: runs go on with it.
#[test]
fn shapes_are_those_of_every_version_and_machine() {
    let checksums = STYLES.map(|style| shapes(style, 0, Split::Train, 100).checksum());
    assert_eq!(checksums, [1_771_142_991, 2_362_771_245, 3_749_916_980]);
}

/// The root of the mean squared difference of two images' bytes.
fn apart(a: &[u8], b: &[u8]) -> f64 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    (squares.sum::<f64>() / a.len() as f64).sqrt()
}

/// How far the images of a list are from each other, on average.
fn spread(images: &[&[u8]]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (i, a) in images.iter().enumerate() {
        for b in &images[..i] {
            sum += apart(a, b);
            pairs += 1.0;
        }
    }
    sum / pairs
}

/// All classes about as often, each as varied as all together, and the hues of all the wheel.
#[test]
fn shapes_are_varied() {
    for style in STYLES {
        let set = shapes(style, 0, Split::Train, 2000);
        let (images, labels) = contents(&set);
        let images: Vec<&[u8]> = images.chunks_exact(BYTES).collect();
        for class in 0..SHAPES.len() as u32 {
            let of_class = images.iter().zip(&labels).filter(|(_, l)| **l == class);
            let of_class: Vec<&[u8]> = of_class.map(|(image, _)| *image).collect();
            // Within five standard deviations, of 13.4 each.
            let count = of_class.len();
            assert!(count.abs_diff(200) < 67, "{style:?} {class}: {count}");
            let spread = spread(&of_class[..60]);
            assert!(spread > 60.0, "{style:?} {class}: {spread}");
        }
        // What is red, green or blue before all is about a third each.
        let mut greatest = [0; 3];
        for image in &images {
            let sums = [0, 1, 2].map(|c| {
                let plane = &image[c * 4096..(c + 1) * 4096];
                plane.iter().map(|byte| u32::from(*byte)).sum::<u32>()
            });
            let most = sums.iter().max();
            greatest[sums.iter().position(|sum| Some(sum) == most).unwrap()] += 1;
        }
        assert!(greatest.iter().all(|n| *n > 300), "{style:?}: {greatest:?}");
    }
}

/// No place of one half of the pair says anything of the same place of the other: classes agree as often as chance has them.
#[test]
fn the_pair_is_drawn_independently() {
    let [(filled, a), (outlined, b)] = Named::PAIR.map(|named| {
        let set = named.drawn(0, Split::Test).unwrap();
        assert!(set.len() >= 2000 && set.classes() == 10, "{named}");
        contents(&set)
    });
    let agree = a.iter().zip(&b).take(2000).filter(|(a, b)| a == b).count();
    assert!(agree.abs_diff(200) < 67, "{agree}");
    // Nor is what lies at one place nearer than what lies at another.
    let image = |images: &[u8], i: usize| images[i * BYTES..(i + 1) * BYTES].to_vec();
    let mean = |shift: usize| {
        let pairs = (0..300).map(|i| apart(&image(&filled, i), &image(&outlined, i + shift)));
        pairs.sum::<f64>() / 300.0
    };
    let [same, other] = [mean(0), mean(1)];
    assert!((same / other - 1.0).abs() < 0.1, "{same} {other}");
    assert_ne!(filled, outlined);
}

#[test]
fn a_stacked_image_is_three_images_of_the_base() {
    let base = synthetic(5, Split::Train, 40);
    let (digits, classes) = contents(&base);
    let set = Stacked::new(Box::new(base.clone()), 9).unwrap();
    assert_eq!(
        (set.len(), set.shape(), set.classes()),
        (40, [3, 28, 28], 1000)
    );
    assert!(set.is_endless() && !base.is_endless());
    let mut image = vec![0; 3 * 784];
    let (mut counts, mut equal) = ([[0_u32; 40]; 3], 0_usize);
    for index in 0..4000 {
        let label = set.read(index, &mut image) as usize;
        let triple = [label / 100, label / 10 % 10, label % 10];
        let chosen = [0, 1, 2].map(|channel| {
            let plane = &image[channel * 784..(channel + 1) * 784];
            let of_base = digits.chunks_exact(784).position(|digit| digit == plane);
            let of_base = of_base.expect("an image of the base");
            assert_eq!(classes[of_base] as usize, triple[channel]);
            counts[channel][of_base] += 1;
            of_base
        });
        equal += usize::from(chosen[0] == chosen[1]) + usize::from(chosen[1] == chosen[2]);
    }
    // 100 of each on average, and of two neighbours 100 equal: within five standard deviations.
    let all = counts.iter().flatten();
    assert!(all.clone().all(|n| n.abs_diff(100) < 50), "{counts:?}");
    assert!(equal.abs_diff(200) < 70, "{equal}");

    // In any order, and of another seed another.
    let read = |set: &Stacked, index| {
        let mut image = vec![0; 3 * 784];
        (set.read(index, &mut image), image)
    };
    let again = Stacked::new(Box::new(base.clone()), 9).unwrap();
    assert_eq!(read(&set, 3999), read(&again, 3999));
    let other = Stacked::new(Box::new(base.clone()), 10).unwrap();
    assert!((0..20).any(|index| read(&set, index) != read(&other, index)));
    let of_others = Stacked::new(Box::new(synthetic(6, Split::Train, 40)), 9).unwrap();
    let checksums = [&set, &other, &of_others].map(Dataset::checksum);
    assert_eq!(checksums[0], again.checksum());
    assert!(HashSet::from(checksums).len() == 3 && !checksums.contains(&base.checksum()));
}

#[test]
fn what_cannot_be_stacked_is_refused_with_its_reason() {
    let unlabelled = InMemory::new([1, 2, 2], vec![7; 8], "two squares");
    let coloured = shapes(Style::Shaded, 0, Split::Train, 2);
    let empty = synthetic(0, Split::Train, 0);
    let many = InMemory::new([1, 1, 1], vec![7; 300], "dots").with_labels((0..300).collect(), 300);
    let cases: [(InMemory, &[&str]); 4] = [
        (unlabelled, &["two squares", "no classes"]),
        (coloured, &["3 channels"]),
        (empty, &["no images"]),
        (many, &["300 classes", "256"]),
    ];
    for (set, words) in cases {
        let error = Stacked::new(Box::new(set), 0).unwrap_err();
        for word in words.iter().chain(&["use grey images with classes"]) {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    }
}

#[test]
fn a_name_is_found_and_found_again() {
    let root = tempfile::tempdir().unwrap();
    for named in Named::ALL {
        assert_eq!(named.name().parse(), Ok(named));
        let find = find(&root, Wanted::new(3, 28));
        let found = find
            .clone()
            .named(Some(named))
            .find(Split::Test, &mut |_| {});
        let found = found.unwrap();
        assert_eq!(found.name, Some(named));
        assert_eq!(found.place, Place::Made { seed: 0 });
        // What was stacked is digits, for want of MNIST.
        assert!(found.is_synthetic() && found.statement.starts_with(&found.dataset.source()));
        assert!(found.dataset.shape()[1] <= 28);
        let again = find.again(named, &found.place, Split::Test).unwrap();
        assert_eq!(again.dataset.checksum(), found.dataset.checksum());
        assert_eq!(again.dataset.source(), found.dataset.source());
    }
    let error = "shape".parse::<Named>().unwrap_err().to_string();
    assert!(
        error.contains("`shape`") && error.contains("stacked-mnist"),
        "{error}"
    );
}

#[test]
fn a_place_says_what_is_stacked_and_goes_with_no_other_name() {
    let root = tempfile::tempdir().unwrap();
    let digits = detach_mnist::Dataset::synthetic(1, Split::Train, 5);
    digits.save(root.path()).unwrap();
    let named = |name, channels| {
        let find = Find {
            given: Some(root.path().to_owned()),
            ..find(&root, Wanted::new(channels, 28))
        };
        find.named(Some(name)).find(Split::Train, &mut |_| {})
    };
    let found = named(Named::StackedMnist, 3).unwrap();
    assert_eq!(
        (found.dataset.len(), found.dataset.shape()),
        (5, [3, 28, 28])
    );
    assert_eq!(found.place, Place::Path(root.path().to_owned()));
    let error = named(Named::StackedMnist, 1).unwrap_err();
    assert!(matches!(error, Error::Coloured(_)), "{error}");
    let error = named(Named::Shapes, 3).unwrap_err();
    assert!(matches!(error, Error::Drawn { .. }), "{error}");
}

/// Where nothing is found, whoever can use colours has some.
#[test]
fn shapes_are_made_for_colour_and_digits_for_grey() {
    let root = tempfile::tempdir().unwrap();
    for (channels, name) in [(1, Named::Digits), (3, Named::Shapes)] {
        let mut find = find(&root, Wanted::new(channels, 64));
        let found = find.find(Split::Test, &mut |_| {}).unwrap();
        assert_eq!(found.name, Some(name));
        assert!(
            found.statement.contains("download: not allowed"),
            "{}",
            found.statement
        );
        let drawn = name.drawn(0, Split::Test).unwrap();
        assert_eq!(found.dataset.checksum(), drawn.checksum());
        find.lookup.synthetic = None;
        let error = find.find(Split::Train, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("no data set found"), "{error}");
    }
}

/// Images of a recipe for 28 grey pixels come resized and grey, as those of any set.
#[test]
fn shapes_become_what_is_wanted() {
    let root = tempfile::tempdir().unwrap();
    let named = find(&root, Wanted::new(1, 28)).named(Some(Named::Shapes));
    let found = named.find(Split::Test, &mut |_| {}).unwrap();
    assert_eq!(
        (found.dataset.shape(), found.dataset.classes()),
        ([1, 28, 28], 10)
    );
    // A shape stands out from its ground in grey, too.
    let (images, _) = contents(&*found.dataset);
    for (i, image) in images.chunks_exact(784).enumerate() {
        let (least, most) = (image.iter().min().unwrap(), image.iter().max().unwrap());
        assert!(most - least > 30, "image {i}: {least} to {most}");
    }
}

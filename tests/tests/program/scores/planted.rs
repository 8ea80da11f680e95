//! Failures that were planted: each is to be seen in the numbers that are about it.

use detach_data::{Split, synthetic};
use detach_gan::diagnosis::{Kind, Record, of};
use detach_gan::run::Scored;
use detach_gan::score::classifier::Classifier;
use detach_gan::score::images::Images;
use detach_gan::score::quality::{MEASURES, Quality, Real};
use detach_tensor::{DType, Random, Stream};

const COUNT: usize = 2000;

/// Digits as they are, only one kind of them, a few of them again and again, and noise.
fn planted() -> [Quality; 4] {
    let classifier = Classifier::mnist();
    let digits = |split, count| {
        let set = synthetic(5, split, count);
        Images::of(&set, 0..count)
    };
    let without_labels = |images: &Images| Images::new(images.shape(), images.bytes().to_vec());
    let real = Real::of(&classifier, &digits(Split::Train, COUNT));
    let many = digits(Split::Test, 10 * COUNT);
    let of = |places: &[usize]| {
        let bytes = places.iter().flat_map(|place| many.image(*place)).copied();
        Images::new(many.shape(), bytes.collect())
    };
    let threes: Vec<usize> = (0..many.len())
        .filter(|place| many.labels()[*place] == 3)
        .take(COUNT)
        .collect();
    assert!(threes.len() > COUNT * 4 / 5);
    let repeated: Vec<usize> = (0..COUNT).map(|i| i % 64).collect();
    let noise = Random::new(1, Stream::Noise).uniform(&[COUNT * many.pixels()], DType::F32);
    let noise = noise
        .to_vec::<f32>()
        .iter()
        .map(|x| (x * 256.0) as u8)
        .collect();
    let sets = [
        without_labels(&many.some(COUNT)),
        of(&threes),
        of(&repeated),
        Images::new(many.shape(), noise),
    ];
    sets.map(|images| real.quality(&classifier, &images))
}

#[test]
fn each_failure_shows_where_it_should() {
    let [healthy, one_digit, repeated, noise] = planted();
    let told = format!("{healthy:?}\n{one_digit:?}\n{repeated:?}\n{noise:?}");
    let all =
        |name: &str| [&healthy, &one_digit, &repeated, &noise].map(|quality| quality.value(name));
    let [fid, kid] = ["fid", "kid"].map(all);
    for failed in 1..4 {
        assert!(
            fid[failed] > 5.0 * fid[0] && kid[failed] > 5.0 * kid[0].abs(),
            "{told}"
        );
    }
    let precision = all("precision");
    // What is real is real, however often.
    assert!(
        precision[..3].iter().all(|share| *share > 0.7) && precision[3] < 0.2,
        "{told}"
    );
    let recall = all("recall");
    assert!(
        recall[0] > 0.7 && recall[1..].iter().all(|share| *share < 0.5),
        "{told}"
    );
    let coverage = all("coverage");
    assert!(
        coverage[0] > 0.9 && coverage[1..].iter().all(|share| *share < 0.4),
        "{told}"
    );
    let vendi = all("vendi");
    assert!(vendi[1..].iter().all(|kinds| *kinds < vendi[0]), "{told}");
    let duplicates = all("duplicates");
    assert!(duplicates[0] < 0.05 && duplicates[2] == 1.0, "{told}");
    let repeated = all("repeated");
    assert!(
        repeated[0] == 0.0 && repeated[1] == 0.0 && repeated[2] == 1.0 - 64.0 / COUNT as f64,
        "{told}"
    );
    let entropy = all("entropy");
    assert!(
        entropy[0] > 2.2 && entropy[1] < 0.7 && entropy[2] > 1.9,
        "{told}"
    );
    let three = &one_digit.classes[3];
    assert!(three.share.value > 0.85 && three.real < 0.15, "{told}");
}

/// What is said of a run whose samples come to `quality`, beside real images that come to `floor`.
fn verdict(quality: &Quality, floor: &Quality) -> (Kind, String) {
    let numbers = |of: &Quality| {
        let named = MEASURES.iter().zip(&of.values);
        named
            .map(|(measure, value)| (measure.name.to_owned(), Some(value.value)))
            .collect()
    };
    let count = |share: f64| (share * quality.samples as f64).round() as u64;
    let classes = quality.classes.iter().map(|class| count(class.share.value));
    let scores = Scored {
        step: 5000,
        epoch: 5.0,
        samples: quality.samples as u64,
        scores: numbers(quality),
        floor: numbers(floor),
        classes: classes.collect(),
        ..Scored::default()
    };
    let verdict = of(&Record {
        scores: vec![scores],
        ..Record::default()
    });
    (verdict.kind, verdict.sentence)
}

#[test]
fn each_failure_is_named() {
    let [healthy, one_digit, repeated, noise] = planted();
    assert!(!verdict(&healthy, &healthy).0.is_failure());
    for (quality, named) in [
        (&one_digit, "class 3"),
        (&repeated, "64 images"),
        (&noise, "noise"),
    ] {
        let (kind, sentence) = verdict(quality, &healthy);
        assert!(
            kind == Kind::Collapsed && sentence.contains(named),
            "{sentence}\n{quality:?}"
        );
    }
}

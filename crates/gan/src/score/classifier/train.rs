//! How a classifier is trained.

use super::{About, Classifier, batch, initial};
use crate::score::distances::Rows;
use crate::score::images::Images;
use detach_data::sample;
use detach_nn::{Optim, Param, Schedule, Trained, loss, parameters};
use detach_tensor::{Array, Random, Stream, Tensor, step};

/// Passes over the data, and the fewest steps where that would be too few.
const EPOCHS: usize = 14;
const FEWEST: usize = 200;
/// Images of a step.
const BATCH: usize = 100;
/// Adam's learning rate at the start; it falls to 0 in a straight line.
const LR: f64 = 2e-3;
/// How far images are moved at random, in pixels.
const SHIFT: u32 = 2;

/// Trains one on the images of `train`, and has it tested on those of `test`: cross-entropy, Adam, images that are moved
/// a little. A function of the data alone. `about` says what the data is; its accuracy is what comes of it. `progress`
/// hears of every step, of how many, and ends it by an error.
///
/// # Errors
/// Those of `progress`.
///
/// # Panics
/// When there are no images, or images without classes.
pub fn train<E>(
    about: About,
    [train, test]: [&Images; 2],
    progress: &mut dyn FnMut(usize, usize) -> Result<(), E>,
) -> Result<Classifier, E> {
    let size = BATCH.min(train.len());
    let per_epoch = train.len() / size;
    let steps = (EPOCHS * per_epoch).max(FEWEST);
    let end = steps as f64 / per_epoch as f64;
    let optim = Optim {
        schedule: Schedule::Linear { from: 0.0, to: end },
        ..Optim::adam(LR, 0.9, 0.999)
    };
    let mut net = Trained::new(initial(about), &optim);
    let mut order = Vec::new();
    for number in 0..steps {
        let (epoch, place) = (number / per_epoch, number % per_epoch);
        if place == 0 {
            let mut ints = Random::new(0, Stream::Shuffle).at(epoch as u64).ints();
            sample::shuffle(train.len(), &mut order, &mut || ints.next_u32());
        }
        let chosen = &order[place * size..(place + 1) * size];
        net.optimiser_mut()
            .at_epoch(number as f64 / per_epoch as f64);
        step(|| {
            let (images, labels) = moved(train, chosen, number as u64);
            let logits = net.logits(&net.features(&images));
            net.update(&loss::cross_entropy(&logits, &labels));
        });
        progress(number + 1, steps)?;
    }
    let mut trained = net.net;
    let judged = trained.judge(test);
    scale(&trained, &judged.features);
    let right = judged.classes.iter().zip(test.labels());
    let right = right.filter(|(class, label)| class == label).count();
    trained.about.accuracy = right as f64 / test.len() as f64;
    trained.about.tested = test.len();
    Ok(trained)
}

/// Brings features to a mean square of about 1, so that distances between them are of one size for all data. The factor is
/// a power of two, and the last layer takes it back: no answer changes by a bit.
fn scale(classifier: &Classifier, features: &Rows) {
    let squares = features.values().iter().map(|x| f64::from(*x).powi(2));
    let mean = squares.sum::<f64>() / features.values().len() as f64;
    if mean == 0.0 {
        return;
    }
    let factor = (-0.5 * mean.log2()).round().exp2();
    let multiply = |param: &Param, factor: f64| {
        let product = param.get().detach() * factor;
        param.set("the scale of features", product.value());
    };
    for (_, param) in parameters(&classifier.penultimate) {
        multiply(param, factor);
    }
    for (name, param) in parameters(&classifier.head) {
        if name == "weight" {
            multiply(param, 1.0 / factor);
        }
    }
}

/// The images of a step, each moved by up to [`SHIFT`] pixels, and their classes.
fn moved(images: &Images, chosen: &[u32], number: u64) -> (Tensor, Tensor) {
    let shape = images.shape();
    let mut ints = Random::new(0, Stream::Augment).at(number).ints();
    let mut draw = || sample::below(2 * SHIFT + 1, &mut || ints.next_u32()) as usize;
    let mut values = Vec::with_capacity(chosen.len() * images.pixels());
    let mut labels = Vec::with_capacity(chosen.len());
    for number in chosen.iter().map(|number| *number as usize) {
        labels.push(images.labels()[number] as f32);
        move_by([draw(), draw()], images.image(number), shape, &mut values);
    }
    let labels = Array::from_slice(&labels, &[labels.len()]);
    (batch(&values, shape), Tensor::constant(labels))
}

/// Appends an image moved by `by` − [`SHIFT`] down and to the right; its border goes on beyond it.
fn move_by(by: [usize; 2], image: &[u8], [_, height, width]: [usize; 3], values: &mut Vec<f32>) {
    let source =
        |at: usize, by: usize, size: usize| (at + by).saturating_sub(SHIFT as usize).min(size - 1);
    for plane in image.chunks_exact(height * width) {
        for row in (0..height).map(|y| source(y, by[0], height)) {
            let row = &plane[row * width..][..width];
            values.extend((0..width).map(|x| sample::to_unit(row[source(x, by[1], width)])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_data::{Split, synthetic};
    use std::convert::Infallible;

    #[test]
    fn an_image_is_moved() {
        let image: Vec<u8> = (0..12).collect();
        let of = |by| {
            let mut values = Vec::new();
            move_by(by, &image, [1, 3, 4], &mut values);
            values
                .into_iter()
                .map(sample::to_pixel)
                .collect::<Vec<u8>>()
        };
        assert_eq!(of([2, 2]), image);
        assert_eq!(of([3, 2]), [4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11]);
        assert_eq!(of([2, 0]), [0, 0, 0, 1, 4, 4, 4, 5, 8, 8, 8, 9]);
    }

    #[test]
    fn it_learns_and_training_is_a_function_of_the_data() {
        let of = |split, count| {
            let set = synthetic(1, split, count);
            Images::of(&set, 0..count)
        };
        let (seen, unseen) = (of(Split::Train, 600), of(Split::Test, 200));
        let train = || {
            let about = About {
                shape: [1, 28, 28],
                classes: 10,
                data_checksum: 0,
                accuracy: 0.0,
                tested: 0,
            };
            let mut steps = 0;
            let trained = train(about, [&seen, &unseen], &mut |done, of| {
                assert_eq!(of, 200);
                steps = done;
                Ok::<(), Infallible>(())
            });
            assert_eq!(steps, 200);
            let Ok(trained) = trained;
            trained
        };
        let first = train();
        let features = first.judge(&unseen).features;
        let squares = features.values().iter().map(|x| x * x).sum::<f32>();
        let mean = squares / features.values().len() as f32;
        assert!((0.5..2.0).contains(&mean), "{mean}");
        assert!(first.about().accuracy > 0.8, "{:?}", first.about());
        let folder = tempfile::tempdir().expect("a folder");
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        first.save(&paths[0]).expect("written");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let path = paths[1].clone();
        pool.expect("threads")
            .install(|| train().save(&path).expect("written"));
        let [a, b] = paths.map(|path| Classifier::load(&path).expect("read"));
        assert_eq!(a.hash(), b.hash());
        assert_eq!(a.about(), first.about());
        let judge = |one: &Classifier| one.judge(&unseen).features.values().to_vec();
        assert_eq!(judge(&a), judge(&first));
    }
}

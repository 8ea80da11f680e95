//! A classifier as judge: what it sees in images is what scores compare.
//!
//! Its penultimate layer gives [`FEATURES`] numbers for an image, which are alike where images are of one kind; its last
//! one gives the class. One that was trained on MNIST comes with the program; for other data one is trained.

mod train;

use super::distances::Rows;
use super::images::Images;
use anyhow::{Context, Result, ensure};
use detach_data::sample;
use detach_nn::{
    Checkpoint, Conv2d, Flatten, Initialiser, Linear, Mode, Module, Name, ReLU, Scheme, Sequential,
    Slot, State,
};
use detach_tensor::{Act, Array, DType, Random, Stream, Tensor, step};
use serde::{Deserialize, Serialize};
use std::path::Path;
pub use train::train;

/// Numbers that describe an image.
pub const FEATURES: usize = 64;
/// Channels of the first convolution, and the most that one has.
const CHANNELS: [usize; 2] = [16, 64];
/// Images that are judged at once.
const PIECE: usize = 200;
/// The text in its file.
const KEY: &str = "classifier";
/// The one that was trained on MNIST.
const MNIST: &[u8] = include_bytes!("mnist.safetensors");

/// A convolutional network that tells the classes of a data set apart.
pub struct Classifier {
    /// `[N, C, H, W]` to `[N, inputs]`.
    body: Sequential,
    /// To features `[N, FEATURES]`, behind a ReLU.
    penultimate: Linear,
    /// Features to logits `[N, classes]`.
    head: Linear,
    about: About,
    hash: u32,
}

/// What a classifier was trained on, and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct About {
    /// Channels, height and width of its images.
    pub shape: [usize; 3],
    /// How many classes it tells apart.
    pub classes: usize,
    /// CRC-32C of the training images.
    pub data_checksum: u32,
    /// The share that it is right about of images that it was not trained on.
    pub accuracy: f64,
    /// How many these are.
    pub tested: usize,
}

/// What a classifier says of images.
#[derive(Clone, Debug)]
pub struct Judged {
    /// A row of features for each.
    pub features: Rows,
    /// The likeliest class of each.
    pub classes: Vec<u32>,
    /// The probability that it gives this class, of each.
    pub confidence: Vec<f64>,
}

impl Classifier {
    /// One with initial weights.
    fn new(about: About, init: &Initialiser) -> Self {
        let (body, inputs) = body(about.shape, init);
        Self {
            body,
            penultimate: Linear::new(inputs, FEATURES, init),
            head: Linear::new(FEATURES, about.classes, init),
            about,
            hash: 0,
        }
    }

    /// The one that was trained on MNIST.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn mnist() -> Self {
        Self::from_bytes(MNIST, Path::new("the classifier of MNIST")).expect("it is whole")
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the file cannot be read, or is none.
    pub fn load(path: &Path) -> Result<Self> {
        let read = || {
            use std::io::Read;
            let mut bytes = Vec::new();
            detach_files::open(path)?.read_to_end(&mut bytes)?;
            Self::from_bytes(&bytes, path)
        };
        let context = || {
            format!(
                "cannot use the classifier {}; remove it, and it is trained again",
                path.display()
            )
        };
        read().with_context(context)
    }

    fn from_bytes(bytes: &[u8], name: &Path) -> Result<Self> {
        let checkpoint = Checkpoint::from_bytes(bytes, name)?;
        let about = checkpoint.metadata.get(KEY);
        let about = about.context("it is no classifier")?;
        let about: About = serde_json::from_str(about)?;
        about.check()?;
        let mut out = Self::new(about, &Initialiser::zeros(DType::F32));
        checkpoint.restore("", &out)?;
        out.hash = crc32c::crc32c(bytes);
        Ok(out)
    }

    /// Writes it as safetensors.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut checkpoint = Checkpoint::new();
        let about = serde_json::to_string(&self.about)?;
        checkpoint.metadata.insert(KEY.to_owned(), about);
        checkpoint.add("", self);
        Ok(checkpoint.save(path)?)
    }

    /// What it was trained on.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// CRC-32C of its file: scores by the same classifier can be compared.
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// Features of images `[N, C, H, W]` in [-1, 1].
    fn features(&self, images: &Tensor) -> Tensor {
        let seen = self.body.forward(images, Mode::eval());
        self.penultimate.forward_act(&seen, Act::Relu, Mode::eval())
    }

    fn logits(&self, features: &Tensor) -> Tensor {
        self.head.forward(features, Mode::eval())
    }

    /// How many classes it tells apart among images of `channels`: of each channel its own, where it knows grey ones.
    pub fn classes_of(&self, channels: usize) -> usize {
        let of_one = channels / self.about.shape[0].min(channels);
        self.about.classes.pow(of_one as u32)
    }

    /// What it says of `images`. Where it knows grey images, and these have colours, each channel is one: the features of
    /// an image are those of all, its class is the number whose digits are theirs, and it is as sure as of all at once.
    ///
    /// # Panics
    /// When they are of another size than those that it was trained on.
    pub fn judge(&self, images: &Images) -> Judged {
        let [of_one, height, width] = self.about.shape;
        let channels = images.shape()[0];
        if of_one != 1 || channels == 1 {
            return self.judge_each(images);
        }
        let planes = Images::new([1, height, width], images.bytes().to_vec());
        let each = self.judge_each(&planes);
        let digits = each.classes.chunks_exact(channels);
        let number = |digits: &[u32]| {
            let with = |number, digit| number * self.about.classes as u32 + digit;
            digits.iter().copied().fold(0, with)
        };
        let sure = each.confidence.chunks_exact(channels);
        Judged {
            classes: digits.map(number).collect(),
            confidence: sure.map(|sure| sure.iter().product()).collect(),
            features: Rows::new(each.features.values().to_vec(), channels * FEATURES),
        }
    }

    fn judge_each(&self, images: &Images) -> Judged {
        let shape = self.about.shape;
        assert_eq!(images.shape(), shape, "images of another size");
        let mut features = Vec::with_capacity(images.len() * FEATURES);
        let (mut classes, mut confidence) = (Vec::new(), Vec::new());
        for bytes in images.bytes().chunks(PIECE * images.pixels()) {
            step(|| {
                let mut values = vec![0.0; bytes.len()];
                sample::normalise(bytes, &mut values);
                let seen = self.features(&batch(&values, shape)).detach();
                let logits = self.logits(&seen).to_vec::<f32>();
                features.extend(seen.to_vec::<f32>());
                for row in logits.chunks_exact(self.about.classes) {
                    let (class, probability) = likeliest(row);
                    classes.push(class);
                    confidence.push(probability);
                }
            });
        }
        Judged {
            features: Rows::new(features, FEATURES),
            classes,
            confidence,
        }
    }
}

impl State for Classifier {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.body.visit(path.dot("body"), f);
        self.penultimate.visit(path.dot("penultimate"), f);
        self.head.visit(path.dot("head"), f);
    }
}

impl About {
    /// What a network can be made of; a file may say anything.
    fn check(&self) -> Result<()> {
        const MOST: usize = 1 << 12;
        let [channels, height, width] = self.shape;
        ensure!(
            (1..=4).contains(&channels) && (1..=MOST).contains(&height) && height == width,
            "its images are {:?}, and no squares of pixels",
            self.shape
        );
        ensure!(
            (2..=MOST).contains(&self.classes),
            "it has {} classes",
            self.classes
        );
        Ok(())
    }
}

/// Convolutions that halve the image until it is 4 pixels wide, and how many numbers they give.
fn body([mut channels, mut side, _]: [usize; 3], init: &Initialiser) -> (Sequential, usize) {
    let mut layers = Sequential::new();
    let [mut width, most] = CHANNELS;
    while side > 4 {
        // Either kernel makes one pixel of two with one of padding.
        let kernel = if side.is_multiple_of(2) { 4 } else { 3 };
        let conv = Conv2d::new(channels, width, kernel, init);
        layers = layers.push(conv.stride(2).padding(1)).push(ReLU);
        (channels, side) = (width, side.div_ceil(2));
        width = most.min(2 * width);
    }
    (layers.push(Flatten), channels * side * side)
}

/// Images `[N, C, H, W]` of `values`.
fn batch(values: &[f32], [channels, height, width]: [usize; 3]) -> Tensor {
    let count = values.len() / (channels * height * width);
    let shape = [count, channels, height, width];
    Tensor::constant(Array::from_slice(values, &shape))
}

/// The likeliest class of these logits, the first of equals, and its probability.
fn likeliest(logits: &[f32]) -> (u32, f64) {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    let most = f64::from(logits[best]);
    let sum: f64 = logits.iter().map(|x| (f64::from(*x) - most).exp()).sum();
    (best as u32, 1.0 / sum)
}

/// A fresh one, to be trained.
fn initial(about: About) -> Classifier {
    let random = Random::new(0, Stream::Init);
    Classifier::new(
        about,
        &Initialiser::new(Scheme::PyTorch, random, DType::F32),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_nn::count;

    #[test]
    fn the_one_of_mnist_is_good_and_small() {
        let mnist = Classifier::mnist();
        let about = mnist.about();
        assert_eq!((about.shape, about.classes), ([1, 28, 28], 10));
        assert_eq!(about.tested, 10_000);
        assert!(about.accuracy >= 0.992, "{about:?}");
        assert!(MNIST.len() < 500_000 && count(&mnist) < 110_000);
        assert_ne!(mnist.hash(), 0);
    }

    #[test]
    fn every_size_ends_in_features() {
        for shape in [[1, 28, 28], [3, 64, 64], [3, 33, 33], [1, 5, 5], [1, 2, 2]] {
            let about = About {
                shape,
                classes: 3,
                data_checksum: 0,
                accuracy: 0.0,
                tested: 0,
            };
            let pixels = shape.iter().product::<usize>();
            let images = Images::new(shape, vec![7; 5 * pixels]);
            let judged = initial(about).judge(&images);
            assert_eq!(
                (judged.features.len(), judged.features.width()),
                (5, FEATURES)
            );
            assert!(
                judged
                    .confidence
                    .iter()
                    .all(|p| (1.0 / 3.0..1.0).contains(p))
            );
        }
    }

    #[test]
    fn what_is_no_classifier_is_refused() {
        let mut bytes = MNIST.to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        for bytes in [&bytes[..], &MNIST[..last], b"nothing"] {
            assert!(Classifier::from_bytes(bytes, Path::new("x")).is_err());
        }
    }
}

//! Stacked MNIST (Metz et al., arXiv:1611.02163): three images of a grey set as red, green and blue.

use crate::dataset::Dataset;
use crate::error::Error;
use detach_mnist::Dice;

/// Images `[3, H, W]`, each of three images of a grey set, drawn independently and with replacement. Of MNIST's ten classes
/// they make a thousand, known and about equally frequent: how many a generator makes can be counted.
///
/// Image `index` is a pure function of `(seed, index)`. There is no end of them ([`Dataset::is_endless`]);
/// [`Dataset::len`] is that of the grey set.
#[derive(Debug)]
pub struct Stacked {
    base: Box<dyn Dataset>,
    seed: u64,
}

/// The most classes of a grey set whose triples are told apart: labels are numbers that an `f32` holds, below 2²⁴.
const MOST_CLASSES: usize = 256;

impl Stacked {
    /// Triples of the images of `base`.
    ///
    /// # Errors
    /// [`Error::Stack`] when `base` is empty, not grey, without classes, or has more than 256.
    pub fn new(base: Box<dyn Dataset>, seed: u64) -> Result<Self, Error> {
        let refused = |reason: &str| Error::Stack {
            source_of: base.source(),
            reason: reason.to_owned(),
        };
        if base.is_empty() {
            return Err(refused("it has no images"));
        }
        match (base.shape()[0], base.classes()) {
            (1, 1..=MOST_CLASSES) => Ok(Self { base, seed }),
            (1, 0) => Err(refused("its images have no classes")),
            (1, classes) => Err(refused(&format!(
                "it has {classes} classes, and {MOST_CLASSES} are the most"
            ))),
            (channels, _) => Err(refused(&format!("its images have {channels} channels"))),
        }
    }
}

impl Dataset for Stacked {
    fn len(&self) -> usize {
        self.base.len()
    }

    fn shape(&self) -> [usize; 3] {
        let [_, height, width] = self.base.shape();
        [3, height, width]
    }

    /// The cube of the grey set's.
    fn classes(&self) -> usize {
        self.base.classes().pow(3)
    }

    /// The class is the number whose digits are those of red, green and blue, in base of the grey set's classes: of MNIST,
    /// 0 to 999.
    fn read(&self, index: usize, pixels: &mut [u8]) -> u32 {
        let plane = self.base.shape().iter().product::<usize>();
        assert!(
            pixels.len() == 3 * plane,
            "stacked: an image of {} pixels into {} places",
            3 * plane,
            pixels.len()
        );
        let mut dice = Dice::of(self.seed, index as u64);
        let classes = self.base.classes() as u32;
        pixels.chunks_exact_mut(plane).fold(0, |label, channel| {
            let chosen = dice.below(self.base.len() as u32);
            classes * label + self.base.read(chosen as usize, channel)
        })
    }

    fn source(&self) -> String {
        format!(
            "stacked in threes (seed {}): {}",
            self.seed,
            self.base.source()
        )
    }

    fn is_endless(&self) -> bool {
        true
    }

    /// That of the grey images and of the seed: nothing else decides what there is.
    fn checksum(&self) -> u32 {
        crc32c::crc32c_append(self.base.checksum(), &self.seed.to_le_bytes())
    }
}

//! Whether a generator copies: how near its samples lie to the images that it was trained on, beside how near images do
//! that it has never seen.

use super::sheet::Sheet;
use super::words;
use crate::generator::TrainedGenerator;
use crate::run::Config;
use crate::run::data::recorded;
use crate::score::distances::Rows;
use crate::score::judge::test_set;
use crate::score::neighbours::{products, squared_distance};
use crate::score::samples;
use anyhow::Result;
use detach_data::{Dataset, Found, Wanted};
use detach_recipes::settings::Sampling;
use detach_recipes::{Batches, DataKind, ImageSize, Settings};
use detach_tensor::{Count, Kind};

/// Samples, and images that were not trained on.
const COUNT: usize = 256;
/// Images that are in memory at once.
const BLOCK: usize = 2048;
/// Multiplications that the search may take: some seconds.
const MOST_WORK: usize = 30_000_000_000;
/// Pairs that are shown: the closest, and typical ones.
const CLOSEST: usize = 8;
const TYPICAL: usize = 4;
/// Bins of a histogram.
pub(super) const BINS: usize = 40;
/// The share of unseen images that are as near as what is called near.
const NEAR: f64 = 0.01;
/// The share of samples so near, from which on it is said that they are copies, perhaps.
const MANY: f64 = 0.05;

/// How near samples are to what was trained on.
#[derive(Clone, Debug)]
pub struct Copies {
    /// The answer, in a sentence.
    pub answer: String,
    /// How many samples.
    pub count: usize,
    /// Among how many training images the nearest was looked for, and how many there are.
    pub searched: [u64; 2],
    /// The closest pairs and a few typical ones, samples above, training images below.
    pub pairs: Sheet,
    /// The distances of these pairs.
    pub distances: Vec<f64>,
    /// How many of the pairs are the closest ones.
    pub closest: usize,
    /// The distances of samples.
    pub samples: Spread,
    /// Those of images that were not trained on, where there are some.
    pub unseen: Option<Spread>,
    /// Where the histograms end; they begin at 0.
    pub end: f64,
}

/// How distances are spread.
#[derive(Clone, Debug)]
pub struct Spread {
    /// How many lie in each of [`BINS`].
    pub bins: Vec<f64>,
    /// The middle one.
    pub median: f64,
}

impl Spread {
    fn of(distances: &[f64], end: f64) -> Self {
        let mut bins = vec![0.0; BINS];
        for x in distances {
            let bin = (x / end * BINS as f64) as usize;
            bins[bin.min(BINS - 1)] += 1.0;
        }
        Self {
            bins,
            median: quantile(distances, 0.5),
        }
    }
}

/// The value below which such a share lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(share * (sorted.len() - 1) as f64).round() as usize]
}

impl Copies {
    /// Of what `trained` makes; `None` where that is no images of noise, or its data is not there any more.
    ///
    /// # Errors
    /// When the data is there and cannot be what it was trained on.
    pub fn of(trained: &TrainedGenerator, config: &Config) -> Result<Option<Self>> {
        let DataKind::Images(size) = trained.data else {
            return Ok(None);
        };
        let wanted = Wanted::new(size.channels, size.side);
        let Some(found) = recorded(config, wanted) else {
            return Ok(None);
        };
        let unseen = match unseen(&found, wanted) {
            Some(other) => images(other, size, COUNT)?.next(),
            None => None,
        };
        let Some(samples) = samples(trained, COUNT) else {
            return Ok(None);
        };
        let width = samples.width();
        let queries = COUNT + unseen.as_ref().map_or(0, Rows::len);
        let all = found.dataset.len();
        let most = (MOST_WORK / (queries * width)).max(BLOCK);
        let mut own = Search::of(&samples);
        let mut others = unseen.as_ref().map(Search::of);
        let mut searched = 0;
        for block in images(found.dataset, size, BLOCK)? {
            own.among(&block);
            if let Some(others) = &mut others {
                others.among(&block);
            }
            searched += block.len();
            if searched >= most {
                break;
            }
        }
        let others = others.map(|search| search.distances());
        let searched = [searched, all].map(|n| n as u64);
        Ok(Some(Self::told(&own, others.as_deref(), searched, size)))
    }

    fn told(own: &Search<'_>, unseen: Option<&[f64]>, searched: [u64; 2], size: ImageSize) -> Self {
        let distances = own.distances();
        let end = distances.iter().chain(unseen.into_iter().flatten());
        let end = 1.02 * end.copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut order: Vec<usize> = (0..distances.len()).collect();
        order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        let closest = CLOSEST.min(order.len());
        // From the middle of the rest, each as far in as the next.
        let typical = (0..TYPICAL).map(|i| order[(2 * i + 1) * order.len() / (2 * TYPICAL)]);
        let shown: Vec<usize> = order[..closest].iter().copied().chain(typical).collect();
        let pairs: Vec<f32> = shown
            .iter()
            .flat_map(|i| own.samples.row(*i))
            .chain(shown.iter().flat_map(|i| &own.nearest[*i].1))
            .copied()
            .collect();
        let dims = [2 * shown.len(), size.channels, size.side, size.side];
        Self {
            answer: answer(&distances, unseen),
            count: distances.len(),
            searched,
            pairs: Sheet::of(&pairs, dims, shown.len()),
            distances: shown.iter().map(|i| distances[*i]).collect(),
            closest,
            samples: Spread::of(&distances, end),
            unseen: unseen.map(|unseen| Spread::of(unseen, end)),
            end,
        }
    }
}

/// What distances of samples and of unseen images say.
fn answer(samples: &[f64], unseen: Option<&[f64]>) -> String {
    let median = words::number(quantile(samples, 0.5));
    let Some(unseen) = unseen else {
        let least = words::number(quantile(samples, 0.0));
        return format!(
            "The closest sample is {least} from a training image, the middle one {median}"
        );
    };
    let near = quantile(unseen, NEAR);
    let share = samples.iter().filter(|x| **x < near).count() as f64 / samples.len() as f64;
    let other = words::number(quantile(unseen, 0.5));
    match share > MANY {
        true => format!(
            "Perhaps: {} of samples lie nearer to a training image than 99% of unseen images do",
            words::share(share)
        ),
        false => format!(
            "No: the middle sample lies {median} from the nearest training image, an unseen image {other}"
        ),
    }
}

/// The test set of the same data, where there is one with other images.
fn unseen(found: &Found, wanted: Wanted) -> Option<Box<dyn Dataset>> {
    let other = test_set(found, wanted).ok().flatten()?;
    let is_other = other.checksum() != found.dataset.checksum();
    (is_other && other.len() > 1).then_some(other)
}

/// The images of a set in blocks, each image once, as rows of numbers in [-1, 1].
fn images(
    set: Box<dyn Dataset>,
    size: ImageSize,
    block: usize,
) -> Result<impl Iterator<Item = Rows>> {
    let len = set.len();
    let block = match block.min(len) {
        // No last block of one image, which batches refuse.
        block if block > 2 && len % block == 1 => block - 1,
        block => block,
    };
    let settings = Settings {
        batch_size: block,
        sampling: Sampling::Shuffled { drop_last: false },
        ..Settings::default()
    };
    let mut batches = Batches::images(set, size, &settings, Kind::default())?;
    let width = size.channels * size.side * size.side;
    Ok((0..len.div_ceil(block)).map(move |_| {
        batches.prepare(&Count::default(), 1);
        Rows::new(batches.take().images.to_vec::<f32>(), width)
    }))
}

/// The nearest image of each sample so far.
struct Search<'a> {
    samples: &'a Rows,
    squares: Vec<f64>,
    /// About how near it is, squared, and the image.
    nearest: Vec<(f64, Vec<f32>)>,
}

impl<'a> Search<'a> {
    fn of(samples: &'a Rows) -> Self {
        Self {
            samples,
            squares: squares(samples),
            nearest: vec![(f64::INFINITY, Vec::new()); samples.len()],
        }
    }

    /// Looks among these, too. By ‖x − y‖² = ‖x‖² + ‖y‖² − 2x·y, whose rounding may take one of two that are equally near.
    fn among(&mut self, images: &Rows) {
        let products = products(self.samples, 0..self.samples.len(), images);
        let squares = squares(images);
        let rows = products.chunks(images.len());
        for ((nearest, own), row) in self.nearest.iter_mut().zip(&self.squares).zip(rows) {
            let distance = |i: usize| own + squares[i] - 2.0 * f64::from(row[i]);
            let best = (0..images.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
            if let Some(best) = best.filter(|best| distance(*best) < nearest.0) {
                *nearest = (distance(best), images.row(best).to_vec());
            }
        }
    }

    /// How near the nearest images are.
    fn distances(&self) -> Vec<f64> {
        let pairs = self.nearest.iter().enumerate();
        let exact = pairs.map(|(i, (_, image))| squared_distance(self.samples.row(i), image));
        exact.map(f64::sqrt).collect()
    }
}

fn squares(rows: &Rows) -> Vec<f64> {
    let square = |i: usize| rows.row(i).iter().map(|x| f64::from(*x).powi(2)).sum();
    (0..rows.len()).map(square).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of 6 × 6 random pixels.
    fn rows(count: usize, seed: u64) -> Rows {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        Rows::new((0..count * 36).map(|_| next()).collect(), 36)
    }

    fn told(samples: &Rows, blocks: &[Rows], unseen: &Rows) -> Copies {
        let [mut own, mut others] = [samples, unseen].map(Search::of);
        for block in blocks {
            own.among(block);
            others.among(block);
        }
        let size = ImageSize {
            channels: 1,
            side: 6,
        };
        Copies::told(&own, Some(&others.distances()), [200, 200], size)
    }

    #[test]
    fn every_image_is_in_a_block() {
        let size = ImageSize {
            channels: 1,
            side: 2,
        };
        for len in [2, 3, 8, 9, 10, 16, 17] {
            let bytes: Vec<u8> = (0..len).flat_map(|i| [i as u8; 4]).collect();
            let set = Box::new(detach_data::InMemory::new([1, 2, 2], bytes, "numbers"));
            let blocks = images(set, size, 8).expect("blocks");
            let mut firsts: Vec<f32> = blocks
                .flat_map(|rows| {
                    (0..rows.len())
                        .map(|i| rows.row(i)[0])
                        .collect::<Vec<f32>>()
                })
                .collect();
            firsts.sort_by(f32::total_cmp);
            firsts.dedup();
            assert_eq!(firsts.len(), len, "{firsts:?}");
        }
    }

    #[test]
    fn copies_are_told_from_new_images() {
        let train = [rows(100, 1), rows(100, 2)];
        let unseen = rows(64, 3);
        let new = told(&rows(64, 4), &train, &unseen);
        assert!(new.answer.starts_with("No"), "{}", new.answer);
        assert!((new.samples.median / new.unseen.expect("unseen").median - 1.0).abs() < 0.2);
        let copied = told(&train[1].first(64), &train, &unseen);
        assert!(
            copied.answer.starts_with("Perhaps: 100%"),
            "{}",
            copied.answer
        );
        assert!(
            copied.distances.iter().all(|x| *x < 1e-6),
            "{:?}",
            copied.distances
        );
        assert_eq!(
            (copied.pairs.layout.columns, copied.pairs.layout.rows),
            (12, 2)
        );
        assert_eq!(copied.samples.bins[0], 64.0);
    }
}

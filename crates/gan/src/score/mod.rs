//! How good a run is, in numbers: what its metrics were lately, statistics of the pixels of its samples beside real ones,
//! and what a classifier sees in both ([`quality`]).

pub mod bench;
pub mod classes;
pub mod classifier;
pub mod distances;
pub mod frechet;
pub mod gap;
pub mod images;
pub mod interval;
pub mod judge;
pub mod kernel;
pub mod linear;
pub mod manifold;
pub mod neighbours;
pub mod quality;
mod real;
mod record;
pub mod training;
pub mod vendi;

pub use real::real;
pub use record::{Data, Record};

use crate::generator::{Classes, TrainedGenerator};
use crate::run::History;
use crate::run::observers::Better;
use anyhow::Result;
use distances::Rows;
use std::collections::BTreeMap;

/// How many samples are drawn.
const SAMPLES: usize = 512;
/// How many real ones the nearest is looked for among.
const REAL: usize = 4096;

/// Numbers of a run, by name.
pub type Scores = BTreeMap<String, f64>;

/// Samples of a generator, and real ones.
#[derive(Clone, Debug)]
pub struct Sets {
    /// What was made.
    pub samples: Rows,
    /// What is real: as many for distances between pairs, more for the nearest.
    pub real: Rows,
}

/// A statistic of samples beside real ones.
#[derive(Debug)]
pub struct Statistic {
    /// What it is called.
    pub name: &'static str,
    /// Which way it is better.
    pub better: Better,
    /// What it is, in a line.
    pub about: &'static str,
    of: fn(&Sets) -> f64,
}

/// All statistics. Each is relative to what real images have among themselves, so that it has no unit.
pub const STATISTICS: [Statistic; 4] = [
    Statistic {
        name: "energy",
        better: Better::Lower,
        about: "energy distance between samples and real images, in mean distances of real ones: 0 where both are \
                distributed alike",
        of: |sets| {
            let real = sets.paired();
            let apart = real.spread();
            (2.0 * sets.samples.distance_to(&real) - sets.samples.spread() - apart) / apart
        },
    },
    Statistic {
        name: "diversity",
        better: Better::Higher,
        about: "mean distance between two samples, in that between two real images: 0 where all samples are one",
        of: |sets| sets.samples.spread() / sets.paired().spread(),
    },
    Statistic {
        name: "nearest",
        better: Better::Lower,
        about: "mean distance of a sample to the nearest real image, in that of real images to the nearest other",
        of: |sets| sets.samples.nearest(&sets.real) / sets.real.nearest_other(sets.samples.len()),
    },
    Statistic {
        name: "variance",
        better: Better::Higher,
        about: "variance of a pixel over the samples, the mean over pixels, in that of real images",
        of: |sets| sets.samples.variance() / sets.real.variance(),
    },
];

impl Sets {
    /// As many real ones as there are samples.
    fn paired(&self) -> Rows {
        self.real.first(self.samples.len())
    }

    /// All statistics that are numbers: where all real images are the same, none has a unit.
    pub fn scores(&self) -> Scores {
        let of = |statistic: &Statistic| (statistic.name.to_owned(), (statistic.of)(self));
        let all = STATISTICS.iter().map(of);
        all.filter(|(_, score)| score.is_finite()).collect()
    }
}

/// The scores of a run: each of its own metrics as it was [lately](History::lately), and where it makes samples of
/// noise, all [`STATISTICS`] beside `real`. Finite weights may still make samples that are not: such a run has failed, and
/// the inner error says so.
///
/// # Errors
/// When its metrics cannot be read.
pub fn scores(trained: &TrainedGenerator, real: &Rows) -> Result<Result<Scores, String>> {
    let history = History::of(&trained.run)?;
    let names = history.names();
    let lately = names
        .iter()
        .filter_map(|name| Some((name.clone(), history.lately(name)?)));
    let mut scores: Scores = lately.collect();
    if let Some(samples) = samples(trained, SAMPLES) {
        if !samples.is_finite() {
            return Ok(Err(
                "training diverged: its samples are not finite".to_owned()
            ));
        }
        let real = real.clone();
        scores.extend(Sets { samples, real }.scores());
    }
    Ok(Ok(scores))
}

/// `count` samples of a generator as its run's pictures have them; `None` where it makes them of something else than
/// noise.
pub(crate) fn samples(trained: &TrainedGenerator, count: usize) -> Option<Rows> {
    trained.input().latent()?;
    let mode = trained.setup.settings.pictures.mode;
    let pieces = trained.samples(trained.setup.settings.seed, count, &Classes::InTurn, mode);
    let values: Vec<f32> = pieces.flat_map(|piece| piece.to_vec::<f32>()).collect();
    let width = values.len() / count;
    Some(Rows::new(values, width))
}

/// Whether `name` is what a score is called, as `gan score` and scores while training tell it.
pub fn is_score(name: &str) -> bool {
    name == gap::GAP || quality::MEASURES.iter().any(|measure| measure.name == name)
}

/// Which way the number called `name` is better.
pub fn better(name: &str) -> Better {
    let statistic = STATISTICS.iter().find(|statistic| statistic.name == name);
    let measure = quality::MEASURES
        .iter()
        .find(|measure| measure.name == name);
    let measure = measure.and_then(|measure| measure.better);
    let known = statistic.map(|statistic| statistic.better).or(measure);
    known.unwrap_or(Better::of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real ones on a ring, in 20 dimensions.
    fn ring(count: usize, turn: f32) -> Rows {
        let at = |i: usize| {
            let angle = (i as f32 + turn) / count as f32 * std::f32::consts::TAU;
            [[angle.cos(); 10], [angle.sin(); 10]].concat()
        };
        Rows::new((0..count).flat_map(at).collect(), 20)
    }

    #[test]
    fn statistics_see_a_collapse_and_a_copy() {
        let real = ring(256, 0.0);
        let of = |samples: Rows| {
            Sets {
                samples,
                real: real.clone(),
            }
            .scores()
        };
        let good = of(ring(256, 0.5));
        let near =
            |name: &str, x: f64, by: f64| assert!((good[name] - x).abs() < by, "{name}: {good:?}");
        near("diversity", 1.0, 1e-3);
        near("variance", 1.0, 1e-3);
        near("energy", 0.0, 0.02);
        near("nearest", 0.5, 1e-2);
        let collapsed = of(Rows::new(vec![0.1; 256 * 20], 20));
        assert!(collapsed["diversity"] < 1e-6 && collapsed["variance"] < 1e-6);
        assert!(
            collapsed["energy"] > 0.2 && collapsed["nearest"] > 10.0,
            "{collapsed:?}"
        );
        assert!(of(real.clone())["nearest"] < 1e-6);
    }

    #[test]
    fn what_is_no_number_is_no_score() {
        let same = Rows::new(vec![0.5; 60], 20);
        let samples = ring(16, 0.0);
        assert!(samples.is_finite());
        let sets = Sets {
            samples,
            real: same,
        };
        assert!(
            sets.scores().values().all(|score| score.is_finite()),
            "{:?}",
            sets.scores()
        );
        for strange in [f32::NAN, f32::INFINITY] {
            assert!(!Rows::new(vec![0.0, strange], 2).is_finite());
        }
    }

    #[test]
    fn a_name_says_which_way_it_is_better() {
        let of = ["energy", "diversity", "g_loss", "real_acc"].map(better);
        let [lower, higher] = [Better::Lower, Better::Higher];
        assert_eq!(of, [lower, higher, lower, higher]);
    }
}

//! What a record shows, as numbers.

use super::record::Record;
use detach_recipes::Detail;
use detach_recipes::detail::{LayerDetail, NetworkDetail};

/// Details that a rule about how things are now is sure with.
const ENOUGH: usize = 3;

/// A record, and the part of it that is about now.
pub(super) struct Seen<'a> {
    pub(super) record: &'a Record,
    /// The last step on record.
    pub(super) step: u64,
    /// The last three details; none where there are fewer.
    pub(super) now: &'a [Detail],
    /// The details of the second half of the steps, or more where these are fewer than three.
    pub(super) late: &'a [Detail],
}

/// A layer of D that lets no gradient through.
pub(super) struct Blocked<'a> {
    pub(super) layer: &'a LayerDetail,
    /// The first step of those on record in a row in which it did not.
    pub(super) since: u64,
}

impl<'a> Seen<'a> {
    pub(super) fn new(record: &'a Record) -> Self {
        let (step, all) = (record.step(), &record.details[..]);
        let half = all.partition_point(|detail| detail.step * 2 < step);
        let last = all.len().checked_sub(ENOUGH);
        let from = |place: Option<usize>| place.map_or(&[][..], |place| &all[place..]);
        Self {
            record,
            step,
            now: from(last),
            late: from(last.map(|last| last.min(half))),
        }
    }

    /// The mean over `details` of a number that each of them has.
    pub(super) fn mean(details: &[Detail], of: impl Fn(&Detail) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = details.iter().map(of).collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    /// How well D has told reals from fakes lately: from 0 to 1, ½ where it cannot.
    pub(super) fn auc(&self) -> Option<f64> {
        Self::mean(self.late, |detail| Some(detail.answers.as_ref()?.auc))
    }

    /// How much samples have differed from each other lately, where reals are 1.
    pub(super) fn variety(&self) -> Option<f64> {
        Self::mean(self.late, variety)
    }

    /// The norm of G's gradient now, and at its loudest: medians of three details in a row, as one alone may be a spike.
    pub(super) fn heard(&self) -> Option<[f64; 2]> {
        let norms: Option<Vec<f64>> = self
            .record
            .details
            .iter()
            .map(|detail| Some(generator(detail)?.norm))
            .collect();
        let norms = norms?;
        let medians = norms.windows(ENOUGH).map(median);
        Some([medians.clone().next_back()?, medians.reduce(f64::max)?])
    }

    /// Whether G's gradient is exactly 0 in each detail of now.
    pub(super) fn is_deaf(&self) -> bool {
        let is_zero = |detail: &Detail| generator(detail).is_some_and(|g| g.norm == 0.0);
        !self.now.is_empty() && self.now.iter().all(is_zero)
    }

    /// The layer of D that has let no gradient through in any detail of now. Where it and all before it are without one,
    /// nothing comes from what is behind.
    pub(super) fn blocked(&self) -> Option<Blocked<'a>> {
        let blocked = |detail: &'a Detail| {
            let layers = &discriminator(detail)?.layers;
            layers.iter().take_while(|layer| layer.dead == 1.0).last()
        };
        if self.now.is_empty() || !self.now.iter().all(|detail| blocked(detail).is_some()) {
            return None;
        }
        let mut run = self.record.details.iter().rev();
        let run = run
            .by_ref()
            .map_while(|detail| Some((detail.step, blocked(detail)?)));
        let layer = self.now.last().and_then(blocked)?;
        let since = run.last().map_or(self.step, |(step, _)| step);
        Some(Blocked { layer, since })
    }

    /// The layer of D with the largest share of dead units now.
    pub(super) fn deadest(&self) -> Option<&'a LayerDetail> {
        let layers = &discriminator(self.now.last()?)?.layers;
        layers.iter().max_by(|a, b| a.dead.total_cmp(&b.dead))
    }

    /// Whether D is so sure of all it sees now that nothing is left to learn from.
    pub(super) fn is_perfect(&self) -> bool {
        let is_sure = |detail: &Detail| {
            detail
                .answers
                .as_ref()
                .is_some_and(|answers| answers.auc > 0.99)
        };
        !self.now.is_empty() && self.now.iter().all(is_sure)
    }

    /// How often the lead has changed in the second half of the steps, by the accuracies of each line: D clearly ahead,
    /// then clearly behind.
    pub(super) fn turns(&self) -> Option<usize> {
        let history = &self.record.history;
        let [real, fake] = ["real_acc", "fake_acc"].map(|name| history.series(name));
        let pairs = real
            .iter()
            .zip(&fake)
            .filter(|((step, _), _)| step * 2 >= self.step);
        let leads = pairs.filter_map(|((_, real), (_, fake))| match real + fake - 1.0 {
            lead if lead > 0.3 => Some(true),
            lead if lead < -0.3 => Some(false),
            _ => None,
        });
        let leads: Vec<bool> = leads.collect();
        (!real.is_empty()).then(|| leads.windows(2).filter(|pair| pair[0] != pair[1]).count())
    }
}

/// How much samples differ from each other, where reals are 1.
fn variety(detail: &Detail) -> Option<f64> {
    let [samples, reals] = [detail.samples?, detail.reals?];
    (reals.distance > 0.0).then(|| samples.distance / reals.distance)
}

fn of_table(detail: &Detail, first: char) -> Option<&NetworkDetail> {
    detail
        .networks
        .iter()
        .find(|network| network.name.starts_with(first))
}

/// The first of a step's generators.
pub(super) fn generator(detail: &Detail) -> Option<&NetworkDetail> {
    of_table(detail, 'g')
}

/// The first of a step's discriminators.
pub(super) fn discriminator(detail: &Detail) -> Option<&NetworkDetail> {
    of_table(detail, 'd')
}

/// The median of at least one value.
fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

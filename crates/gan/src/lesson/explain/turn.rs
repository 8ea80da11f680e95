//! A turn as it was recorded: what its loss depends on, and what its backward pass visited.

use super::graph::{Cost, Place};
use super::step::Made;
use detach_tensor::trace::{Noted, Visit};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What something took.
pub(super) fn cost(flops: u64, time: Duration) -> Cost {
    Cost {
        flops,
        ms: time.as_secs_f64() * 1e3,
    }
}

/// A loss and what it was made of.
pub(super) struct Turn<'a> {
    pub(super) made: &'a Made,
    /// What it depends on.
    pub(super) own: BTreeSet<u64>,
    /// That, and what it has values of.
    pub(super) all: Vec<u64>,
    /// What earlier turns had.
    pub(super) done: &'a BTreeSet<u64>,
    pub(super) visits: BTreeMap<u64, &'a Visit>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(made: &'a Made, loss: Option<u64>, done: &'a BTreeSet<u64>) -> Self {
        let from = Vec::from_iter(loss);
        // The pass of the update: of several from one loss the last.
        let walks = made.record.walks.iter().rev();
        let mut from_loss =
            walks.filter(|walk| walk.visits.first().map(|visit| visit.node) == loss);
        let visits = from_loss.find(|walk| !walk.creates_graph());
        let visits = visits.into_iter().flat_map(|walk| &walk.visits);
        let visits = visits.map(|visit| (visit.node, visit));
        Self {
            made,
            own: made.record.ancestors(&from, false),
            all: made.record.ancestors(&from, true).into_iter().collect(),
            done,
            visits: visits.collect(),
        }
    }

    pub(super) fn noted(&self, id: u64) -> &'a Noted {
        &self.made.record.nodes[&id]
    }

    pub(super) fn visit(&self, id: u64) -> Option<&'a Visit> {
        self.visits.get(&id).copied()
    }

    /// The place of a node among this turn's.
    pub(super) fn index(&self, id: u64) -> usize {
        self.all.partition_point(|other| *other < id)
    }

    pub(super) fn place(&self, id: u64) -> Place {
        match (self.own.contains(&id), self.done.contains(&id)) {
            (false, _) => Place::Behind,
            (true, true) => Place::Earlier,
            (true, false) => Place::Here,
        }
    }

    /// The parameters of a network that a node reads.
    pub(super) fn network(&self, id: u64) -> Option<&'a str> {
        let inputs = self.noted(id).inputs.iter().filter_map(|edge| edge.node);
        let mut owners = inputs.filter_map(|input| self.made.owners.get(&input));
        owners.next().map(|owner| &*owner.network)
    }
}

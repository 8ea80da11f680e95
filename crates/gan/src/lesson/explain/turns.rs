//! Turns, from what was recorded.

use super::calls::{self, Part};
use super::graph::{Back, Cut, Edge, Extent, Node, TurnGraph};
use super::step::Made;
use super::turn::{Turn, cost};
use std::collections::{BTreeMap, BTreeSet};

/// The turns of a step; one for those in a row that are alike.
pub(super) fn of(made: &Made) -> Vec<TurnGraph> {
    let mut turns: Vec<TurnGraph> = Vec::new();
    let mut done = BTreeSet::new();
    for ((loss, value), who) in made.losses.iter().zip(&made.movers) {
        let told = Turn::new(made, *loss, &done);
        let turn = told.graph(who, *value);
        let all = told.all;
        done.extend(all);
        match turns.last_mut() {
            Some(last) if is_alike(last, &turn) => last.times += 1,
            _ => turns.push(turn),
        }
    }
    name(&mut turns);
    turns
}

/// Names turns by whose they are, and by number where a network has several.
fn name(turns: &mut [TurnGraph]) {
    let all: Vec<String> = turns.iter().map(|turn| turn.who.clone()).collect();
    for (place, turn) in turns.iter_mut().enumerate() {
        let count = |of: &[String]| of.iter().filter(|who| **who == turn.who).count();
        let who = turn.who.to_uppercase();
        turn.name = match count(&all) {
            1 => format!("{who}'s turn"),
            _ => format!("{who}'s turn {}", count(&all[..=place])),
        };
    }
}

fn is_alike(a: &TurnGraph, b: &TurnGraph) -> bool {
    let ops = |turn: &TurnGraph| -> Vec<_> {
        let nodes = turn.nodes.iter();
        nodes
            .map(|node| (node.op, node.shape.clone(), node.parameter.clone()))
            .collect()
    };
    a.who == b.who && ops(a) == ops(b)
}

impl Turn<'_> {
    fn graph(&self, who: &str, loss: f64) -> TurnGraph {
        let record = &self.made.record;
        let visited: BTreeSet<u64> = self.visits.keys().copied().collect();
        let now = self.all.iter().filter(|id| !self.done.contains(id));
        let parts = now
            .map(|id| self.noted(*id))
            .map(|noted| cost(noted.info.flops, noted.time));
        let rules = self
            .visits
            .values()
            .map(|visit| cost(visit.flops, visit.time));
        TurnGraph {
            who: who.to_owned(),
            name: String::new(),
            times: 1,
            loss,
            forward: parts.sum(),
            backward: rules.sum(),
            walked: Extent {
                nodes: visited.len(),
                bytes: record.bytes(&visited),
            },
            nodes: self.all.iter().map(|id| self.node(*id)).collect(),
            edges: self.edges(),
            calls: calls::of(self).iter().map(Part::call).collect(),
            cuts: self.cuts(),
        }
    }

    fn node(&self, id: u64) -> Node {
        let noted = self.noted(id);
        let owner = self.made.owners.get(&id);
        Node {
            op: noted.op,
            parameter: owner.map(|owner| format!("{}.{}", owner.network, owner.name)),
            geometry: noted.info.geometry.clone(),
            operands: noted.inputs.len(),
            shape: noted.shape.clone(),
            bytes: self.made.record.memories[noted.memory],
            memory: noted.memory,
            norm: noted.norm,
            forward: cost(noted.info.flops, noted.time),
            place: self.place(id),
            back: self.visit(id).map(|visit| Back {
                norm: visit.norm,
                cost: cost(visit.flops, visit.time),
            }),
        }
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (to, id) in self.all.iter().enumerate() {
            for edge in &self.noted(*id).inputs {
                let kept = edge.node.iter().map(|from| (from, false));
                let cut = edge.cut_from.iter().map(|from| (from, true));
                edges.extend(kept.chain(cut).map(|(from, cut)| Edge {
                    from: self.index(*from),
                    to,
                    cut,
                }));
            }
        }
        edges
    }

    /// A cut for each value that was detached on its way to the loss, where something is behind it.
    fn cuts(&self) -> Vec<Cut> {
        let record = &self.made.record;
        let mut readers: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for id in &self.own {
            for source in self
                .noted(*id)
                .inputs
                .iter()
                .flat_map(|edge| &edge.cut_from)
            {
                readers.entry(*source).or_default().push(self.index(*id));
            }
        }
        let cut = |(source, to): (u64, Vec<usize>)| {
            let mut with = record.ancestors(&[source], true);
            let behind: Vec<u64> = with.difference(&self.own).copied().collect();
            with.extend(&self.own);
            let owners = behind.iter().filter_map(|id| self.made.owners.get(id));
            let whose: BTreeSet<&String> = owners.map(|owner| &owner.network).collect();
            (!behind.is_empty()).then(|| Cut {
                from: self.index(source),
                to,
                spared: Extent {
                    nodes: behind.len(),
                    bytes: record.bytes(&with) - record.bytes(&self.own),
                },
                whose: whose.into_iter().cloned().collect(),
            })
        };
        readers.into_iter().filter_map(cut).collect()
    }
}

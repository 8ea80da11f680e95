//! Which nodes belong together: by who was at work when they were made.

use super::graph::{Back, Call, From, Kind, Layer, Place};
use super::step::Made;
use super::turn::{Turn, cost};
use detach_tensor::trace::Scope;
use std::collections::BTreeSet;

/// Who made a node: what kind of call, which one, and on which path inside of it.
#[derive(Clone, Debug, PartialEq)]
struct Maker {
    kind: Kind,
    /// The outermost scope, or the pass.
    call: usize,
    path: String,
}

/// A call in the making.
pub(super) struct Part<'a> {
    turn: &'a Turn<'a>,
    kind: Kind,
    /// The outermost scopes that are in it, or the pass.
    calls: Vec<usize>,
    network: Option<&'a str>,
    /// Its nodes, with their paths.
    nodes: Vec<(u64, String)>,
    from: Vec<From>,
}

/// The outermost scope in which a node was made, and the innermost: they are in the order of beginning.
fn scope(scopes: &[Scope], id: u64) -> Option<(usize, &Scope)> {
    let around = scopes.iter().enumerate();
    let mut around = around.filter(|(_, scope)| scope.nodes.contains(&id));
    let (root, outermost) = around.next()?;
    let innermost = around.next_back();
    Some((root, innermost.map_or(outermost, |(_, scope)| scope)))
}

fn maker(made: &Made, id: u64) -> Maker {
    let walks = made.record.walks.iter().enumerate();
    let mut visits = walks.flat_map(|(walk, of)| of.visits.iter().map(move |visit| (walk, visit)));
    if let Some((walk, visit)) = visits.find(|(_, visit)| visit.made.contains(&id)) {
        return Maker {
            kind: Kind::Gradient,
            call: walk,
            path: maker(made, visit.node).path,
        };
    }
    let of_scope = |(root, innermost): (usize, &Scope)| Maker {
        kind: Kind::Network,
        call: root,
        path: innermost.path.clone(),
    };
    let loose = || Maker {
        kind: Kind::Loss,
        call: 0,
        path: String::new(),
    };
    scope(&made.record.scopes, id).map_or_else(loose, of_scope)
}

/// The calls of a turn, in order, the loss last.
pub(super) fn of<'a>(turn: &'a Turn<'a>) -> Vec<Part<'a>> {
    let made = turn.made;
    let ops = turn.all.iter().filter(|id| turn.noted(**id).op.is_some());
    let makers: Vec<(u64, Maker)> = ops.map(|id| (*id, maker(made, *id))).collect();
    let of_networks = makers.iter().filter(|(_, maker)| maker.kind != Kind::Loss);
    let of_networks: Vec<u64> = of_networks.map(|(id, _)| *id).collect();
    // What no network reads any more is on its way to the loss.
    let leads = made.record.ancestors(&of_networks, true);
    let (mut parts, mut loss): (Vec<Part<'a>>, _) = (Vec::new(), Part::new(turn, Kind::Loss));
    for (id, mut maker) in makers {
        if maker.kind == Kind::Loss && leads.contains(&id) {
            maker.kind = Kind::Between;
        }
        let part = match maker.kind {
            Kind::Loss => &mut loss,
            kind => {
                let known = parts.iter().rposition(|part| part.is_of(&maker));
                let place = known.unwrap_or_else(|| {
                    parts.push(Part::new(turn, kind));
                    parts.len() - 1
                });
                &mut parts[place]
            }
        };
        if !part.calls.contains(&maker.call) {
            part.calls.push(maker.call);
        }
        part.network = part.network.or_else(|| turn.network(id));
        part.nodes.push((id, maker.path));
    }
    let mut parts = joined(parts);
    parts.extend((!loss.nodes.is_empty()).then_some(loss));
    let from: Vec<Vec<From>> = parts.iter().map(|part| part.from(&parts)).collect();
    for (part, from) in parts.iter_mut().zip(from) {
        part.from = from;
    }
    parts
}

/// The same, a part of a network that goes on with another's values being one with it.
fn joined(parts: Vec<Part<'_>>) -> Vec<Part<'_>> {
    let mut out: Vec<Part<'_>> = Vec::new();
    for part in parts {
        match out.last_mut() {
            Some(before) if part.goes_on_with(before) => {
                before.calls.extend(part.calls);
                before.nodes.extend(part.nodes);
            }
            _ => out.push(part),
        }
    }
    out
}

impl<'a> Part<'a> {
    fn new(turn: &'a Turn<'a>, kind: Kind) -> Self {
        Self {
            turn,
            kind,
            calls: Vec::new(),
            network: None,
            nodes: Vec::new(),
            from: Vec::new(),
        }
    }

    fn is_of(&self, maker: &Maker) -> bool {
        self.kind == maker.kind && self.calls.contains(&maker.call)
    }

    fn has(&self, id: u64) -> bool {
        self.nodes.iter().any(|(own, _)| *own == id)
    }

    fn goes_on_with(&self, before: &Self) -> bool {
        let inputs = self
            .nodes
            .iter()
            .flat_map(|(id, _)| &self.turn.noted(*id).inputs);
        self.kind == Kind::Network
            && before.kind == Kind::Network
            && self.network.is_some()
            && self.network == before.network
            && inputs.filter_map(|edge| edge.node).any(|id| before.has(id))
    }

    /// The other calls that it reads.
    fn from(&self, all: &[Self]) -> Vec<From> {
        let mut from: Vec<From> = Vec::new();
        let mut note = |id: u64, cut: bool| {
            let call = all.iter().position(|part| part.has(id));
            let call = call.filter(|call| !std::ptr::eq(&all[*call], self));
            let one = call.map(|call| From { call, cut });
            from.extend(one.filter(|one| !from.contains(one)));
        };
        for (id, _) in &self.nodes {
            for edge in &self.turn.noted(*id).inputs {
                edge.cut_from.iter().for_each(|source| note(*source, true));
                let Some(source) = edge.node else { continue };
                note(source, false);
                // A leaf may have been made of a value that was detached.
                let noted = self.turn.noted(source);
                let leaf = noted.inputs.iter().filter(|_| noted.op.is_none());
                let sources = leaf.flat_map(|edge| &edge.cut_from);
                sources.for_each(|source| note(*source, true));
            }
        }
        from
    }

    pub(super) fn call(&self) -> Call {
        let mut paths: Vec<&str> = Vec::new();
        for (_, path) in &self.nodes {
            if !paths.contains(&&**path) {
                paths.push(path);
            }
        }
        let places: Vec<Place> = self
            .nodes
            .iter()
            .map(|(id, _)| self.turn.place(*id))
            .collect();
        let all = |place| places.iter().all(|other| *other == place);
        Call {
            kind: self.kind,
            network: self.network.map(str::to_owned),
            place: match (all(Place::Behind), all(Place::Earlier)) {
                (true, _) => Place::Behind,
                (_, true) => Place::Earlier,
                _ => Place::Here,
            },
            from: self.from.clone(),
            layers: paths.into_iter().map(|path| self.layer(path)).collect(),
        }
    }

    /// What a layer is, and the activation behind it that it took over: that one was not at work itself.
    fn name(&self, path: &str) -> String {
        let all = self
            .network
            .and_then(|network| self.turn.made.modules.get(network));
        let Some(all) = all else {
            return String::new();
        };
        let Some(at) = all.iter().position(|(of, _)| of == path) else {
            return String::new();
        };
        let name = all[at].1.clone();
        let parent = |path: &str| {
            path.rsplit_once('.')
                .map_or("", |(parent, _)| parent)
                .to_owned()
        };
        let scopes = &self.turn.made.record.scopes;
        let root = |place: usize| {
            let mut place = place;
            while let Some(around) = scopes[place].inside {
                place = around;
            }
            place
        };
        let at_work = |path: &str| {
            let mut called = scopes
                .iter()
                .enumerate()
                .filter(|(_, scope)| scope.path == path);
            called.any(|(place, _)| self.calls.contains(&root(place)))
        };
        match all.get(at + 1) {
            // Of a gradient the calls are passes, in which nothing is taken over.
            Some((next, taken))
                if self.kind == Kind::Network && parent(next) == parent(path) && !at_work(next) =>
            {
                format!("{name}, {taken}")
            }
            _ => name,
        }
    }

    fn layer(&self, path: &str) -> Layer {
        let turn = self.turn;
        let own = self.nodes.iter().filter(|(_, of)| of == path);
        let ids: Vec<u64> = own.map(|(id, _)| *id).collect();
        let last = ids.last().map(|id| turn.noted(*id));
        let memories: BTreeSet<usize> = ids.iter().map(|id| turn.noted(*id).memory).collect();
        let visits: Vec<_> = ids.iter().filter_map(|id| turn.visit(*id)).collect();
        let is_passed = visits.iter().any(|visit| visit.norm.is_some());
        let costs = ids
            .iter()
            .map(|id| turn.noted(*id))
            .map(|noted| cost(noted.info.flops, noted.time));
        let rules = visits.iter().map(|visit| cost(visit.flops, visit.time));
        Layer {
            path: path.to_owned(),
            name: self.name(path),
            nodes: ids.iter().map(|id| turn.index(*id)).collect(),
            shape: last.map_or_else(Vec::new, |noted| noted.shape.clone()),
            bytes: memories
                .iter()
                .map(|memory| turn.made.record.memories[*memory])
                .sum(),
            norm: last.map_or(0.0, |noted| noted.norm),
            forward: costs.sum(),
            back: visits.last().map(|visit| Back {
                norm: visit.norm,
                cost: rules.sum(),
            }),
            // Where no gradient came by, the parameters have theirs from other calls.
            gradient: self.gradient(&ids).filter(|_| is_passed),
        }
    }

    /// ‖∂loss/∂·‖ of the parameters that these nodes read.
    fn gradient(&self, ids: &[u64]) -> Option<f64> {
        let inputs = ids.iter().flat_map(|id| &self.turn.noted(*id).inputs);
        let leaves = inputs.filter_map(|edge| edge.node);
        let leaves: BTreeSet<u64> = leaves
            .filter(|id| self.turn.made.owners.contains_key(id))
            .collect();
        let norms = leaves.iter().filter_map(|id| self.turn.visit(*id)?.norm);
        let squares: Vec<f64> = norms.map(|norm| norm * norm).collect();
        (!squares.is_empty()).then(|| squares.iter().sum::<f64>().sqrt())
    }
}

//! The calls of a turn in rows: one row is one way that a value takes.

use super::graph::{Kind, TurnGraph};

/// The calls of each row but for the loss, as places in [`TurnGraph::calls`]. A call stands behind one that it reads, if
/// no other does yet.
pub(super) fn lanes(turn: &TurnGraph) -> Vec<Vec<usize>> {
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    for (place, call) in turn.calls.iter().enumerate() {
        if call.kind == Kind::Loss {
            continue;
        }
        let reads = |lane: &Vec<usize>| {
            let last = lane.last();
            call.from.iter().any(|from| Some(&from.call) == last)
        };
        match lanes.iter_mut().rev().find(|lane| reads(lane)) {
            Some(lane) => lane.push(place),
            None => lanes.push(vec![place]),
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::super::graph::{Call, Cost, Extent, From, Place};
    use super::*;

    fn call(kind: Kind, from: &[usize]) -> Call {
        let from = from.iter().map(|call| From {
            call: *call,
            cut: false,
        });
        Call {
            kind,
            network: None,
            place: Place::Here,
            from: from.collect(),
            layers: Vec::new(),
        }
    }

    #[test]
    fn a_call_stands_behind_what_it_reads() {
        // G; D on reals; D on G's; another D on G's; the loss of all.
        let calls = [&[][..], &[], &[0], &[0], &[1, 2, 3]];
        let calls = calls.iter().enumerate().map(|(place, from)| match place {
            4 => call(Kind::Loss, from),
            _ => call(Kind::Network, from),
        });
        let turn = TurnGraph {
            who: "d".to_owned(),
            name: "D's turn".to_owned(),
            times: 1,
            loss: 0.0,
            forward: Cost::default(),
            backward: Cost::default(),
            walked: Extent::default(),
            nodes: Vec::new(),
            edges: Vec::new(),
            calls: calls.collect(),
            cuts: Vec::new(),
        };
        assert_eq!(lanes(&turn), [vec![0, 2], vec![1], vec![3]]);
    }
}

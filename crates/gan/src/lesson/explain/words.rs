//! Names, marks and numbers, as all forms of a step have them.

use super::graph::{Back, Call, Cost, Cut, Kind, Layer, Node, Place, TurnGraph};

/// A network's letter: `G`, `D`; another's own name.
pub(super) fn letter(network: &str) -> &str {
    match network {
        "generator" => "G",
        "discriminator" => "D",
        other => other,
    }
}

/// The class of whose it is: `g` or `d`, whose colour that is.
pub(super) fn class(network: Option<&str>) -> &'static str {
    match network {
        Some("generator" | "g") => "g",
        Some("discriminator" | "d") => "d",
        _ => "ink",
    }
}

/// The mark that goes with a colour.
pub(super) fn mark(class: &str) -> &'static str {
    match class {
        "g" => "●",
        "d" => "■",
        _ => "○",
    }
}

/// How often there was such a turn, where it was not once.
pub(super) fn often(turn: &TurnGraph) -> String {
    match turn.times {
        1 => String::new(),
        times => format!("{times} times, this is the first"),
    }
}

/// What a call is: `D`, `the gradient of D's answers`.
pub(super) fn call(call: &Call) -> String {
    let network = call.network.as_deref().map(letter);
    match (call.kind, network) {
        (Kind::Network, Some(network)) => network.to_owned(),
        (Kind::Network, None) => "layers without parameters".to_owned(),
        (Kind::Gradient, Some(network)) => format!("∇{network}, a gradient that is trained on"),
        (Kind::Gradient, None) => "a gradient that is trained on".to_owned(),
        (Kind::Between, _) => "made of values on their way".to_owned(),
        (Kind::Loss, _) => "the loss".to_owned(),
    }
}

/// Where a call's input comes from: `of G, detached`; nothing of the loss, which is of all answers.
pub(super) fn input(turn: &TurnGraph, of: &Call) -> String {
    if of.kind == Kind::Loss {
        return String::new();
    }
    let from = of.from.iter().map(|from| {
        let name = match turn.calls[from.call].kind {
            Kind::Between => "them".to_owned(),
            Kind::Gradient => "∇".to_owned(),
            _ => call(&turn.calls[from.call]),
        };
        match from.cut {
            true => format!("{name}, detached"),
            false => name,
        }
    });
    let mut from: Vec<String> = from.collect();
    from.dedup();
    match (from.is_empty(), of.kind, of.network.as_deref()) {
        (false, ..) => format!("of {}", from.join(" and ")),
        (true, Kind::Network, Some("generator")) => "of noise".to_owned(),
        (true, ..) => "of data".to_owned(),
    }
}

/// What is to be said of a call as a whole; empty where nothing is.
pub(super) fn place(call: &Call) -> &'static str {
    match call.place {
        Place::Here => "",
        Place::Earlier => "made in an earlier turn",
        Place::Behind => "behind the cut: not walked",
    }
}

/// What a layer is called, with its path.
pub(super) fn layer(call: &Call, layer: &Layer) -> String {
    match (call.kind, &*layer.path, &*layer.name) {
        (_, "", _) => format!("{} ops", layer.nodes.len()),
        (_, path, "") => path.to_owned(),
        (_, path, name) => format!("{path}  {name}"),
    }
}

/// What a node is called.
pub(super) fn node(node: &Node) -> String {
    match (node.op, &node.parameter) {
        (Some(op), _) => op.to_owned(),
        (None, Some(name)) => name.clone(),
        (None, None) => "a variable".to_owned(),
    }
}

/// What a cut spares.
pub(super) fn spared(cut: &Cut) -> String {
    let whose: Vec<&str> = cut.whose.iter().map(|network| letter(network)).collect();
    let of = match whose.is_empty() {
        true => String::new(),
        false => format!(" of {}", whose.join(" and ")),
    };
    format!(
        "{} nodes{of} not walked, {} not kept",
        cut.spared.nodes,
        bytes(cut.spared.bytes)
    )
}

/// What is to be seen in a turn, in sentences.
pub(super) fn said(turn: &TurnGraph) -> Vec<String> {
    let cuts = turn.cuts.iter().map(|cut| {
        format!(
            "The value passes the cut, and no gradient comes back: {}.",
            spared(cut)
        )
    });
    let mut said: Vec<String> = cuts.collect();
    if turn.walked.nodes == 0 {
        said.push(
            "The loss does not depend on what was asked for: nothing is walked, and nothing moves."
                .to_owned(),
        );
        return said;
    }
    let mut unasked: Vec<&str> = Vec::new();
    let mut asked: Vec<&str> = Vec::new();
    for (name, node) in turn
        .parameters()
        .filter(|(_, node)| node.place != Place::Behind)
    {
        let network = letter(name.split_once('.').map_or(name, |(network, _)| network));
        let list = match node.back {
            Some(_) => &mut asked,
            None => &mut unasked,
        };
        if !list.contains(&network) {
            list.push(network);
        }
    }
    unasked.retain(|network| !asked.contains(network));
    let passed = unasked.iter().filter(|network| {
        let mut calls = turn
            .calls
            .iter()
            .filter(|call| call.network.as_deref().map(letter) == Some(network));
        calls.any(|call| call.layers.iter().any(|layer| layer.back.is_some()))
    });
    let passed: Vec<&str> = passed.copied().collect();
    let to = asked.join(" and ");
    said.extend(unasked.iter().map(|network| match passed.contains(network) {
        true => format!(
            "The gradient goes through {network} to reach {to}: {network}'s own weights are not asked for, and no gradient of \
             theirs is computed."
        ),
        false => format!("{network} is not asked for: the gradient ends at {to}'s weights."),
    }));
    said
}

/// 64×1×28×28; a scalar is 1.
pub(super) fn shape(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    match sizes.is_empty() {
        true => "1".to_owned(),
        false => sizes.join("×"),
    }
}

/// Three digits of a number and the unit's prefix: 1.23 M.
fn prefixed(x: f64) -> String {
    let size = x.abs();
    let (scale, prefix) = match size {
        _ if size >= 999.5e6 => (1e9, " G"),
        _ if size >= 999.5e3 => (1e6, " M"),
        _ if size >= 999.5 => (1e3, " k"),
        _ => (1.0, ""),
    };
    let scaled = x / scale;
    match scaled {
        _ if prefix.is_empty() => format!("{x:.0}"),
        _ if scaled >= 99.95 => format!("{scaled:.0}{prefix}"),
        _ if scaled >= 9.995 => format!("{scaled:.1}{prefix}"),
        _ => format!("{scaled:.2}{prefix}"),
    }
}

/// Operations: `1.23 M`; a dash where nothing is computed.
pub(super) fn flops(flops: u64) -> String {
    match flops {
        0 => "–".to_owned(),
        flops => prefixed(flops as f64),
    }
}

/// A number with its unit: `1.23 MB`.
fn with_unit(x: f64, unit: &str) -> String {
    let text = prefixed(x);
    match text.contains(' ') {
        true => text + unit,
        false => format!("{text} {unit}"),
    }
}

/// Operations in a sentence: `1.23 GFLOP`.
pub(super) fn operations(flops: u64) -> String {
    with_unit(flops as f64, "FLOP")
}

/// Bytes: `1.23 MB`.
pub(super) fn bytes(bytes: usize) -> String {
    with_unit(bytes as f64, "B")
}

/// Milliseconds, of three digits at most.
pub(super) fn ms(ms: f64) -> String {
    match ms {
        _ if ms >= 99.95 => format!("{ms:.0}"),
        _ if ms >= 9.995 => format!("{ms:.1}"),
        _ => format!("{ms:.2}"),
    }
}

/// A norm of three digits; a dash where there is none.
pub(super) fn norm(norm: Option<f64>) -> String {
    match norm {
        None => "–".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(x) if !(1e-3..1e4).contains(&x) => format!("{x:.1e}"),
        Some(x) if x >= 99.95 => format!("{x:.0}"),
        Some(x) if x >= 9.995 => format!("{x:.1}"),
        Some(x) if x >= 0.9995 => format!("{x:.2}"),
        Some(x) => format!("{x:.3}"),
    }
}

/// How thick a gradient of this norm is drawn, from `least` to `most`: by its logarithm, from 10⁻⁶ to 10.
pub(super) fn thickness(norm: f64, least: f64, most: f64) -> f64 {
    let share = (norm.max(1e-6).log10() + 6.0) / 7.0;
    least + share.clamp(0.0, 1.0) * (most - least)
}

/// What a row says of a value and of how it was made: shape, FLOP, bytes, ms and norm, and of the way back ‖dy‖, FLOP and ms.
pub(super) fn cells(
    of: &[usize],
    size: usize,
    (forward, size_of_values): (Cost, f64),
    back: Option<Back>,
) -> Vec<String> {
    let there = [
        shape(of),
        flops(forward.flops),
        bytes(size),
        ms(forward.ms),
        norm(Some(size_of_values)),
    ];
    let back = match back {
        None => ["–", "–", "–"].map(str::to_owned),
        Some(back) => [norm(back.norm), flops(back.cost.flops), ms(back.cost.ms)],
    };
    there.into_iter().chain(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(
            [0, 7, 999, 1000, 12_345, 3_211_264].map(flops),
            ["–", "7", "999", "1.00 k", "12.3 k", "3.21 M"]
        );
        assert_eq!([12, 56_300_000].map(bytes), ["12 B", "56.3 MB"]);
        assert_eq!([0, 3_290_000_000].map(operations), ["0 FLOP", "3.29 GFLOP"]);
        let norms = [0.0, 1e-7, 0.12345, 9.999, 123.4, 2e6].map(|x| norm(Some(x)));
        assert_eq!(norms, ["0", "1.0e-7", "0.123", "10.0", "123", "2.0e6"]);
        assert_eq!(
            [0.004, 1.234, 31.27, 512.0].map(ms),
            ["0.00", "1.23", "31.3", "512"]
        );
        assert_eq!([shape(&[64, 1, 28, 28]), shape(&[])], ["64×1×28×28", "1"]);
    }
}

//! What is told of a computation: costs by hand, norms, passes and cuts.

use detach_tensor::trace::{Noted, Record, node, pass, record, scope};
use detach_tensor::{Array, DType, Fir, Random, Stream, Tensor, grad};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn draw(shape: &[usize], number: u64) -> Tensor {
    let random = Random::new(7, Stream::Noise).at(number);
    Tensor::variable(random.normal(shape, DType::F64).value().clone())
}

/// The nodes that an op of this name made.
fn of<'a>(record: &'a Record, op: &str) -> Vec<&'a Noted> {
    let nodes = record.nodes.values();
    nodes.filter(|noted| noted.op == Some(op)).collect()
}

/// The only one.
fn one<'a>(record: &'a Record, op: &str) -> &'a Noted {
    let found = of(record, op);
    assert_eq!(found.len(), 1, "{op}");
    found[0]
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

/// A product and a sum count one each; moving counts nothing; a function counts one for each element.
#[test]
fn costs_by_hand() {
    let (_, seen) = record(|| {
        let rows = draw(&[5, 3], 0).matmul(&draw(&[3, 4], 1));
        // 5·4 sums of 3 products.
        let _ = rows.relu().t().reshape(&[20]).sum();
        let _ = rows.mean_axes(&[1]);
        let _ = rows.norm();
        let batches = draw(&[2, 5, 3], 2);
        let _ = batches.matmul(&draw(&[2, 3, 7], 3));
        let _ = rows.softmax(1);
        let _ = Tensor::concat(&[&rows, &rows], 0)
            .slice(0, 2, 3)
            .pad(1, 1, 1);
    });
    let products = of(&seen, "matmul");
    let costs: Vec<u64> = products.iter().map(|noted| noted.info.flops).collect();
    assert_eq!(costs, [2 * 5 * 4 * 3, 2 * 2 * 5 * 7 * 3]);
    assert_eq!(products[0].info.geometry, "5×3 · 3×4");
    let cost = |op: &str| one(&seen, op).info.flops;
    assert_eq!(
        (cost("relu"), cost("sum"), cost("mean"), cost("norm")),
        (20, 19, 20, 40)
    );
    assert_eq!(cost("softmax"), 5 * (5 * 4 - 2));
    for op in ["permute", "concat", "slice", "pad"] {
        assert_eq!(cost(op), 0, "{op}");
    }
    assert_eq!(one(&seen, "slice").info.geometry, "axis 0 from 2 to 5");
}

/// `dcgan`'s first convolution: 64 images of 14×14 pixels in 64 channels, each a sum of 16 products.
#[test]
fn a_convolution_by_hand() {
    let (_, seen) =
        record(|| draw(&[64, 1, 28, 28], 0).conv2d(&draw(&[64, 1, 4, 4], 1), [2, 2], [1, 1]));
    let conv = one(&seen, "conv fprop");
    assert_eq!(conv.info.flops, 2 * 64 * 64 * 14 * 14 * 16);
    assert_eq!(conv.info.geometry, "4×4 stride 2 pad 1");
    assert_eq!(conv.shape, [64, 64, 14, 14]);
}

/// The three convolutions of a geometry are one product of three indices.
#[test]
fn convolutions_of_one_geometry_cost_the_same() {
    for (stride, padding, kernel) in [
        ([1, 1], [0, 0], [3, 3]),
        ([2, 1], [1, 2], [4, 3]),
        ([3, 2], [1, 0], [2, 5]),
    ] {
        let (x, w) = (
            draw(&[2, 3, 9, 8], 0),
            draw(&[5, 3, kernel[0], kernel[1]], 1),
        );
        let (_, seen) = record(|| {
            let y = x.conv2d(&w, stride, padding);
            grad(&y.square().sum(), &[&x, &w], true)
        });
        let costs = ["conv fprop", "conv dgrad", "conv wgrad"].map(|op| one(&seen, op).info.flops);
        assert_eq!(costs, [costs[0]; 3], "{stride:?} {padding:?}");
        let small = one(&seen, "conv fprop").shape.iter().product::<usize>();
        assert_eq!(costs[0], (2 * small * 3 * kernel[0] * kernel[1]) as u64);
        // A rule's cost is that of what it computes: here of both adjoints.
        let visit = seen.walks[0]
            .visits
            .iter()
            .find(|visit| seen.nodes[&visit.node].op == Some("conv fprop"));
        assert_eq!(visit.expect("it is on the way").flops, 2 * costs[0]);
    }
}

/// The products of a resampling are the pixels that are met, not the zeros among them: its matrices' entries.
#[test]
fn a_resampling_costs_its_matrices_entries() {
    let fir = Fir::new(&[1.0, 2.0, 3.0, 4.0]).up(2).down(3).pad([2, 1]);
    let (y, seen) = record(|| draw(&[2, 3, 5, 7], 0).resample(&fir));
    let entries = |from: usize, to: usize| -> usize {
        let met = |j: usize, k: usize| {
            (j * 3 + k)
                .checked_sub(2)
                .filter(|at| at % 2 == 0 && at / 2 < from)
        };
        (0..to)
            .map(|j| (0..4).filter(|k| met(j, *k).is_some()).count())
            .sum()
    };
    let expected = 2 * 2 * 3 * entries(5, y.shape()[2]) * entries(7, y.shape()[3]);
    assert_eq!(one(&seen, "resample").info.flops, expected as u64);
}

/// x·r − μ·r, times γ, plus β: the op's own work, its statistics' apart.
#[test]
fn a_normalisation_by_hand() {
    let (x, gamma, beta) = (draw(&[6, 4, 3, 3], 0), draw(&[4], 1), draw(&[4], 2));
    let (_, seen) = record(|| {
        let (y, _) = x.batch_norm(&gamma, &beta, 1e-5);
        grad(&y.square().sum(), &[&x, &gamma, &beta], true)
    });
    let elements = 6 * 4 * 3 * 3;
    assert_eq!(one(&seen, "batch_norm").info.flops, 4 * elements + 3 * 4);
    assert_eq!(
        one(&seen, "batch_norm_grad").info.flops,
        6 * elements + 6 * 4
    );
    assert_eq!(
        one(&seen, "batch_norm_grad_affine").info.flops,
        5 * elements + 3 * 4
    );
}

/// Norms of values and of upstream gradients are those of the tensors; the pass is the one that `pass` foretells.
#[test]
fn norms_and_walks_are_what_they_are() {
    let (x, w, u) = (draw(&[4, 3], 0), draw(&[3, 5], 1), draw(&[4, 5], 2));
    let (y, hidden, loss, gradients);
    let all = record(|| {
        let hidden = x.matmul(&w);
        let y = hidden.tanh() * &u;
        let loss = y.square().sum();
        let gradients = grad(&loss, &[&w, &hidden], false);
        (hidden, y, loss, gradients)
    });
    let seen = all.1;
    (hidden, y, loss, gradients) = all.0;
    let noted = |of: &Tensor| &seen.nodes[&node(of).expect("a node")];
    for value in [&x, &w, &hidden, &y, &loss] {
        assert!(close(noted(value).norm, value.norm().item()));
        assert_eq!(noted(value).shape, value.shape());
    }
    let [walk] = &seen.walks[..] else {
        panic!("one pass: {:?}", seen.walks)
    };
    let norm = |of: &Tensor| {
        walk.visits
            .iter()
            .find(|visit| Some(visit.node) == node(of))
            .and_then(|visit| visit.norm)
    };
    let close_to = |of: &Tensor, gradient: &Tensor| {
        norm(of).is_some_and(|norm| close(norm, gradient.norm().item()))
    };
    assert!(close_to(&w, &gradients[0]) && close_to(&hidden, &gradients[1]));
    assert!(close_to(&y, &(&y * 2.0)) && norm(&loss) == Some(1.0));
    assert_eq!((norm(&x), norm(&u)), (None, None), "nobody asked for them");
    let foretold = pass(&loss, &[&w, &hidden]);
    let visited = walk.visits.iter().map(|visit| visit.node).collect();
    assert_eq!(
        (walk.visits.len(), seen.bytes(&visited)),
        (foretold.nodes, foretold.bytes)
    );
    assert!(!walk.creates_graph());
}

/// Ancestors and bytes are those of `pass` to all leaves, where memory is shared, too.
#[test]
fn the_graph_is_the_one_that_a_pass_walks() {
    let (x, w) = (draw(&[2, 3, 4, 4], 0), draw(&[5, 3, 3, 3], 1));
    let (loss, seen) = record(|| {
        let y = x.conv2d(&w, [1, 1], [1, 1]).channels_last();
        (y.reshape(&[2, 80]).slice(1, 0, 7).relu() + 1.0).sum()
    });
    let all = pass(&loss, &[&x, &w]);
    let ancestors = seen.ancestors(&[node(&loss).expect("a node")], false);
    assert_eq!(
        (ancestors.len(), seen.bytes(&ancestors)),
        (all.nodes, all.bytes)
    );
}

/// A detached value is known again where it enters, also by way of other constants, and a number is no cut.
#[test]
fn a_detached_value_is_a_cut() {
    let (w, v, data) = (draw(&[3], 0), draw(&[6], 1), draw(&[3], 2).detach());
    let (made, seen) = record(|| {
        let made = w.exp();
        let both = Tensor::concat(&[&(made.detach() + 1.0), &data], 0);
        let loss = (&v * both).sum() + (v.slice(0, 0, 3) * &data).sum() + (&w * w.detach()).sum();
        let _ = grad(&loss, &[&v], false);
        made
    });
    let cuts: Vec<(&str, &[u64])> = seen
        .nodes
        .values()
        .flat_map(|noted| {
            noted
                .inputs
                .iter()
                .map(move |edge| (noted.op.unwrap_or(""), edge))
        })
        .filter(|(_, edge)| !edge.cut_from.is_empty())
        .map(|(op, edge)| (op, &*edge.cut_from))
        .collect();
    let [of_made, of_w] = [&made, &w].map(|x| [node(x).expect("a node")]);
    assert_eq!(cuts, [("mul", &of_made[..]), ("mul", &of_w[..])]);
    let last = *seen.nodes.keys().next_back().expect("nodes");
    let made = of_made[0];
    assert!(!seen.ancestors(&[last], false).contains(&made));
    assert!(seen.ancestors(&[last], true).contains(&made));
}

/// A value is told from its views, which lie in the same memory.
#[test]
fn a_cut_is_where_the_value_was_detached() {
    let (w, v) = (draw(&[2, 3], 0), draw(&[6], 1));
    let (made, seen) = record(|| {
        let made = w.exp();
        let flat = made.reshape(&[6]);
        let _ = (&v * &flat).sum();
        let _ = (&v * flat.detach()).sum();
        let _ = (&v * made.detach().reshape(&[6])).sum();
        [made, flat]
    });
    let [made, flat] = made.map(|x| node(&x).expect("a node"));
    let cuts = of(&seen, "mul")
        .into_iter()
        .map(|noted| &*noted.inputs[1].cut_from);
    assert_eq!(cuts.collect::<Vec<_>>(), [&[][..], &[flat], &[made]]);
}

/// A variable that is made of a detached value says so: what a penalty differentiates with respect to.
#[test]
fn a_variable_of_a_detached_value_says_so() {
    let w = draw(&[3], 0);
    let ((fake, x), seen) = record(|| {
        let fake = w.exp();
        let x = Tensor::variable((fake.detach() * 0.5).value().clone());
        let _ = x.square().sum();
        (fake, x)
    });
    let leaf = &seen.nodes[&node(&x).expect("a node")];
    assert_eq!(leaf.op, None);
    assert_eq!(leaf.inputs[0].cut_from, [node(&fake).expect("a node")]);
}

/// What a pass makes, to be differentiated again, is told by the visit that made it, and what a rule detaches is no cut.
#[test]
fn a_pass_that_creates_a_graph() {
    let (x, gamma, beta) = (draw(&[6, 4], 0), draw(&[4], 1), draw(&[4], 2));
    let (second, seen) = record(|| {
        let (y, _) = x.batch_norm(&gamma, &beta, 1e-5);
        let first = grad(&y.square().sum(), &[&x], true).remove(0);
        first.square().sum()
    });
    let [walk] = &seen.walks[..] else {
        panic!("one pass")
    };
    assert!(walk.creates_graph());
    for noted in seen.nodes.values() {
        assert!(
            noted.inputs.iter().all(|edge| edge.cut_from.is_empty()),
            "{:?}",
            noted.op
        );
    }
    let made: Vec<&str> = walk
        .visits
        .iter()
        .flat_map(|visit| seen.nodes.range(visit.made.clone()))
        .filter_map(|(_, noted)| noted.op)
        .collect();
    assert!(made.contains(&"batch_norm_grad"), "{made:?}");
    assert!(!made.contains(&"batch_norm"));
    assert!(node(&second).is_some());
}

/// A layer's nodes are those that were made while it was at work; its path has the names around it.
#[test]
fn scopes_are_ranges_of_numbers() {
    let x = draw(&[3], 0);
    let ((inner, outer, after), seen) = record(|| {
        let (inner, outer) = scope("net", || {
            let inner = scope(3, || scope("", || x.exp()));
            let outer = inner.sin();
            (inner, outer)
        });
        (inner, outer.clone(), outer.cos())
    });
    let paths: Vec<(&str, Option<usize>)> = seen
        .scopes
        .iter()
        .map(|scope| (&*scope.path, scope.inside))
        .collect();
    assert_eq!(
        paths,
        [("net", None), ("net.3", Some(0)), ("net.3", Some(1))]
    );
    let has = |place: usize, of: &Tensor| {
        seen.scopes[place]
            .nodes
            .contains(&node(of).expect("a node"))
    };
    assert_eq!([has(0, &inner), has(1, &inner), has(2, &inner)], [true; 3]);
    assert_eq!(
        [has(0, &outer), has(1, &outer), has(0, &after)],
        [true, false, false]
    );
}

/// What is computed is the same to the bit, and afterwards nothing is recorded, also where the closure did not return.
#[test]
fn looking_changes_nothing() {
    let (x, w) = (draw(&[5, 3], 0), draw(&[3, 2], 1));
    let run = || {
        let loss = scope("net", || x.matmul(&w).tanh()).square().mean();
        let gradients = grad(&loss, &[&x, &w], false);
        let all: Vec<f64> = gradients.iter().flat_map(Tensor::to_vec::<f64>).collect();
        (loss.item(), all)
    };
    let plain = run();
    let (seen, recorded) = record(run);
    assert_eq!(seen, plain);
    assert_eq!(recorded.walks.len(), 1);
    let refused = || record(|| x.matmul(&x));
    let gone = catch_unwind(AssertUnwindSafe(refused));
    assert!(gone.is_err());
    let (_, nothing) = record(|| ());
    assert!(nothing.nodes.is_empty() && nothing.walks.is_empty() && nothing.scopes.is_empty());
    let _ = run();
    let nested = catch_unwind(|| record(|| record(|| ())));
    assert!(nested.is_err(), "one records at a time");
    let constant = Tensor::constant(Array::from_slice(&[1.0], &[1]));
    let (_, of_constants) = record(|| constant.exp());
    assert!(of_constants.nodes.is_empty(), "a constant has no node");
}

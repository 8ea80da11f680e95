//! Operators that move elements.

use super::Operator;
use super::node::{Node, Outcome, broadcast, wrapped};
use super::numbers::of;
use detach_tensor::{Array, Tensor};

pub(crate) const OPERATORS: &[(&str, Operator)] = &[
    ("Concat", concat),
    ("DepthToSpace", depth_to_space),
    ("Expand", expand),
    ("Flatten", flatten),
    ("Gather", gather),
    ("OneHot", one_hot),
    ("Pad", pad),
    ("Reshape", reshape),
    ("Slice", slice),
    ("SpaceToDepth", space_to_depth),
    ("Split", split),
    ("Squeeze", squeeze),
    ("Tile", tile),
    ("Transpose", transpose),
    ("Unsqueeze", unsqueeze),
];

/// Dimension `from` at place `to`, the others in their order.
pub(crate) fn moved(x: &Tensor, from: usize, to: usize) -> Tensor {
    let mut axes: Vec<usize> = (0..x.shape().len()).filter(|axis| *axis != from).collect();
    axes.insert(to, from);
    x.permute(&axes)
}

fn concat(node: &Node<'_>) -> Outcome {
    let all = node.all()?;
    let axis = node.axis(0, all[0].shape().len());
    of(Tensor::concat(&all.iter().collect::<Vec<_>>(), axis))
}

fn depth_to_space(node: &Node<'_>) -> Outcome {
    let (x, size) = (node.x(0)?, node.integer("blocksize", 1) as usize);
    let &[n, c, h, w] = x.shape() else {
        return Err("images only".to_owned());
    };
    let depth = c / (size * size);
    let spread = match node.word("mode") {
        "CRD" => x
            .reshape(&[n, depth, size, size, h, w])
            .permute(&[0, 1, 4, 2, 5, 3]),
        _ => x
            .reshape(&[n, size, size, depth, h, w])
            .permute(&[0, 3, 4, 1, 5, 2]),
    };
    of(spread.reshape(&[n, depth, h * size, w * size]))
}

fn space_to_depth(node: &Node<'_>) -> Outcome {
    let (x, size) = (node.x(0)?, node.integer("blocksize", 1) as usize);
    let &[n, c, h, w] = x.shape() else {
        return Err("images only".to_owned());
    };
    if !node.word("mode").is_empty() && node.word("mode") != "DCR" {
        return Err("another order of blocks".to_owned());
    }
    let blocks = x.reshape(&[n, c, h / size, size, w / size, size]);
    let deep = blocks.permute(&[0, 3, 5, 1, 2, 4]);
    of(deep.reshape(&[n, c * size * size, h / size, w / size]))
}

fn expand(node: &Node<'_>) -> Outcome {
    let shape = node.integers(1).expect("a shape");
    let shape: Vec<usize> = shape.into_iter().map(|size| size as usize).collect();
    let like = Tensor::constant(Array::zeros(&shape, node.dtype));
    of(broadcast(&[node.x(0)?, like]).remove(0))
}

fn flatten(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    let rows: usize = x.shape()[..node.axis(1, x.shape().len())].iter().product();
    of(x.reshape(&[rows, x.len() / rows]))
}

fn gather(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    let axis = node.axis(0, x.shape().len());
    let size = x.shape()[axis];
    let index = node.integers(1).expect("indices");
    let index: Vec<f64> = index.iter().map(|i| wrapped(*i, size) as f64).collect();
    let index = Tensor::constant(Array::from_f64(&index, &[index.len()], node.dtype));
    let picked = moved(&moved(&x, axis, 0).gather(&index), 0, axis);
    let by = node.any(1);
    let (before, after) = (&x.shape()[..axis], &x.shape()[axis + 1..]);
    of(picked.reshape(&[before, by.shape(), after].concat()))
}

fn one_hot(node: &Node<'_>) -> Outcome {
    let labels = node.any(0);
    let classes = node.any(1).item() as usize;
    let values = node.any(2).to_vec::<f64>();
    let inside: Vec<f64> = labels
        .to_vec::<f64>()
        .iter()
        .map(|label| {
            if *label < 0.0 {
                label + classes as f64
            } else {
                *label
            }
        })
        .collect();
    if inside
        .iter()
        .any(|label| !(0.0..classes as f64).contains(label))
    {
        return Err("a label that is no class is refused".to_owned());
    }
    let labels = Tensor::constant(Array::from_f64(&inside, labels.shape(), node.dtype));
    let rank = labels.shape().len() + 1;
    let rows = labels.one_hot(classes) * (values[1] - values[0]) + values[0];
    of(moved(&rows, rank - 1, node.axis(-1, rank)))
}

fn pad(node: &Node<'_>) -> Outcome {
    let (mut x, pads) = (node.x(0)?, node.integers(1).expect("pads"));
    let zero = !node.has(2) || node.any(2).item() == 0.0;
    let constant = ["", "constant"].contains(&node.word("mode"));
    if !zero && constant {
        // Padding is of zeros: what is padded is the distance from the value.
        let value = node.any(2).item();
        x = x - value;
        return of(padded(node, &x, &pads) + value);
    }
    match constant {
        true => of(padded(node, &x, &pads)),
        false => Err("padding is of a constant".to_owned()),
    }
}

fn padded(node: &Node<'_>, x: &Tensor, pads: &[i64]) -> Tensor {
    let rank = x.shape().len();
    let axes = node
        .integers(3)
        .unwrap_or_else(|| (0..rank as i64).collect());
    let mut y = x.clone();
    for (i, axis) in axes.iter().enumerate() {
        let (before, after) = (pads[i] as usize, pads[i + axes.len()] as usize);
        y = y.pad(wrapped(*axis, rank), before, after);
    }
    y
}

fn reshape(node: &Node<'_>) -> Outcome {
    let (x, shape) = (node.x(0)?, node.integers(1).expect("a shape"));
    let keeps = node.integer("allowzero", 0) == 0;
    let size = |(i, size): (usize, &i64)| match size {
        0 if keeps => x.shape()[i],
        -1 => 1,
        size => *size as usize,
    };
    let mut sizes: Vec<usize> = shape.iter().enumerate().map(size).collect();
    if let Some(rest) = shape.iter().position(|size| *size == -1) {
        sizes[rest] = x.len() / sizes.iter().product::<usize>();
    }
    of(x.reshape(&sizes))
}

fn slice(node: &Node<'_>) -> Outcome {
    let mut y = node.x(0)?;
    let rank = y.shape().len();
    let starts = node.integers(1).expect("starts");
    let ends = node.integers(2).expect("ends");
    let axes = node
        .integers(3)
        .unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = node.integers(4).unwrap_or_else(|| vec![1; starts.len()]);
    for (i, axis) in axes.iter().enumerate() {
        let axis = wrapped(*axis, rank);
        let (size, step) = (y.shape()[axis] as i64, steps[i]);
        // From behind where negative, then kept to the dimension.
        let at = |i: i64| if i < 0 { i + size } else { i };
        let (start, end) = match step > 0 {
            true => (at(starts[i]).clamp(0, size), at(ends[i]).clamp(0, size)),
            false => (
                at(starts[i]).clamp(0, size - 1),
                at(ends[i]).clamp(-1, size - 1),
            ),
        };
        let way = (end - start) * step.signum();
        let len = way.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
        y = y.slice_step(axis, start as usize, step as isize, len as usize);
    }
    of(y)
}

fn split(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    let axis = node.axis(0, x.shape().len());
    let size = x.shape()[axis] as i64;
    let parts = node.test.outputs.len() as i64;
    let equal = || {
        let each = (size + parts - 1) / parts;
        (0..parts).map(|i| each.min(size - i * each)).collect()
    };
    let sizes: Vec<i64> = node.integers(1).unwrap_or_else(equal);
    let mut start = 0;
    let part = |size: &i64| {
        let size = *size as usize;
        start += size;
        x.slice(axis, start - size, size)
    };
    Ok(sizes.iter().map(part).collect())
}

fn squeeze(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    let rank = x.shape().len();
    let axes: Vec<usize> = match node.integers(1) {
        Some(axes) => axes.iter().map(|axis| wrapped(*axis, rank)).collect(),
        None => (0..rank).filter(|axis| x.shape()[*axis] == 1).collect(),
    };
    of(x.squeeze(&axes))
}

fn tile(node: &Node<'_>) -> Outcome {
    let mut y = node.x(0)?;
    for (axis, times) in node.integers(1).expect("repeats").into_iter().enumerate() {
        y = Tensor::concat(&vec![&y; times as usize], axis);
    }
    of(y)
}

fn transpose(node: &Node<'_>) -> Outcome {
    let x = node.x(0)?;
    let order = node.list("perm");
    let order = order.map(|axes| axes.into_iter().map(|axis| axis as usize).collect());
    let order: Vec<usize> = order.unwrap_or_else(|| (0..x.shape().len()).rev().collect());
    of(x.permute(&order))
}

fn unsqueeze(node: &Node<'_>) -> Outcome {
    let (x, axes) = (node.x(0)?, node.integers(1).expect("axes"));
    let rank = x.shape().len() + axes.len();
    let axes: Vec<usize> = axes.iter().map(|axis| wrapped(*axis, rank)).collect();
    let mut own = x.shape().iter();
    let size = |axis| match axes.contains(&axis) {
        true => 1,
        false => *own.next().expect("as many as there were"),
    };
    let shape: Vec<usize> = (0..rank).map(size).collect();
    of(x.reshape(&shape))
}

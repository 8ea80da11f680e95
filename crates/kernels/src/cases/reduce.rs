//! Cases of the family `reduce`.

use super::{Case, Dice, Run, extent, numbers, poisoned};
use crate::reduce::{Reduction, Softmax, reduce_with, softmax, softmax_grad};
use crate::{Layout, Variant, View};

pub(super) fn cases() -> Vec<Case> {
    let mut dice = Dice(41);
    let mut all = Vec::new();
    for (what, from, to) in places(&mut dice) {
        let input = numbers(&mut dice, extent(&from));
        // Both add in f64 and round once, each in its own order.
        for op in [Reduction::Sum, Reduction::Mean, Reduction::Norm] {
            // Nothing has no mean: the same NaN on both sides is no distance.
            if op == Reduction::Mean && from.is_empty() {
                continue;
            }
            all.push(Case::close(
                format!("reduce {op:?}, {what}"),
                1e-7,
                vec![input.clone()],
                run(op, from, to),
            ));
        }
        all.push(Case::exact(
            format!("reduce Max, {what}"),
            vec![input],
            run(Reduction::Max, from, to),
        ));
    }
    all.extend(not_a_number());
    all.push(cancelling());
    all.push(beyond_squares());
    all.extend(softmaxes());
    all
}

/// What is special, the operand's layout and the output's.
fn places(dice: &mut Dice) -> Vec<(&'static str, Layout, Layout)> {
    let rows = Layout::contiguous;
    let image = Layout::channels_last(&[3, 64, 9, 11]);
    let six = [3, 4, 2, 5, 3, 4];
    let matrix = rows(&[61, 250]);
    vec![
        ("of all", rows(&[3001]), rows(&[1])),
        ("of all, in parts", rows(&[17, 1200]), rows(&[1, 1])),
        ("of one", rows(&[1, 1, 1]), rows(&[1, 1, 1])),
        ("nothing to do", matrix, Layout::dense(&[61, 250], &[1, 0])),
        ("of none", rows(&[0, 5]), rows(&[1, 5])),
        ("of channels", image, rows(&[1, 64, 1, 1])),
        (
            "of few channels",
            Layout::channels_last(&[5, 3, 21, 23]),
            rows(&[1, 3, 1, 1]),
        ),
        (
            "of odd channels",
            Layout::channels_last(&[2, 70, 5, 7]),
            rows(&[1, 70, 1, 1]),
        ),
        ("of images", image, rows(&[3, 1, 1, 1])),
        ("of pixels", image, rows(&[3, 1, 9, 11])),
        ("of images and channels", image, rows(&[3, 64, 1, 1])),
        (
            "over the batch",
            image,
            Layout::channels_last(&[1, 64, 9, 11]),
        ),
        ("of planes", rows(&[3, 10, 9, 11]), rows(&[1, 10, 1, 1])),
        ("of rows", matrix, rows(&[61, 1])),
        ("of short rows", rows(&[300, 3]), rows(&[300, 1])),
        ("of columns", matrix, rows(&[1, 250])),
        ("of few rows", rows(&[3, 700]), rows(&[1, 700])),
        ("of long columns", rows(&[2000, 5]), rows(&[1, 5])),
        (
            "of a part",
            rows(&[40, 90]).slice(0, 3, 30).slice(1, 5, 77),
            rows(&[1, 77]),
        ),
        (
            "of every other",
            Layout::strided(&[50, 40], &[80, 2], 1),
            rows(&[50, 1]),
        ),
        (
            "of a row repeated",
            rows(&[1, 37]).expand(&[100, 37]),
            rows(&[1, 37]),
        ),
        (
            "of numbers repeated",
            rows(&[37, 1]).expand(&[37, 100]),
            rows(&[37, 1]),
        ),
        (
            "of a number repeated",
            rows(&[1, 1]).expand(&[20, 300]),
            rows(&[1, 300]),
        ),
        ("rank 6", dice.dense(&six), dice.dense(&[3, 1, 2, 1, 3, 1])),
        (
            "rank 6, the others",
            dice.part(&six),
            dice.dense(&[1, 4, 1, 5, 1, 4]),
        ),
        (
            "rank 6, two kept",
            dice.part(&six),
            dice.dense(&[1, 1, 1, 5, 1, 4]),
        ),
        (
            "rank 6, repeated",
            dice.layout(&six),
            dice.dense(&[1, 4, 2, 1, 1, 4]),
        ),
    ]
}

/// A NaN is the maximum, wherever it is.
fn not_a_number() -> impl Iterator<Item = Case> {
    [0, 1, 255, 256, 2999].into_iter().map(|at| {
        let mut input = vec![1.0; 3000];
        input[at] = f32::NAN;
        Case::exact(
            format!("reduce Max, NaN at {at}"),
            vec![input],
            run(
                Reduction::Max,
                Layout::contiguous(&[3000]),
                Layout::contiguous(&[1]),
            ),
        )
    })
}

/// Numbers that cancel but for their last digits: what they leave is lost in an `f32`.
fn cancelling() -> Case {
    let mut dice = Dice(42);
    let small = numbers(&mut dice, 10_000);
    let pairs = small.iter().map(|x| 4096.0 + x);
    let input = pairs.flat_map(|x| [x, -4096.0]).collect();
    Case::close(
        "reduce Sum, of what cancels",
        1e-7,
        vec![input],
        run(
            Reduction::Sum,
            Layout::contiguous(&[20_000]),
            Layout::contiguous(&[1]),
        ),
    )
}

/// Numbers whose squares no `f32` holds.
fn beyond_squares() -> Case {
    let mut dice = Dice(43);
    let unit = numbers(&mut dice, 6000);
    let large = unit[..3000].iter().map(|x| 1e30 * x);
    let small = unit[3000..].iter().map(|x| 1e-30 * x);
    Case::close(
        "reduce Norm, of large and of small numbers",
        1e-7,
        vec![large.chain(small).collect()],
        run(
            Reduction::Norm,
            Layout::contiguous(&[2, 3000]),
            Layout::contiguous(&[2, 1]),
        ),
    )
}

/// Rows shorter and longer than a warp, and more of them than a block has warps.
fn softmaxes() -> Vec<Case> {
    let mut dice = Dice(44);
    let mut all = Vec::new();
    for (rows, len) in [(3, 1), (21, 49), (1, 700)] {
        let inputs = [(); 2].map(|()| numbers(&mut dice, rows * len));
        let inputs = inputs.map(|x| x.iter().map(|x| 8.0 * x).collect::<Vec<f32>>());
        for op in [Softmax::Plain, Softmax::Log] {
            all.push(Case::close(
                format!("reduce softmax {op:?} of {rows} rows of {len}"),
                1e-6,
                inputs.to_vec(),
                move |x| {
                    let mut y = poisoned(&x[0], rows * len);
                    softmax(op, len, &x[0], &mut y);
                    let mut dx = poisoned(&x[0], rows * len);
                    softmax_grad(op, len, [&x[1], &y], &mut dx);
                    match len {
                        // The gradient of what is always 1, or 0, is rounding.
                        1 => vec![y],
                        _ => vec![y, dx],
                    }
                },
            ));
        }
    }
    all
}

fn run(op: Reduction, layout: Layout, out_layout: Layout) -> impl Run {
    move |x| {
        let mut out = poisoned(&x[0], out_layout.len());
        let view = View {
            buffer: &x[0],
            layout,
        };
        reduce_with(Variant::Fast, op, view, &mut out, &out_layout);
        vec![out]
    }
}

//! Cases of the family `copy`.

use super::{Case, Dice, Run, extent, numbers, poisoned};
use crate::copy::{Images, Taps};
use crate::{Buffer, Device, Layout, View, copy};

pub(super) fn cases() -> Vec<Case> {
    let mut dice = Dice(51);
    let mut all = Vec::new();
    for (what, from, to) in copies(&mut dice) {
        let input = numbers(&mut dice, extent(&from));
        all.push(Case::exact(
            format!("copy, {what}"),
            vec![input],
            copied(from, to),
        ));
    }
    for (what, layout) in row_layouts(&mut dice) {
        all.extend(picks(&mut dice, what, layout));
    }
    all.push(no_such_row("gather"));
    all.push(no_such_row("scatter_add"));
    for (what, shape, to) in [
        ("as they are", [23, 1, 28, 28], [28, 28]),
        ("enlarged", [9, 1, 28, 28], [64, 64]),
        ("reduced, in colour", [5, 3, 9, 14], [5, 6]),
        ("one pixel", [7, 2, 1, 1], [3, 1]),
    ] {
        all.push(images_picked(&mut dice, what, shape, to));
    }
    all.push(no_such_image());
    all
}

/// What is special, the operand's layout and the output's.
fn copies(dice: &mut Dice) -> Vec<(&'static str, Layout, Layout)> {
    let rows = Layout::contiguous;
    let last = Layout::channels_last;
    let both = |shape: &[usize]| (rows(shape), last(shape));
    let (whole_rows, whole_last) = both(&[2, 64, 8, 4]);
    let (odd_rows, odd_last) = both(&[3, 33, 5, 9]);
    let (large_rows, large_last) = both(&[1, 70, 9, 9]);
    let (short_rows, short_last) = both(&[2, 3, 15, 17]);
    let six = [2, 3, 2, 4, 3, 5];
    let tall = [2, 12, 3, 9, 1, 11];
    vec![
        ("flat", odd_rows, odd_rows),
        ("one element", rows(&[]), rows(&[])),
        ("to channels-last", whole_rows, whole_last),
        ("to NCHW", whole_last, whole_rows),
        ("to channels-last, odd", odd_rows, odd_last),
        ("to NCHW, odd", odd_last, odd_rows),
        ("to channels-last, several tiles", large_rows, large_last),
        ("to NCHW, several tiles", large_last, large_rows),
        ("to channels-last, few channels", short_rows, short_last),
        ("to NCHW, few channels", short_last, short_rows),
        (
            "a transpose",
            rows(&[65, 131]),
            Layout::dense(&[65, 131], &[1, 0]),
        ),
        (
            "between other columns",
            rows(&[50, 8]),
            rows(&[50, 24]).slice(1, 12, 8),
        ),
        (
            "between other columns, odd",
            rows(&[50, 9]),
            rows(&[50, 22]).slice(1, 3, 9),
        ),
        (
            "out of other columns",
            rows(&[50, 24]).slice(1, 4, 20),
            rows(&[50, 20]),
        ),
        (
            "into the middle of an image",
            last(&[2, 12, 5, 6]),
            last(&[2, 12, 7, 8]).slice(2, 1, 5).slice(3, 1, 6),
        ),
        (
            "every other pixel",
            last(&[2, 5, 6, 7]),
            Layout::strided(&[2, 5, 6, 7], &[840, 1, 140, 10], 3),
        ),
        (
            "a row repeated",
            rows(&[1, 12]).expand(&[90, 12]),
            rows(&[90, 12]),
        ),
        (
            "a number repeated",
            rows(&[1, 1]).expand(&[45, 31]),
            rows(&[45, 31]),
        ),
        (
            "repeated and turned",
            rows(&[1, 20, 1, 31]).expand(&[2, 20, 3, 31]),
            last(&[2, 20, 3, 31]),
        ),
        ("rank 6", dice.part(&six), dice.part(&six)),
        ("rank 6, to dense", dice.layout(&six), dice.dense(&six)),
        ("rank 6, from dense", dice.dense(&six), dice.part(&six)),
        (
            "rank 6, tiles",
            dice.part(&tall),
            Layout::dense(&tall, &[5, 0, 4, 2, 3, 1]),
        ),
        (
            "rank 6, tiles between others",
            Layout::dense(&tall, &[2, 0, 4, 5, 1, 3]),
            rows(&[4, 12, 5, 10, 2, 13])
                .slice(0, 1, 2)
                .slice(2, 1, 3)
                .slice(3, 0, 9)
                .slice(4, 1, 1)
                .slice(5, 2, 11),
        ),
    ]
}

fn copied(layout: Layout, out_layout: Layout) -> impl Run {
    move |x| {
        // Not poison: what lies between the places must stay.
        let (device, dtype) = (x[0].device(), x[0].dtype());
        let mut out = Buffer::full(device, dtype, extent(&out_layout) + 5, 7.0);
        let view = View {
            buffer: &x[0],
            layout,
        };
        copy::copy(view, &mut out, &out_layout);
        vec![out]
    }
}

fn row_layouts(dice: &mut Dice) -> Vec<(&'static str, Layout)> {
    let rows = Layout::contiguous;
    vec![
        ("images", rows(&[30, 1, 14, 14])),
        ("rows of odd length", rows(&[23, 61])),
        ("numbers", rows(&[40])),
        (
            "rows from an odd place",
            rows(&[24, 64]).slice(0, 1, 20).slice(1, 3, 40),
        ),
        ("rows from an even place", rows(&[24, 64]).slice(1, 4, 40)),
        (
            "rows of channels-last images",
            Layout::channels_last(&[9, 6, 5, 4]),
        ),
        ("columns", rows(&[20, 12]).permute(&[1, 0])),
        ("one row", rows(&[1, 300]).expand(&[6, 300])),
        ("rows of rank 6", dice.part(&[7, 2, 3, 2, 2, 3])),
    ]
}

/// Rows picked and rows added up, some of them more than once.
fn picks(dice: &mut Dice, what: &str, layout: Layout) -> [Case; 2] {
    let count = layout.shape()[0];
    let rows = numbers(dice, extent(&layout));
    let mut index = |len: usize, below: usize| -> Vec<f32> {
        (0..len).map(|_| dice.below(below) as f32).collect()
    };
    let (picked, added) = (index(17, count), index(count, 5));
    let gather = Case::exact(
        format!("gather, {what}"),
        vec![rows.clone(), picked],
        move |x| vec![gathered(x, layout)],
    );
    let scatter = Case::exact(
        format!("scatter_add, {what}"),
        vec![rows, added],
        move |x| vec![scattered(x, layout, 5)],
    );
    [gather, scatter]
}

fn row_len(layout: &Layout) -> usize {
    layout.shape()[1..].iter().product()
}

fn gathered(x: &[Buffer], layout: Layout) -> Buffer {
    let mut out = poisoned(&x[0], x[1].len() * row_len(&layout));
    let view = View {
        buffer: &x[0],
        layout,
    };
    copy::gather(view, &x[1], &mut out);
    out
}

fn scattered(x: &[Buffer], layout: Layout, rows: usize) -> Buffer {
    let mut out = poisoned(&x[0], rows * row_len(&layout));
    let view = View {
        buffer: &x[0],
        layout,
    };
    copy::scatter_add(view, &x[1], &mut out, rows);
    out
}

/// Indices of rows that are not there. The CPU panics; a GPU, which nobody waits for, makes
/// NaN of a picked row, and of everything that rows are added to.
fn no_such_row(what: &'static str) -> Case {
    const WRONG: [f32; 8] = [3.0, -1.0, 0.5, f32::NAN, 1e30, f32::INFINITY, -1e30, 4e9];
    let run = move |device| {
        if device == Device::Cpu {
            return 0.0;
        }
        let wrong = WRONG.into_iter().filter(|index| {
            let put = |values: &[f32]| Buffer::from_slice(device, values);
            let x = [put(&[1.0; 12]), put(&[0.0, *index, 2.0])];
            let layout = Layout::contiguous(&[3, 4]);
            let (out, there) = match what {
                "gather" => (gathered(&x, layout), true),
                _ => (scattered(&x, layout, 3), false),
            };
            let out = out.to_vec::<f32>();
            let seen = out[4..8].iter().all(|x| x.is_nan());
            let rest = |x: &f32| if there { *x == 1.0 } else { x.is_nan() };
            !seen || !out[..4].iter().chain(&out[8..]).all(rest)
        });
        wrong.count() as f64
    };
    Case {
        name: format!("{what}, no such row"),
        tolerance: 0.0,
        run: Box::new(run),
        is_large: false,
    }
}

/// Taps between the centres of pixels.
pub(crate) fn bilinear(device: Device, from: usize, to: usize) -> Taps {
    let scale = from as f32 / to as f32;
    let tap = |target: usize| {
        let place = (scale * (target as f32 + 0.5) - 0.5).max(0.0);
        let first = (place as usize).min(from - 1);
        ([first, (first + 1).min(from - 1)], place - first as f32)
    };
    Taps::new(device, from, &(0..to).map(tap).collect::<Vec<_>>())
}

/// Images `index` of bytes, resized to `to` rows and columns.
pub(crate) fn picked(bytes: &[u8], shape: [usize; 4], index: &Buffer, to: [usize; 2]) -> Buffer {
    let words = Buffer::from_bytes(index.device(), bytes);
    let [rows, columns] = [0, 1].map(|axis| bilinear(index.device(), shape[2 + axis], to[axis]));
    let mut out = poisoned(index, index.len() * shape[1] * to[0] * to[1]);
    let images = Images {
        words: &words,
        shape,
    };
    copy::pick(&images, index, [&rows, &columns], &mut out);
    out
}

fn images_picked(dice: &mut Dice, what: &str, shape: [usize; 4], to: [usize; 2]) -> Case {
    let len = shape.iter().product();
    let bytes: Vec<u8> = (0..len).map(|_| dice.below(256) as u8).collect();
    let index = (0..11).map(|_| dice.below(shape[0]) as f32).collect();
    Case::exact(format!("pick, {what}"), vec![index], move |x| {
        vec![picked(&bytes, shape, &x[0], to)]
    })
}

/// On the CPU it panics; a GPU, which nobody waits for, makes NaN of that image alone.
fn no_such_image() -> Case {
    let run = |device| {
        if device == Device::Cpu {
            return 0.0;
        }
        let wrong = [3.0, -1.0, 0.5, f32::NAN, 4e9].into_iter().filter(|index| {
            let index = Buffer::from_slice(device, &[0.0, *index, 2.0]);
            let out = picked(&[255; 3 * 4], [3, 1, 2, 2], &index, [2, 2]).to_vec::<f32>();
            let seen = out[4..8].iter().all(|x| x.is_nan());
            !seen || !out[..4].iter().chain(&out[8..]).all(|x| *x == 1.0)
        });
        wrong.count() as f64
    };
    Case {
        name: "pick, no such image".to_owned(),
        tolerance: 0.0,
        run: Box::new(run),
        is_large: false,
    }
}

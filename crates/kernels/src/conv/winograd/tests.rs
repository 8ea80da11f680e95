use super::*;
use crate::conv::{Epilogue, Form, dgrad_with, fprop_with, im2col, reference, wgrad_with};
use crate::testing::Dice;
use crate::{Real, Variant};

/// ‖a − b‖ / ‖b‖.
fn distance(a: &[f32], b: &[f64]) -> f64 {
    let norm = |x: f64| x * x;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| norm(f64::from(*a) - b)).sum();
    let size: f64 = b.iter().map(|b| norm(*b)).sum();
    (difference / size).sqrt()
}

/// Distances of fprop, dgrad and wgrad from the plain loops in `f64`: of this form, and of
/// direct sums over patches.
fn distances(conv: &Conv) -> [[f64; 3]; 2] {
    assert!(fits(conv), "{conv:?}");
    let mut dice = Dice(7);
    let mut draw = |shape: [usize; 4]| -> Vec<f32> {
        (0..shape.iter().product())
            .map(|_| dice.unit() as f32)
            .collect()
    };
    let shapes = [conv.small_shape(), conv.big_shape(), conv.weight_shape()];
    let [y, x, w] = shapes.map(&mut draw);
    let wide = |x: &[f32]| -> Vec<f64> { x.iter().map(|&x| f64::from(x)).collect() };
    let (dx, dy, dw) = (wide(&x), wide(&y), wide(&w));
    let lens = [y.len(), x.len(), w.len()];
    let mut expected = lens.map(|len| vec![0.0; len]);
    reference::fprop(conv, &dx, &dw, &mut expected[0]);
    reference::dgrad(conv, &dy, &dw, &mut expected[1]);
    reference::wgrad(conv, &dx, &dy, &mut expected[2]);
    let mut ours = lens.map(|len| vec![f32::NAN; len]);
    assert!(fprop(conv, &x, &w, None, &mut ours[0]));
    assert!(dgrad(conv, &y, &w, None, &mut ours[1]));
    assert!(wgrad(conv, &x, &y, &mut ours[2]));
    let mut direct = lens.map(|len| vec![f32::NAN; len]);
    im2col::fprop(conv, &x, &w, &mut direct[0]);
    im2col::dgrad(conv, &y, &w, &mut direct[1]);
    im2col::wgrad(conv, &x, &y, &mut direct[2]);
    [ours, direct].map(|out| [0, 1, 2].map(|i| distance(&out[i], &expected[i])))
}

fn layer(batch: usize, small: [usize; 2], small_channels: usize, big_channels: usize) -> Conv {
    let [h, w] = small.map(|size| 2 * size);
    let x = [batch, big_channels, h, w];
    Conv::forward(&x, &[small_channels, big_channels, 4, 4], [2, 2], [1, 1])
}

/// Kernel 3, stride 1, padding 1.
fn layer3(batch: usize, [h, w]: [usize; 2], small_channels: usize, big_channels: usize) -> Conv {
    let x = [batch, big_channels, h, w];
    Conv::forward(&x, &[small_channels, big_channels, 3, 3], [1, 1], [1, 1])
}

/// The most that an outlier costs a result that does not see it, in ulps of the outlier times the
/// largest weight.
const OUTLIER: f64 = 16.0;

/// Twice the error of direct sums, and a third of what the house allows.
const LIMIT: f64 = 1.5e-6;

#[test]
fn close_to_the_plain_loops() {
    let layers = [
        layer(64, [7, 7], 256, 128),
        layer(16, [14, 14], 128, 64),
        layer(64, [7, 7], 128, 64),
        layer(3, [4, 4], 16, 48),
        layer(2, [3, 10], 48, 16),
        layer(33, [8, 5], 16, 16),
        layer(2, [32, 32], 16, 16),
        layer3(8, [14, 14], 128, 128),
        layer3(5, [28, 28], 64, 128),
        layer3(16, [28, 28], 16, 16),
        layer3(9, [7, 7], 32, 16),
        layer3(2, [5, 10], 48, 80),
        layer3(1, [2, 3], 16, 32),
    ];
    println!(
        "small×channels, big channels, batch: fprop, dgrad, wgrad of this form; of direct sums"
    );
    for conv in layers {
        let [ours, direct] = distances(&conv);
        let [h, w] = conv.small;
        let (o, c, n) = (conv.small_channels, conv.big_channels, conv.batch);
        let row = |all: [f64; 3]| all.map(|d| format!("{d:.1e}")).join(" ");
        println!("{h}×{w}×{o}, {c}, {n}: {}; {}", row(ours), row(direct));
        assert!(ours.iter().all(|d| *d < LIMIT), "{conv:?}: {ours:?}");
    }
}

/// The three passes by the kernel that the family chooses, in `f32`, and by the plain loops in `f64`.
fn by_the_family(conv: &Conv, [x, y, w]: [&[f32]; 3]) -> [[Vec<f64>; 2]; 3] {
    fn run<T: Real>(conv: &Conv, operands: [&[f32]; 3], variant: Variant) -> [Vec<f64>; 3] {
        let [x, y, w] = operands.map(|values| {
            let values: Vec<T> = values.iter().map(|x| T::of(f64::from(*x))).collect();
            Buffer::from_slice(Device::Cpu, &values)
        });
        let like = |x: &Buffer| Buffer::full(Device::Cpu, T::DTYPE, x.len(), 0.5);
        let (mut fy, mut dx, mut dw) = (like(&y), like(&x), like(&w));
        fprop_with(variant, conv, [&x, &w], &Epilogue::NONE, &mut fy);
        dgrad_with(variant, conv, [&y, &w], &Epilogue::NONE, &mut dx);
        wgrad_with(variant, conv, &x, &y, &mut dw);
        [fy, dx, dw].map(|out| out.to_vec())
    }
    let [fy, dx, dw] = run::<f32>(conv, [x, y, w], Variant::Fast);
    let [ey, ex, ew] = run::<f64>(conv, [x, y, w], Variant::Reference);
    [[fy, ey], [dx, ex], [dw, ew]]
}

/// Numbers from [-1, 1) for x, y and w.
fn drawn(conv: &Conv) -> [Vec<f32>; 3] {
    let mut dice = Dice(11);
    let shapes = [conv.big_shape(), conv.small_shape(), conv.weight_shape()];
    shapes.map(|shape| {
        let len: usize = shape.iter().product();
        (0..len).map(|_| dice.unit() as f32).collect()
    })
}

/// Results that do not see what is not finite are what they are without it.
#[test]
fn what_does_not_see_an_infinity_stays_finite() {
    // Not where a kernel meets the padding, whose zeros times an infinity are no numbers.
    let conv = layer(2, [5, 5], 16, 32);
    stays_finite(&conv, [((10 + 4) * 10 + 5) * 32 + 3, (2 * 5 + 2) * 16 + 7]);
    let conv = layer3(2, [9, 10], 16, 32);
    stays_finite(&conv, [((9 + 4) * 10 + 5) * 32 + 3, (4 * 10 + 4) * 16 + 7]);
}

/// With something that is not finite at these places of x and of y.
#[track_caller]
fn stays_finite(conv: &Conv, [in_x, in_y]: [usize; 2]) {
    assert_eq!(conv.form(), Form::Winograd);
    for special in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        for (operand, at) in [(0, in_x), (1, in_y)] {
            let mut drawn = drawn(conv);
            drawn[operand][at] = special;
            let results = by_the_family(conv, drawn.each_ref().map(Vec::as_slice));
            let mut spoilt = 0;
            for [ours, plain] in &results {
                for (a, b) in ours.iter().zip(plain) {
                    assert_eq!(a.is_finite(), b.is_finite(), "{special} in {operand}");
                    assert!(!b.is_finite() || (a - b).abs() < 1e-4, "{a} {b}");
                    spoilt += usize::from(!b.is_finite());
                }
            }
            let all: usize = results.iter().map(|[ours, _]| ours.len()).sum();
            assert!((1..all / 4).contains(&spoilt), "{spoilt} of {all}");
        }
    }
}

/// A finite outlier costs the results of its tile digits, those that do not see it too: as many as
/// it is larger than they are. The bound is `benches/RESULTS.md`'s.
#[test]
fn an_outlier_costs_its_tile_digits() {
    for conv in [layer(2, [6, 6], 16, 32), layer3(2, [12, 12], 16, 32)] {
        an_outlier_of(&conv);
    }
}

#[track_caller]
fn an_outlier_of(conv: &Conv) {
    let mut worst = 0.0_f64;
    let [drawn_x, y, w] = drawn(conv);
    let places = (0..16).map(|i| ((12 + 4 + i / 4) * 12 + 4 + i % 4) * 32 + i);
    for (outlier, at) in [1e3_f32, 1e6, 1e9].into_iter().cycle().zip(places) {
        let mut x = drawn_x.clone();
        x[at] = outlier;
        let [[fy, ey], _, [dw, ew]] = by_the_family(conv, [&x, &y, &w]);
        for (a, b) in fy.iter().zip(&ey).chain(dw.iter().zip(&ew)) {
            worst = worst.max((a - b).abs() / f64::from(outlier * f32::EPSILON));
        }
    }
    println!("worst error of an output, in ulps of the outlier: {worst:.1}");
    assert!(worst < OUTLIER, "{worst}");
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(!fits(&layer(2, [1, 7], 16, 16)));
    assert!(!fits(&layer(2, [7, 7], 16, 8)));
    assert!(!fits(&layer3(2, [1, 7], 16, 16)));
    assert!(!fits(&layer3(2, [7, 7], 24, 16)));
    assert!(!fits(&Conv::forward(
        &[1, 16, 9, 9],
        &[16, 16, 4, 4],
        [2, 2],
        [1, 1]
    )));
    assert!(!fits(&Conv::forward(
        &[1, 16, 8, 8],
        &[16, 16, 4, 4],
        [2, 2],
        [0, 0]
    )));
}

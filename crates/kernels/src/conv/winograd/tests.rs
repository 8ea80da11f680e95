use super::*;
use crate::conv::{im2col, reference};
use crate::testing::Dice;

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
    fprop(conv, &x, &w, None, &mut ours[0]);
    dgrad(conv, &y, &w, None, &mut ours[1]);
    wgrad(conv, &x, &y, &mut ours[2]);
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

#[test]
fn what_does_not_fit_is_refused() {
    assert!(!fits(&layer(2, [1, 7], 16, 16)));
    assert!(!fits(&layer(2, [7, 7], 16, 8)));
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

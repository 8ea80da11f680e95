use super::tile::{MAX_ROWS, QUANTUM, blocks, heights, max_rows};
use super::*;
use crate::conv::reference;
use crate::testing::{Dice, poisoned, same_bits_on_any_threads};
use crate::{Buffer, DType};

/// Images and weight of a geometry: `x`, `y`, `w`, channels-last, in both types.
struct Case {
    conv: Conv,
    single: [Vec<f32>; 3],
    exact: [Vec<f64>; 3],
}

impl Case {
    fn new(conv: Conv) -> Self {
        let mut dice = Dice(7);
        let mut draw = |shape: [usize; 4]| -> Vec<f32> {
            let len = shape.iter().product();
            (0..len).map(|_| dice.unit() as f32).collect()
        };
        let shapes = [conv.big_shape(), conv.small_shape(), conv.weight_shape()];
        let single = shapes.map(&mut draw);
        let exact = single
            .each_ref()
            .map(|values| values.iter().map(|&x| x.into()).collect());
        Self {
            conv,
            single,
            exact,
        }
    }

    /// fprop, dgrad and wgrad of this family, each into memory full of NaN.
    fn run(&self, finish: [&DirectEpilogue<'_>; 2]) -> [Buffer; 3] {
        let [x, y, w] = &self.single;
        let mut out = [y, x, w].map(|like| poisoned(DType::F32, like.len()));
        let [fy, dx, dw] = out.each_mut().map(Buffer::as_mut_slice);
        fprop(&self.conv, x, w, fy, finish[0]);
        dgrad(&self.conv, y, w, dx, finish[1]);
        wgrad(&self.conv, x, y, dw);
        out
    }

    fn reference(&self) -> [Vec<f64>; 3] {
        let [x, y, w] = &self.exact;
        let mut out = [y, x, w].map(|like| vec![0.0; like.len()]);
        let [fy, dx, dw] = out.each_mut();
        reference::fprop(&self.conv, x, w, fy);
        reference::dgrad(&self.conv, y, w, dx);
        reference::wgrad(&self.conv, x, y, dw);
        out
    }

    /// Panics unless results are as far from the reference as rounding explains.
    fn check(&self) {
        let got = self.run([&DirectEpilogue::NONE; 2]);
        let names = ["fprop", "dgrad", "wgrad"];
        for ((got, exact), name) in got.iter().zip(self.reference()).zip(names) {
            let error = distance(got, &exact);
            assert!(error < 1e-6, "{name} {:?}: {error:e}", self.conv);
        }
    }
}

/// Relative L2 distance.
fn distance(got: &Buffer, exact: &[f64]) -> f64 {
    let square = |x: f64| x * x;
    let got = got.to_vec::<f64>();
    assert_eq!(got.len(), exact.len());
    let apart: f64 = (got.iter().zip(exact)).map(|(a, b)| square(a - b)).sum();
    let size: f64 = exact.iter().map(|&b| square(b)).sum();
    (apart / size.max(f64::MIN_POSITIVE)).sqrt()
}

/// Batch, big channels, sizes, small channels, kernel, stride, padding.
fn conv(n: usize, c: usize, size: [usize; 2], o: usize, k: [usize; 2], sp: [usize; 4]) -> Conv {
    let [sy, sx, py, px] = sp;
    let [height, width] = size;
    let [kh, kw] = k;
    Conv::forward(&[n, c, height, width], &[o, c, kh, kw], [sy, sx], [py, px])
}

/// The ends of the networks here: one channel and RGB, either way round.
fn ends(n: usize) -> [Conv; 4] {
    [
        conv(n, 1, [28, 28], 64, [4, 4], [2, 2, 1, 1]),
        conv(n, 64, [28, 28], 1, [3, 3], [1, 1, 1, 1]),
        conv(n, 3, [64, 64], 64, [4, 4], [2, 2, 1, 1]),
        conv(n, 64, [64, 64], 3, [3, 3], [1, 1, 1, 1]),
    ]
}

#[test]
fn agrees_with_the_reference_for_many_geometries() {
    let wides = [1, 3, 16, 17, 64, 100];
    let mut dice = Dice(3);
    for (kernel, stride, padding) in (1..=5)
        .flat_map(|k| (1..=3).map(move |s| (k, s)))
        .flat_map(|(k, s)| (0..=k.min(3)).map(move |p| (k, s, p)))
    {
        for channels in 1..=MAX_NARROW {
            let wide = wides[dice.below(wides.len())].max(channels);
            let size = [5 + dice.below(9), 5 + dice.below(9)];
            let steps = [stride, stride, padding, padding];
            let batch = 1 + dice.below(3);
            let kernel = [kernel, 1 + dice.below(5)];
            Case::new(conv(batch, channels, size, wide, kernel, steps)).check();
            if stride == 1 && padding < kernel[0] && padding < kernel[1] {
                Case::new(conv(batch, wide, size, channels, kernel, steps)).check();
            }
        }
    }
}

#[test]
fn agrees_with_the_reference_for_every_wide_channel_count() {
    for wide in (4..=80).chain([127, 128, 129, 192]) {
        Case::new(conv(2, 1, [9, 7], wide, [4, 4], [2, 2, 1, 1])).check();
    }
}

#[test]
fn agrees_with_the_reference_where_geometries_are_odd() {
    let shapes = [
        // Nothing square.
        conv(2, 2, [5, 19], 17, [1, 5], [1, 3, 0, 2]),
        conv(3, 3, [11, 6], 33, [3, 2], [2, 1, 0, 1]),
        // Strides beyond the kernel, and rows and columns no patch meets.
        conv(2, 1, [14, 17], 16, [2, 2], [5, 5, 0, 0]),
        conv(2, 4, [12, 12], 20, [3, 3], [4, 4, 1, 1]),
        // Padding wider than the image.
        conv(1, 1, [2, 2], 24, [3, 3], [1, 1, 4, 4]),
        conv(1, 2, [1, 3], 16, [5, 5], [2, 2, 5, 5]),
        // Many bands: more rows, columns and channels than one holds.
        conv(1, 1, [130, 140], 16, [4, 4], [2, 2, 1, 1]),
        conv(1, 4, [40, 300], 130, [4, 4], [2, 2, 1, 1]),
        conv(1, 4, [17, 17], 64, [7, 7], [2, 2, 3, 3]),
        // More images than parts of a batch.
        conv(67, 1, [6, 6], 16, [4, 4], [2, 2, 1, 1]),
        // Several big sizes of one small one.
        Conv::transposed(&[2, 64, 5, 5], &[64, 3, 3, 3], [2, 2], [1, 1], [1, 1]),
        Conv::transposed(&[2, 16, 4, 6], &[16, 2, 5, 3], [3, 2], [1, 0], [2, 1]),
    ];
    for conv in shapes.into_iter().chain(ends(3)) {
        Case::new(conv).check();
    }
}

#[test]
fn a_sum_over_a_large_batch_stays_accurate() {
    Case::new(conv(520, 1, [28, 28], 16, [4, 4], [2, 2, 1, 1])).check();
}

#[test]
fn a_finish_is_what_it_says() {
    for conv in ends(2).into_iter().chain([
        conv(2, 3, [9, 9], 21, [3, 3], [2, 2, 1, 1]),
        conv(2, 21, [9, 9], 3, [3, 3], [1, 1, 0, 0]),
    ]) {
        let case = Case::new(conv);
        let exact = case.reference();
        let channels = [conv.small_channels, conv.big_channels];
        let bias = channels.map(|n| -> Vec<f32> { (0..n).map(|i| i as f32 / 8.0 - 1.0).collect() });
        for slope in [0.0, 0.25, 1.0] {
            let finish = bias.each_ref().map(|bias| DirectEpilogue {
                bias: Some(bias),
                slope,
            });
            let got = case.run(finish.each_ref());
            for side in 0..2 {
                let finished: Vec<f64> = (exact[side].iter().enumerate())
                    .map(|(i, sum)| {
                        let sum = sum + f64::from(bias[side][i % channels[side]]);
                        sum * if sum < 0.0 { slope.into() } else { 1.0 }
                    })
                    .collect();
                let error = distance(&got[side], &finished);
                assert!(error < 1e-6, "{conv:?} {slope}: {error:e}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let few = conv(9, 2, [9, 11], 21, [3, 3], [1, 1, 1, 1]);
    for conv in ends(5).into_iter().chain(ends(70)).chain([few]) {
        let case = Case::new(conv);
        for i in 0..3 {
            same_bits_on_any_threads(|| {
                let [fy, dx, dw] = case.run([&DirectEpilogue::NONE; 2]);
                [fy, dx, dw].into_iter().nth(i).expect("three")
            });
        }
    }
}

#[test]
fn takes_the_ends_of_networks_and_nothing_else() {
    assert!(ends(64).iter().all(fits));
    for other in [
        // No narrow side.
        conv(2, 64, [14, 14], 128, [4, 4], [2, 2, 1, 1]),
        conv(2, 5, [14, 14], 64, [4, 4], [2, 2, 1, 1]),
        // A narrow small image without a mirror.
        conv(2, 64, [14, 14], 1, [4, 4], [2, 2, 1, 1]),
        conv(2, 64, [14, 14], 1, [3, 3], [1, 1, 3, 3]),
        // Two narrow sides.
        conv(2, 1, [14, 14], 1, [3, 3], [1, 1, 1, 1]),
        // A matrix product.
        conv(2, 1, [4, 4], 64, [4, 4], [1, 1, 0, 0]),
    ] {
        assert!(!fits(&other), "{other:?}");
    }
}

#[test]
fn pieces_cover_everything_and_fit() {
    for count in 1..200 {
        let mut next = 0;
        for (start, columns) in blocks(count) {
            assert_eq!(start, next);
            assert!(start.is_multiple_of(8) && (1..=MAX_ROWS).contains(&max_rows(columns)));
            next += columns;
            let mut row = 0;
            for (start, height) in heights(count, max_rows(columns)) {
                assert_eq!(start, row);
                assert!((1..=max_rows(columns)).contains(&height));
                row += height;
            }
            assert_eq!(row, count);
        }
        assert_eq!(next, count);
        let narrow = Narrow::expect(&conv(1, 1, [9, 9], count, [3, 3], [1, 1, 1, 1]));
        assert!(narrow.wide >= count && narrow.wide.is_multiple_of(QUANTUM));
    }
}

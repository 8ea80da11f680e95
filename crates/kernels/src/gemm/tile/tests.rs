use super::*;
use crate::testing::{Dice, assert_close};
use crate::{Buffer, Device};

/// Every height and a ragged width, strided operands, with and without each part of
/// the finish.
#[test]
fn a_tile_equals_the_plain_sum() {
    let Shape { rows, columns } = Shape::of_level();
    let mut dice = Dice(5);
    for case in 0..200 {
        let (m, n) = (1 + case % rows, 1 + dice.below(columns));
        let k = dice.below(70);
        let by_rows = dice.below(2) == 0;
        let (gap_a, gap_c) = (dice.below(4), dice.below(4));
        let a_strides = if by_rows {
            [k + gap_a, 1]
        } else {
            [1, m + gap_a]
        };
        let c_stride = n + gap_c;
        let mut draw = |len: usize| -> Vec<f32> { (0..len).map(|_| dice.unit() as f32).collect() };
        let a = draw((m + gap_a) * (k + gap_a) + 1);
        let (b, bias) = (Buffer::from_slice(Device::Cpu, &draw(k * columns)), draw(n));
        let before = draw(m * c_stride);
        let mut c = before.clone();
        let finish = TileEpilogue {
            add: case % 2 == 0,
            bias: if case % 3 == 0 {
                bias.as_ptr()
            } else {
                std::ptr::null()
            },
            slope: [1.0, 0.0, 0.2][case / 3 % 3],
        };
        let operands = Operands {
            a: a.as_ptr(),
            a_strides,
            b: b.as_slice::<f32>().as_ptr(),
            k,
            c: c.as_mut_ptr(),
            c_stride,
            rows: m,
            columns: n,
        };
        // SAFETY: the vectors above are as long as the strides ask for, and a buffer
        // is aligned.
        #[allow(unsafe_code)]
        unsafe {
            tile(&operands, &finish);
        }
        let b = b.as_slice::<f32>();
        let mut expected: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
        for i in 0..m {
            for j in 0..n {
                let product = |p: usize| {
                    let a = a[i * a_strides[0] + p * a_strides[1]];
                    f64::from(a) * f64::from(b[p * columns + j])
                };
                let mut sum: f64 = (0..k).map(product).sum();
                sum += if finish.add {
                    f64::from(before[i * c_stride + j])
                } else {
                    0.0
                };
                sum += if case % 3 == 0 {
                    f64::from(bias[j])
                } else {
                    0.0
                };
                sum *= if sum < 0.0 {
                    f64::from(finish.slope)
                } else {
                    1.0
                };
                expected[i * c_stride + j] = sum;
            }
        }
        let c: Vec<f64> = c.iter().map(|&x| f64::from(x)).collect();
        assert_close(&c, &expected, 1e-5, &format!("case {case}: {m}×{n}×{k}"));
    }
}

#[test]
fn heights_are_nearly_equal_and_cover_all_rows() {
    let most = Shape::of_level().rows;
    for rows in 0..100 {
        let tiles: Vec<(usize, usize)> = heights(rows).collect();
        let mut next = 0;
        for (height, start) in &tiles {
            assert_eq!(*start, next);
            assert!(*height >= 1 && *height <= most);
            next += height;
        }
        assert_eq!(next, rows);
        let sizes = tiles.iter().map(|t| t.0);
        let spread = sizes.clone().max().unwrap_or(0) - sizes.min().unwrap_or(0);
        assert!(spread <= 1);
    }
}

use super::*;
use crate::testing::{Dice, assert_close, poisoned, same_bits_on_any_threads, values};

const ALL: [Reduction; 4] = [
    Reduction::Sum,
    Reduction::Mean,
    Reduction::Max,
    Reduction::Norm,
];

fn run(variant: Variant, op: Reduction, x: View<'_>, out_layout: &Layout) -> Vec<f64> {
    let mut out = poisoned(x.buffer.dtype(), out_layout.len());
    reduce_with(variant, op, x, &mut out, out_layout);
    values(View {
        buffer: &out,
        layout: *out_layout,
    })
}

/// `shape` with some axes reduced, in any storage order.
fn reduced(dice: &mut Dice, shape: &[usize]) -> Layout {
    let shape: Vec<usize> = shape
        .iter()
        .map(|&size| if dice.below(2) == 0 { 1 } else { size })
        .collect();
    dice.dense(&shape)
}

#[test]
fn fast_is_the_reference_for_any_layout_and_axes() {
    let mut dice = Dice(21);
    for round in 0..400 {
        let shape = dice.shape(5, if round < 300 { 5 } else { 14 });
        let (layout, out_layout) = (dice.layout(&shape), reduced(&mut dice, &shape));
        let x = dice.buffer(DType::F32, &layout);
        let x = View { buffer: &x, layout };
        for op in ALL {
            let what = format!("{op:?} of {layout:?} to {out_layout:?}");
            let fast = run(Variant::Fast, op, x, &out_layout);
            // Both accumulate in f64: they differ by the last rounding at most.
            assert_close(
                &fast,
                &run(Variant::Reference, op, x, &out_layout),
                6e-8,
                &what,
            );
        }
    }
}

#[test]
fn values_by_hand() {
    let x = Buffer::from_slice(Device::Cpu, &[1.0, -2.0, 3.0, 4.0, 5.0, -6.0]);
    let x = View {
        buffer: &x,
        layout: Layout::contiguous(&[2, 3]),
    };
    let check = |shape: &[usize], sum: &[f64], max: &[f64]| {
        let out = Layout::contiguous(shape);
        assert_eq!(run(Variant::Fast, Reduction::Sum, x, &out), sum);
        assert_eq!(run(Variant::Fast, Reduction::Max, x, &out), max);
    };
    check(&[1, 1], &[5.0], &[5.0]);
    check(&[1, 3], &[5.0, 3.0, -3.0], &[4.0, 5.0, 3.0]);
    check(&[2, 1], &[2.0, 3.0], &[3.0, 5.0]);
    check(
        &[2, 3],
        &[1.0, -2.0, 3.0, 4.0, 5.0, -6.0],
        &[1.0, -2.0, 3.0, 4.0, 5.0, -6.0],
    );
}

/// The shapes training sums over: each kernel, several blocks, ragged ends.
#[test]
fn large_sums_are_exact_to_the_last_rounding() {
    let mut dice = Dice(22);
    let cases: [(Layout, &[usize]); 7] = [
        (Layout::contiguous(&[100_003]), &[1]),
        (Layout::channels_last(&[7, 64, 29, 31]), &[1, 64, 1, 1]),
        (Layout::channels_last(&[7, 3, 57, 91]), &[1, 3, 1, 1]),
        (Layout::channels_last(&[7, 65, 29, 31]), &[7, 65, 1, 1]),
        (Layout::contiguous(&[7, 65, 29, 31]), &[1, 65, 1, 1]),
        (Layout::contiguous(&[61, 2500]), &[1, 2500]),
        (Layout::contiguous(&[61, 2500]), &[61, 1]),
    ];
    for (layout, to) in cases {
        let x = dice.buffer(DType::F32, &layout);
        let x = View { buffer: &x, layout };
        let out = Layout::contiguous(to);
        for op in ALL {
            let what = format!("{op:?} of {layout:?} to {to:?}");
            let reference = run(Variant::Reference, op, x, &out);
            assert_close(&run(Variant::Fast, op, x, &out), &reference, 6e-8, &what);
        }
        same_bits_on_any_threads(|| {
            let mut total = poisoned(DType::F32, out.len());
            sum(x, &mut total, &out);
            total
        });
    }
}

#[test]
fn a_large_mean_costs_no_digits() {
    let n = 3_000_000;
    let x = Buffer::full(Device::Cpu, DType::F32, n, 1000.1);
    let x = View {
        buffer: &x,
        layout: Layout::contiguous(&[n]),
    };
    let total = run(Variant::Fast, Reduction::Sum, x, &Layout::contiguous(&[1]))[0];
    let exact = f64::from(1000.1f32) * n as f64;
    assert!(
        (total / exact - 1.0).abs() < 6e-8,
        "{total} and not {exact}"
    );
}

/// n times x, divided by n, is x: for every way to be summed, and where n is no power of two.
#[test]
fn the_mean_of_equal_numbers_is_that_number() {
    for (rows, columns) in [(3, 1), (7, 40), (49, 13), (5000, 3), (3, 5000)] {
        for value in [1.0_f32, 0.1, 1.999_999_9, 1e-42, -3e38] {
            let x = Buffer::full(Device::Cpu, DType::F32, rows * columns, value.into());
            let layout = Layout::contiguous(&[rows, columns]);
            let x = View { buffer: &x, layout };
            for to in [[1, 1], [1, columns], [rows, 1]] {
                for variant in [Variant::Reference, Variant::Fast] {
                    let y = run(variant, Reduction::Mean, x, &Layout::contiguous(&to));
                    let all = y.iter().all(|y| *y == f64::from(value));
                    assert!(all, "{value} as [{rows}, {columns}] to {to:?}: {y:?}");
                }
            }
        }
    }
}

#[test]
fn norms_by_hand() {
    let x = [3.0_f32, -4.0, 3e30, 4e30, -3e-30, 4e-30, 0.0, -0.0];
    let x = Buffer::from_slice(Device::Cpu, &x);
    let x = View {
        buffer: &x,
        layout: Layout::contiguous(&[4, 2]),
    };
    let expected = [5.0, 5e30, 5e-30, 0.0].map(|y: f32| f64::from(y));
    for variant in [Variant::Reference, Variant::Fast] {
        let rows = run(variant, Reduction::Norm, x, &Layout::contiguous(&[4, 1]));
        assert_eq!(rows, expected, "{variant:?}");
        let each = run(variant, Reduction::Norm, x, &x.layout);
        assert_eq!(each[..2], [3.0, 4.0], "{variant:?}");
    }
}

#[test]
fn nan_is_the_maximum() {
    for at in [0, 1, 40, 99] {
        let mut x = vec![1.0f32; 100];
        x[at] = f32::NAN;
        let x = Buffer::from_slice(Device::Cpu, &x);
        let x = View {
            buffer: &x,
            layout: Layout::contiguous(&[100]),
        };
        for variant in [Variant::Reference, Variant::Fast] {
            assert!(run(variant, Reduction::Max, x, &Layout::contiguous(&[1]))[0].is_nan());
        }
    }
}

#[test]
fn nothing_sums_to_zero() {
    let x = Buffer::from_slice::<f32>(Device::Cpu, &[]);
    let x = View {
        buffer: &x,
        layout: Layout::contiguous(&[0, 2]),
    };
    for variant in [Variant::Reference, Variant::Fast] {
        let out = Layout::contiguous(&[1, 2]);
        assert_eq!(run(variant, Reduction::Sum, x, &out), [0.0, 0.0]);
        let none = f64::NEG_INFINITY;
        assert_eq!(run(variant, Reduction::Max, x, &out), [none, none]);
        assert_eq!(run(variant, Reduction::Norm, x, &out), [0.0, 0.0]);
        let means = run(variant, Reduction::Mean, x, &out);
        assert!(means.iter().all(|mean| mean.is_nan()), "{means:?}");
    }
}

#[test]
#[should_panic(expected = "Sum: [2, 3] does not reduce to [2, 2]")]
fn shapes_must_agree() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f32; 6]);
    let x = View {
        buffer: &x,
        layout: Layout::contiguous(&[2, 3]),
    };
    let out = Layout::contiguous(&[2, 2]);
    sum(x, &mut poisoned(DType::F32, 4), &out);
}

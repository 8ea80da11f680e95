use super::*;
use crate::testing::{Dice, assert_close, poisoned, same_bits_on_any_threads};

fn buffer(values: &[f64]) -> Buffer {
    Buffer::from_slice(Device::Cpu, values)
}

fn random(dice: &mut Dice, dtype: DType, shape: [usize; 4]) -> Buffer {
    let len = shape.iter().product();
    let values: Vec<f64> = (0..len).map(|_| dice.unit()).collect();
    dispatch!(dtype, T => {
        let values: Vec<T> = values.iter().map(|v| <T as crate::Real>::of(*v)).collect();
        Buffer::from_slice(Device::Cpu, &values)
    })
}

fn run(variant: Variant, of: &Resample, x: &Buffer) -> Buffer {
    let mut y = poisoned(x.dtype(), of.out_shape().iter().product());
    resample_with(variant, of, x, &mut y);
    y
}

/// A row and a column, so that a swap of axes shows.
fn row(fir: &Fir, x: &[f64]) -> Vec<f64> {
    let taps = fir.taps().len();
    // The other axis has one pixel: only the tap that meets it counts.
    let of = Resample::new(&[1, 1, 1, x.len()], fir);
    let y = run(Variant::Reference, &of, &buffer(x)).to_vec::<f64>();
    let column = Resample::new(&[1, 1, x.len(), 1], fir);
    let turned = run(Variant::Reference, &column, &buffer(x)).to_vec::<f64>();
    let [rows, columns] = of.to;
    assert_eq!(column.to, [columns, rows], "{taps} taps");
    for i in 0..rows {
        for j in 0..columns {
            assert_eq!(y[i * columns + j], turned[j * rows + i]);
        }
    }
    y
}

#[test]
fn sums_by_hand() {
    // Taps in the order in which they meet the image.
    let fir = Fir::new(&[1.0, 10.0, 100.0]).pad([1, 1]);
    let middle = |y: Vec<f64>| y.iter().map(|y| y / 10.0).collect::<Vec<_>>();
    assert_eq!(middle(row(&fir, &[1.0, 2.0, 3.0])), [210.0, 321.0, 32.0]);
    let nearest = Fir::new(&[1.0; 2]).up(2).pad([1, 0]);
    assert_eq!(
        row(&nearest, &[3.0, 4.0]),
        [3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 4.0]
    );
    // Cut in front, zeros behind, every third.
    let picked = Fir::new(&[1.0]).down(3).pad([-1, 2]);
    let of = Resample::new(&[1, 1, 8, 8], &picked);
    assert_eq!(of.out_shape(), [1, 1, 3, 3]);
    let x: Vec<f64> = (0..64).map(f64::from).collect();
    let y = run(Variant::Fast, &of, &buffer(&x)).to_vec::<f64>();
    assert_eq!(y, [9.0, 12.0, 15.0, 33.0, 36.0, 39.0, 57.0, 60.0, 63.0]);
}

fn firs(dice: &mut Dice) -> (Fir, [usize; 4]) {
    let taps: Vec<f64> = (0..=dice.below(8)).map(|_| dice.unit()).collect();
    let pad = [0, 1].map(|_| dice.below(9) as isize - 2 + taps.len() as isize / 2);
    let fir = Fir::new(&taps)
        .up(1 + dice.below(3))
        .down(1 + dice.below(3));
    let side = |dice: &mut Dice| 4 + dice.below(9);
    let shape = [
        1 + dice.below(3),
        1 + dice.below(20),
        side(dice),
        side(dice),
    ];
    (fir.pad(pad.map(|pad| pad.max(1))), shape)
}

#[test]
fn the_fast_path_is_the_plain_loop() {
    let mut dice = Dice(3);
    for _ in 0..60 {
        let (fir, shape) = firs(&mut dice);
        let of = Resample::new(&shape, &fir);
        for of in [of, of.adjoint()] {
            let x = random(&mut dice, DType::F32, of.in_shape());
            let [fast, plain] =
                [Variant::Fast, Variant::Reference].map(|of_kind| run(of_kind, &of, &x));
            assert_close(&fast.to_vec(), &plain.to_vec(), 2e-6, &format!("{of:?}"));
        }
    }
}

/// ⟨A·x, y⟩ = ⟨x, Aᵀ·y⟩, and the adjoint's adjoint is the operation itself.
#[test]
fn adjoints_are_adjoint() {
    let mut dice = Dice(4);
    for _ in 0..60 {
        let (fir, shape) = firs(&mut dice);
        let of = Resample::new(&shape, &fir);
        assert_eq!(of.adjoint().adjoint(), of);
        let x = random(&mut dice, DType::F64, of.in_shape());
        let y = random(&mut dice, DType::F64, of.out_shape());
        let dot = |a: &Buffer, b: &Buffer| -> f64 {
            let (a, b) = (a.to_vec::<f64>(), b.to_vec::<f64>());
            a.iter().zip(&b).map(|(a, b)| a * b).sum()
        };
        let there = dot(&run(Variant::Fast, &of, &x), &y);
        let back = dot(&x, &run(Variant::Fast, &of.adjoint(), &y));
        assert_close(&[there], &[back], 1e-12, &format!("{of:?}"));
    }
}

#[test]
fn threads_do_not_change_bits() {
    let mut dice = Dice(5);
    let fir = Fir::new(&[0.1, 0.4, 0.7, 0.2]).up(2).pad([2, 1]);
    let of = Resample::new(&[6, 13, 17, 15], &fir);
    for of in [of, of.adjoint()] {
        let x = random(&mut dice, DType::F32, of.in_shape());
        same_bits_on_any_threads(|| run(Variant::Fast, &of, &x));
    }
}

/// An image without columns, which padding makes some of.
#[test]
fn zeros_of_nothing() {
    let of = Resample::new(&[1, 2, 3, 0], &Fir::new(&[1.0]).pad([1, 1]));
    for dtype in [DType::F32, DType::F64] {
        let x = Buffer::full(Device::Cpu, dtype, 0, 0.0);
        let y = run(Variant::Fast, &of, &x).to_vec::<f64>();
        assert_eq!(y, vec![0.0; 2 * 5 * 2]);
    }
}

#[test]
#[should_panic(expected = "nothing is left of images [1, 1, 2, 9]")]
fn something_must_be_left() {
    Resample::new(&[1, 1, 2, 9], &Fir::new(&[1.0; 4]));
}

#[test]
#[should_panic(expected = "9 taps; a filter has 1 to 8")]
fn taps_are_counted() {
    Fir::new(&[0.0; 9]);
}

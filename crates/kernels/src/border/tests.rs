use super::*;
use crate::testing::{Dice, assert_close, poisoned, same_bits_on_any_threads};

fn random(dice: &mut Dice, dtype: DType, shape: [usize; 4]) -> Buffer {
    let len = shape.iter().product();
    let values: Vec<f64> = (0..len).map(|_| dice.unit()).collect();
    dispatch!(dtype, T => {
        let values: Vec<T> = values.iter().map(|v| <T as crate::Real>::of(*v)).collect();
        Buffer::from_slice(Device::Cpu, &values)
    })
}

fn padded(variant: Variant, of: &Border, x: &Buffer) -> Buffer {
    let mut y = poisoned(x.dtype(), of.out_shape().iter().product());
    pad_with(variant, of, x, &mut y);
    y
}

fn folded(variant: Variant, of: &Border, y: &Buffer) -> Buffer {
    let mut x = poisoned(y.dtype(), of.in_shape().iter().product());
    fold_with(variant, of, y, &mut x);
    x
}

#[test]
fn borders_by_hand() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0, 1.0, 2.0]);
    for (edge, expected) in [
        (Edge::Reflect, [2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]),
        (Edge::Replicate, [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]),
    ] {
        for (shape, pads) in [
            ([1, 1, 1, 3], [[0, 0], [2, 2]]),
            ([1, 1, 3, 1], [[2, 2], [0, 0]]),
        ] {
            let of = Border::new(&shape, pads, edge);
            let y = padded(Variant::Reference, &of, &x);
            assert_eq!(y.to_vec::<f64>(), expected);
        }
    }
}

fn any(dice: &mut Dice) -> Border {
    let edge = [Edge::Reflect, Edge::Replicate][dice.below(2)];
    let side = |dice: &mut Dice| 1 + dice.below(6);
    let shape = [
        1 + dice.below(3),
        1 + dice.below(20),
        side(dice),
        side(dice),
    ];
    let pads = [shape[2], shape[3]].map(|size| {
        let most = if edge == Edge::Reflect { size } else { 9 };
        [0; 2].map(|_| dice.below(most))
    });
    Border::new(&shape, pads, edge)
}

#[test]
fn the_fast_path_is_the_plain_loop() {
    let mut dice = Dice(6);
    for _ in 0..80 {
        let of = any(&mut dice);
        let x = random(&mut dice, DType::F32, of.in_shape());
        let y = random(&mut dice, DType::F32, of.out_shape());
        let [fast, plain] = [Variant::Fast, Variant::Reference]
            .map(|variant| (padded(variant, &of, &x), folded(variant, &of, &y)));
        let what = format!("{of:?}");
        assert_close(&fast.0.to_vec(), &plain.0.to_vec(), 0.0, &what);
        assert_close(&fast.1.to_vec(), &plain.1.to_vec(), 3e-6, &what);
    }
}

/// ⟨pad(x), y⟩ = ⟨x, fold(y)⟩.
#[test]
fn the_adjoint_folds_the_border_back() {
    let mut dice = Dice(7);
    for _ in 0..80 {
        let of = any(&mut dice);
        let x = random(&mut dice, DType::F64, of.in_shape());
        let y = random(&mut dice, DType::F64, of.out_shape());
        let dot = |a: Buffer, b: &Buffer| -> f64 {
            let (a, b) = (a.to_vec::<f64>(), b.to_vec::<f64>());
            a.iter().zip(&b).map(|(a, b)| a * b).sum()
        };
        let there = dot(padded(Variant::Fast, &of, &x), &y);
        let back = dot(folded(Variant::Fast, &of, &y), &x);
        assert_close(&[there], &[back], 1e-12, &format!("{of:?}"));
    }
}

#[test]
fn threads_do_not_change_bits() {
    let mut dice = Dice(8);
    let of = Border::new(&[5, 40, 13, 17], [[3, 2], [1, 4]], Edge::Reflect);
    let x = random(&mut dice, DType::F32, of.in_shape());
    let y = random(&mut dice, DType::F32, of.out_shape());
    same_bits_on_any_threads(|| padded(Variant::Fast, &of, &x));
    same_bits_on_any_threads(|| folded(Variant::Fast, &of, &y));
}

#[test]
#[should_panic(expected = "a reflection is shorter than the image")]
fn a_reflection_is_shorter_than_the_image() {
    Border::new(&[1, 1, 3, 3], [[0, 3], [0, 0]], Edge::Reflect);
}

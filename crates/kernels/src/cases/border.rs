//! Cases of the family `border`: all of them exact.

use super::{Case, Dice, numbers, poisoned};
use crate::border::{Border, Edge, fold, pad};

pub(super) fn cases() -> Vec<Case> {
    let mut dice = Dice(81);
    let mut all = Vec::new();
    for edge in [Edge::Reflect, Edge::Replicate] {
        for (shape, pads) in [
            ([2, 8, 5, 7], [[3, 3], [3, 3]]),
            ([3, 3, 4, 6], [[0, 3], [5, 1]]),
            ([1, 1, 2, 9], [[1, 1], [0, 8]]),
            ([2, 4, 1, 3], [[0, 0], [2, 2]]),
            ([5, 32, 14, 14], [[1, 1], [1, 1]]),
        ] {
            let of = Border::new(&shape, pads, edge);
            all.extend(both_ways(&mut dice, of));
        }
    }
    let wide = Border::new(&[2, 5, 1, 2], [[4, 3], [0, 6]], Edge::Replicate);
    all.extend(both_ways(&mut dice, wide));
    all
}

fn both_ways(dice: &mut Dice, of: Border) -> [Case; 2] {
    let [from, to] = [of.in_shape(), of.out_shape()].map(|shape| shape.iter().product());
    let padded = Case::exact(
        format!("border::pad, {of:?}"),
        vec![numbers(dice, from)],
        move |inputs| {
            let mut y = poisoned(&inputs[0], to);
            pad(&of, &inputs[0], &mut y);
            vec![y]
        },
    );
    let folded = Case::exact(
        format!("border::fold, {of:?}"),
        vec![numbers(dice, to)],
        move |inputs| {
            let mut x = poisoned(&inputs[0], from);
            fold(&of, &inputs[0], &mut x);
            vec![x]
        },
    );
    [padded, folded]
}

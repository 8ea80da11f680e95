//! Cases of the family `resample`: all of them exact.

use super::{Case, Dice, numbers, poisoned};
use crate::resample::{Fir, Resample, resample};

pub(super) fn cases() -> Vec<Case> {
    let mut dice = Dice(71);
    let smooth = Fir::new(&[0.125, 0.375, 0.375, 0.125]);
    let uneven = Fir::new(&[0.1, -0.7, 0.4, 0.3, 1.1, -0.2, 0.9]);
    let firs = [
        (
            "nearest",
            Fir::new(&[1.0; 2]).up(2).pad([1, 0]),
            [3, 8, 7, 5],
        ),
        ("average", Fir::new(&[0.5; 2]).down(2), [2, 3, 9, 6]),
        (
            "up",
            Fir::new(&[0.25, 0.75, 0.75, 0.25]).up(2).pad([2, 1]),
            [2, 12, 5, 7],
        ),
        ("down", smooth.down(2).pad([1, 1]), [2, 1, 14, 13]),
        ("blur", smooth.pad([2, 1]), [3, 20, 11, 6]),
        ("one pixel", smooth.up(2).pad([3, 3]), [1, 4, 1, 1]),
        (
            "cut, up 3, down 2",
            uneven.up(3).down(2).pad([-4, 5]),
            [2, 5, 6, 9],
        ),
        (
            "zeros alone in places",
            uneven.up(2).down(5).pad([20, 11]),
            [2, 2, 4, 3],
        ),
        (
            "a pass over many",
            smooth.up(2).pad([2, 1]),
            [5, 32, 14, 14],
        ),
    ];
    let mut all = Vec::new();
    for (what, fir, shape) in firs {
        let forward = Resample::new(&shape, &fir);
        for (way, of) in [("", forward), (", adjoint", forward.adjoint())] {
            let [from, to] = [of.in_shape(), of.out_shape()].map(|s| s.iter().product());
            let x = numbers(&mut dice, from);
            let name = format!("resample, {what}{way}");
            all.push(Case::exact(name, vec![x], move |inputs| {
                let mut y = poisoned(&inputs[0], to);
                resample(&of, &inputs[0], &mut y);
                vec![y]
            }));
        }
    }
    all
}

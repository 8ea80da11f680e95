//! Cases of the family `optim`: all of them exact.

use super::{Case, Dice, numbers};
use crate::optim::{Adam, Moving, adam};
use crate::{Buffer, Device};

/// Shorter than a vector, than a thread's share, than a block's, and longer.
const LENGTHS: [usize; 8] = [1, 5, 0, 2047, 2048, 2049, 7003, 64];

pub(crate) fn cases() -> Vec<Case> {
    let rule = |step: u64| Adam {
        lr: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-8,
        step: step.into(),
    };
    let mut cases = vec![
        moves("step 1", &rule(1), &LENGTHS, 1.0),
        moves("step 100000", &rule(100_000), &LENGTHS, 1.0),
        moves("gradients far below eps", &rule(3), &LENGTHS, 1e-12),
        moves(
            "gradients whose squares are denormal",
            &rule(2),
            &LENGTHS,
            1e-20,
        ),
        moves("large gradients", &rule(9), &LENGTHS, 1e18),
        moves(
            "more parameters than a launch takes",
            &rule(5),
            &[3; 150],
            1.0,
        ),
        moves("64 parameters", &rule(5), &[5; 64], 1.0),
        moves("no parameters", &rule(5), &[0, 0], 1.0),
    ];
    for beta1 in [0.0, 0.3, 0.9] {
        let rule = Adam {
            beta1,
            eps: 1e-7,
            lr: 1e-3,
            ..rule(17)
        };
        cases.push(moves(&format!("beta1 {beta1}"), &rule, &LENGTHS, 1.0));
    }
    cases
}

/// Two steps of parameters of these lengths, from moments of the size of such gradients.
fn moves(name: &str, rule: &Adam, lengths: &[usize], size: f32) -> Case {
    let mut dice = Dice(lengths.len() as u64 + rule.step.get());
    let mut inputs = Vec::new();
    for &len in lengths {
        let mut scaled = |by: f32| -> Vec<f32> {
            let of = numbers(&mut dice, len);
            of.into_iter().map(|x| by * x).collect()
        };
        let [param, m, root, first, second] = [1.0, size, size, size, size].map(&mut scaled);
        let v = root.iter().map(|x| x * x).collect();
        inputs.extend([param, m, v, first, second]);
    }
    let first = rule.clone();
    Case::exact(format!("optim Adam, {name}"), inputs, move |inputs| {
        // A count of the run's own: every run is of the same step.
        let rule = Adam {
            step: first.step.get().into(),
            ..first.clone()
        };
        let mut state: Vec<[Buffer; 3]> = inputs
            .chunks(5)
            .map(|of| [0, 1, 2].map(|i| copy(&of[i])))
            .collect();
        for grad in [3, 4] {
            let all = state.iter_mut().zip(inputs.chunks(5));
            let mut all: Vec<_> = all
                .map(|([param, m, v], of)| Moving {
                    param,
                    m,
                    v,
                    grad: &of[grad],
                })
                .collect();
            adam(&rule, &mut all);
            rule.step.add(1);
        }
        state.into_iter().flatten().collect()
    })
}

fn copy(x: &Buffer) -> Buffer {
    x.to_device(Device::Cpu).to_device(x.device())
}

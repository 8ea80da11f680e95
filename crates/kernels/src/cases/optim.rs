//! Cases of the family `optim`: all of them exact.

use super::{Case, Dice, numbers};
use crate::optim::{Adam, Clip, Moving, RmsProp, Rule, Sgd, Update, average, clamp, update};
use crate::{Buffer, Device, Scalar};

/// Shorter than a vector, than a thread's share, than a block's, and longer.
const LENGTHS: [usize; 8] = [1, 5, 0, 2047, 2048, 2049, 7003, 64];

pub(crate) const ADAM: Adam = Adam {
    beta1: 0.5,
    beta2: 0.999,
    eps: 1e-8,
    keras: false,
    amsgrad: false,
};
const RMSPROP: RmsProp = RmsProp {
    alpha: 0.99,
    eps: 1e-8,
    momentum: 0.0,
    centred: false,
};
const SGD: Sgd = Sgd {
    momentum: 0.0,
    dampening: 0.0,
    nesterov: false,
};

/// A step of this number without any of what can be left out.
pub(crate) fn plain(rule: Rule, step: u64) -> Update {
    Update {
        rule,
        lr: 2e-4.into(),
        step: step.into(),
        weight_decay: 0.0,
        clip: Clip::None,
    }
}

/// Every kernel, with every number that changes what it does.
pub(crate) fn rules() -> [(&'static str, Rule); 12] {
    let adam = |rule| Rule::Adam(rule);
    let rms_prop = |momentum, centred| {
        Rule::RmsProp(RmsProp {
            momentum,
            centred,
            ..RMSPROP
        })
    };
    let sgd = |momentum, dampening, nesterov| {
        Rule::Sgd(Sgd {
            momentum,
            dampening,
            nesterov,
        })
    };
    [
        ("Adam", adam(ADAM)),
        ("Adam of beta1 0", adam(Adam { beta1: 0.0, ..ADAM })),
        ("Adam of beta1 0.9", adam(Adam { beta1: 0.9, ..ADAM })),
        (
            "Keras' Adam",
            adam(Adam {
                keras: true,
                ..ADAM
            }),
        ),
        (
            "AMSGrad",
            adam(Adam {
                amsgrad: true,
                ..ADAM
            }),
        ),
        ("RMSprop", rms_prop(0.0, false)),
        ("RMSprop, centred", rms_prop(0.0, true)),
        ("RMSprop with momentum", rms_prop(0.9, false)),
        ("RMSprop with momentum, centred", rms_prop(0.3, true)),
        ("SGD", Rule::Sgd(SGD)),
        ("SGD with momentum", sgd(0.9, 0.4, false)),
        ("SGD with Nesterov's momentum", sgd(0.9, 0.0, true)),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let adam = |step| plain(Rule::Adam(ADAM), step);
    let mut cases = vec![
        moves("Adam, step 100000", &adam(100_000), &LENGTHS, 1.0),
        moves("Adam, gradients far below eps", &adam(3), &LENGTHS, 1e-12),
        moves(
            "Adam, gradients whose squares are denormal",
            &adam(2),
            &LENGTHS,
            1e-20,
        ),
        moves("Adam, large gradients", &adam(9), &LENGTHS, 1e18),
        moves(
            "Adam, more parameters than a launch takes",
            &adam(5),
            &[3; 150],
            1.0,
        ),
        moves("Adam, 64 parameters", &adam(5), &[5; 64], 1.0),
        moves("Adam, no parameters", &adam(5), &[0, 0], 1.0),
    ];
    for (name, rule) in rules() {
        for step in [1, 17] {
            let update = plain(rule, step);
            cases.push(moves(
                &format!("{name}, step {step}"),
                &update,
                &LENGTHS,
                1.0,
            ));
        }
        // Weight decay and clipping are of all kernels, in code that they share: all ways of
        // clipping go through one rule of each.
        let all = [
            ("norm", Clip::Norm(0.5)),
            ("value", Clip::Value(0.25)),
            ("a large norm", Clip::Norm(1e4)),
        ];
        let ways = if ["Adam", "RMSprop", "SGD"].contains(&name) {
            &all[..]
        } else {
            &all[..1]
        };
        for &(what, clip) in ways {
            let update = Update {
                lr: 1e-3.into(),
                weight_decay: 0.01,
                clip,
                ..plain(rule, 3)
            };
            let name = format!("{name}, weight decay, clipped by {what}");
            cases.push(moves(&name, &update, &LENGTHS, 1.0));
        }
    }
    let norm = Update {
        clip: Clip::Norm(0.5),
        ..plain(Rule::Sgd(SGD), 3)
    };
    // More sums than a block has threads.
    cases.push(moves("SGD, norm of 270 parameters", &norm, &[3; 270], 1.0));
    cases.extend([0.0, 0.3, 0.5, 0.999, 1.0].map(averages));
    cases.push(clamps());
    cases
}

/// Two steps of parameters of these lengths, from a state of the size of such gradients.
fn moves(name: &str, update_of: &Update, lengths: &[usize], size: f32) -> Case {
    let first = update_of.step.get();
    let mut dice = Dice(lengths.len() as u64 + first);
    let state = update_of.rule.state();
    let mut inputs = Vec::new();
    for &len in lengths {
        let mut scaled = |by: f32| -> Vec<f32> {
            let of = numbers(&mut dice, len);
            of.into_iter().map(|x| by * x).collect()
        };
        inputs.push(scaled(1.0));
        for name in state {
            let squares = name.ends_with("sq") || *name == "square_avg";
            let values = scaled(size).into_iter();
            // No variance is below 0: of a mean that is at most half of its root.
            let value = |x: f32| match (squares, *name) {
                (true, _) => size * size + x * x,
                (false, "grad_avg") => 0.5 * x,
                (false, _) => x,
            };
            inputs.push(values.map(value).collect());
        }
        inputs.extend([scaled(size), scaled(size)]);
    }
    let (of, each) = (update_of.clone(), state.len() + 3);
    Case::exact(format!("optim {name}"), inputs, move |inputs| {
        // Numbers of the run's own: every run is of the same steps.
        let of = Update {
            step: first.into(),
            lr: of.lr.get().into(),
            ..of.clone()
        };
        let own = inputs.chunks(each).map(|x| x[..each - 2].iter().map(copy));
        let mut own: Vec<Vec<Buffer>> = own.map(Iterator::collect).collect();
        for grad in [each - 2, each - 1] {
            let all = own.iter_mut().zip(inputs.chunks(each));
            let mut all: Vec<_> = all.map(|(own, of)| moving(own, &of[grad])).collect();
            update(&of, &mut all);
            of.step.add(1);
            of.lr.set(of.lr.get() * 0.7);
        }
        own.into_iter().flatten().collect()
    })
}

/// A parameter and its state with a gradient.
pub(crate) fn moving<'a>(own: &'a mut [Buffer], grad: &'a Buffer) -> Moving<'a> {
    let Some((param, state)) = own.split_first_mut() else {
        unreachable!("a parameter at least");
    };
    Moving {
        param,
        state: state.iter_mut().collect(),
        grad,
    }
}

fn averages(decay: f64) -> Case {
    let mut dice = Dice(1);
    let lengths = LENGTHS.iter().flat_map(|len| [*len; 2]);
    let inputs = lengths.map(|len| numbers(&mut dice, len)).collect();
    Case::exact(format!("optim average, decay {decay}"), inputs, move |x| {
        let mut averages: Vec<_> = x.chunks(2).map(|x| copy(&x[0])).collect();
        let mut all: Vec<_> = averages
            .iter_mut()
            .zip(x.chunks(2).map(|x| &x[1]))
            .collect();
        average(&Scalar::from(decay), &mut all);
        averages
    })
}

fn clamps() -> Case {
    let mut dice = Dice(2);
    let mut inputs = LENGTHS.map(|len| numbers(&mut dice, len));
    inputs[1] = vec![f32::NAN, f32::INFINITY, -f32::INFINITY, -0.0, 0.01];
    Case::exact("optim clamp", inputs.into(), |x| {
        let mut own: Vec<_> = x.iter().map(copy).collect();
        clamp(0.01, &mut own.iter_mut().collect::<Vec<_>>());
        own
    })
}

fn copy(x: &Buffer) -> Buffer {
    x.to_device(Device::Cpu).to_device(x.device())
}

use super::*;
use crate::cases::optim::{ADAM, moving, plain, rules};
use crate::testing::{Dice, assert_close, bits, same_bits_on_any_threads};

fn adam_at(step: u64) -> Update {
    plain(Rule::Adam(ADAM), step)
}

/// The parameter and its state after `steps` steps from random gradients.
fn run(variant: Variant, of: &Update, dtype: DType, len: usize, steps: u64) -> Vec<Buffer> {
    let mut dice = Dice(len as u64);
    let mut random = || {
        let values: Vec<f64> = (0..len).map(|_| dice.unit()).collect();
        dispatch!(dtype, T => {
            let values: Vec<T> = values.iter().map(|v| crate::Real::of(*v)).collect();
            Buffer::from_slice(Device::Cpu, &values)
        })
    };
    let mut own = vec![random()];
    let zeros = |_| Buffer::full(Device::Cpu, dtype, len, 0.0);
    own.extend(of.rule.state().iter().map(zeros));
    for step in 1..=steps {
        let of = Update {
            step: step.into(),
            ..of.clone()
        };
        update_with(variant, &of, &mut [moving(&mut own, &random())]);
    }
    own
}

/// As the paper has it: bias-corrected means, then the step.
#[test]
fn is_the_papers_formula() {
    for beta1 in [0.0, 0.5, 0.9] {
        let rule = Adam { beta1, ..ADAM };
        let param = run(Variant::Fast, &plain(Rule::Adam(rule), 1), DType::F64, 5, 7).remove(0);
        let mut dice = Dice(5);
        let mut random = || -> Vec<f64> { (0..5).map(|_| dice.unit()).collect() };
        let mut expected = random();
        let (mut m, mut v) = ([0.0; 5], [0.0; 5]);
        for t in 1..=7 {
            for (i, g) in random().into_iter().enumerate() {
                m[i] = beta1 * m[i] + (1.0 - beta1) * g;
                v[i] = rule.beta2 * v[i] + (1.0 - rule.beta2) * g * g;
                let m_hat = m[i] / (1.0 - beta1.powi(t));
                let v_hat = v[i] / (1.0 - rule.beta2.powi(t));
                expected[i] -= 2e-4 * m_hat / (v_hat.sqrt() + rule.eps);
            }
        }
        assert_close(&param.to_vec(), &expected, 1e-15, &format!("beta1 {beta1}"));
    }
}

/// ε is added after the correction of v, or before: a gradient that is small beside ε tells.
#[test]
fn eps_is_where_pytorch_has_it_or_keras() {
    for (keras, expected) in [(false, 0.5), (true, 1.0 / (1.0 + 1.0 / 0.001_f64.sqrt()))] {
        let rule = Rule::Adam(Adam { keras, ..ADAM });
        let zero = || Buffer::full(Device::Cpu, DType::F64, 1, 0.0);
        let mut own = [zero(), zero(), zero()];
        let grad = Buffer::full(Device::Cpu, DType::F64, 1, 1e-8);
        update(&plain(rule, 1), &mut [moving(&mut own, &grad)]);
        let moved = own[0].to_vec::<f64>()[0] / -2e-4;
        assert!((moved - expected).abs() < 1e-12, "{keras}: {moved}");
    }
}

/// With and without what is done to gradients first.
fn ways(rule: Rule) -> [Update; 3] {
    let prepared = |clip| Update {
        weight_decay: 0.01,
        clip,
        ..plain(rule, 1)
    };
    [
        plain(rule, 1),
        prepared(Clip::Value(0.25)),
        prepared(Clip::Norm(0.5)),
    ]
}

#[test]
fn fast_is_the_reference() {
    for (name, rule) in rules() {
        for of in ways(rule) {
            for len in [0, 1, 7, 1000, 1024, 70_001] {
                let fast = run(Variant::Fast, &of, DType::F32, len, 3);
                let reference = run(Variant::Reference, &of, DType::F32, len, 3);
                for (i, (fast, reference)) in fast.iter().zip(&reference).enumerate() {
                    let what = format!("{name}, {:?}, stream {i} of {len}", of.clip);
                    assert_close(&fast.to_vec(), &reference.to_vec(), 2.4e-7, &what);
                }
            }
        }
    }
}

/// An element at a time: the norm of all gradients is the only thing they have in common.
#[test]
fn clipping_is_of_all_gradients_together() {
    let grads = [vec![3.0_f64, 0.0], vec![-4.0]];
    let by = |clip| -> Vec<f64> {
        let grads = grads.each_ref().map(|g| Buffer::from_slice(Device::Cpu, g));
        let mut own = [2, 1].map(|len| [Buffer::full(Device::Cpu, DType::F64, len, 0.0)]);
        let mut all: Vec<_> = own
            .iter_mut()
            .zip(&grads)
            .map(|(own, g)| moving(own, g))
            .collect();
        let sgd = Sgd {
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
        };
        let of = Update {
            lr: 1.0.into(),
            clip,
            ..plain(Rule::Sgd(sgd), 1)
        };
        update(&of, &mut all);
        drop(all);
        own.iter().flat_map(|own| own[0].to_vec::<f64>()).collect()
    };
    assert_eq!(by(Clip::None), [-3.0, 0.0, 4.0]);
    assert_eq!(by(Clip::Value(3.5)), [-3.0, 0.0, 3.5]);
    assert_eq!(by(Clip::Norm(6.0)), [-3.0, 0.0, 4.0]);
    let scale = 1.0 / (5.0 + 1e-6);
    assert_close(
        &by(Clip::Norm(1.0)),
        &[-3.0 * scale, 0.0, 4.0 * scale],
        1e-15,
        "norm 1",
    );
}

#[test]
fn averages_by_hand() {
    let mut e = Buffer::from_slice(Device::Cpu, &[1.0_f64, -2.0]);
    let p = Buffer::from_slice(Device::Cpu, &[3.0_f64, 2.0]);
    average(&Scalar::from(0.75), &mut [(&mut e, &p)]);
    assert_eq!(e.to_vec::<f64>(), [1.5, -1.0]);
    average(&Scalar::from(1.0), &mut [(&mut e, &p)]);
    assert_eq!(e.to_vec::<f64>(), [1.5, -1.0]);
    average(&Scalar::from(0.0), &mut [(&mut e, &p)]);
    assert_eq!(e.to_vec::<f64>(), [3.0, 2.0]);
}

#[test]
fn passes_are_the_reference() {
    let mut dice = Dice(3);
    for len in [0, 1, 17, 70_001] {
        let [e, p] = [(); 2].map(|()| {
            let values: Vec<f32> = (0..len).map(|_| dice.unit() as f32).collect();
            values
        });
        let both = |variant| {
            let [mut e, p] = [&e, &p].map(|x| Buffer::from_slice(Device::Cpu, x));
            average_with(variant, &Scalar::from(0.9), &mut [(&mut e, &p)]);
            let average = e.to_vec::<f64>();
            clamp_with(variant, 0.25, &mut [&mut e]);
            (average, e.to_vec::<f64>())
        };
        let (fast, reference) = (both(Variant::Fast), both(Variant::Reference));
        assert_close(&fast.0, &reference.0, 1.2e-7, "average");
        assert_close(&fast.1, &reference.1, 1.2e-7, "clamp");
        let inside = fast.1.iter().all(|x| x.abs() <= 0.25);
        assert!(inside && (len < 17 || fast.0 != fast.1));
    }
}

#[test]
fn threads_do_not_change_bits() {
    let by_norm = |rule| ways(rule).into_iter().next_back().expect("the last way");
    for (_, rule) in rules() {
        for i in 0..=rule.state().len() {
            same_bits_on_any_threads(|| {
                let of = by_norm(rule);
                run(Variant::Fast, &of, DType::F32, 70_001, 2).swap_remove(i)
            });
        }
    }
    for i in 0..3 {
        same_bits_on_any_threads(|| {
            run(Variant::Fast, &adam_at(1), DType::F32, 200_001, 2).swap_remove(i)
        });
    }
    let param = &run(Variant::Fast, &adam_at(1), DType::F32, 200_001, 2)[0];
    let before = &run(Variant::Fast, &adam_at(1), DType::F32, 200_001, 0)[0];
    let (after, before) = (bits(param), bits(before));
    let moved = after.iter().zip(&before).filter(|(a, b)| a != b);
    assert!(moved.count() > 190_000, "parameters stood still");
}

/// Large and tiny ones together: each moves as it does alone.
#[test]
fn many_at_once_are_each_alone() {
    const SIZES: [usize; 6] = [70_001, 3, 0, 1, 20_000, 64];
    let fill = |len: usize, seed: usize| {
        let mut dice = Dice((len + 7 * seed) as u64);
        let values: Vec<f32> = (0..len).map(|_| dice.unit() as f32).collect();
        Buffer::from_slice(Device::Cpu, &values)
    };
    let zeros = |len| Buffer::full(Device::Cpu, DType::F32, len, 0.0);
    let start = || SIZES.map(|len| [fill(len, 0), zeros(len), zeros(len)]);
    let grads = SIZES.map(|len| fill(len, 1));
    let (mut together, mut alone) = (start(), start());
    let all = together.iter_mut().zip(&grads);
    let mut all: Vec<Moving<'_>> = all.map(|(own, grad)| moving(own, grad)).collect();
    update(&adam_at(1), &mut all);
    drop(all);
    for (own, grad) in alone.iter_mut().zip(&grads) {
        update(&adam_at(1), &mut [moving(own, grad)]);
    }
    for (a, b) in together.iter().flatten().zip(alone.iter().flatten()) {
        assert_eq!(bits(a), bits(b));
    }
    assert_ne!(bits(&together[0][0]), bits(&fill(SIZES[0], 0)));
}

#[test]
#[should_panic(expected = "adam: elements of exp_avg_sq and gradient")]
fn lengths_must_agree() {
    let zero = |len| Buffer::full(Device::Cpu, DType::F32, len, 0.0);
    update(
        &adam_at(1),
        &mut [moving(&mut [zero(2), zero(2), zero(3)], &zero(2))],
    );
}

#[test]
#[should_panic(expected = "adam: state of a parameter; expected [\"exp_avg\", \"exp_avg_sq\"]")]
fn the_state_must_be_the_rules() {
    let zero = || Buffer::full(Device::Cpu, DType::F32, 2, 0.0);
    update(&adam_at(1), &mut [moving(&mut [zero(), zero()], &zero())]);
}

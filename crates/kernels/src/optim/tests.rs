use super::*;
use crate::testing::{Dice, assert_close, bits, same_bits_on_any_threads};

fn adam_at(step: u64) -> Adam {
    Adam {
        lr: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-8,
        step: step.into(),
    }
}

fn step_one(variant: Variant, rule: &Adam, [param, m, v]: [&mut Buffer; 3], grad: &Buffer) {
    adam_with(variant, rule, &mut [Moving { param, m, v, grad }]);
}

/// Parameter, m and v after `steps` steps from random gradients.
fn run(variant: Variant, rule: &Adam, dtype: DType, len: usize, steps: u64) -> [Buffer; 3] {
    let mut dice = Dice(len as u64);
    let mut random = || {
        let values: Vec<f64> = (0..len).map(|_| dice.unit()).collect();
        dispatch!(dtype, T => {
            let values: Vec<T> = values.iter().map(|v| crate::Real::of(*v)).collect();
            Buffer::from_slice(Device::Cpu, &values)
        })
    };
    let mut param = random();
    let mut m = Buffer::full(Device::Cpu, dtype, len, 0.0);
    let mut v = Buffer::full(Device::Cpu, dtype, len, 0.0);
    for step in 1..=steps {
        let rule = Adam {
            step: step.into(),
            ..rule.clone()
        };
        step_one(variant, &rule, [&mut param, &mut m, &mut v], &random());
    }
    [param, m, v]
}

/// As the paper has it: bias-corrected means, then the step.
#[test]
fn is_the_papers_formula() {
    for beta1 in [0.0, 0.5, 0.9] {
        let rule = Adam {
            beta1,
            ..adam_at(1)
        };
        let [param, ..] = run(Variant::Fast, &rule, DType::F64, 5, 7);
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
                expected[i] -= rule.lr * m_hat / (v_hat.sqrt() + rule.eps);
            }
        }
        assert_close(&param.to_vec(), &expected, 1e-15, &format!("beta1 {beta1}"));
    }
}

/// ε is added after the correction of v: a gradient that is small beside ε tells.
#[test]
fn eps_is_where_pytorch_has_it() {
    let zero = || Buffer::full(Device::Cpu, DType::F64, 1, 0.0);
    let (mut param, mut m, mut v) = (zero(), zero(), zero());
    let grad = Buffer::full(Device::Cpu, DType::F64, 1, 1e-8);
    step_one(
        Variant::Fast,
        &adam_at(1),
        [&mut param, &mut m, &mut v],
        &grad,
    );
    let moved = param.to_vec::<f64>()[0] / -adam_at(1).lr;
    assert!((moved - 0.5).abs() < 1e-12, "{moved}");
}

#[test]
fn fast_is_the_reference() {
    for beta1 in [0.0, 0.5, 0.9] {
        let rule = Adam {
            beta1,
            ..adam_at(1)
        };
        for len in [0, 1, 7, 1000, 70_001] {
            let fast = run(Variant::Fast, &rule, DType::F32, len, 3);
            let reference = run(Variant::Reference, &rule, DType::F32, len, 3);
            for (i, name) in ["param", "m", "v"].iter().enumerate() {
                let what = format!("{name} of {len} with beta1 {beta1}");
                assert_close(&fast[i].to_vec(), &reference[i].to_vec(), 1.2e-7, &what);
            }
        }
    }
}

#[test]
fn threads_do_not_change_bits() {
    for i in 0..3 {
        same_bits_on_any_threads(|| {
            let state = run(Variant::Fast, &adam_at(1), DType::F32, 200_001, 2);
            state.into_iter().nth(i).expect("three buffers")
        });
    }
    let [param, ..] = run(Variant::Fast, &adam_at(1), DType::F32, 200_001, 2);
    let [before, ..] = run(Variant::Fast, &adam_at(1), DType::F32, 200_001, 0);
    let (after, before) = (bits(&param), bits(&before));
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
    let mut all: Vec<Moving<'_>> = together
        .iter_mut()
        .zip(&grads)
        .map(|([param, m, v], grad)| Moving { param, m, v, grad })
        .collect();
    adam(&adam_at(1), &mut all);
    for ([param, m, v], grad) in alone.iter_mut().zip(&grads) {
        step_one(Variant::Fast, &adam_at(1), [param, m, v], grad);
    }
    for (a, b) in together.iter().flatten().zip(alone.iter().flatten()) {
        assert_eq!(bits(a), bits(b));
    }
    assert_ne!(bits(&together[0][0]), bits(&fill(SIZES[0], 0)));
}

#[test]
#[should_panic(expected = "adam: elements of v and gradient")]
fn lengths_must_agree() {
    let zero = |len| Buffer::full(Device::Cpu, DType::F32, len, 0.0);
    let state = [&mut zero(2), &mut zero(2), &mut zero(3)];
    step_one(Variant::Fast, &adam_at(1), state, &zero(2));
}

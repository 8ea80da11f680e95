//! The plain loops, for either type.

use super::factors::{Factors, Gradient};
use super::{Adam, Moving, RmsProp, Rule, Sgd};
use crate::Real;

pub(super) fn update<T: Real>(rule: &Rule, factors: &Factors, moving: &mut Moving<'_>) {
    let param = moving.param.as_mut_slice::<T>();
    let mut state: Vec<&mut [T]> = moving.state.iter_mut().map(|x| x.as_mut_slice()).collect();
    let grad = moving.grad.as_slice::<T>();
    for (i, p) in param.iter_mut().enumerate() {
        let g = prepared(&factors.gradient, *p, grad[i]);
        match (rule, &mut state[..]) {
            (Rule::Adam(rule), [m, v, rest @ ..]) => {
                let largest = rest.first_mut().map(|largest| &mut largest[i]);
                adam(rule, factors, p, (&mut m[i], &mut v[i], largest), g);
            }
            (Rule::RmsProp(rule), [v, rest @ ..]) => {
                let mut rest = rest.iter_mut().map(|x| &mut x[i]);
                let mean = if rule.centred { rest.next() } else { None };
                rms_prop(rule, factors, p, (&mut v[i], mean, rest.next()), g);
            }
            (Rule::Sgd(rule), [sum]) => sgd(rule, factors, p, &mut sum[i], g),
            _ => *p -= T::of(factors.size) * g,
        }
    }
}

/// A gradient as it is used.
fn prepared<T: Real>(how: &Gradient, p: T, g: T) -> T {
    let mut g = g * T::of(how.scale);
    let limit = T::of(how.limit);
    // A NaN stays.
    if g > limit {
        g = limit;
    } else if g < -limit {
        g = -limit;
    }
    if how.weight_decay == 0.0 {
        return g;
    }
    g + T::of(how.weight_decay) * p
}

/// From `mean` towards `x`, from whichever end is nearer: exactly an end at weights 0 and 1.
pub(super) fn lerp<T: Real>(mean: T, x: T, weight: f64) -> T {
    match weight < 0.5 {
        true => mean + T::of(weight) * (x - mean),
        false => x - (x - mean) * (T::ONE - T::of(weight)),
    }
}

fn adam<T: Real>(
    rule: &Adam,
    factors: &Factors,
    p: &mut T,
    (m, v, largest): (&mut T, &mut T, Option<&mut T>),
    g: T,
) {
    *m = lerp(*m, g, 1.0 - rule.beta1);
    *v = *v * T::of(rule.beta2) + T::of(1.0 - rule.beta2) * g * g;
    let v = match largest {
        None => *v,
        Some(largest) => {
            *largest = larger(*v, *largest);
            *largest
        }
    };
    let root = v.sqrt() / T::of(factors.other) + T::of(rule.eps);
    *p += T::of(-factors.size) * *m / root;
}

/// The larger of two, and NaN where one is.
fn larger<T: Real>(a: T, b: T) -> T {
    if a > b || a.f64().is_nan() { a } else { b }
}

fn rms_prop<T: Real>(
    rule: &RmsProp,
    factors: &Factors,
    p: &mut T,
    (v, mean, sum): (&mut T, Option<&mut T>, Option<&mut T>),
    g: T,
) {
    let (alpha, lr) = (T::of(rule.alpha), T::of(factors.size));
    *v = *v * alpha + T::of(1.0 - rule.alpha) * g * g;
    let variance = match mean {
        None => *v,
        Some(mean) => {
            *mean = lerp(*mean, g, 1.0 - rule.alpha);
            *v - *mean * *mean
        }
    };
    let root = variance.sqrt() + T::of(rule.eps);
    match sum {
        None => *p -= lr * g / root,
        Some(sum) => {
            *sum = *sum * T::of(rule.momentum) + g / root;
            *p -= lr * *sum;
        }
    }
}

fn sgd<T: Real>(rule: &Sgd, factors: &Factors, p: &mut T, sum: &mut T, g: T) {
    let momentum = T::of(rule.momentum);
    *sum = *sum * momentum + T::of(factors.other) * g;
    let d = match rule.nesterov {
        true => g + momentum * *sum,
        false => *sum,
    };
    *p -= T::of(factors.size) * d;
}

//! The fast `f32` path: a few streams in, all but the gradient out, once.

use super::factors::{Factors, Gradient};
use super::{Adam, MOST_STATE, Moving, Rule};
use crate::parallel::{CHUNK, pays, share_chunks};
use crate::simd::simd;

/// Elements of a gradient that is prepared, or of a direction: they stay in the fastest
/// cache, beside what they are made of.
const BLOCK: usize = 1024;

/// A part of a parameter, of what is kept of its gradients, and of its gradient. A stream that
/// is not there is empty.
#[derive(Default)]
pub(super) struct Piece<'a> {
    pub(super) param: &'a mut [f32],
    pub(super) state: [&'a mut [f32]; MOST_STATE],
    pub(super) grad: &'a [f32],
}

impl<'a> Piece<'a> {
    fn of(moving: &'a mut Moving<'_>) -> Self {
        let mut state: [&mut [f32]; MOST_STATE] = Default::default();
        for (to, from) in state.iter_mut().zip(&mut moving.state) {
            *to = from.as_mut_slice();
        }
        Self {
            param: moving.param.as_mut_slice(),
            state,
            grad: moving.grad.as_slice(),
        }
    }

    /// The first `len` elements, or all; the rest stays.
    fn take(&mut self, len: usize) -> Self {
        let cut = |x: &mut &'a mut [f32]| {
            let len = len.min(x.len());
            let (first, rest) = std::mem::take(x).split_at_mut(len);
            *x = rest;
            first
        };
        let grad;
        (grad, self.grad) = self.grad.split_at(len.min(self.grad.len()));
        Self {
            param: cut(&mut self.param),
            state: self.state.each_mut().map(cut),
            grad,
        }
    }
}

/// Calls `f` with all pieces, by several threads where that pays; of each element `streams`
/// numbers are read or written.
pub(super) fn for_each<'a>(
    streams: usize,
    all: impl Iterator<Item = Piece<'a>>,
    f: impl Fn(Piece<'_>) + Sync,
) {
    let mut pieces: Vec<Piece<'a>> = all.collect();
    let elements: usize = pieces.iter().map(|piece| piece.param.len()).sum();
    if !pays(streams * elements) {
        return pieces.into_iter().for_each(f);
    }
    let mut chunks = Vec::with_capacity(elements / CHUNK + pieces.len());
    for piece in &mut pieces {
        while !piece.param.is_empty() {
            chunks.push(piece.take(CHUNK));
        }
    }
    share_chunks(&mut chunks, 1, |_, chunk| {
        chunk.iter_mut().map(std::mem::take).for_each(&f);
    });
}

pub(super) fn update(rule: &Rule, factors: &Factors, all: &mut [Moving<'_>]) {
    let streams = 3 + 2 * rule.state().len();
    for_each(streams, all.iter_mut().map(Piece::of), |piece| {
        update_piece(rule, factors, piece);
    });
}

fn update_piece(rule: &Rule, factors: &Factors, mut piece: Piece<'_>) {
    let how = &factors.gradient;
    // What most networks are trained by needs no room between its reads and its writes, and room
    // costs: it is zeroed for every parameter, however small.
    if how.is_plain() && matches!(rule, Rule::Adam(_)) {
        let Piece { param, state, grad } = piece;
        return move_block(rule, factors, param, state, (grad, &mut []));
    }
    let (mut prepared, mut direction) = ([0.0; BLOCK], [0.0; BLOCK]);
    while !piece.param.is_empty() {
        let Piece { param, state, grad } = piece.take(BLOCK);
        let grad = match how.is_plain() {
            true => grad,
            false => {
                let prepared = &mut prepared[..grad.len()];
                prepare(how, param, grad, prepared);
                prepared
            }
        };
        let direction = &mut direction[..param.len()];
        move_block(rule, factors, param, state, (grad, direction));
    }
}

fn move_block(
    rule: &Rule,
    factors: &Factors,
    param: &mut [f32],
    [a, b, c]: [&mut [f32]; MOST_STATE],
    (grad, direction): (&[f32], &mut [f32]),
) {
    let size = factors.size as f32;
    match rule {
        Rule::Adam(rule) if rule.amsgrad => amsgrad(rule, factors, param, (a, b, c), grad),
        Rule::Adam(rule) => adam(rule, factors, param, (a, b), grad),
        Rule::RmsProp(rule) => {
            let (decays, eps) = (decays(rule.alpha), rule.eps as f32);
            // Without momentum the direction is the move: PyTorch multiplies before it divides.
            let scale = if rule.momentum == 0.0 { size } else { 1.0 };
            let sum = match rule.centred {
                true => {
                    by_deviation(decays, (scale, eps), (a, b), grad, direction);
                    c
                }
                false => {
                    by_root(decays, (scale, eps), a, grad, direction);
                    b
                }
            };
            if rule.momentum == 0.0 {
                return descend(param, 1.0, direction);
            }
            accumulate(sum, rule.momentum as f32, 1.0, direction);
            descend(param, size, sum);
        }
        Rule::Sgd(rule) if rule.momentum == 0.0 => descend(param, size, grad),
        Rule::Sgd(rule) => {
            let momentum = rule.momentum as f32;
            accumulate(a, momentum, factors.other as f32, grad);
            match rule.nesterov {
                true => {
                    look_ahead(grad, momentum, a, direction);
                    descend(param, size, direction);
                }
                false => descend(param, size, a),
            }
        }
    }
}

/// Of a running mean and of a running mean of squares.
#[derive(Clone, Copy)]
struct Decays {
    near: bool,
    weight: f32,
    rest: f32,
    decay: f32,
    square_weight: f32,
}

fn decays(alpha: f64) -> Decays {
    let weight = 1.0 - alpha;
    Decays {
        near: weight < 0.5,
        weight: weight as f32,
        rest: (1.0 - weight) as f32,
        decay: alpha as f32,
        square_weight: weight as f32,
    }
}

simd! {
    fn prepare(how: &Gradient, param: &[f32], grad: &[f32], out: &mut [f32]) {
        let (scale, limit) = (how.scale as f32, how.limit as f32);
        for (out, &g) in out.iter_mut().zip(grad) {
            let g = g * scale;
            // A NaN stays.
            let g = if g > limit { limit } else { g };
            *out = if g < -limit { -limit } else { g };
        }
        if how.weight_decay != 0.0 {
            let decay = how.weight_decay as f32;
            for (out, &p) in out.iter_mut().zip(param) {
                *out += decay * p;
            }
        }
    }
}

simd! {
    /// As the reference, but for one division less: √v is multiplied by the
    /// correction's inverse.
    fn adam(
        rule: &Adam,
        factors: &Factors,
        param: &mut [f32],
        moments: (&mut [f32], &mut [f32]),
        grad: &[f32],
    ) {
        let (m, v) = moments;
        let weight = 1.0 - rule.beta1;
        let near_m = weight < 0.5;
        let (weight, rest) = (weight as f32, (1.0 - weight) as f32);
        let (beta2, square_weight) = (rule.beta2 as f32, (1.0 - rule.beta2) as f32);
        let (inverse, eps) = ((1.0 / factors.other) as f32, rule.eps as f32);
        let size = factors.size as f32;
        for (((p, m), v), &g) in param.iter_mut().zip(m).zip(v).zip(grad) {
            let d = g - *m;
            *m = if near_m { *m + weight * d } else { g - d * rest };
            *v = *v * beta2 + square_weight * g * g;
            *p -= size * *m / (v.sqrt() * inverse + eps);
        }
    }
}

simd! {
    /// [`adam`] with the largest v so far.
    fn amsgrad(
        rule: &Adam,
        factors: &Factors,
        param: &mut [f32],
        moments: (&mut [f32], &mut [f32], &mut [f32]),
        grad: &[f32],
    ) {
        let (m, v, largest) = moments;
        let weight = 1.0 - rule.beta1;
        let near_m = weight < 0.5;
        let (weight, rest) = (weight as f32, (1.0 - weight) as f32);
        let (beta2, square_weight) = (rule.beta2 as f32, (1.0 - rule.beta2) as f32);
        let (inverse, eps) = ((1.0 / factors.other) as f32, rule.eps as f32);
        let size = factors.size as f32;
        for ((((p, m), v), largest), &g) in param.iter_mut().zip(m).zip(v).zip(largest).zip(grad) {
            let d = g - *m;
            *m = if near_m { *m + weight * d } else { g - d * rest };
            *v = *v * beta2 + square_weight * g * g;
            *largest = if *v > *largest || v.is_nan() { *v } else { *largest };
            *p -= size * *m / (largest.sqrt() * inverse + eps);
        }
    }
}

simd! {
    /// `scale` · g / (√v + ε).
    fn by_root(
        decays: Decays,
        scale_and_eps: (f32, f32),
        v: &mut [f32],
        grad: &[f32],
        out: &mut [f32],
    ) {
        let (scale, eps) = scale_and_eps;
        for ((out, v), &g) in out.iter_mut().zip(v).zip(grad) {
            *v = *v * decays.decay + decays.square_weight * g * g;
            *out = scale * g / (v.sqrt() + eps);
        }
    }
}

simd! {
    /// `scale` · g / (√(v − m²) + ε).
    fn by_deviation(
        decays: Decays,
        scale_and_eps: (f32, f32),
        moments: (&mut [f32], &mut [f32]),
        grad: &[f32],
        out: &mut [f32],
    ) {
        let ((scale, eps), (v, m)) = (scale_and_eps, moments);
        for (((out, v), m), &g) in out.iter_mut().zip(v).zip(m).zip(grad) {
            *v = *v * decays.decay + decays.square_weight * g * g;
            let d = g - *m;
            *m = if decays.near { *m + decays.weight * d } else { g - d * decays.rest };
            *out = scale * g / ((*v - *m * *m).sqrt() + eps);
        }
    }
}

simd! {
    fn accumulate(sum: &mut [f32], momentum: f32, weight: f32, x: &[f32]) {
        for (sum, x) in sum.iter_mut().zip(x) {
            *sum = *sum * momentum + weight * x;
        }
    }
}

simd! {
    fn look_ahead(grad: &[f32], momentum: f32, sum: &[f32], out: &mut [f32]) {
        for ((out, g), sum) in out.iter_mut().zip(grad).zip(sum) {
            *out = g + momentum * sum;
        }
    }
}

simd! {
    fn descend(param: &mut [f32], size: f32, direction: &[f32]) {
        for (p, d) in param.iter_mut().zip(direction) {
            *p -= size * d;
        }
    }
}

simd! {
    /// [`super::average`] of one piece: the average is its parameter.
    pub(super) fn average(piece: Piece<'_>, decay: f64) {
        let Decays { near, weight, rest, .. } = decays(decay);
        for (e, &p) in piece.param.iter_mut().zip(piece.grad) {
            let d = p - *e;
            *e = if near { *e + weight * d } else { p - d * rest };
        }
    }
}

simd! {
    pub(super) fn clamp(piece: Piece<'_>, limit: f32) {
        for p in piece.param {
            let x = if *p > limit { limit } else { *p };
            *p = if x < -limit { -limit } else { x };
        }
    }
}

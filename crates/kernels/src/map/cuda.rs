//! The GPU's side: launches.

use super::{Binary, Unary};
use crate::cuda::{BLOCK, Launch, Module, args};
use crate::device::Cuda;
use crate::strides::{EACH, Strides, assert_f32, count, start};
use crate::walk::Walk;
use crate::{Buffer, Layout, View};

static MODULE: Module = Module::new(
    "map",
    &[(75, include_str!("../../../../kernels/map.75.ptx"))],
);

/// Enough threads of [`EACH`] elements.
fn fours(out: &Layout) -> Launch {
    Launch::flat(count(out.len()).div_ceil(BLOCK * EACH))
}

#[allow(unsafe_code)]
pub(super) fn unary(cuda: Cuda, op: Unary, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    assert_f32("map", out);
    let walk = Walk::new([out_layout, &x.layout]);
    let places = Strides::new(walk.axes().map(|(size, [_, x])| (size, [x])));
    let quads = u32::from(places.quads([x.layout.offset()]));
    let (to, from, len) = (out.ptr(), start(x), count(out_layout.len()));
    let (number, c) = code(op);
    // SAFETY: each writes the first `len` elements of `out`, which is dense, and reads where
    // the view's layout says, which lies in its buffer.
    unsafe {
        match number {
            Some(op) => {
                let args = args![to, from, places, len, quads, op, c];
                MODULE.launch(cuda, "map_unary", fours(out_layout), args);
            }
            None => {
                let launch = Launch::flat(len.div_ceil(BLOCK));
                MODULE.launch(cuda, "map_pow", launch, args![to, from, places, len, c]);
            }
        }
    }
}

#[allow(unsafe_code)]
pub(super) fn binary(
    cuda: Cuda,
    op: Binary,
    [a, b]: [View<'_>; 2],
    out: &mut Buffer,
    out_layout: &Layout,
) {
    assert_f32("map", out);
    let walk = Walk::new([out_layout, &a.layout, &b.layout]);
    let places = Strides::new(walk.axes().map(|(size, [_, a, b])| (size, [a, b])));
    let quads = u32::from(places.quads([a.layout.offset(), b.layout.offset()]));
    let (to, a, b, len) = (out.ptr(), start(a), start(b), count(out_layout.len()));
    let (op, c) = binary_code(op);
    let args = args![to, a, b, places, len, quads, op, c];
    // SAFETY: as in `unary`.
    unsafe { MODULE.launch(cuda, "map_binary", fours(out_layout), args) };
}

/// The number of a function in map.cu, and its constant. A power that is not a small
/// integer has a kernel of its own.
fn code(op: Unary) -> (Option<u32>, f32) {
    let (number, c) = match op {
        Unary::Neg => (0, 0.0),
        Unary::Exp => (1, 0.0),
        Unary::Ln => (2, 0.0),
        Unary::Sqrt => (3, 0.0),
        Unary::Recip => (4, 0.0),
        Unary::Abs => (5, 0.0),
        Unary::Sign => (6, 0.0),
        Unary::Tanh => (7, 0.0),
        Unary::Sigmoid => (8, 0.0),
        Unary::Softplus => (9, 0.0),
        Unary::Relu => (10, 0.0),
        Unary::LeakyRelu(slope) => (11, slope),
        Unary::Square => (12, 0.0),
        Unary::Scale(c) => (13, c),
        Unary::Shift(c) => (14, c),
        // The small powers are what the CPU takes them for.
        Unary::Pow(1.0) => (15, 0.0),
        Unary::Pow(2.0) => (12, 0.0),
        Unary::Pow(3.0) => (16, 0.0),
        Unary::Pow(-1.0) => (4, 0.0),
        Unary::Pow(p) => return (None, p as f32),
        Unary::ClampMin(c) => (17, c),
        Unary::Step => (18, 0.0),
        Unary::Div(c) => (19, c),
        Unary::Ln1p => (20, 0.0),
    };
    (Some(number), c as f32)
}

fn binary_code(op: Binary) -> (u32, f32) {
    match op {
        Binary::Add => (0, 0.0),
        Binary::Sub => (1, 0.0),
        Binary::Mul => (2, 0.0),
        Binary::Div => (3, 0.0),
        Binary::Equal => (4, 0.0),
        Binary::Maximum => (5, 0.0),
        Binary::ReluGrad => (6, 0.0),
        Binary::LeakyReluGrad(slope) => (7, slope as f32),
        Binary::TanhGrad => (8, 0.0),
        Binary::SigmoidGrad => (9, 0.0),
        Binary::ClampMinGrad(c) => (10, c as f32),
    }
}

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
    let one_each = Launch::flat(len.div_ceil(BLOCK));
    // SAFETY: each writes the first `len` elements of `out`, which is dense, and reads where
    // the view's layout says, which lies in its buffer.
    unsafe {
        match code(op) {
            Code::Of(op, c, d) => {
                let args = args![to, from, places, len, quads, op, c, d];
                MODULE.launch(cuda, "map_unary", fours(out_layout), args);
            }
            Code::Pow(p) => {
                MODULE.launch(cuda, "map_pow", one_each, args![to, from, places, len, p]);
            }
            Code::Sin(turn) => {
                MODULE.launch(
                    cuda,
                    "map_sin",
                    one_each,
                    args![to, from, places, len, turn],
                );
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
    let Some((op, c, d)) = binary_code(op) else {
        let launch = Launch::flat(len.div_ceil(BLOCK));
        // SAFETY: as in `unary`.
        unsafe { MODULE.launch(cuda, "map_powers", launch, args![to, a, b, places, len]) };
        return;
    };
    let args = args![to, a, b, places, len, quads, op, c, d];
    // SAFETY: as in `unary`.
    unsafe { MODULE.launch(cuda, "map_binary", fours(out_layout), args) };
}

#[allow(unsafe_code)]
pub(super) fn select(cuda: Cuda, operands: [View<'_>; 3], out: &mut Buffer, out_layout: &Layout) {
    assert_f32("map", out);
    let [condition, a, b] = operands.map(|x| x.layout);
    let walk = Walk::new([out_layout, &condition, &a, &b]);
    let axes = walk.axes();
    let places = Strides::new(axes.map(|(size, [_, condition, a, b])| (size, [condition, a, b])));
    let quads = u32::from(places.quads([condition, a, b].map(|x| x.offset())));
    let [condition, a, b] = operands.map(start);
    let (to, len) = (out.ptr(), count(out_layout.len()));
    let args = args![to, condition, a, b, places, len, quads];
    // SAFETY: as in `unary`.
    unsafe { MODULE.launch(cuda, "map_select", fours(out_layout), args) };
}

/// What map.cu calls a function of one element.
enum Code {
    /// Its number, and its constants.
    Of(u32, f32, f32),
    /// A power that is not a small integer: a kernel of its own.
    Pow(f32),
    /// The sine of as many quarter turns more: a kernel of its own.
    Sin(u32),
}

fn code(op: Unary) -> Code {
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
        Unary::Pow(p) => return Code::Pow(p as f32),
        Unary::ClampMin(c) => (17, c),
        Unary::Step => (18, 0.0),
        Unary::Div(c) => (19, c),
        Unary::Ln1p => (20, 0.0),
        Unary::Elu(alpha) => (21, alpha),
        Unary::Clip(low, high) => return Code::Of(22, low as f32, high as f32),
        Unary::Floor => (23, 0.0),
        Unary::Ceil => (24, 0.0),
        Unary::Round => (25, 0.0),
        Unary::Erf => (26, 0.0),
        Unary::Sin => return Code::Sin(0),
        Unary::Cos => return Code::Sin(1),
    };
    Code::Of(number, c as f32, 0.0)
}

/// The same for two operands; `None` for a power, which has a kernel of its own.
fn binary_code(op: Binary) -> Option<(u32, f32, f32)> {
    let (number, c, d) = match op {
        Binary::Add => (0, 0.0, 0.0),
        Binary::Sub => (1, 0.0, 0.0),
        Binary::Mul => (2, 0.0, 0.0),
        Binary::Div => (3, 0.0, 0.0),
        Binary::Equal => (4, 0.0, 0.0),
        Binary::Maximum => (5, 0.0, 0.0),
        Binary::ReluGrad => (6, 0.0, 0.0),
        Binary::LeakyReluGrad(slope) => (7, slope, 0.0),
        Binary::TanhGrad => (8, 0.0, 0.0),
        Binary::SigmoidGrad => (9, 0.0, 0.0),
        Binary::ClampMinGrad(c) => (10, c, 0.0),
        Binary::NotEqual => (11, 0.0, 0.0),
        Binary::Less => (12, 0.0, 0.0),
        Binary::LessEqual => (13, 0.0, 0.0),
        Binary::Minimum => (14, 0.0, 0.0),
        Binary::EluGrad(alpha) => (15, alpha, 0.0),
        Binary::ClipGrad(low, high) => (16, low, high),
        Binary::Pow => return None,
    };
    Some((number, c as f32, d as f32))
}

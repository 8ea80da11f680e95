//! Cases of the family `map`.

use super::{Case, Dice, Run, extent, numbers, poisoned};
use crate::map::{self, Binary, Unary};
use crate::{Layout, View};

/// Every function, with every power that has a loop of its own.
pub(crate) const UNARY: [Unary; 32] = [
    Unary::Neg,
    Unary::Exp,
    Unary::Ln,
    Unary::Ln1p,
    Unary::Sqrt,
    Unary::Recip,
    Unary::Abs,
    Unary::Sign,
    Unary::Tanh,
    Unary::Sigmoid,
    Unary::Softplus,
    Unary::Relu,
    Unary::LeakyRelu(0.2),
    Unary::Square,
    Unary::Scale(-1.7),
    Unary::Div(13.0),
    Unary::Shift(0.3),
    Unary::Pow(1.0),
    Unary::Pow(2.0),
    Unary::Pow(3.0),
    Unary::Pow(-1.0),
    Unary::Pow(0.3),
    Unary::ClampMin(-0.25),
    Unary::Step,
    Unary::Elu(0.7),
    Unary::Clip(-0.25, 0.4),
    Unary::Floor,
    Unary::Ceil,
    Unary::Round,
    Unary::Sin,
    Unary::Cos,
    Unary::Erf,
];

/// Every function.
pub(crate) const BINARY: [Binary; 18] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Equal,
    Binary::Maximum,
    Binary::ReluGrad,
    Binary::LeakyReluGrad(0.2),
    Binary::TanhGrad,
    Binary::SigmoidGrad,
    Binary::ClampMinGrad(0.1),
    Binary::NotEqual,
    Binary::Less,
    Binary::LessEqual,
    Binary::Minimum,
    Binary::Pow,
    Binary::EluGrad(0.7),
    Binary::ClipGrad(-0.25, 0.4),
];

/// Zeros, denormals, where functions saturate, and what is not a number.
const SPECIAL: [f32; 22] = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    1e-40,
    f32::MIN_POSITIVE,
    0.1,
    0.2,
    0.624_999_9,
    0.625,
    1.0,
    -1.0,
    9.1,
    -17.5,
    88.9,
    -103.9,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    -0.25,
];

/// The layouts of an output and `N` operands, and what is special about them.
type Layouts<const N: usize> = (&'static str, Layout, [Layout; N]);

pub(super) fn cases() -> Vec<Case> {
    let unary = UNARY.into_iter().flat_map(unary_cases);
    let binary = BINARY.into_iter().flat_map(binary_cases);
    unary.chain(binary).chain(place_cases()).collect()
}

/// A power that is no small integer is the library's, on either side.
fn is_exact(op: Unary) -> bool {
    op != Unary::Pow(0.3)
}

fn unary_cases(op: Unary) -> Vec<Case> {
    let mut dice = Dice(31);
    let flat = Layout::contiguous(&[3000]);
    // Away from where the result, or its rounding, is a matter of taste.
    let defined = numbers(&mut dice, flat.len());
    let defined = defined.iter().map(|x| 4.0 * x).map(|x| match op {
        Unary::Ln | Unary::Ln1p | Unary::Sqrt | Unary::Pow(_) => x.abs() + 0.01,
        _ => x,
    });
    let close = Case::close(
        format!("map {op:?}"),
        if is_exact(op) { 3e-7 } else { 2e-6 },
        vec![defined.collect()],
        unary(op, flat, flat),
    );
    if !is_exact(op) {
        return vec![close];
    }
    let any: Vec<f32> = SPECIAL
        .into_iter()
        .chain(numbers(&mut dice, 1005).iter().map(|x| 20.0 * x))
        .collect();
    let flat = Layout::contiguous(&[any.len()]);
    let exact = Case::exact(
        format!("map {op:?}, to the bit"),
        vec![any],
        unary(op, flat, flat),
    );
    vec![close, exact]
}

fn binary_cases(op: Binary) -> Vec<Case> {
    let mut dice = Dice(32);
    let flat = Layout::contiguous(&[3000]);
    let inputs = |dice: &mut Dice| {
        let mut a = numbers(dice, 3000);
        if op == Binary::Pow {
            a.iter_mut().for_each(|a| *a = a.abs() + 0.01);
        }
        vec![a, numbers(dice, 3000)]
    };
    let close = Case::close(
        format!("map {op:?}"),
        if op == Binary::Pow { 2e-6 } else { 3e-7 },
        inputs(&mut dice),
        binary(op, flat, [flat, flat]),
    );
    if op == Binary::Pow {
        return vec![close];
    }
    // Every special number beside every other.
    let n = SPECIAL.len();
    let square = Layout::contiguous(&[n, n]);
    let rows = Layout::contiguous(&[n, 1]).expand(&[n, n]);
    let columns = Layout::contiguous(&[1, n]).expand(&[n, n]);
    let exact = Case::exact(
        format!("map {op:?}, to the bit"),
        vec![SPECIAL.to_vec(), SPECIAL.to_vec()],
        binary(op, square, [rows, columns]),
    );
    vec![close, exact]
}

/// Every way to lie, with functions that are cheap.
fn place_cases() -> Vec<Case> {
    let mut dice = Dice(33);
    let mut all = Vec::new();
    for (what, out, [x]) in one_operand(&mut dice) {
        for op in [Unary::Scale(-1.7), Unary::Pow(0.3)] {
            let input: Vec<f32> = numbers(&mut dice, extent(&x));
            let input = input.iter().map(|x| x.abs() + 0.1).collect();
            let (name, f) = (format!("map {op:?}, {what}"), unary(op, out, x));
            all.push(match is_exact(op) {
                true => Case::exact(name, vec![input], f),
                false => Case::close(name, 2e-6, vec![input], f),
            });
        }
    }
    for (what, out, [a, b]) in two_operands(&mut dice) {
        let inputs = [a, b].map(|layout| numbers(&mut dice, extent(&layout)));
        all.push(Case::exact(
            format!("map Sub, {what}"),
            inputs.to_vec(),
            binary(Binary::Sub, out, [a, b]),
        ));
        // The condition lies like one of the two, and is 0 in places.
        for turn in 0..2 {
            let layouts = [[a, b, a], [b, a, b]][turn];
            let mut inputs = layouts.map(|layout| numbers(&mut dice, extent(&layout)));
            inputs[0].iter_mut().step_by(3).for_each(|x| *x = 0.0);
            all.push(Case::exact(
                format!("map select {turn}, {what}"),
                inputs.to_vec(),
                select(out, layouts),
            ));
        }
    }
    all
}

fn one_operand(dice: &mut Dice) -> Vec<Layouts<1>> {
    let image = Layout::channels_last(&[3, 8, 5, 7]);
    let rows = Layout::contiguous(image.shape());
    let odd = Layout::contiguous(&[7, 11, 15]);
    let kept = |shape: &[usize]| Layout::contiguous(shape).expand(image.shape());
    let six = [2, 3, 2, 2, 3, 5];
    let one = Layout::contiguous(&[]);
    vec![
        ("images in one order", image, [image]),
        ("images in two orders", image, [rows]),
        ("an odd number of elements", odd, [odd]),
        ("one element", one, [one]),
        ("rank 6", dice.dense(&six), [dice.part(&six)]),
        ("rank 6, repeated", dice.dense(&six), [dice.layout(&six)]),
        ("a row repeated", image, [kept(&[1, 8, 1, 1])]),
        ("a number repeated", image, [kept(&[1, 1, 1, 1])]),
        (
            "from an odd place",
            odd,
            [Layout::contiguous(&[8, 11, 15]).slice(0, 1, 7)],
        ),
        (
            "from an even place",
            Layout::contiguous(&[40, 8]),
            [Layout::contiguous(&[41, 24])
                .slice(0, 1, 40)
                .slice(1, 12, 8)],
        ),
        (
            "every other column",
            Layout::contiguous(&[600, 3]),
            [Layout::strided(&[600, 3], &[6, 2], 1)],
        ),
    ]
}

fn two_operands(dice: &mut Dice) -> Vec<Layouts<2>> {
    let image = Layout::channels_last(&[3, 8, 5, 17]);
    let odd = Layout::channels_last(&[3, 5, 9, 11]);
    let rows = Layout::contiguous(image.shape());
    let kept = |to: Layout, shape: &[usize]| Layout::contiguous(shape).expand(to.shape());
    let six = [3, 2, 1, 3, 2, 5];
    let one = Layout::contiguous(&[1, 1]);
    let matrix = Layout::contiguous(&[33, 65]);
    let turned = Layout::contiguous(&[65, 33]).permute(&[1, 0]);
    vec![
        ("images in one order", image, [image, image]),
        ("a bias", image, [image, kept(image, &[1, 8, 1, 1])]),
        ("a bias first", image, [kept(image, &[1, 8, 1, 1]), image]),
        ("a bias of odd length", odd, [odd, kept(odd, &[1, 5, 1, 1])]),
        (
            "a number for each image",
            odd,
            [odd, kept(odd, &[3, 1, 1, 1])],
        ),
        ("a plane", image, [image, kept(image, &[1, 1, 5, 17])]),
        ("a number", odd, [odd, kept(odd, &[1, 1, 1, 1])]),
        ("two numbers", odd, [kept(odd, &[1, 1, 1, 1]); 2]),
        ("an odd number of elements", odd, [odd, odd]),
        ("images in two orders", image, [image, rows]),
        ("one element", one, [one, one]),
        ("a transpose", matrix, [matrix, turned]),
        (
            "rank 6",
            dice.dense(&six),
            [dice.layout(&six), dice.part(&six)],
        ),
        (
            "rank 6, repeated",
            dice.dense(&six),
            [dice.part(&[3, 1, 1, 3, 1, 5]).expand(&six), dice.part(&six)],
        ),
    ]
}

fn unary(op: Unary, out_layout: Layout, layout: Layout) -> impl Run {
    move |x| {
        let mut out = poisoned(&x[0], out_layout.len());
        let view = View {
            buffer: &x[0],
            layout,
        };
        map::unary(op, view, &mut out, &out_layout);
        vec![out]
    }
}

fn binary(op: Binary, out_layout: Layout, layouts: [Layout; 2]) -> impl Run {
    move |x| {
        let mut out = poisoned(&x[0], out_layout.len());
        let view = |k: usize| View {
            buffer: &x[k],
            layout: layouts[k],
        };
        map::binary(op, view(0), view(1), &mut out, &out_layout);
        vec![out]
    }
}

fn select(out_layout: Layout, layouts: [Layout; 3]) -> impl Run {
    move |x| {
        let mut out = poisoned(&x[0], out_layout.len());
        let view = |k: usize| View {
            buffer: &x[k],
            layout: layouts[k],
        };
        map::select([view(0), view(1), view(2)], &mut out, &out_layout);
        vec![out]
    }
}

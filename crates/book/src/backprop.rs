//! What `02-backprop.md` computes.

use crate::plot::{Chart, Ink, Line};
use crate::text::{fixed, short, table};
use crate::{Lang, Piece};
use detach::nn::{Initialiser, count};
use detach::prelude::*;
use detach::recipes::nets::mlp::generator;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "backprop-nudge",
        make: nudge,
    },
    Piece {
        name: "backprop-weights",
        make: weights,
    },
    Piece {
        name: "backprop-walk",
        make: walk,
    },
    Piece {
        name: "backprop-descent",
        make: descent,
    },
    Piece {
        name: "backprop-differences",
        make: differences,
    },
    Piece {
        name: "backprop-best",
        make: best,
    },
];

fn variable(value: f64) -> Tensor {
    Tensor::variable(Array::from_slice(&[value], &[]))
}

/// Slopes of the product and of its square at (3, 4), by moving x.
fn nudge(lang: Lang) -> String {
    let slopes = |h: f64| {
        let slope = |f: fn(f64) -> f64| (f(3.0 + h) - f(3.0)) / h;
        [slope(|x| x * 4.0), slope(|x| (x * 4.0) * (x * 4.0))]
    };
    let row = |(h, decimals): (f64, usize)| {
        let [product, square] = slopes(h);
        vec![fixed(h, decimals), fixed(product, 3), fixed(square, 3)]
    };
    let head = [
        lang.of("x moved by", "x 移动"),
        lang.of("slope of z", "z 的斜率"),
        lang.of("slope of z²", "z² 的斜率"),
    ];
    let steps = [(1.0, 0), (0.1, 1), (0.01, 2), (0.001, 3)];
    table(&head, steps.map(row))
}

/// How many weights the generator of `mlp` has.
fn weights(lang: Lang) -> String {
    let widths = [128, 256, 512, 1024];
    let net = generator(100, &widths, Some(0.8), &Initialiser::zeros(DType::F32));
    let weights = count(&net) as f64;
    match lang {
        Lang::En => format!("{} million", fixed(weights / 1e6, 2)),
        Lang::Zh => format!("{} 万", fixed(weights / 1e4, 0)),
    }
}

/// The walk over b = xy + x, loss = xy · b, node by node.
fn walk(lang: Lang) -> String {
    let (x, y) = (variable(3.0), variable(4.0));
    let a = &x * &y;
    let b = &a + &x;
    let loss = &a * &b;
    let nodes = [&loss, &b, &a, &y, &x];
    let gradients = grad(&loss, &nodes, false);
    let [to_loss, to_b, to_a] = [0, 1, 2].map(|i: usize| gradients[i].item());
    let (a_of_loss, b_of_loss) = (to_loss * b.item(), to_loss * a.item());
    let of = |name: &str, part: f64| format!("{name} {part}");
    let (gives, nothing) = (", ", lang.of("a leaf: nothing", "叶子：无"));
    let answers = [
        [of("a", a_of_loss), of("b", b_of_loss)].join(gives),
        [of("a", to_b), of("x", to_b)].join(gives),
        [of("x", to_a * y.item()), of("y", to_a * x.item())].join(gives),
        nothing.to_owned(),
        nothing.to_owned(),
    ];
    // What has arrived at x is what two of the answers gave it.
    assert_eq!(gradients[4].item(), to_b + to_a * y.item());
    assert_eq!(to_a, a_of_loss + to_b);
    let names = ["loss = a · b", "b = a + x", "a = x · y", "y", "x"];
    let rows = (0..5).map(|i| {
        let values = [nodes[i].item(), gradients[i].item()].map(|v| v.to_string());
        let [value, upstream] = values;
        vec![names[i].to_owned(), value, upstream, answers[i].clone()]
    });
    let head = [
        lang.of("node", "节点"),
        lang.of("value", "值"),
        lang.of("its gradient, all parts added", "它的梯度（各部分之和）"),
        lang.of("its rule passes on", "它的规则传给"),
    ];
    table(&head, rows)
}

/// Twenty steps down the gradient of a neuron's loss.
fn descent(lang: Lang) -> String {
    let mut w = 0.0;
    let mut points = Vec::new();
    for step in 0..=20 {
        let weight = variable(w);
        let loss = (&weight * 3.0 - 6.0).square();
        points.push([f64::from(step), loss.item()]);
        w -= 0.02 * grad(&loss, &[&weight], false)[0].item();
    }
    let alt = lang.of(
        "The loss falls by the same factor in every step, from 36 to less than a millionth.",
        "损失每步乘以同一个因子，从 36 降到百万分之一以下。",
    );
    Chart::new(alt)
        .x(lang.of("step", "步"))
        .y(lang.of("loss", "损失"))
        .log_y()
        .line(Line::new("(3w − 6)²", Ink::Run(1), points).dots())
        .svg()
}

type Difference = fn(&dyn Fn(f64) -> f64, f64) -> f64;

const RULES: [(&str, &str, Difference); 3] = [
    ("one side", "一侧", |f, h| (f(h) - f(0.0)) / h),
    ("both sides", "两侧", |f, h| (f(h) - f(-h)) / (2.0 * h)),
    ("five points", "五点", |f, h| {
        (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
    }),
];

/// How far a difference of 1/(1 + x²) at 0.3 with a step of 2 to the power of `-exponent` is off. It takes sums, products
/// and quotients alone, which are the same on every machine.
fn error(rule: Difference, exponent: u32) -> f64 {
    let x = 0.3_f64;
    let square = 1.0 + x * x;
    let slope = -2.0 * x / (square * square);
    let f = |h: f64| 1.0 / (1.0 + (x + h) * (x + h));
    (rule(&f, step(exponent)) - slope).abs()
}

fn step(exponent: u32) -> f64 {
    1.0 / (1_u64 << exponent) as f64
}

fn differences(lang: Lang) -> String {
    let alt = lang.of(
        "The error of three finite differences against their step: each falls with the step and then rises, where rounding takes over.",
        "三种有限差分的误差随步长的变化：先随步长减小而下降，随后因舍入而上升。",
    );
    let mut chart = Chart::new(alt)
        .x(lang.of("step h", "步长 h"))
        .y(lang.of("error of the slope", "斜率的误差"))
        .log_x()
        .log_y();
    for (i, (en, zh, rule)) in (1..).zip(RULES) {
        // An error of 0 by luck has no logarithm.
        let point = |exponent| [step(exponent), error(rule, exponent).max(1e-16)];
        let points = (3..=40).rev().map(point).collect();
        chart = chart.line(Line::new(lang.of(en, zh), Ink::Run(i), points));
    }
    chart.svg()
}

/// The errors at four steps.
fn best(lang: Lang) -> String {
    const EXPONENTS: [u32; 4] = [7, 10, 20, 30];
    let row = |(en, zh, rule): (&str, &str, Difference)| {
        let at = EXPONENTS.map(|exponent| short(error(rule, exponent), 2));
        [vec![lang.of(en, zh).to_owned()], at.into()].concat()
    };
    let heads = EXPONENTS.map(|exponent| format!("h = {}", short(step(exponent), 2)));
    let [a, b, c, d] = heads.each_ref().map(String::as_str);
    let head = [lang.of("difference of", "差分"), a, b, c, d];
    table(&head, RULES.map(row))
}

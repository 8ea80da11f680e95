//! What `04-convolutions.md` computes.

use crate::plot::Heat;
use crate::text::{fixed, table};
use crate::{Lang, Piece};
use detach::nn::loss::bce_with_logits;
use detach::nn::{Initialiser, Scheme, gradients};
use detach::prelude::*;
use detach::recipes::nets::dcgan::{Size, light_discriminator, light_generator};
use detach::tensor::profile::{Event, record};

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "conv-rules",
        make: rules,
    },
    Piece {
        name: "conv-turns",
        make: turns,
    },
    Piece {
        name: "conv-products",
        make: products,
    },
    Piece {
        name: "conv-sizes",
        make: sizes,
    },
    Piece {
        name: "conv-overlap-3",
        make: overlap_3,
    },
    Piece {
        name: "conv-overlap-4",
        make: overlap_4,
    },
];

/// The three, as the engine names them, and as the page does.
const OPS: [(&str, &str); 3] = [
    ("conv fprop", "fprop"),
    ("conv dgrad", "dgrad"),
    ("conv wgrad", "wgrad"),
];

fn variable(draw: u64, shape: &[usize]) -> Tensor {
    let normal = Random::new(1, Stream::Noise)
        .at(draw)
        .normal(shape, DType::F64);
    Tensor::variable(normal.value().clone())
}

/// The one convolution that `f` applies.
///
/// # Panics
/// When it applies none, or several.
fn the_one<R>(f: impl FnOnce() -> R) -> &'static str {
    let (_, events) = record(f);
    let names = OPS
        .iter()
        .filter(|(op, _)| events.iter().any(|event| event.op == *op));
    let names: Vec<&str> = names.map(|(_, name)| *name).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0]
}

/// Which op the derivative of each is, by each of its arguments: as it was seen to be applied.
fn rules(lang: Lang) -> String {
    let (x, w) = (variable(1, &[2, 3, 6, 6]), variable(2, &[4, 3, 4, 4]));
    let dy = variable(3, &[2, 4, 3, 3]);
    let y = x.conv2d(&w, [2; 2], [1; 2]);
    let both = vjp(&y, &dy, &[&x, &w], true);
    // Each with its arguments, of which the first is an image.
    let ops = [
        ("fprop(x, w)", &y, [&x, &w]),
        ("dgrad(y, w)", &both[0], [&dy, &w]),
        ("wgrad(x, y)", &both[1], [&x, &dy]),
    ];
    let row = |(name, of, arguments): (&str, &Tensor, [&Tensor; 2])| {
        let upstream = variable(4, of.shape());
        let by = |wrt: &Tensor| the_one(|| vjp(of, &upstream, &[wrt], false));
        let cells = arguments.map(|wrt| by(wrt).to_owned());
        [vec![name.to_owned()], cells.into()].concat()
    };
    let head = [
        lang.of("op", "运算"),
        lang.of("derivative by the first", "对第一个参数的导数"),
        lang.of("by the second", "对第二个"),
    ];
    table(&head, ops.map(row))
}

/// Products that an event of a convolution sums, for each sample of the batch.
fn products_of(event: &Event) -> usize {
    let [small, weight] = match event.op {
        "conv fprop" => [2, 1],
        "conv dgrad" => [0, 1],
        _ => [1, 2],
    };
    let [small, weight] = [small, weight].map(|i: usize| &event.operands[i].shape);
    // Each pixel of the small image meets a whole kernel of its output channel.
    let pixels = small[2] * small[3];
    pixels * weight.iter().product::<usize>()
}

/// The events of `dcgan-light`'s networks, part by part: forward and backward, D's turn and G's.
fn parts() -> Vec<(&'static str, &'static str, Vec<Event>)> {
    let random = Random::new(1, Stream::Init);
    let init = Initialiser::new(Scheme::PyTorch, random, DType::F32);
    let size = Size {
        latent: 100,
        width: 64,
        batch_norm: true,
    };
    let (g, d) = (
        light_generator(1, size, &init),
        light_discriminator(1, 64, true, &init),
    );
    let random = Random::new(1, Stream::Noise);
    let z = random.at(1).normal(&[2, 100], DType::F32);
    let real = random.at(2).normal(&[2, 1, 28, 28], DType::F32);
    let mode = Mode::batch_stats();
    let (fake, made) = record(|| g.forward(&z, mode));
    let (d_loss, judged) = record(|| {
        let on_real = bce_with_logits(&d.forward(&real, mode), 1.0);
        on_real + bce_with_logits(&d.forward(&fake.detach(), mode), 0.0)
    });
    let (_, d_back) = record(|| gradients(&d_loss, &d));
    // Its loop draws fresh noise for G's turn.
    let other = random.at(3).normal(&[2, 100], DType::F32);
    let (g_loss, asked) = record(|| {
        let fake = g.forward(&other, mode);
        bce_with_logits(&d.forward(&fake, mode), 1.0)
    });
    let (_, g_back) = record(|| gradients(&g_loss, &g));
    vec![
        ("D's turn: G makes fakes", "D 的回合：G 生成假样本", made),
        (
            "D's turn, forward: reals and fakes",
            "D 的回合，前向：真与假",
            judged,
        ),
        ("D's turn, backward", "D 的回合，反向", d_back),
        (
            "G's turn, forward: other fakes, and D",
            "G 的回合，前向：另一批假样本，再过 D",
            asked,
        ),
        (
            "G's turn, backward through D and G",
            "G 的回合，反向穿过 D 与 G",
            g_back,
        ),
    ]
}

/// How often each op runs in a step.
fn turns(lang: Lang) -> String {
    let row = |(en, zh, events): (&str, &str, Vec<Event>)| {
        let times = |(op, _): (&str, &str)| {
            let applied = events.iter().filter(|event| event.op == op);
            applied.count().to_string()
        };
        [vec![lang.of(en, zh).to_owned()], OPS.map(times).into()].concat()
    };
    let head = [
        lang.of("part of a step", "一步的一部分"),
        "fprop",
        "dgrad",
        "wgrad",
    ];
    table(&head, parts().into_iter().map(row))
}

/// Products an image of D's three layers, in whichever op.
fn products(lang: Lang) -> String {
    let parts = parts();
    let of = |op: &str, shape: &[usize]| {
        let events = parts.iter().flat_map(|(_, _, events)| events);
        let mut found = events.filter(|event| event.op == op).filter(|event| {
            let weight = if op == "conv wgrad" { 2 } else { 1 };
            event.operands[weight].shape == shape
        });
        let event = found.next().expect("each layer of D in each op");
        products_of(event) as f64
    };
    let layers = [
        ("conv 1 → 64, 4 × 4", [64, 1, 4, 4]),
        ("conv 64 → 128, 4 × 4", [128, 64, 4, 4]),
        ("conv 128 → 1, 7 × 7", [1, 128, 7, 7]),
    ];
    let row = |(name, shape): (&str, [usize; 4])| {
        let all = OPS.map(|(op, _)| fixed(of(op, &shape), 0));
        [vec![name.to_owned()], all.into()].concat()
    };
    let head = [lang.of("layer of D", "D 的层"), "fprop", "dgrad", "wgrad"];
    table(&head, layers.map(row))
}

/// Sizes on both sides of a convolution with stride 2 and padding 1.
fn sizes(lang: Lang) -> String {
    let image = |side: usize| Tensor::constant(Array::zeros(&[1, 1, side, side], DType::F32));
    let cells = |big: usize, kernel: usize| {
        let weight = image(kernel);
        let small = image(big).conv2d(&weight, [2; 2], [1; 2]).shape()[2];
        let back = |extra: usize| {
            let back = image(small).conv_transpose2d(&weight, [2; 2], [1; 2], [extra; 2]);
            back.shape()[2]
        };
        let extra = (0..2).find(|extra| back(*extra) == big);
        let extra = extra.expect("one of the sizes below the stride");
        [small.to_string(), back(0).to_string(), extra.to_string()]
    };
    let rows = [27, 28, 29, 30].map(|big| {
        let [three, four] = [3, 4].map(|kernel| cells(big, kernel));
        [vec![big.to_string()], three.into(), four.into()].concat()
    });
    let head = match lang {
        Lang::En => [
            "big side",
            "3 × 3: small side",
            "back",
            "output_padding",
            "4 × 4: small side",
            "back",
            "output_padding",
        ],
        Lang::Zh => [
            "大图边长",
            "3 × 3：小图边长",
            "还原",
            "output_padding",
            "4 × 4：小图边长",
            "还原",
            "output_padding",
        ],
    };
    table(&head, rows)
}

/// How many taps reach each pixel of the big image from four by four small ones.
fn overlap(alt: &str, kernel: usize, padding: usize) -> String {
    let ones = |side: usize| Tensor::constant(Array::full(1.0, &[1, 1, side, side], DType::F64));
    let counts = ones(4).conv_transpose2d(&ones(kernel), [2; 2], [padding; 2], [0; 2]);
    let side = counts.shape()[2];
    let rows = counts.to_vec::<f64>();
    let heat = rows
        .chunks(side)
        .fold(Heat::new(alt), |heat, row| heat.row("", row));
    heat.numbers(0).svg()
}

fn overlap_3(lang: Lang) -> String {
    let alt = lang.of(
        "A 3 × 3 kernel with stride 2: pixels are reached by 1, 2 or 4 taps, in the pattern of a checkerboard.",
        "步幅 2 的 3 × 3 核：像素分别被 1、2 或 4 个权重触及，呈棋盘状。",
    );
    overlap(alt, 3, 0)
}

fn overlap_4(lang: Lang) -> String {
    let alt = lang.of(
        "A 4 × 4 kernel with stride 2: every pixel but those at the border is reached by 4 taps.",
        "步幅 2 的 4 × 4 核：除边缘外，每个像素都被 4 个权重触及。",
    );
    overlap(alt, 4, 1)
}

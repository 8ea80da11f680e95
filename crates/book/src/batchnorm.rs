//! What `05-batchnorm.md` computes.

use crate::engine::refusal;
use crate::plot::{Chart, Ink, Line};
use crate::text::{fixed, short, table};
use crate::{Lang, Piece};
use detach::nn::{BatchNorm, Initialiser, Scheme};
use detach::prelude::*;
use detach::recipes::nets::mlp::generator;
use detach::tensor::ops::norm::batch_statistics;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "bn-scale",
        make: |_| fixed(deviation(1.0, 0.8), 3),
    },
    Piece {
        name: "bn-deviation",
        make: deviations,
    },
    Piece {
        name: "bn-generator",
        make: in_generator,
    },
    Piece {
        name: "bn-last",
        make: |_| fixed(through(0.8)[2][1], 3),
    },
    Piece {
        name: "bn-images",
        make: images,
    },
    Piece {
        name: "bn-momentum",
        make: momenta,
    },
    Piece {
        name: "bn-catching-up",
        make: catching_up,
    },
    Piece {
        name: "bn-alone",
        make: alone,
    },
];

/// The deviation that a layer with `eps` leaves of a channel of this variance.
fn deviation(variance: f64, eps: f64) -> f64 {
    let half = variance.sqrt();
    let x = Tensor::constant(Array::from_slice(&[-half, half], &[2, 1]));
    let layer = BatchNorm::new(1, &Initialiser::zeros(DType::F64)).eps(eps);
    layer.forward(&x, Mode::batch_stats()).to_vec::<f64>()[1]
}

fn deviations(lang: Lang) -> String {
    let alt = lang.of(
        "With eps 1e-5 every channel comes out with a deviation of 1; with eps 0.8 only channels of large variance do.",
        "eps 为 1e-5 时，每个通道输出的标准差都是 1；eps 为 0.8 时，只有方差大的通道如此。",
    );
    let variances = (-12..=12).map(|i| 10.0_f64.powf(f64::from(i) / 6.0));
    let line = |name: &str, ink, eps: f64| {
        let points = variances.clone().map(|v| [v, deviation(v, eps)]);
        Line::new(name, ink, points.collect())
    };
    Chart::new(alt)
        .x(lang.of("variance of the channel", "通道的方差"))
        .y(lang.of("deviation behind the layer", "层后的标准差"))
        .log_x()
        .up(0.0..1.1)
        .line(line("eps 1e-5", Ink::Run(1), 1e-5))
        .line(line("eps 0.8", Ink::Run(2), 0.8))
        .svg()
}

const WIDTHS: [usize; 4] = [128, 256, 512, 1024];

/// The generator of `mlp` with its first weights, and what gives a batch of noise.
fn fresh(eps: f64) -> (Sequential, impl Fn(u64) -> Tensor) {
    let random = Random::new(1, Stream::Init);
    let init = Initialiser::new(Scheme::PyTorch, random, DType::F32);
    let noise = Random::new(1, Stream::Noise);
    let batch = move |step: u64| noise.at(step).normal(&[64, 100], DType::F32);
    (generator(100, &WIDTHS, Some(eps), &init), batch)
}

/// Means over channels of what each normalisation of a fresh generator takes, a variance, and gives, a deviation.
fn through(eps: f64) -> Vec<[f64; 2]> {
    let (net, noise) = fresh(eps);
    let mut x = noise(0);
    let mut seen = Vec::new();
    for layer in net.layers() {
        let variances = |x: &Tensor| {
            let statistics = batch_statistics(x.value()).to_vec::<f64>();
            statistics[x.shape()[1]..].to_vec()
        };
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let y = layer.forward(&x, Mode::batch_stats());
        if layer.describe().starts_with("BatchNorm") {
            let deviations = variances(&y).into_iter().map(f64::sqrt).collect();
            seen.push([mean(variances(&x)), mean(deviations)]);
        }
        x = y;
    }
    seen
}

fn in_generator(lang: Lang) -> String {
    let (published, meant) = (through(0.8), through(1e-5));
    let rows = WIDTHS[1..].iter().zip(published.iter().zip(&meant));
    let row = |(width, (published, meant)): (&usize, (&[f64; 2], &[f64; 2]))| {
        let cells = [*published, *meant].concat();
        let cells = cells.into_iter().map(|value| fixed(value, 3));
        let name = format!("BatchNorm({width})");
        [vec![name], cells.collect()].concat()
    };
    let head = match lang {
        Lang::En => [
            "layer",
            "eps 0.8: variance in",
            "deviation out",
            "eps 1e-5: variance in",
            "deviation out",
        ],
        Lang::Zh => [
            "层",
            "eps 0.8：输入方差",
            "输出标准差",
            "eps 1e-5：输入方差",
            "输出标准差",
        ],
    };
    table(&head, rows.map(row))
}

/// How much the first images differ from each other, beside those of the meant eps.
fn images(lang: Lang) -> String {
    let spread = |eps: f64| {
        let (net, noise) = fresh(eps);
        let images = net.forward(&noise(0), Mode::batch_stats());
        let centred = &images - images.mean_axes(&[0]).expand(images.shape());
        centred.square().mean().item().sqrt()
    };
    let [published, meant] = [0.8, 1e-5].map(|eps| short(spread(eps), 2));
    match lang {
        Lang::En => format!("{published}, and {meant} with 1e-5"),
        Lang::Zh => format!("{published}，eps 为 1e-5 时是 {meant}"),
    }
}

/// How long the first values of running statistics are remembered.
fn momenta(lang: Lang) -> String {
    let rows = [
        ("momentum=0.1", "momentum=0.9", 0.1),
        ("momentum=0.2", "momentum=0.8", 0.2),
        ("momentum=0.01", "momentum=0.99", 0.01),
        ("momentum=0.8", "momentum=0.2", 0.8),
    ];
    let row = |(pytorch, keras, weight): (&str, &str, f64)| {
        // The running mean of batches whose mean is 0, from 1 on.
        let after = |batches: i32| (1.0 - weight).powi(batches);
        let forgotten = (1..).find(|batches| after(*batches) < 0.01);
        let names = [pytorch, keras].map(|name| format!("`{name}`"));
        let left = [
            short(after(10), 2),
            forgotten.map_or_else(String::new, |n| n.to_string()),
        ];
        [names, left].concat()
    };
    let head = match lang {
        Lang::En => [
            "PyTorch, and here",
            "Keras",
            "left of the first value after 10 batches",
            "batches until less than 1% is left",
        ],
        Lang::Zh => [
            "PyTorch 与本书",
            "Keras",
            "10 批之后初值还剩",
            "剩余不到 1% 所需批数",
        ],
    };
    table(&head, rows.map(row))
}

/// How far images in eval mode are from those of the batch's own statistics, against the batches that running
/// statistics have seen.
fn catching_up(lang: Lang) -> String {
    let (net, noise) = fresh(1e-5);
    let dropout = Random::new(1, Stream::Dropout);
    let norm = |x: &Tensor| x.square().sum().item().sqrt();
    let z = noise(0);
    let mut points = Vec::new();
    for seen in 0..=60 {
        let by_batch = net.forward(&z, Mode::batch_stats());
        let by_running = net.forward(&z, Mode::eval());
        let off = norm(&(by_running - &by_batch)) / norm(&by_batch);
        points.push([seen as f64, off]);
        let _ = net.forward(&noise(seen + 1), Mode::train(&dropout));
    }
    let alt = lang.of(
        "Images in eval mode come closer to those of training with every batch that the running statistics see, until about forty of them.",
        "运行统计量每多见一批，eval 模式的图像就更接近训练模式的图像，约四十批后不再变化。",
    );
    Chart::new(alt)
        .x(lang.of("batches seen", "见过的批数"))
        .y(lang.of("difference of images, relative", "图像的相对差"))
        .up(0.0..1.0)
        .line(Line::new("eval", Ink::G, points))
        .svg()
}

/// What a batch of one stops with.
fn alone(_: Lang) -> String {
    let layer = BatchNorm::new(256, &Initialiser::zeros(DType::F32));
    let one = Tensor::constant(Array::zeros(&[1, 256], DType::F32));
    refusal(|| layer.forward(&one, Mode::batch_stats()))
}

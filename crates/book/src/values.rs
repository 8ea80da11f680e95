//! What `index.md` and `01-values.md` compute.

use crate::engine::{GRAD, refusal};
use crate::text::table;
use crate::{Lang, Piece};
use detach::prelude::*;
use std::fmt::Write;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "index-time",
        make: time,
    },
    Piece {
        name: "values-views",
        make: views,
    },
    Piece {
        name: "values-broadcast",
        make: broadcast,
    },
    Piece {
        name: "values-memory",
        make: memory,
    },
    Piece {
        name: "values-types",
        make: types,
    },
    Piece {
        name: "values-debug",
        make: debug,
    },
];

/// How long the first three chapters and the engine's source take, by count.
fn time(lang: Lang) -> String {
    let chapters = [
        include_str!("../../../docs/book/en/01-values.md"),
        include_str!("../../../docs/book/en/02-backprop.md"),
        include_str!("../../../docs/book/en/03-grad.md"),
    ];
    let all = chapters.iter().chain([&GRAD]);
    let words: usize = all.map(|text| text.split_whitespace().count()).sum();
    let in_one = |text: &&str| text.lines().filter(|line| *line == "```rust").count();
    let snippets: usize = chapters.iter().map(in_one).sum();
    let minutes = words / 180 + 2 * snippets;
    match lang {
        Lang::En => format!("{words} words and {snippets} snippets: {minutes} minutes"),
        Lang::Zh => format!("{words} 个英文单词、{snippets} 段代码：{minutes} 分钟"),
    }
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::constant(Array::zeros(shape, DType::F64))
}

/// Shapes and strides of views.
fn views(lang: Lang) -> String {
    let (images, row) = (zeros(&[2, 3, 4, 5]), zeros(&[1, 5]));
    let made = lang.of("as it was made", "刚建好时");
    let rows = [
        (made, images.clone()),
        ("`x.t()`", images.t()),
        ("`x.permute(&[0, 2, 3, 1])`", images.permute(&[0, 2, 3, 1])),
        ("`x.slice(2, 1, 2)`", images.slice(2, 1, 2)),
        ("`row.expand(&[4, 5])`", row.expand(&[4, 5])),
    ];
    let head = match lang {
        Lang::En => [
            "view",
            "shape",
            "strides",
            "first element at",
            "elements",
            "numbers in memory",
        ],
        Lang::Zh => [
            "视图",
            "形状",
            "步幅",
            "第一个元素在",
            "元素个数",
            "内存里的数",
        ],
    };
    let row_of = |(name, view): (&str, Tensor)| {
        let (array, layout) = (view.value(), view.value().layout());
        assert!(array.shares_memory(images.value()) || array.shares_memory(row.value()));
        let numbers = array.memory_bytes() / size_of::<f64>();
        let lists = [layout.shape(), layout.strides()].map(|list| format!("`{list:?}`"));
        let counts = [layout.offset(), layout.len(), numbers].map(|n| n.to_string());
        [vec![name.to_owned()], lists.into(), counts.into()].concat()
    };
    table(&head, rows.map(row_of))
}

fn broadcast(_: Lang) -> String {
    refusal(|| zeros(&[64]) - zeros(&[64, 1]))
}

fn types(_: Lang) -> String {
    let single = Tensor::constant(Array::zeros(&[64], DType::F32));
    refusal(|| single + zeros(&[64]))
}

/// The order in memory of one small image, by both layouts.
fn memory(lang: Lang) -> String {
    let numbers: Vec<f64> = (0..12).map(f64::from).collect();
    let image = Array::from_slice(&numbers, &[1, 3, 2, 2]);
    let name = |i: f64| {
        let (channel, pixel) = (i as usize / 4, i as usize % 4);
        format!("{}{pixel}", ["R", "G", "B"][channel])
    };
    let order = |array: &Array| {
        let places = array.read().to_vec::<f64>();
        places.into_iter().map(name).collect::<Vec<_>>().join(" ")
    };
    let last = image.channels_last();
    assert_ne!(order(&image), order(&last));
    let head = [
        lang.of("stored", "存法"),
        lang.of("strides of C, H, W", "C、H、W 的步幅"),
        lang.of("order in memory", "内存中的次序"),
    ];
    let row = |(name, array): (&str, &Array)| {
        let strides = format!("`{:?}`", &array.layout().strides()[1..]);
        vec![name.to_owned(), strides, format!("`{}`", order(array))]
    };
    let first = lang.of("row-major", "行主序（row-major）");
    table(&head, [(first, &image), ("channels-last", &last)].map(row))
}

/// How tensors are printed.
fn debug(_: Lang) -> String {
    let two = || Array::from_slice(&[2.0_f64], &[]);
    let (w, c) = (Tensor::variable(two()), Tensor::constant(two()));
    let made = &w * &c;
    let mut out = "```text\n".to_owned();
    for (name, tensor) in [
        ("c", &c),
        ("w", &w),
        ("&w * &c", &made),
        ("(&w * &c).detach()", &made.detach()),
    ] {
        let _ = writeln!(out, "{name:<20}{tensor:?}");
    }
    out + "```"
}

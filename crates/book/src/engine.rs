//! What `03-grad.md` computes.

use crate::text::{excerpt, table};
use crate::{Lang, Piece};
use detach::prelude::*;
use detach::tensor::{assign, trace};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "engine-lines",
        make: lines,
    },
    Piece {
        name: "engine-node",
        make: |_| {
            excerpt(
                "rust,ignore",
                TENSOR,
                "/// A vertex of the graph.",
                "/// What a node keeps",
            )
        },
    },
    Piece {
        name: "engine-needed",
        make: |_| {
            excerpt(
                "rust,ignore",
                GRAD,
                "/// The nodes on paths from `y`",
                "fn inputs_of",
            )
        },
    },
    Piece {
        name: "engine-view",
        make: |_| excerpt("rust,ignore", GRAD, "let view = |x", "let mut gradients"),
    },
    Piece {
        name: "engine-walk",
        make: |_| {
            excerpt(
                "rust,ignore",
                GRAD,
                "// Newest first: every user",
                "let found = ",
            )
        },
    },
    Piece {
        name: "engine-add-to",
        make: |_| {
            excerpt(
                "rust,ignore",
                GRAD,
                "fn add_to(",
                "/// The nodes of what is asked for",
            )
        },
    },
    Piece {
        name: "engine-passes",
        make: passes,
    },
    Piece {
        name: "engine-constant",
        make: constant,
    },
    Piece {
        name: "engine-not-scalar",
        make: not_scalar,
    },
    Piece {
        name: "engine-stale",
        make: stale,
    },
];

/// The source of the engine.
pub(crate) const GRAD: &str = include_str!("../../tensor/src/grad.rs");
const TENSOR: &str = include_str!("../../tensor/src/tensor.rs");

thread_local! {
    /// Whether a panic of this thread is what a page shows.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// What `f` stops with, as a block of text.
///
/// # Panics
/// When it does not stop.
pub(crate) fn refusal<R>(f: impl FnOnce() -> R) -> String {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                others(info);
            }
        }));
    });
    EXPECTED.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    EXPECTED.set(false);
    let Err(payload) = result else {
        panic!("a page says that this is refused, and it was not");
    };
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    format!("```text\n{}\n```", text.unwrap_or_default())
}

/// How long the engine is.
fn lines(_: Lang) -> String {
    let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let (all, code) = (GRAD.lines().count(), GRAD.lines().filter(code).count());
    format!("{all} lines, {code} of them code")
}

/// What is walked for which question, on a generator and a discriminator of one layer each.
fn passes(lang: Lang) -> String {
    let random = Random::new(1, Stream::Init);
    let draw = |step: u64, shape: &[usize]| {
        let normal = random.at(step).normal(shape, DType::F64);
        normal.value().clone()
    };
    let z = Tensor::constant(draw(0, &[8, 4]));
    let g = Tensor::variable(draw(1, &[4, 6]));
    let d = Tensor::variable(draw(2, &[6, 1]));
    let fake = z.matmul(&g).tanh();
    let loss = |fake: &Tensor| fake.matmul(&d).softplus().mean();
    let (attached, detached) = (loss(&fake), loss(&fake.detach()));
    let rows = [
        ("D(fake)", &attached, vec![&g, &d], "G, D"),
        ("D(fake)", &attached, vec![&d], "D"),
        ("D(fake)", &attached, vec![&g], "G"),
        ("D(fake.detach())", &detached, vec![&g, &d], "G, D"),
        ("D(fake.detach())", &detached, vec![&g], "G"),
    ];
    let row = |(name, loss, wrt, asked): (&str, &Tensor, Vec<&Tensor>, &str)| {
        let pass = trace::pass(loss, &wrt);
        let made: usize = pass.ops.values().sum();
        let counts = [pass.nodes - made, made, pass.bytes].map(|n| n.to_string());
        let name = [format!("`{name}`"), asked.to_owned()];
        [name.as_slice(), &counts].concat()
    };
    let head = [
        lang.of("loss of", "损失"),
        lang.of("asked for", "所求"),
        lang.of("leaves walked", "走过的叶子"),
        lang.of("ops walked", "走过的运算"),
        lang.of("bytes their rules may read", "规则可能读取的字节"),
    ];
    table(&head, rows.map(row))
}

fn variable(values: &[f64]) -> Tensor {
    Tensor::variable(Array::from_slice(values, &[values.len()]))
}

fn constant(_: Lang) -> String {
    let w = variable(&[2.0, -1.0]);
    let cut = w.detach();
    refusal(|| grad(&cut.square().sum(), &[&cut], false))
}

fn not_scalar(_: Lang) -> String {
    let w = variable(&[2.0, -1.0]);
    refusal(|| grad(&w.square(), &[&w], false))
}

/// What a gradient across a write stops with.
fn stale(_: Lang) -> String {
    let mut w = variable(&[2.0, -1.0]);
    let loss = w.square().sum();
    assign("a step", &mut w, &Array::from_slice(&[1.5, -0.5], &[2]));
    refusal(|| grad(&loss, &[&w], false))
}

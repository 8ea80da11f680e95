//! Cases of the family `gemm`: the products of the recipes' layers and their gradients, both
//! operands along either axis, and sizes that no tile divides.

use super::{Case, Dice, extent, numbers, poisoned};
use crate::gemm::cuda::plan::Cut;
use crate::gemm::{Epilogue, gemm_fused};
use crate::{Buffer, Device, Layout, Matmul, View};

/// The relative error allowed to products in single precision.
const FP32: f64 = 2e-6;
/// And of factors of 11 bits.
pub(super) const TF32: f64 = 1e-3;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = layers();
    cases.extend(tails());
    cases.extend(layouts());
    cases.extend(cuts());
    cases.push(overwritten());
    cases
}

/// The same case in both modes of a GPU. The CPU has one; a device that cannot compute in
/// TF32 has nothing to show.
pub(super) fn in_both_modes(
    make: impl Fn(String, f64) -> Case,
    name: &str,
    fp32: f64,
) -> [Case; 2] {
    let modes = [("", Matmul::Fp32, fp32), (" tf32", Matmul::Tf32, TF32)];
    modes.map(|(suffix, matmul, tolerance)| {
        let case = make(format!("{name}{suffix}"), tolerance);
        let run = case.run;
        Case {
            run: Box::new(move |device: Device| device.with_matmul(matmul).map_or(0.0, &run)),
            ..case
        }
    })
}

/// A product and what follows it.
#[derive(Clone, Copy)]
struct Product {
    a: Layout,
    b: Layout,
    bias: bool,
    slope: f64,
}

impl Product {
    /// Of matrices without gaps, each transposed where so said.
    fn dense([m, k, n]: [usize; 3], transposed: [bool; 2]) -> Self {
        let matrix = |rows: usize, columns: usize, transposed: bool| {
            let order = if transposed { [1, 0] } else { [0, 1] };
            Layout::dense(&[rows, columns], &order)
        };
        Self {
            a: matrix(m, k, transposed[0]),
            b: matrix(k, n, transposed[1]),
            bias: false,
            slope: 1.0,
        }
    }

    fn cases(self, name: &str) -> [Case; 2] {
        in_both_modes(|name, tolerance| self.case(name, tolerance), name, FP32)
    }

    fn case(self, name: String, tolerance: f64) -> Case {
        let mut dice = Dice(7);
        let columns = self.b.shape()[self.b.shape().len() - 1];
        let inputs = [extent(&self.a), extent(&self.b), columns].map(|len| numbers(&mut dice, len));
        let run = move |x: &[Buffer]| {
            let (shape, count) = (self.a.shape(), self.a.shape().len());
            let rows: usize = shape[..count - 1].iter().product();
            let mut out = poisoned(&x[0], rows * columns);
            let epilogue = Epilogue {
                bias: self.bias.then_some(&x[2]),
                slope: self.slope,
            };
            let [a, b] =
                [(&x[0], self.a), (&x[1], self.b)].map(|(buffer, layout)| View { buffer, layout });
            gemm_fused(a, b, &epilogue, &mut out);
            vec![out]
        };
        Case::close(name, tolerance, inputs.into(), run)
    }
}

const PLAIN: [bool; 2] = [false, false];
/// `x Wᵀ`, the gradients in `x` and in `W`.
const FORWARD: [bool; 2] = [false, true];
const WEIGHT: [bool; 2] = [true, false];

/// Linear layers of the recipes with their gradients, at a batch of 4 where they are large.
fn layers() -> Vec<Case> {
    let linear = [
        [64, 100, 256],
        [64, 256, 512],
        [4, 512, 1024],
        [4, 1024, 784],
        [4, 784, 1024],
        [4, 100, 12544],
        [4, 6272, 1],
        [64, 256, 1],
        [64, 10, 50],
        [64, 50, 1],
        [64, 1, 50],
    ];
    let sizes = linear.iter().flat_map(|&[batch, from, to]| {
        let name = format!("{batch}x{from} to {to}");
        [
            (format!("gemm linear {name}"), [batch, from, to], FORWARD),
            (format!("gemm linear {name}, dx"), [batch, to, from], PLAIN),
            (format!("gemm linear {name}, dw"), [to, batch, from], WEIGHT),
        ]
    });
    sizes
        .flat_map(|(name, sizes, transposed)| {
            let product = Product {
                bias: transposed == FORWARD,
                slope: if transposed == FORWARD { 0.2 } else { 1.0 },
                ..Product::dense(sizes, transposed)
            };
            let work = sizes.iter().product();
            product.cases(&name).map(|case| case.of_work(work))
        })
        .collect()
}

/// Sizes beside those of tiles, every way round; some of which make k be split.
fn tails() -> Vec<Case> {
    let sizes = [
        [1, 1, 1],
        [3, 5, 7],
        [65, 33, 63],
        [129, 260, 68],
        [132, 36, 196],
        [60, 4100, 12],
        [64, 2000, 64],
        [31, 1027, 29],
        [1, 300, 257],
        [257, 300, 1],
        [130, 1, 66],
        [200, 7, 2],
        [2, 520, 3],
    ];
    let ways = [PLAIN, FORWARD, WEIGHT, [true, true]];
    let all = sizes.iter().flat_map(|&sizes| ways.map(|way| (sizes, way)));
    all.enumerate()
        .flat_map(|(i, (sizes, transposed))| {
            let [m, k, n] = sizes;
            let sign = |transposed: bool| if transposed { "ᵀ" } else { "" };
            let name = format!(
                "gemm {m}x{k}{} {k}x{n}{}",
                sign(transposed[0]),
                sign(transposed[1])
            );
            let product = Product {
                bias: i % 2 == 0,
                slope: [1.0, 0.0, 0.2][i % 3],
                ..Product::dense(sizes, transposed)
            };
            product.cases(&name)
        })
        .collect()
}

/// Every tile, with k whole and in parts.
fn cuts() -> Vec<Case> {
    let ways = [PLAIN, FORWARD, WEIGHT, [true, true]];
    let cuts = (0..TILES).flat_map(|tile| [1, 3].map(|splits| Cut { tile, splits }));
    let all = cuts.flat_map(|cut| ways.map(|way| (cut, way)));
    all.flat_map(|(cut, way)| {
        let product = Product {
            bias: true,
            slope: 0.2,
            ..Product::dense([132, 260, 136], way)
        };
        let name = format!("gemm {way:?} by tile {}, {} parts", cut.tile, cut.splits);
        product.cases(&name).map(|case| cut_as(cut, case))
    })
    .collect()
}

/// Tiles that operands may be read by, at most.
pub(super) const TILES: usize = 3;

/// The same case with its products cut so.
pub(super) fn cut_as(cut: Cut, case: Case) -> Case {
    let run = case.run;
    Case {
        run: Box::new(move |device| cut.force(|| run(device))),
        ..case
    }
}

/// Views that are parts of others, repeat, and batches.
fn layouts() -> Vec<Case> {
    let with = |a: Layout, b: Layout| Product {
        a,
        b,
        bias: true,
        slope: 0.2,
    };
    let part = |shape: &[usize], from: usize| {
        let outer: Vec<usize> = shape.iter().map(|size| size + 8).collect();
        let axes = 0..shape.len();
        axes.fold(Layout::contiguous(&outer), |layout, axis| {
            layout.slice(axis, from, shape[axis])
        })
    };
    let row =
        |columns: usize, rows: usize| Layout::contiguous(&[1, columns]).expand(&[rows, columns]);
    [
        (
            "a part, aligned",
            with(part(&[68, 36], 4), part(&[36, 72], 4)),
        ),
        ("a part", with(part(&[68, 36], 3), part(&[36, 72], 1))),
        (
            "a part, turned",
            with(
                part(&[36, 68], 4).permute(&[1, 0]),
                part(&[72, 36], 8).permute(&[1, 0]),
            ),
        ),
        ("repeated rows", with(row(40, 70), part(&[40, 20], 0))),
        (
            "a batch",
            with(part(&[3, 33, 20], 4), part(&[3, 20, 65], 4)),
        ),
        (
            "a batch, one operand",
            with(
                Layout::contiguous(&[1, 33, 20]).expand(&[3, 33, 20]),
                part(&[3, 20, 64], 0),
            ),
        ),
        (
            "a batch, long",
            with(part(&[2, 16, 900], 4), part(&[2, 900, 16], 4)),
        ),
        (
            "a batch of dots",
            with(part(&[5, 1, 300], 1), part(&[5, 300, 1], 0)),
        ),
    ]
    .into_iter()
    .flat_map(|(name, product)| product.cases(&format!("gemm {name}")))
    .collect()
}

/// What does not belong to a product never gets into it: outside of both operands is NaN.
fn overwritten() -> Case {
    let inside = Layout::contiguous(&[16, 48]).slice(0, 4, 9).slice(1, 8, 37);
    let mut dice = Dice(3);
    let mut values = vec![f32::NAN; 16 * 48];
    for at in crate::walk::offsets(&inside) {
        values[at] = dice.unit() as f32;
    }
    let run = move |x: &[Buffer]| {
        let mut out = poisoned(&x[0], 9 * 9);
        let [a, b] = [inside, inside.permute(&[1, 0])].map(|layout| View {
            buffer: &x[0],
            layout,
        });
        gemm_fused(a, b, &Epilogue::NONE, &mut out);
        vec![out]
    };
    Case::close("gemm among NaNs", FP32, vec![values], run)
}

//! What is right or wrong.

use super::{Checked, Goal, Parity, Report};
use detach_tensor::check::Case;
use detach_tensor::{Array, DType, Device, Kind, ops};
use detach_tests::golden::distance;
use detach_tests::parity::{Row, cases as goldens};

/// Relative distance that an op's value or gradient may have from the `f64` reference, on
/// the CPU's fast path and on a GPU in `f32`.
const OPS: f64 = 5e-6;
/// The same with products in TF32.
const OPS_TF32: f64 = 2e-3;

/// The same of a product by itself.
const PRODUCTS_TF32: f64 = 1e-3;

/// Every kernel's cases, and those of products in every mode; quickly, one of four of the small ones.
pub(super) fn cases(modes: &[(&'static str, Device)], quick: bool) -> Vec<Checked> {
    const OF: usize = 4;
    let mut out = Vec::new();
    for &(matmul, device) in modes {
        for (i, case) in detach_kernels::cases::all().into_iter().enumerate() {
            if quick && (case.is_large || i % OF != 0) {
                continue;
            }
            let is_product = case.name.starts_with("gemm") || case.name.starts_with("conv");
            let tolerance = match (matmul, is_product) {
                ("fp32", _) => case.tolerance,
                (_, true) => case.tolerance.max(PRODUCTS_TF32),
                (_, false) => continue,
            };
            let error = (case.run)(device);
            out.push(checked(case.name, matmul, error, tolerance));
        }
    }
    out
}

fn checked(name: String, matmul: &'static str, error: f64, tolerance: f64) -> Checked {
    Checked {
        name,
        matmul,
        error,
        tolerance,
        passes: error <= tolerance,
    }
}

/// Every op's value and gradients against those of `f64` on the CPU.
pub(super) fn ops(modes: &[(&'static str, Device)]) -> Vec<Checked> {
    let mut out = Vec::new();
    for &(matmul, device) in modes {
        let tolerance = if matmul == "fp32" { OPS } else { OPS_TF32 };
        for case in ops::cases() {
            let error = farthest(&case, device);
            out.push(checked(case.name, matmul, error, tolerance));
        }
    }
    out
}

fn farthest(case: &Case, device: Device) -> f64 {
    let kind = Kind {
        dtype: DType::F32,
        device,
    };
    let values = |arrays: Vec<Array>| arrays.into_iter().map(|x| x.to_vec::<f64>());
    let theirs = values(case.value_and_gradients(DType::F64));
    let ours = values(case.value_and_gradients(kind));
    let distances = ours.zip(theirs).map(|(a, b)| distance(&a, &b));
    // A NaN is the farthest of all.
    distances.fold(0.0, |far, d| if d > far || d.is_nan() { d } else { far })
}

/// Every recipe's golden run on the device; quickly, the smallest one's.
pub(super) fn parity(device: Device, quick: bool) -> Vec<Parity> {
    let kind = Kind {
        dtype: DType::F32,
        device,
    };
    let goldens = goldens();
    let chosen = goldens
        .iter()
        .filter(|case| !quick || case.golden == "gauss1d");
    let run = chosen.map(|case| {
        let row = Row::of(case, kind);
        Parity {
            golden: row.name,
            losses: row.losses,
            gradients: row.gradients,
            passes: row.passes(),
        }
    });
    run.collect()
}

/// How many of all that were checked are wrong: the first of the goals.
pub(super) fn goals(report: &mut Report) {
    let checked = report.cases.iter().chain(&report.ops);
    let wrong = checked.filter(|checked| !checked.passes).count()
        + report.parity.iter().filter(|row| !row.passes).count();
    let goal = Goal {
        what: "cases and parity runs that are wrong".to_owned(),
        value: Some(wrong as f64),
        unit: "",
        at_least: 0.0,
        reach_for: 0.0,
        more_is_better: false,
    };
    report.goals.insert(0, goal);
}

//! Where a training step's time goes, op by op, and how far each op is from its floor.
//!
//! An op's floor is the longer of two times: its floating point operations at the FMA
//! peak, and the bytes of its operands, each read or written once, at the bandwidth
//! of a copy. Both ceilings are measured beside the step. Operations are those
//! of the direct algorithm: a Winograd convolution may go below its floor. So may an
//! op whose operands are still in a cache.

use crate::steps;
use anyhow::{Result, ensure};
use detach_benches::cases;
use detach_benches::protocol::Case;
use detach_tensor::Device;
use detach_tensor::profile::{Event, record};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Before anything counts: the pool of buffers fills in the first.
const WARM_UP: u64 = 3;
/// Ops below this share of the step are one row together.
const SMALL: f64 = 0.004;

/// What a step of a recipe is made of.
#[derive(Clone, Debug)]
pub struct Profile {
    title: String,
    ceilings: Ceilings,
    /// Milliseconds of one step.
    step: f64,
    rows: Vec<Row>,
}

/// What no op goes below.
#[derive(Clone, Copy, Debug)]
struct Ceilings {
    /// GFLOP/s.
    fma: f64,
    /// GB/s.
    copy: f64,
}

/// One op on one shape. Calls and milliseconds are of one step.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    what: String,
    calls: f64,
    ms: f64,
    floor_ms: f64,
    by_flops: bool,
}

impl Profile {
    /// The profile of `steps` steps of `recipe`.
    ///
    /// # Errors
    /// As [`steps::trainer`], and when there are no steps.
    pub fn take(recipe: &str, batch: usize, steps: u32) -> Result<Self> {
        ensure!(steps > 0, "a profile of no steps");
        let ceilings = Ceilings {
            fma: value("peak"),
            copy: value("copy"),
        };
        let mut trainer = steps::trainer(recipe, batch, Device::Cpu)?;
        for _ in 0..WARM_UP {
            trainer.step();
        }
        let mut rows = BTreeMap::new();
        let mut time = Duration::ZERO;
        for _ in 0..steps {
            let start = Instant::now();
            let (_, events) = record(|| trainer.step());
            time += start.elapsed();
            for event in &events {
                add(&mut rows, event, ceilings);
            }
        }
        let threads = rayon::current_num_threads();
        Ok(Self {
            title: format!("`{recipe}`, batch {batch}, {threads} threads, mean of {steps} steps"),
            ceilings,
            step: time.as_secs_f64() * 1e3 / f64::from(steps),
            rows: rows.into_values().map(|row| row.over(steps)).collect(),
        })
    }
}

fn value(name: &str) -> f64 {
    match cases::prepare(&[name]) {
        Ok(Case::Value(mut find)) => find(),
        _ => unreachable!("{name} is a case with a value"),
    }
}

fn add(rows: &mut BTreeMap<String, Row>, event: &Event, ceilings: Ceilings) {
    let what = name(event);
    let row = rows.entry(what.clone()).or_default();
    let by_flops = flops(event) / (ceilings.fma * 1e6);
    let by_bytes = bytes(event) / (ceilings.copy * 1e6);
    row.what = what;
    row.calls += 1.0;
    row.ms += event.time.as_secs_f64() * 1e3;
    row.floor_ms += by_flops.max(by_bytes);
    row.by_flops = by_flops > by_bytes;
}

/// The op and the shapes that tell one use of it from another: of a product all three,
/// of anything else the result.
fn name(event: &Event) -> String {
    let shapes: Vec<String> = event
        .operands
        .iter()
        .map(|x| {
            let sizes: Vec<String> = x.shape.iter().map(ToString::to_string).collect();
            format!("[{}]", sizes.join(","))
        })
        .collect();
    match (event.op, &shapes[..]) {
        // One row for all parameters.
        ("adam", _) | (_, []) => event.op.to_owned(),
        (op, [a, b, .., y]) if flops(event) > 0.0 => format!("{op} {a} · {b} → {y}"),
        (op, [.., y]) => format!("{op} {y}"),
    }
}

/// Multiplications and additions of a product: of each element of the small image with
/// the weights it meets, or of each element of a matrix with its row. 0 of what is no
/// product: it is bound by memory.
pub fn flops(event: &Event) -> f64 {
    let len = |i: usize| {
        event
            .operands
            .get(i)
            .map_or(0, |x| x.shape.iter().product())
    };
    let pixels = |i: usize| match event.operands.get(i).map(|x| &x.shape[..]) {
        Some([n, _, h, w]) => n * h * w,
        _ => 0,
    };
    let is = |op: &str| event.op.starts_with(op);
    let multiplications: usize = if is("conv fprop") {
        len(1) * pixels(event.operands.len() - 1)
    } else if is("conv dgrad") {
        len(1) * pixels(0)
    } else if is("conv wgrad") {
        len(2) * pixels(1)
    } else if is("matmul") || is("linear") {
        let inner = event.operands.first().and_then(|x| x.shape.last());
        inner.map_or(0, |inner| inner * len(event.operands.len() - 1))
    } else {
        0
    };
    2.0 * multiplications as f64
}

/// Every operand once. Adam reads parameter, moments and gradient and writes all but
/// the last: seven times the gradient, which is what its event names.
fn bytes(event: &Event) -> f64 {
    let operands: usize = event.operands.iter().map(|x| x.bytes).sum();
    match event.op {
        "adam" => 7.0 * operands as f64,
        // Another view of the same memory.
        "reshape" | "permute" | "expand" | "slice" | "alias" => 0.0,
        _ => operands as f64,
    }
}

impl Row {
    fn over(self, steps: u32) -> Self {
        let steps = f64::from(steps);
        Self {
            calls: self.calls / steps,
            ms: self.ms / steps,
            floor_ms: self.floor_ms / steps,
            ..self
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            ms: self.ms + other.ms,
            floor_ms: self.floor_ms + other.floor_ms,
            ..self
        }
    }
}

/// The rows of the table, longest first: small ones as one, then what no op accounts
/// for, so that they sum to the step.
fn table(rows: &[Row], step: f64) -> Vec<Row> {
    let (mut out, small): (Vec<Row>, Vec<Row>) =
        rows.iter().cloned().partition(|row| row.ms >= SMALL * step);
    out.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    let named = |what: String| Row {
        what,
        ..Row::default()
    };
    let kinds = format!("{} smaller", small.len());
    out.push(small.iter().fold(named(kinds), Row::plus));
    let rest = step - rows.iter().map(|row| row.ms).sum::<f64>();
    out.push(Row {
        ms: rest,
        ..named("engine and recipe".to_owned())
    });
    out
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ceilings { fma, copy } = self.ceilings;
        writeln!(f, "{}: {:.2} ms a step", self.title, self.step)?;
        writeln!(f, "Ceilings: {fma:.0} GFLOP/s, {copy:.1} GB/s\n")?;
        writeln!(
            f,
            "| op | calls | ms | of the step | floor, ms | floor / ms | bound by |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|---|")?;
        let rows = table(&self.rows, self.step);
        for row in &rows {
            let share = 100.0 * row.ms / self.step;
            let reached = 100.0 * row.floor_ms / row.ms;
            write!(
                f,
                "| {} | {:.0} | {:.2} | {share:.1}% ",
                row.what, row.calls, row.ms
            )?;
            let bound = if row.by_flops { "FMA" } else { "memory" };
            match row.floor_ms > 0.0 {
                true => writeln!(f, "| {:.2} | {reached:.0}% | {bound} |", row.floor_ms)?,
                false => writeln!(f, "| | | |")?,
            }
        }
        let total = rows.iter().fold(Row::default(), Row::plus);
        let reached = 100.0 * total.floor_ms / total.ms;
        writeln!(
            f,
            "| **step** | {:.0} | **{:.2}** | 100% | {:.2} | {reached:.0}% | |",
            total.calls, total.ms, total.floor_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::profile::Operand;

    fn event(op: &'static str, shapes: &[&[usize]]) -> Event {
        let operand = |shape: &&[usize]| Operand {
            shape: shape.to_vec(),
            bytes: 4 * shape.iter().product::<usize>(),
        };
        Event {
            op,
            operands: shapes.iter().map(operand).collect(),
            time: Duration::from_millis(1),
        }
    }

    #[test]
    fn products_count_their_operations() {
        // A convolution of 3 → 5 channels, kernel 4, onto 2 images of 7×7.
        let (x, w, y) = ([2, 3, 14, 14], [5, 3, 4, 4], [2, 5, 7, 7]);
        let expected = 2.0 * (2 * 7 * 7 * 5 * 3 * 4 * 4) as f64;
        for event in [
            event("conv fprop", &[&x, &w, &y]),
            event("conv dgrad", &[&y, &w, &x]),
            event("conv wgrad", &[&x, &y, &w]),
        ] {
            assert_eq!(flops(&event), expected, "{}", event.op);
        }
        let matmul = event("matmul", &[&[2, 3], &[3, 7], &[2, 7]]);
        assert_eq!(flops(&matmul), 84.0);
        assert_eq!(flops(&event("add", &[&[2, 3], &[2, 3], &[2, 3]])), 0.0);
    }

    #[test]
    fn the_rows_sum_to_the_step() {
        let profile = Profile::take("gauss1d", 8, 2).expect("a recipe");
        let rows = table(&profile.rows, profile.step);
        let sum: f64 = rows.iter().map(|row| row.ms).sum();
        assert!((sum - profile.step).abs() < 1e-9 * profile.step);
        // What is no op is a part of the step: no event is counted twice.
        assert!(rows.last().is_some_and(|rest| rest.ms > 0.0), "{rows:?}");
        for op in ["matmul", "adam"] {
            assert!(
                profile.rows.iter().any(|row| row.what.starts_with(op)),
                "{op}"
            );
        }
    }

    /// How long an op takes is a matter of the machine's other work; what becomes of it is not.
    #[test]
    fn small_rows_are_told_together() {
        let row = |what: &str, ms| Row {
            what: what.to_owned(),
            ms,
            ..Row::default()
        };
        let profile = Profile {
            title: "a step".to_owned(),
            ceilings: Ceilings {
                fma: 1.0,
                copy: 1.0,
            },
            step: 1000.0,
            rows: vec![row("exp", 0.1), row("matmul", 600.0), row("ln", 0.2)],
        };
        let rows = table(&profile.rows, profile.step);
        let told: Vec<&str> = rows.iter().map(|row| &*row.what).collect();
        assert_eq!(told, ["matmul", "2 smaller", "engine and recipe"]);
        let text = profile.to_string();
        assert!(
            text.contains("matmul") && text.contains("1000.00"),
            "{text}"
        );
    }

    #[test]
    fn one_op_on_one_shape_is_one_row() {
        let mut rows = BTreeMap::new();
        let ceilings = Ceilings {
            fma: 1.0,
            copy: 1.0,
        };
        for shape in [[2, 3], [2, 3], [3, 2]] {
            add(&mut rows, &event("exp", &[&shape, &shape]), ceilings);
        }
        let calls: Vec<f64> = rows.values().map(|row| row.calls).collect();
        assert_eq!(calls, [2.0, 1.0]);
    }
}

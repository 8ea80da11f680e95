//! What was measured, and the closing table made of it: implementation by shape, each with its
//! share of what the machine can do.

use crate::cases::Work;
use std::fmt::Write as _;
use std::time::Duration;

/// What counts in a family: operations or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 10⁹ floating point operations a second.
    Gflops,
    /// 10⁹ bytes a second.
    Gbytes,
}

impl Unit {
    /// `GFLOP/s` or `GB/s`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gflops => "GFLOP/s",
            Self::Gbytes => "GB/s",
        }
    }

    /// The unit of a kernel: operations where it has some to speak of.
    pub fn of(work: Work) -> Self {
        match work.flops > 0.0 {
            true => Self::Gflops,
            false => Self::Gbytes,
        }
    }

    /// What of the work it counts.
    pub fn amount(self, work: Work) -> f64 {
        match self {
            Self::Gflops => work.flops,
            Self::Gbytes => work.bytes,
        }
    }
}

/// What nothing can go beyond, in [`Unit`]s; `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ceilings {
    /// GFLOP/s of multiply-adds in registers.
    pub flops: Option<f64>,
    /// GB/s of a copy that no cache holds.
    pub bytes: Option<f64>,
}

impl Ceilings {
    fn of(self, unit: Unit) -> Option<f64> {
        match unit {
            Unit::Gflops => self.flops,
            Unit::Gbytes => self.bytes,
        }
    }
}

/// Calls that were timed together.
#[derive(Clone, Copy, Debug)]
struct Sample {
    calls: u64,
    seconds: f64,
}

#[derive(Debug)]
struct Cell {
    implementation: String,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Row {
    family: String,
    shape: String,
    work: Work,
    cells: Vec<Cell>,
}

/// Everything that was timed, in the order in which it was.
#[derive(Debug, Default)]
pub struct Ledger {
    rows: Vec<Row>,
}

/// Says what an implementation of a family changes.
pub type Words<'a> = &'a dyn Fn(&str, &str) -> Option<String>;

impl Ledger {
    /// Whether nothing was timed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether something was timed whose unit is `unit`.
    pub fn has(&self, unit: Unit) -> bool {
        self.rows.iter().any(|row| Unit::of(row.work) == unit)
    }

    /// So many calls of `[family, shape, implementation]` took so long.
    pub fn record(&mut self, at: [&str; 3], work: Work, calls: u64, time: Duration) {
        let [family, shape, implementation] = at;
        let row = self
            .rows
            .iter()
            .position(|row| row.family == family && row.shape == shape)
            .unwrap_or_else(|| {
                self.rows.push(Row {
                    family: family.to_owned(),
                    shape: shape.to_owned(),
                    work,
                    cells: Vec::new(),
                });
                self.rows.len() - 1
            });
        let cells = &mut self.rows[row].cells;
        let cell = cells
            .iter()
            .position(|cell| cell.implementation == implementation)
            .unwrap_or_else(|| {
                cells.push(Cell {
                    implementation: implementation.to_owned(),
                    samples: Vec::new(),
                });
                cells.len() - 1
            });
        let seconds = time.as_secs_f64();
        cells[cell].samples.push(Sample { calls, seconds });
    }

    /// The tables, in Markdown that is aligned for a terminal too: one for each family and
    /// unit, and under it what each implementation changes. `ceilings` of an implementation
    /// are asked for by family and name.
    pub fn tables(&self, ceilings: &dyn Fn(&str, &str) -> Ceilings, words: Words<'_>) -> String {
        let mut tables: Vec<(&str, Unit)> = Vec::new();
        for row in &self.rows {
            let table = (row.family.as_str(), Unit::of(row.work));
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        let mut out = String::new();
        for (family, unit) in tables {
            let rows = self.rows.iter();
            let rows: Vec<&Row> = rows
                .filter(|row| row.family == family && Unit::of(row.work) == unit)
                .collect();
            let names = implementations(&rows);
            let _ = writeln!(out, "\n{family}, {} (share of the peak)\n", unit.name());
            let mut lines = vec![vec!["shape".to_owned()]];
            lines[0].extend(names.iter().map(ToString::to_string));
            for row in rows {
                let cell = |name: &&str| row.text(name, ceilings(family, name).of(unit));
                let cells = names.iter().map(cell);
                lines.push(std::iter::once(row.shape.clone()).chain(cells).collect());
            }
            out += &markdown(&lines);
            out.push('\n');
            for name in names {
                if let Some(words) = words(family, name) {
                    let _ = writeln!(out, "- {name}: {words}");
                }
            }
        }
        out
    }
}

/// The implementations of all rows, each where it was first measured.
fn implementations<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for cell in rows.iter().flat_map(|row| &row.cells) {
        if !names.contains(&cell.implementation.as_str()) {
            names.push(&cell.implementation);
        }
    }
    names
}

impl Row {
    /// `481 (92%)`.
    fn text(&self, implementation: &str, ceiling: Option<f64>) -> String {
        let mut cells = self.cells.iter();
        let Some(cell) = cells.find(|cell| cell.implementation == implementation) else {
            return "–".to_owned();
        };
        let amount = Unit::of(self.work).amount(self.work);
        let rate = amount / median(&cell.samples) / 1e9;
        match ceiling {
            Some(ceiling) => format!("{} ({})", short(rate), percent(rate / ceiling)),
            None => short(rate),
        }
    }
}

/// Seconds of a call: the median, each sample weighing what it took. Warming up is in it, a
/// short part at the beginning.
fn median(samples: &[Sample]) -> f64 {
    let mut sorted: Vec<Sample> = samples.to_vec();
    let each = |sample: &Sample| sample.seconds / sample.calls as f64;
    sorted.sort_by(|a, b| each(a).total_cmp(&each(b)));
    let half = samples.iter().map(|sample| sample.seconds).sum::<f64>() / 2.0;
    let mut before = 0.0;
    let middle = sorted.iter().find(|sample| {
        before += sample.seconds;
        before >= half
    });
    middle.map_or(f64::NAN, each)
}

/// Three digits: `0.452`, `45.2`, `452`.
fn short(x: f64) -> String {
    match x {
        x if x < 1.0 => format!("{x:.3}"),
        x if x < 10.0 => format!("{x:.2}"),
        x if x < 100.0 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

/// `92%`, `0.4%`.
fn percent(share: f64) -> String {
    match 100.0 * share {
        x if x < 9.95 => format!("{x:.1}%"),
        x => format!("{x:.0}%"),
    }
}

/// A table whose first line is its head, first column to the left and the others to the
/// right.
fn markdown(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines.first().map_or(0, Vec::len)).map(width).collect();
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(out, "| {cell:<width$} |"),
                _ => write!(out, " {cell:>width$} |"),
            };
        }
        out.push('\n');
        if index == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                out += &match column {
                    0 => format!("|{dashes}-|"),
                    _ => format!("{dashes}:|"),
                };
            }
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: Work = Work {
        flops: 2e9,
        bytes: 1e6,
    };
    const COPY: Work = Work {
        flops: 0.0,
        bytes: 4e9,
    };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_table_has_a_row_for_a_shape_and_a_column_for_an_implementation() {
        let mut ledger = Ledger::default();
        assert!(ledger.is_empty());
        ledger.record(["gemm", "a", "slow"], PRODUCT, 1, seconds(1.0));
        ledger.record(["gemm", "a", "fast"], PRODUCT, 10, seconds(0.4));
        ledger.record(["gemm", "bb", "fast"], PRODUCT, 1, seconds(0.05));
        ledger.record(["copy", "c", "fast"], COPY, 2, seconds(1.0));
        assert!(ledger.has(Unit::Gflops) && ledger.has(Unit::Gbytes));
        let ceilings = |_: &str, _: &str| Ceilings {
            flops: Some(100.0),
            bytes: None,
        };
        let words = |family: &str, name: &str| {
            (family == "gemm" && name == "fast").then(|| "tiles".to_owned())
        };
        let expected = "
gemm, GFLOP/s (share of the peak)

| shape |        slow |       fast |
|-------|------------:|-----------:|
| a     | 2.00 (2.0%) | 50.0 (50%) |
| bb    |           – | 40.0 (40%) |

- fast: tiles

copy, GB/s (share of the peak)

| shape | fast |
|-------|-----:|
| c     | 8.00 |

";
        assert_eq!(ledger.tables(&ceilings, &words), expected);
    }

    #[test]
    fn a_cold_first_call_is_not_the_median() {
        let sample = |calls, seconds| Sample { calls, seconds };
        let samples = [
            sample(1, 3.0),
            sample(10, 10.0),
            sample(10, 11.0),
            sample(10, 12.0),
        ];
        assert_eq!(median(&samples), 1.1);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn numbers_have_three_digits() {
        let texts = [0.1234, 1.234, 12.34, 123.4, 1234.0].map(short);
        assert_eq!(texts, ["0.123", "1.23", "12.3", "123", "1234"]);
        assert_eq!([0.004, 0.921, 1.07].map(percent), ["0.4%", "92%", "107%"]);
    }
}

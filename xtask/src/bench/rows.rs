//! What is compared: the rows of the table, each with what it should reach.

use super::engines::Engine;

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// In the reader's words.
    pub(super) what: String,
    pub(super) measure: Measure,
    pub(super) goal: Goal,
}

/// How a row's figures come about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Measure {
    /// A case's time in ours and in a peer; with its floating point operations, its
    /// share of the FMA peak too.
    Time {
        case: String,
        peer: Engine,
        flops: Option<f64>,
    },
    /// Images a second of a recipe's step at this batch size, ours and PyTorch's.
    Images { recipe: &'static str, batch: usize },
    /// A case's time on one thread against all of them.
    Threads { case: String },
    /// The most memory a training run of 30 steps holds, ours and a peer's.
    Memory { recipe: &'static str, peer: Engine },
    /// `gan sample` of 64 images, from the start of the process to its end.
    Sample,
}

/// What a row should reach: at least the first, the second if it can.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// Times the peer's speed.
    Ratio(f64, Option<f64>),
    /// The same where the peer's kernel, of so many operations, is below
    /// [`SLOW`]; elsewhere a figure for comparison.
    WhereSlow(f64, Option<f64>, f64),
    /// Of the FMA peak.
    Share(f64, Option<f64>),
    /// Milliseconds or MiB, no more than.
    AtMost(f64, Option<f64>),
    /// A figure for comparison.
    None,
}

/// GFLOP/s that PyTorch's kernels for one channel reach at most where they are slow:
/// some of its passes have a fast one.
pub(super) const SLOW: f64 = 30.0;

/// Lengths of `dcgan`'s parameters, G's then D's: 2.1 million.
const PARAMETERS: &str = "1254400 12544 12544 12544 524288 128 128 128 131072 64 64 64 576 1 \
                          1024 64 131072 128 128 128 6272 1";

impl Goal {
    /// What is asked for beside a peer that took so many milliseconds.
    pub(super) fn for_peer(self, ms: f64) -> Self {
        match self {
            Self::WhereSlow(least, reach, flops) if flops / (ms * 1e6) < SLOW => {
                Self::Ratio(least, reach)
            }
            Self::WhereSlow(..) => Self::None,
            goal => goal,
        }
    }
}

impl Row {
    /// What a regular expression of `--only` is matched with.
    pub(super) fn names(&self) -> [&str; 2] {
        let case = match &self.measure {
            Measure::Time { case, .. } | Measure::Threads { case } => case,
            Measure::Images { .. } => "images",
            Measure::Memory { .. } => "memory",
            Measure::Sample => "sample",
        };
        [&self.what, case]
    }

    /// The engine beside ours.
    pub(super) fn peer(&self) -> Option<Engine> {
        match self.measure {
            Measure::Time { peer, .. } | Measure::Memory { peer, .. } => Some(peer),
            Measure::Images { .. } => Some(Engine::PyTorch),
            Measure::Threads { .. } => Some(Engine::OursAlone),
            Measure::Sample => None,
        }
    }
}

/// Every row, in the order of the table.
pub(super) fn all() -> Vec<Row> {
    [kernels(), whole_steps(), programs()].concat()
}

fn time(what: impl Into<String>, case: impl Into<String>, peer: Engine, goal: Goal) -> Row {
    Row {
        what: what.into(),
        measure: Measure::Time {
            case: case.into(),
            peer,
            flops: None,
        },
        goal,
    }
}

fn sgemm([m, n, k]: [usize; 3], goal: Goal) -> Row {
    let what = match m == n && n == k {
        true => format!("sgemm {m}³"),
        false => format!("sgemm {m}×{n}×{k}"),
    };
    Row {
        what,
        measure: Measure::Time {
            case: format!("sgemm {m} {n} {k}"),
            peer: Engine::PyTorch,
            flops: Some(2.0 * (m * n * k) as f64),
        },
        goal,
    }
}

fn kernels() -> Vec<Row> {
    let mut rows = Vec::new();
    for n in [2048, 1024, 256] {
        rows.push(sgemm([n; 3], Goal::Share(0.85, Some(0.93))));
    }
    for shape in [[64, 12544, 100], [128, 1024, 784], [12544, 64, 512]] {
        rows.push(sgemm(shape, Goal::Ratio(1.9, Some(2.4))));
    }
    let wide = Goal::Ratio(1.3, Some(1.8));
    let down = Goal::Ratio(1.2, Some(1.7));
    // Name, case up to the pass and behind it (channels, kernel, stride, padding, side),
    // and the side of the small image.
    for (name, kind, layer, small, goal) in [
        (
            "CT 256→128 (7→14)",
            "ct",
            [256, 128, 4, 2, 1, 7],
            7,
            Some(wide),
        ),
        (
            "CT 128→64 (14→28)",
            "ct",
            [128, 64, 4, 2, 1, 14],
            14,
            Some(wide),
        ),
        (
            "C 64→128 (14→7)",
            "c",
            [64, 128, 4, 2, 1, 14],
            7,
            Some(down),
        ),
        ("C 1→64 k4 s2 (28→14)", "c", [1, 64, 4, 2, 1, 28], 14, None),
        ("C 64→1 k3 (28)", "c", [64, 1, 3, 1, 1, 28], 28, None),
        ("CT 64→1 (14→28)", "ct", [64, 1, 4, 2, 1, 14], 14, None),
    ] {
        let [a, b, kernel, ..] = layer;
        let flops = (2_usize * 64 * small * small * a * b * kernel * kernel) as f64;
        let narrow = Goal::WhereSlow(3.0, Some(6.0), flops);
        let layer = layer.map(|number| number.to_string()).join(" ");
        for pass in ["fprop", "dgrad", "wgrad"] {
            let case = format!("{kind} {pass} {layer} 64");
            let what = format!("{name} {pass}");
            rows.push(time(what, case, Engine::PyTorch, goal.unwrap_or(narrow)));
        }
    }
    let norm = "BN + ReLU, forward + backward, [64,64,28,28]";
    let goal = Goal::Ratio(3.0, Some(4.5));
    rows.push(time(norm, "bn 64 64 28", Engine::PyTorch, goal));
    let adam = "Adam, 2.1 M parameters (PyTorch: fused)";
    let case = format!("adam {PARAMETERS}");
    rows.push(time(adam, case, Engine::PyTorch, Goal::Ratio(1.0, None)));
    rows
}

fn whole_steps() -> Vec<Row> {
    let mut rows = Vec::new();
    let (conv, mlp) = (Goal::Ratio(1.6, Some(2.2)), Goal::Ratio(1.9, Some(2.6)));
    let (zoo, second) = (Goal::Ratio(1.8, None), Goal::Ratio(2.4, None));
    for (recipe, batch, goal) in [
        ("dcgan", 64, conv),
        ("dcgan-light", 64, conv),
        ("dcgan64", 64, conv),
        ("keras-mlp", 128, mlp),
        ("mlp", 64, mlp),
        ("wgan", 64, zoo),
        ("wgan-gp", 64, second),
        ("lsgan", 64, zoo),
        ("began", 16, zoo),
        ("sagan", 64, zoo),
        ("cgan", 64, zoo),
        ("acgan", 64, zoo),
        ("infogan", 128, zoo),
        ("mlp-cgan", 64, zoo),
    ] {
        let what = format!("step `{recipe}`, batch {batch}");
        let case = format!("step {recipe} {batch}");
        rows.push(time(what, case, Engine::PyTorch, goal));
    }
    for (peer, goal) in [
        (Engine::Burn, Goal::Ratio(5.0, Some(7.0))),
        (Engine::Candle, Goal::Ratio(15.0, Some(22.0))),
    ] {
        let what = format!("step `dcgan`, batch 64, against {}", peer.name());
        rows.push(time(what, "step dcgan 64", peer, goal));
    }
    for batch in [16, 64, 256, 1024] {
        rows.push(Row {
            what: format!("images/s of `dcgan`, batch {batch}"),
            measure: Measure::Images {
                recipe: "dcgan",
                batch,
            },
            goal: Goal::Ratio(1.0, None),
        });
    }
    rows.push(Row {
        what: "step `dcgan`, batch 64, all threads against 1".to_owned(),
        measure: Measure::Threads {
            case: "step dcgan 64".to_owned(),
        },
        goal: Goal::Ratio(1.8, Some(1.95)),
    });
    rows
}

fn programs() -> Vec<Row> {
    let memory = |recipe, peer: Engine, goal| Row {
        what: format!(
            "peak memory of `gan train {recipe}`, MiB, against {}",
            peer.name()
        ),
        measure: Measure::Memory { recipe, peer },
        goal,
    };
    vec![
        memory("dcgan", Engine::PyTorch, Goal::AtMost(200.0, Some(150.0))),
        memory("mlp", Engine::PyTorch, Goal::AtMost(100.0, Some(60.0))),
        memory("dcgan", Engine::Burn, Goal::None),
        Row {
            what: "`gan sample` of 64 images, start to end".to_owned(),
            measure: Measure::Sample,
            goal: Goal::AtMost(100.0, Some(40.0)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let rows = all();
        let names: BTreeSet<&str> = rows.iter().map(|row| row.what.as_str()).collect();
        assert_eq!(names.len(), rows.len());
    }

    #[test]
    fn only_slow_kernels_are_to_be_beaten_by_far() {
        let goal = Goal::WhereSlow(3.0, None, 30e9);
        assert_eq!(goal.for_peer(1001.0), Goal::Ratio(3.0, None));
        assert_eq!(goal.for_peer(999.0), Goal::None);
        assert_eq!(goal.for_peer(f64::NAN), Goal::None);
    }

    #[test]
    fn adam_steps_all_parameters_of_dcgan() {
        let lens = PARAMETERS
            .split(' ')
            .map(|len| len.parse::<usize>().unwrap());
        assert_eq!(lens.sum::<usize>(), 1_948_545 + 138_817);
    }
}

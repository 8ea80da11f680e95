//! What `09-failure.md` computes, and runs as [`Course`]s, which `06-game.md` has too.

use crate::Piece;
use crate::plot::{Chart, Ink, Line};
use crate::text::{fixed, short, table};
use anyhow::Result;
use detach::data::{InMemory, synthetic};
use detach::mnist::Split;
use detach::prelude::*;
use detach::recipes::figure::{Content, Curve};
use detach::recipes::{
    At, Batch, Batches, Clock, DataKind, Detail, Flow, Metrics, Observer, Plan, Preset, Session,
    Setup, Trainer, find,
};
use detach_gan::diagnosis::{self, Record, Verdict};
use std::sync::LazyLock;
use std::time::Duration;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "failure-saturation",
        make: |_| shown(saturation()),
    },
    Piece {
        name: "failure-death",
        make: |_| shown(death()),
    },
    Piece {
        name: "failure-born-dead",
        make: |_| shown(born_dead()),
    },
    Piece {
        name: "failure-collapse",
        make: |_| shown(collapse()),
    },
    Piece {
        name: "failure-variety",
        make: |_| shown(variety()),
    },
    Piece {
        name: "failure-signs",
        make: |_| shown(signs()),
    },
];

/// A piece that was made; what cannot be made, a test would have seen.
pub(crate) fn shown(made: Result<String>) -> String {
    made.unwrap_or_else(|e| panic!("{e:#}"))
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) record: Record,
    /// What its recipe shows of itself as functions of one number, at the end.
    pub(crate) curves: Vec<Curve>,
}

impl Course {
    /// `setup` trained for so many steps from its first, on digits that are drawn where it wants images, with a line of metrics
    /// every so many: what `gan train … --data digits --max-steps STEPS --log-every EVERY` does.
    pub(crate) fn of(setup: &Setup, steps: u64, every: u64) -> Result<Self> {
        let plan = Plan {
            total: steps,
            metrics_every: every,
            pictures: false,
        };
        let mut keeper = Keeper::default();
        let mut session = Session::new(trainer(setup)?, plan, &Still);
        session.observe(&mut keeper);
        session.run()?;
        let trainer = session.trainer();
        let figures = trainer.recipe().figures(&trainer.look());
        let panels = figures.into_iter().flat_map(|figure| figure.panels);
        let curves = panels.filter_map(|panel| match panel.content {
            Content::Curves(curves) => Some(curves),
            _ => None,
        });
        let curves = curves.flatten().collect();
        drop(session);
        Ok(Self {
            record: keeper.0,
            curves,
        })
    }

    /// As [`of`](Self::of) a setup that may be none, to be kept.
    pub(crate) fn known(setup: Result<Setup>, steps: u64, every: u64) -> Result<Self, String> {
        let course = setup.and_then(|setup| Self::of(&setup, steps, every));
        course.map_err(|e| format!("{e:#}"))
    }

    /// A number of its metrics over the steps.
    pub(crate) fn series(&self, name: &str) -> Vec<[f64; 2]> {
        let series = self.record.history.series(name).into_iter();
        series.map(|(step, value)| [step as f64, value]).collect()
    }

    /// A number of its metrics in the last line; NaN where there is none.
    pub(crate) fn last(&self, name: &str) -> f64 {
        let series = self.record.history.series(name);
        series.last().map_or(f64::NAN, |(_, value)| *value)
    }

    fn verdict(&self) -> Verdict {
        diagnosis::of(&self.record)
    }

    /// How much two fakes differ at each step that was looked at closely, where two reals are 1.
    fn variety(&self) -> Vec<[f64; 2]> {
        let of = |detail: &Detail| {
            let [fakes, reals] = [detail.samples?, detail.reals?];
            Some([detail.step as f64, fakes.distance / reals.distance])
        };
        self.record.details.iter().filter_map(of).collect()
    }
}

/// `recipe` as published, with some settings changed.
pub(crate) fn setup(recipe: &str, changes: &[&str]) -> Result<Setup> {
    let mut setup = find(recipe)?.setup(Preset::AsPublished);
    changes.iter().try_for_each(|change| setup.set(change))?;
    Ok(setup)
}

/// The digits of `--data digits`, seed 0.
static DIGITS: LazyLock<InMemory> =
    LazyLock::new(|| synthetic(0, Split::Train, Split::Train.mnist_len()));

fn trainer(setup: &Setup) -> Result<Trainer> {
    let kind = Kind::from(DType::F32);
    let sets = setup.data()?.into_iter().map(|data| match data {
        DataKind::Gaussian => Ok(Batches::gaussian(&setup.settings, kind)),
        DataKind::Images(size) => {
            Batches::images(Box::new(DIGITS.clone()), size, &setup.settings, kind)
        }
    });
    Trainer::new(setup.clone(), sets.collect::<Result<_>>()?, kind)
}

/// Keeps what it is told.
#[derive(Default)]
struct Keeper(Record);

impl Observer for Keeper {
    fn wants_details(&self) -> bool {
        true
    }

    fn metrics(&mut self, _: At<'_>, metrics: &Metrics) -> Result<Flow> {
        self.0.history.push(metrics);
        Ok(Flow::Continue)
    }

    fn detail(&mut self, _: At<'_>, detail: &Detail) -> Result<Flow> {
        self.0.details.push(detail.clone());
        Ok(Flow::Continue)
    }
}

/// A clock that stands: no time is told here.
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// Steps between two lines of metrics.
const EVERY: u64 = 10;
/// A run of this chapter, trained once.
pub(crate) type Known = LazyLock<Result<Course, String>>;

pub(crate) fn known(run: &Known) -> Result<&Course> {
    run.as_ref().map_err(|e| anyhow::anyhow!("{e}"))
}

fn once(recipe: &str, changes: &[&str], steps: u64) -> Result<Course, String> {
    Course::known(setup(recipe, changes), steps, EVERY)
}

/// A small `mlp` whose D learns fifty times as fast as published.
const STRONG_D: [&str; 4] = [
    "batch-size=16",
    "g-widths=[64]",
    "d-widths=[64, 32]",
    "d.lr=0.01",
];

static SATURATED: Known = LazyLock::new(|| {
    let changes = [&STRONG_D[..], &["generator-loss=saturating"]].concat();
    once("mlp", &changes, 150)
});
static UNSATURATED: Known = LazyLock::new(|| once("mlp", &STRONG_D, 150));
pub(crate) static DEAD: Known = LazyLock::new(|| once("gauss1d", &["lr=0.02"], 900));
static CHASED: Known = LazyLock::new(|| once("gauss1d", &["d-steps=1", "g.lr=0.01"], 900));
static HEALTHY: Known = LazyLock::new(|| once("gauss1d", &[], 900));

fn saturation() -> Result<String> {
    let line =
        |name, ink, run| -> Result<Line> { Ok(Line::new(name, ink, known(run)?.series("g_norm"))) };
    let chart = Chart::new(
        "The norm of G's gradient over 150 steps: with the saturating loss it falls to a thousandth, with the other it stays.",
    );
    Ok(chart
        .x("step")
        .y("‖∂L_G/∂G‖")
        .log_y()
        .line(line("−log D", Ink::Run(1), &UNSATURATED)?)
        .line(line("log(1 − D)", Ink::Run(2), &SATURATED)?)
        .svg())
}

fn death() -> Result<String> {
    let run = known(&DEAD)?;
    let chart = Chart::new(
        "Both losses and the divergence of a gauss1d whose learning rate is 0.02: from about step 450 on all three are level lines.",
    );
    Ok(chart
        .x("step")
        .up(0.0..2.5)
        .level(4.0_f64.ln(), "log 4")
        .level(2.0_f64.ln(), "log 2")
        .line(Line::new("D's loss", Ink::D, run.series("d_loss")))
        .line(Line::new("G's loss", Ink::G, run.series("g_loss")))
        .line(Line::new("JSD", Ink::Real, run.series("jsd")))
        .svg())
}

/// Seeds whose D is looked at before its first step.
const SEEDS: u64 = 50;

/// How many of the first D's of `mlp-relu` answer 0 to every one of 64 digits: their ReLU before σ is off.
fn dead_at_birth() -> Result<usize> {
    // G does not answer. A narrow one of as many layers leaves D the weights that it has as published, draw by draw.
    let mut setup = setup("mlp-relu", &["g-widths=[8, 8, 8, 8]"])?;
    let [DataKind::Images(size)] = setup.data()?[..] else {
        anyhow::bail!("mlp-relu learns images");
    };
    let kind = Kind::from(DType::F32);
    let mut batches = Batches::images(Box::new(DIGITS.clone()), size, &setup.settings, kind)?;
    batches.prepare(&detach::tensor::Count::default(), 1);
    let batch: Batch = batches.take();
    let mut dead = 0;
    for seed in 0..SEEDS {
        setup.settings.seed = seed;
        let answers = setup.build(kind)?.answers(&batch);
        let answers = answers.map(|logits| logits.to_vec::<f32>());
        dead += usize::from(answers.is_some_and(|all| all.iter().all(|logit| *logit == 0.0)));
    }
    Ok(dead)
}

fn born_dead() -> Result<String> {
    Ok(format!("{} of {SEEDS}", dead_at_birth()?))
}

fn collapse() -> Result<String> {
    let chart = Chart::new(
        "The deviation of G's samples: as published it comes to 1 and stays around it; of a G that outruns D it falls to nothing again and again.",
    );
    let line = |name, ink, run| -> Result<Line> {
        Ok(Line::new(name, ink, known(run)?.series("deviation")))
    };
    Ok(chart
        .x("step")
        .y("deviation of the samples")
        .up(0.0..2.0)
        .level(1.0, "the reals'")
        .line(line("published", Ink::Run(1), &HEALTHY)?)
        .line(line("G outruns D", Ink::Run(2), &CHASED)?)
        .svg())
}

fn variety() -> Result<String> {
    let narrow = [
        "batch-size=16",
        "g-widths=[128, 256, 512]",
        "d-widths=[128, 64]",
    ];
    let line = |name, ink, changes: &[&str]| -> Result<Line> {
        let setup = setup("mlp", &[&narrow[..], changes].concat())?;
        Ok(Line::new(name, ink, Course::of(&setup, 300, 300)?.variety()).dots())
    };
    let chart = Chart::new(
        "How much two fakes differ, where two reals are 1: with batch normalisation in G it grows, without it stays near a tenth.",
    );
    Ok(chart
        .x("step")
        .log_x()
        .y("variety")
        .up(0.0..1.1)
        .level(1.0, "of reals")
        .line(line("BatchNorm", Ink::Run(1), &[])?)
        .line(line("none", Ink::Run(2), &["batch-norm=false"])?)
        .svg())
}

/// The same losses, and what else is on record.
fn signs() -> Result<String> {
    let row = |name: &str, run: &Known| -> Result<Vec<String>> {
        let run = known(run)?;
        let check = |id| {
            run.verdict()
                .checks
                .into_iter()
                .find(|check| check.id == id)
        };
        let percent = check("dead-units").map_or(f64::NAN, |check| 100.0 * check.value);
        Ok(vec![
            name.to_owned(),
            fixed(run.last("d_loss"), 2),
            fixed(run.last("g_loss"), 2),
            short(run.last("d_norm"), 1),
            format!("{percent:.0}%"),
            fixed(run.last("jsd"), 2),
            run.verdict().kind.words().to_owned(),
        ])
    };
    Ok(table(
        &[
            "`gauss1d`, 900 steps",
            "D's loss",
            "G's loss",
            "‖∂L_D/∂D‖",
            "dead units, worst layer",
            "JSD",
            "verdict",
        ],
        [
            row("as published", &HEALTHY)?,
            row("`lr=0.02`", &DEAD)?,
            row("`d-steps=1`, `g.lr=0.01`", &CHASED)?,
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the chapter says of its runs.
    #[test]
    fn the_runs_fail_as_they_are_said_to() {
        let kinds = [&HEALTHY, &DEAD, &CHASED].map(|run| known(run).expect("a run").verdict().kind);
        use diagnosis::Kind;
        assert!(!kinds[0].is_failure(), "{kinds:?}");
        assert_eq!(kinds[1], Kind::DeadD);
        assert!(kinds[2].is_failure(), "{kinds:?}");
        let [loud, quiet] =
            [&UNSATURATED, &SATURATED].map(|run| known(run).expect("a run").last("g_norm"));
        assert!(quiet < 1e-2 * loud, "{quiet} {loud}");
        assert_eq!(known(&DEAD).expect("a run").last("d_norm"), 0.0);
        assert_eq!(
            known(&SATURATED).expect("a run").verdict().kind,
            Kind::DeafG
        );
    }
}

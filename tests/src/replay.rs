//! A recipe's published loop, run on numbers by formula as the goldens were.

use crate::golden::{
    D_TAG, G_TAG, Golden, NOISE_TAG, Nets, REAL_TAG, Which, by_formula, fill, norm,
};
use detach_gan::recipes::{DataKind, Info, Recipe, Report, Step, find};
use detach_gan::settings::{Preset, Settings};
use detach_gan::trainer::build;
use detach_nn::{Adam, Slot, State};
use detach_tensor::{Kind, Random, Stream, Tensor};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The curves and gradients of a run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// D's loss of each step.
    pub d_loss: Vec<f64>,
    /// G's loss of each step.
    pub g_loss: Vec<f64>,
    /// Share of reals taken for real.
    pub real_acc: Vec<f64>,
    /// Share of fakes taken for fake.
    pub fake_acc: Vec<f64>,
    /// Every optimiser step, in order.
    pub updates: Vec<Gradients>,
    /// ‖·‖ of every parameter and running statistic at the end.
    pub last: Nets<BTreeMap<String, f64>>,
}

/// The gradients of one optimiser step, in the order of the parameters.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// Whose parameters.
    pub net: Which,
    /// Their norms.
    pub norms: Vec<f64>,
    /// Their values, in the first training step only.
    pub values: Vec<Vec<f64>>,
}

/// A recipe filled by formula, before its first step.
pub struct Replay {
    /// The networks and the loop.
    pub recipe: Box<dyn Recipe>,
    data: DataKind,
    batch: usize,
    kind: Kind,
    reals: u64,
    draws: u64,
    skips: std::vec::IntoIter<u64>,
    record: Rc<RefCell<Record>>,
}

/// The recipe called `name` and its published settings with `changes` made to them
/// (`order=g-first`); dropout is off, as the masks of another library cannot match.
///
/// # Panics
/// When there is no such recipe or setting.
pub fn published(name: &str, changes: &[&str]) -> (&'static Info, Settings) {
    let info = find(name).unwrap_or_else(|e| panic!("{e:#}"));
    let mut settings = (info.settings)(Preset::AsPublished);
    let dropout = settings.dropout.map(|_| "dropout=0");
    for change in changes.iter().copied().chain(dropout) {
        settings.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    (info, settings)
}

impl Replay {
    /// Builds the recipe, fills both networks and watches both optimisers.
    pub fn new(
        (info, settings): (&Info, Settings),
        golden: &Golden,
        kind: impl Into<Kind>,
    ) -> Self {
        let kind = kind.into();
        let mut recipe = build(info, &settings, kind);
        let record = Rc::default();
        let pair = recipe.pair_mut();
        fill(&pair.g, G_TAG);
        fill(&pair.d, D_TAG);
        watch(&mut pair.g_adam, Which::G, &record);
        watch(&mut pair.d_adam, Which::D, &record);
        Self {
            recipe,
            data: info.data,
            batch: golden.batch,
            kind,
            reals: golden.first,
            draws: golden.first,
            skips: golden.skips.clone().into_iter(),
            record,
        }
    }

    /// Runs `steps` training steps.
    pub fn run(mut self, steps: usize) -> Record {
        for _ in 0..steps {
            let report = self.step();
            let mut record = self.record.borrow_mut();
            record.d_loss.push(report.d_loss.item());
            record.g_loss.push(report.g_loss.item());
            record.real_acc.push(report.real_acc());
            record.fake_acc.push(report.fake_acc());
        }
        let pair = self.recipe.pair();
        let last = Nets {
            g: norms(&pair.g),
            d: norms(&pair.d),
        };
        Record {
            last,
            ..self.record.take()
        }
    }

    fn step(&mut self) -> Report {
        let skip = self.skips.next().unwrap_or(0);
        self.reals += skip;
        self.draws += skip;
        let Self {
            data,
            batch,
            kind,
            reals,
            draws,
            ..
        } = self;
        // √3·u has the variance 1 of the normal noise that it stands for.
        let unit_variance = 3.0_f64.sqrt();
        let shape = data.shape(*batch);
        let scale = match data {
            DataKind::Images(_) => 1.0,
            DataKind::Gaussian => unit_variance,
        };
        let next = |first: u64, count: &mut u64, shape: &[usize], scale| {
            let array = by_formula(first + *count, shape, scale, 0.0, *kind);
            *count += 1;
            Tensor::constant(array)
        };
        self.recipe.train_step(&mut Step {
            real: &mut || next(REAL_TAG, reals, &shape, scale),
            noise: &mut |shape| next(NOISE_TAG, draws, shape, unit_variance),
            dropout: &Random::new(0, Stream::Dropout),
        })
    }
}

fn watch(adam: &mut Adam, net: Which, record: &Rc<RefCell<Record>>) {
    let record = Rc::clone(record);
    adam.watch(Box::new(move |gradients| {
        let mut record = record.borrow_mut();
        let values: Vec<Vec<f64>> = gradients.iter().map(Tensor::to_vec).collect();
        let first_step = record.d_loss.is_empty();
        record.updates.push(Gradients {
            net,
            norms: values.iter().map(|g| norm(g)).collect(),
            values: if first_step { values } else { Vec::new() },
        });
    }));
}

/// ‖·‖ of every parameter and buffer, by name.
fn norms(state: &dyn State) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    state.visit("", &mut |name, slot| {
        if let Slot::Param(x) | Slot::Buffer(x) = slot {
            out.insert(name, norm(&x.get().to_vec::<f64>()));
        }
    });
    out
}

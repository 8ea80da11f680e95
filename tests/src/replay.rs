//! A recipe's published loop, run on numbers by formula as the goldens were.

use crate::golden::{
    D_TAG, G_TAG, Golden, NOISE_TAG, Nets, REAL_TAG, Which, by_formula, fill, norm,
};
use detach_nn::{Name, Optimiser, Slot, State};
use detach_recipes::{Batch, DataKind, Inputs, Preset, Recipe, Report, Setup, Step, Streams, find};
use detach_tensor::{Kind, Tensor};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The curves and gradients of a run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What each step told, by name.
    pub curves: BTreeMap<&'static str, Vec<f64>>,
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
    numbers: Numbers,
    skips: std::vec::IntoIter<u64>,
    /// Done so far.
    steps: u64,
    record: Rc<RefCell<Record>>,
}

/// Reals and noise by formula: each batch and each draw has a number of its own. The class of sample i of batch n
/// is (i + n) mod 10.
struct Numbers {
    data: DataKind,
    batch: usize,
    kind: Kind,
    reals: u64,
    draws: u64,
}

impl Numbers {
    fn next(tag: u64, count: &mut u64, shape: &[usize], scale: f64, kind: Kind) -> Tensor {
        let array = by_formula(tag + *count, shape, scale, 0.0, kind);
        *count += 1;
        Tensor::constant(array)
    }
}

/// √3·u has the variance 1 of the normal noise that it stands for.
fn unit_variance() -> f64 {
    3.0_f64.sqrt()
}

impl Inputs for Numbers {
    fn batch(&mut self, _: usize) -> Batch {
        let scale = match self.data {
            DataKind::Images(_) => 1.0,
            DataKind::Gaussian => unit_variance(),
        };
        let shape = self.data.shape(self.batch);
        let first = self.reals;
        let images = Self::next(REAL_TAG, &mut self.reals, &shape, scale, self.kind);
        let labels = (first..).take(self.batch).map(|label| (label % 10) as f32);
        Batch::labelled(images, labels.collect())
    }

    fn noise(&mut self, shape: &[usize]) -> Tensor {
        Self::next(
            NOISE_TAG,
            &mut self.draws,
            shape,
            unit_variance(),
            self.kind,
        )
    }

    /// (u + 1) / 2.
    fn uniform(&mut self, shape: &[usize]) -> Tensor {
        let array = by_formula(NOISE_TAG + self.draws, shape, 0.5, 0.5, self.kind);
        self.draws += 1;
        Tensor::constant(array)
    }
}

/// A preset of the recipe called `name` with `changes` made to it
/// (`order=g-first`); dropout is off, as the masks of another library cannot match.
///
/// # Panics
/// When there is no such recipe or setting.
pub fn of_preset(name: &str, preset: Preset, changes: &[&str]) -> Setup {
    let recipe = find(name).unwrap_or_else(|e| panic!("{e:#}"));
    let mut setup = recipe.setup(preset);
    let dropout = setup.options().get("dropout").map(|_| "dropout=0");
    for change in changes.iter().copied().chain(dropout) {
        setup.set(change).unwrap_or_else(|e| panic!("{e:#}"));
    }
    setup
}

/// [`of_preset`] of the published one.
///
/// # Panics
/// As that.
pub fn published(name: &str, changes: &[&str]) -> Setup {
    of_preset(name, Preset::AsPublished, changes)
}

impl Replay {
    /// Builds the recipe, fills its networks and watches its optimisers.
    ///
    /// # Panics
    /// When the recipe has not one generator and one discriminator.
    pub fn new(setup: &Setup, golden: &Golden, kind: impl Into<Kind>) -> Self {
        let kind = kind.into();
        let mut recipe = setup.build(kind).expect("a recipe that can be");
        let record = Rc::default();
        for (network, which) in recipe.networks().into_iter().zip([Which::G, Which::D]) {
            let tag = match which {
                Which::G => G_TAG,
                Which::D => D_TAG,
            };
            fill(network.1, tag);
        }
        for (name, optimiser) in recipe.optimisers() {
            let which = match name {
                "g" => Which::G,
                "d" => Which::D,
                other => panic!("a golden knows no network `{other}`"),
            };
            watch(optimiser, which, &record);
        }
        Self {
            recipe,
            numbers: Numbers {
                data: setup.data().expect("options that can be")[0],
                batch: golden.batch,
                kind,
                reals: golden.first,
                draws: golden.first,
            },
            skips: golden.skips.clone().into_iter(),
            steps: 0,
            record,
        }
    }

    /// Runs `steps` training steps.
    ///
    /// # Panics
    /// When a step does not report what a golden has.
    pub fn run(mut self, steps: usize) -> Record {
        for _ in 0..steps {
            let report = self.step();
            let mut record = self.record.borrow_mut();
            for (name, value) in report.read() {
                record.curves.entry(name).or_default().push(value);
            }
        }
        let networks = self.recipe.networks();
        let last = Nets {
            g: norms(networks[0].1),
            d: norms(networks[1].1),
        };
        Record {
            last,
            ..self.record.take()
        }
    }

    /// One step, with each loss shown to `to` before an update goes down it.
    pub fn step_shown(&mut self, to: &mut dyn FnMut(&Tensor)) -> Report {
        self.step_to(Some(to))
    }

    fn step(&mut self) -> Report {
        self.step_to(None)
    }

    fn step_to(&mut self, to: Option<&mut dyn FnMut(&Tensor)>) -> Report {
        let skip = self.skips.next().unwrap_or(0);
        self.numbers.reals += skip;
        self.numbers.draws += skip;
        let streams = Streams::new(0, |random| random);
        let phase = self.recipe.phase(self.steps);
        self.steps += 1;
        let mut step = Step::new(&mut self.numbers, &streams, phase);
        if let Some(to) = to {
            step = step.showing(to);
        }
        self.recipe.train_step(&mut step)
    }
}

fn watch(optimiser: &mut Optimiser, net: Which, record: &Rc<RefCell<Record>>) {
    let record = Rc::clone(record);
    optimiser.watch(Box::new(move |gradients| {
        let mut record = record.borrow_mut();
        let values: Vec<Vec<f64>> = gradients.iter().map(Tensor::to_vec).collect();
        let first_step = record.curves.is_empty();
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
    state.visit(Name::ROOT, &mut |name, slot| {
        if let Slot::Param(x) | Slot::Buffer(x) = slot {
            out.insert(name.to_string(), norm(&x.get().to_vec::<f64>()));
        }
    });
    out
}

//! A recipe, its data and its position: what steps, and what a checkpoint is of.

use crate::batch::Batch;
use crate::batches::Batches;
use crate::checkpoint::{self, upgrade, version};
use crate::figure::Look;
use crate::recipe::Recipe;
use crate::report::Report;
use crate::setup::Setup;
use crate::step::{Inputs, Step, Streams};
use crate::watch::{Closely, Watch, Watched};
use anyhow::{Result, bail};
use detach_nn::{Checkpoint, Name, Slot, State};
use detach_tensor::{Count, Kind, StepKey, Steps, Stream, Tensor};

/// A recipe in training.
pub struct Trainer {
    setup: Setup,
    /// Batches of the first data set that a step takes.
    batches_a_step: u64,
    recipe: Box<dyn Recipe>,
    sets: Vec<Batches>,
    kind: Kind,
    /// Steps done. What a step draws holds it, so that a replayed step draws its own.
    step: Count,
    steps: Steps<StepKey, Report>,
    /// What the last step was computed with, as far as it decides its last digits.
    arithmetic: Option<String>,
    /// How many batches of each set a step of a phase takes, once one has been run.
    takes: Vec<(u32, Vec<usize>)>,
    /// How closely the step that is run is watched.
    closely: Closely,
    /// The last batch of the first data set, in a step whose layers are watched.
    reals: Option<Tensor>,
    /// Who is shown the losses of the step that is run.
    shown: Option<Shown>,
}

/// What is shown the losses of a step.
pub type Shown = Box<dyn FnMut(&Tensor)>;

/// The data and the noise of a training step.
struct Feed<'a> {
    sets: &'a mut [Batches],
    streams: &'a Streams,
    kind: Kind,
    /// Where the batches of the first data set are noted, if they are.
    reals: Option<&'a mut Option<Tensor>>,
}

impl Inputs for Feed<'_> {
    fn batch(&mut self, set: usize) -> Batch {
        let count = self.sets.len();
        let data = self.sets.get_mut(set);
        let batch = data
            .unwrap_or_else(|| panic!("a recipe of {count} data sets asked for another"))
            .take();
        if let (0, Some(reals)) = (set, &mut self.reals) {
            **reals = Some(batch.images.clone());
        }
        batch
    }

    fn noise(&mut self, shape: &[usize]) -> Tensor {
        self.streams.of(Stream::Noise).normal(shape, self.kind)
    }

    fn uniform(&mut self, shape: &[usize]) -> Tensor {
        self.streams.of(Stream::Noise).uniform(shape, self.kind)
    }
}

impl Trainer {
    /// A recipe before its first step, on a source of batches for each of its data sets.
    ///
    /// # Errors
    /// When its settings cannot be, there are more or fewer sources than it has data sets, or it learns
    /// classes that the data has not.
    pub fn new(setup: Setup, mut sets: Vec<Batches>, kind: Kind) -> Result<Self> {
        let wanted = setup.data()?.len();
        if sets.len() != wanted {
            bail!(
                "`{}` is trained on {wanted} data sets, and {} were given",
                setup.recipe().name(),
                sets.len()
            );
        }
        if let (Some(classes), Some(data)) = (setup.classes()?, sets.first()) {
            check_classes(setup.recipe().name(), classes, data.classes())?;
        }
        for (number, set) in sets.iter_mut().enumerate().skip(1) {
            set.renumber(number, setup.settings.seed);
        }
        Ok(Self {
            recipe: setup.build(kind)?,
            batches_a_step: setup.batches_a_step(),
            setup,
            sets,
            kind,
            step: Count::default(),
            steps: Steps::new(kind.device),
            arithmetic: None,
            takes: Vec::new(),
            closely: Closely::No,
            reals: None,
            shown: None,
        })
    }

    /// What it was made from.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Steps done so far.
    pub fn steps_done(&self) -> u64 {
        self.step.get()
    }

    /// Element type and device of everything in it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Steps in an epoch of the first data set.
    pub fn steps_per_epoch(&self) -> u64 {
        let Some(first) = self.sets.first() else {
            return 1;
        };
        match first.is_endless() {
            true => first.batches_per_epoch(),
            false => {
                let batches = first.batches_per_epoch();
                batches.div_ceil(self.batches_a_step).max(1)
            }
        }
    }

    /// Epochs done, with a fraction.
    pub fn epoch(&self) -> f64 {
        self.steps_done() as f64 / self.steps_per_epoch() as f64
    }

    /// The recipe.
    pub fn recipe(&self) -> &dyn Recipe {
        &*self.recipe
    }

    /// What the recipe looks at itself with.
    pub fn look(&self) -> Look {
        Look::new(self.setup.settings.seed, self.kind)
    }

    /// The recipe, for callers that set weights or watch updates.
    pub fn recipe_mut(&mut self) -> &mut dyn Recipe {
        &mut *self.recipe
    }

    /// One training step. What it draws depends on nothing but the seed, its number and the
    /// position in the data.
    ///
    /// The report is still on the device. There it may be the same tensors every time, with
    /// the numbers of the last step in them.
    ///
    /// # Panics
    /// When steps of one phase take different numbers of batches: a captured step could not.
    pub fn step(&mut self) -> Report {
        let epoch = self.epoch();
        for (_, optimiser) in self.recipe.optimisers() {
            optimiser.at_epoch(epoch);
        }
        let phase = self.recipe.phase(self.steps_done());
        let known = self.takes.iter().position(|(of, _)| *of == phase);
        for (i, set) in self.sets.iter_mut().enumerate() {
            // How many batches a phase takes shows in its first step.
            let count = known.map_or(0, |known| self.takes[known].1[i]);
            set.prepare(&self.step, count);
        }
        let report = match known {
            Some(known) => self.known_step(phase, known),
            None => self.first_step(phase),
        };
        self.step.add(1);
        let arithmetic = checkpoint::arithmetic(self.kind);
        if self.arithmetic.as_deref() != Some(arithmetic) {
            self.arithmetic = Some(arithmetic.to_owned());
        }
        report
    }

    /// As [`step`](Self::step), watched: the numbers are the same.
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn step_watched(&mut self, closely: Closely) -> (Report, Watched) {
        let watch = Watch::begin(&mut *self.recipe, closely);
        self.closely = closely;
        let report = self.step();
        self.closely = Closely::No;
        let reals = self.reals.take();
        (report, watch.end(&mut *self.recipe, reals))
    }

    /// As [`step`](Self::step), run as it is on any device, with each loss shown to `to` before an update goes down it; see
    /// [`Step::showing`].
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn step_shown(&mut self, to: Shown) -> Report {
        self.shown = Some(to);
        let report = self.step();
        self.shown = None;
        report
    }

    /// The lengths of the step's batches.
    fn key(&self, phase: u32) -> StepKey {
        let mut batches = Vec::new();
        self.sets.iter().for_each(|set| set.lengths(&mut batches));
        StepKey { phase, batches }
    }

    /// The first step of a phase: run as it is, and counted as one that warms up.
    fn first_step(&mut self, phase: u32) -> Report {
        let report = self.run(phase, None);
        self.takes
            .push((phase, self.sets.iter().map(Batches::taken).collect()));
        let key = self.key(phase);
        self.steps.ran(key);
        report
    }

    fn known_step(&mut self, phase: u32, known: usize) -> Report {
        let key = self.key(phase);
        let report = self.run(phase, Some(key));
        let taken = || self.sets.iter().map(Batches::taken);
        let takes = &self.takes[known].1;
        // Of a replay the host sees nothing.
        assert!(
            taken().all(|n| n == 0) || takes.iter().copied().eq(taken()),
            "steps of phase {phase} take {takes:?} and {:?} batches; give steps that differ \
             phases that differ (Recipe::phase)",
            taken().collect::<Vec<_>>(),
        );
        report
    }

    /// The recipe's step, captured under `key` where there is one.
    fn run(&mut self, phase: u32, key: Option<StepKey>) -> Report {
        let Self {
            setup,
            recipe,
            sets,
            kind,
            step,
            steps,
            closely,
            reals,
            shown,
            ..
        } = self;
        let is_replayable = *closely == Closely::No && shown.is_none();
        let streams = Streams::new(setup.settings.seed, |random| random.at(step.clone()));
        let run = || {
            let mut feed = Feed {
                sets,
                streams: &streams,
                kind: *kind,
                reals: (*closely == Closely::Layers).then_some(reals),
            };
            let mut step = Step::new(&mut feed, &streams, phase);
            if let Some(shown) = shown {
                step = step.showing(shown);
            }
            recipe.train_step(&mut step)
        };
        match key {
            Some(key) if is_replayable => steps.run(key, run),
            // Of a replay nobody sees more than its report.
            Some(key) => {
                let report = steps.run_eager(run);
                steps.ran(key);
                report
            }
            None => steps.run_eager(run),
        }
    }

    /// The name of a weight or buffer of a network with an infinity or a NaN in it; `None` where all are finite.
    pub fn first_not_finite(&self) -> Option<String> {
        let mut first = None;
        for (network, net) in self.recipe.networks() {
            net.visit(network.into(), &mut |name, slot| {
                if let Slot::Param(values) | Slot::Buffer(values) = slot
                    && first.is_none()
                    && !values.get().value().is_finite()
                {
                    first = Some(name.to_string());
                }
            });
        }
        first
    }

    /// Weights, buffers, optimisers, the recipe's own state and the position.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::new();
        checkpoint.add("", &All(self));
        let arithmetic = self.arithmetic.as_deref();
        checkpoint::describe(&mut checkpoint, &self.setup, self.steps_done(), arithmetic);
        checkpoint
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// When it is of another recipe, version or settings, or has numbers that are not finite. Nothing is
    /// changed then.
    pub fn restore(&mut self, mut checkpoint: Checkpoint) -> Result<()> {
        let step = checkpoint::check(&checkpoint, &self.setup)?;
        let arithmetic = checkpoint.metadata.get("arithmetic").cloned();
        if version(&checkpoint)? == 0 {
            upgrade(&mut checkpoint);
            checkpoint.restore("", &*self.recipe)?;
            for set in &self.sets {
                set.go_to(step * self.batches_a_step);
            }
        } else {
            checkpoint.restore("", &All(self))?;
        }
        self.step.set(step);
        self.arithmetic = arithmetic;
        Ok(())
    }
}

/// Refuses data without classes, or with more than the recipe called `name` has.
fn check_classes(name: &str, classes: usize, data: usize) -> Result<()> {
    match data {
        0 => bail!(
            "`{name}` learns the classes of its images, and this data has no labels; use data with labels, or another \
             recipe"
        ),
        _ if data > classes => {
            bail!("this data has {data} classes, and `{name}` {classes}; set classes={data}")
        }
        _ => Ok(()),
    }
}

/// Everything that the next step depends on.
struct All<'a>(&'a Trainer);

impl State for All<'_> {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.0.recipe.visit(path, f);
        for (i, set) in self.0.sets.iter().enumerate() {
            set.visit(path.dot("data").dot(i), f);
        }
    }
}

//! The loop around a recipe: steps, and observers that hear of them.
//!
//! A session knows no files, no clock, no signals and no threads: what it needs of them is handed
//! in. So it runs in a test, in a program of one's own and in a browser.

use crate::detail::Detail;
use crate::diverged::{Diverged, check_finite};
use crate::report::Report;
use crate::sampler::on_points;
use crate::settings::{PictureSource, SampleMode};
use crate::trainer::Trainer;
use crate::watch::{Closely, Watched};
use anyhow::{Result, bail};
use detach_nn::Checkpoint;
use detach_tensor::Tensor;
use std::time::Duration;

/// What an observer wants to happen next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// Save a checkpoint and go on.
    Save,
    /// Return to the caller after this step; [`Session::run`] goes on from there.
    Pause,
    /// Save and end.
    Stop,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All steps are done.
    Complete,
    /// An observer stopped it; everything is saved.
    Stopped,
    /// An observer paused it.
    Paused,
}

/// Tells the time, as a duration since some moment.
pub trait Clock {
    /// Now.
    fn now(&self) -> Duration;
}

/// Where a session stands.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The recipe, its data and its position.
    pub trainer: &'a Trainer,
    /// What the last step told; `None` before the first step of this session.
    pub report: Option<&'a Report>,
    /// Steps in all, those of earlier sessions included.
    pub total: u64,
    /// Since the session began.
    pub elapsed: Duration,
}

impl At<'_> {
    /// Steps done.
    pub fn step(&self) -> u64 {
        self.trainer.steps_done()
    }
}

/// Numbers of a step that was due to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Steps done.
    pub step: u64,
    /// Epochs done, with a fraction.
    pub epoch: f64,
    /// What the recipe reports, by name.
    pub scalars: Vec<(&'static str, f64)>,
    /// What a [`Scorer`] says, by name; nothing in most lines.
    pub scores: Vec<(&'static str, f64)>,
    /// Milliseconds a step, the mean since the last line.
    pub step_ms: f64,
    /// Samples of the recipe's batch size a second, the mean since the last line.
    pub images_per_s: f64,
}

impl Metrics {
    /// The number called `name`.
    pub fn get(&self, name: &str) -> Option<f64> {
        let all = self.scalars.iter().chain(&self.scores);
        let (_, value) = all.into_iter().find(|(known, _)| *known == name)?;
        Some(*value)
    }
}

/// Something that hears of a session: a progress bar, a log, a folder of checkpoints.
///
/// Every call may end the session with an error; what is merely cosmetic should not.
pub trait Observer {
    /// A step was done.
    fn step(&mut self, at: At<'_>) -> Result<Flow> {
        let _ = at;
        Ok(Flow::Continue)
    }

    /// A line of metrics was due.
    fn metrics(&mut self, at: At<'_>, metrics: &Metrics) -> Result<Flow> {
        let _ = (at, metrics);
        Ok(Flow::Continue)
    }

    /// Whether it wants to hear of [details](Self::detail). Where nobody does, no step is looked at so closely.
    fn wants_details(&self) -> bool {
        false
    }

    /// A step was looked at closely: one of those that [`Detail::is_due`] names, one that a picture is of, the last one.
    fn detail(&mut self, at: At<'_>, detail: &Detail) -> Result<Flow> {
        let _ = (at, detail);
        Ok(Flow::Continue)
    }

    /// A picture was due: `samples` `[N, …]`, as the settings of pictures say.
    fn picture(&mut self, at: At<'_>, samples: &Tensor) -> Result<Flow> {
        let _ = (at, samples);
        Ok(Flow::Continue)
    }

    /// The state is to be kept.
    fn save(&mut self, at: At<'_>, checkpoint: &Checkpoint) -> Result<()> {
        let _ = (at, checkpoint);
        Ok(())
    }

    /// It was kept by all who keep it.
    fn saved(&mut self, at: At<'_>) -> Result<()> {
        let _ = at;
        Ok(())
    }

    /// The session is over, and saved.
    fn end(&mut self, at: At<'_>, end: End) -> Result<()> {
        let _ = (at, end);
        Ok(())
    }
}

/// Something that says how good a state is in numbers that cost more than a line of metrics should: they are asked for
/// less often, and told in the line of their step, so that every log and every observer has them.
///
/// It draws from the sample stream, which training never does: scoring changes nothing.
pub trait Scorer {
    /// The numbers of the state as it is now, by name.
    ///
    /// # Errors
    /// When there are none, which ends the session.
    fn score(&mut self, at: At<'_>) -> Result<Vec<(&'static str, f64)>>;
}

/// What a session does besides stepping.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Steps in all, those of earlier sessions included.
    pub total: u64,
    /// Steps between two lines of metrics; the first and the last step have one, too.
    pub metrics_every: u64,
    /// Whether pictures are taken when they are due.
    pub pictures: bool,
}

/// What is told after a step.
#[derive(Clone, Copy)]
struct Due {
    metrics: bool,
    score: bool,
    detail: bool,
    picture: bool,
}

impl Due {
    fn closely(self) -> Closely {
        match (self.detail, self.metrics) {
            (true, _) => Closely::Layers,
            (false, true) => Closely::Norms,
            (false, false) => Closely::No,
        }
    }
}

/// A training run in progress.
pub struct Session<'a> {
    trainer: Trainer,
    plan: Plan,
    clock: &'a dyn Clock,
    observers: Vec<&'a mut dyn Observer>,
    /// Who scores, and the steps between two scores.
    scorer: Option<(u64, &'a mut dyn Scorer)>,
    begun: Duration,
    report: Option<Report>,
    /// The step that this session saved last.
    saved_at: Option<u64>,
    /// Training time, samples and steps since the last line of metrics.
    time: Duration,
    samples: usize,
    steps: u32,
}

impl<'a> Session<'a> {
    /// A session that goes on from where `trainer` is.
    pub fn new(trainer: Trainer, plan: Plan, clock: &'a dyn Clock) -> Self {
        Self {
            trainer,
            plan,
            clock,
            observers: Vec::new(),
            scorer: None,
            begun: clock.now(),
            report: None,
            saved_at: None,
            time: Duration::ZERO,
            samples: 0,
            steps: 0,
        }
    }

    /// Tells `observer` of everything from now on, after those that were here before.
    pub fn observe(&mut self, observer: &'a mut dyn Observer) {
        self.observers.push(observer);
    }

    /// Asks `scorer` every so many steps and after the last one.
    pub fn score(&mut self, every: u64, scorer: &'a mut dyn Scorer) {
        self.scorer = Some((every.max(1), scorer));
    }

    /// The recipe, its data and its position.
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// Trains until all steps are done or an observer says otherwise. After a pause it can be
    /// called again.
    ///
    /// # Errors
    /// [`Diverged`], or when an observer fails.
    pub fn run(&mut self) -> Result<End> {
        while self.trainer.steps_done() < self.plan.total {
            match self.step()? {
                Flow::Continue => {}
                Flow::Save => self.save()?,
                Flow::Pause => return Ok(End::Paused),
                Flow::Stop => return self.end(End::Stopped),
            }
        }
        self.end(End::Complete)
    }

    fn end(&mut self, end: End) -> Result<End> {
        self.save()?;
        self.tell(|observer, at| observer.end(at, end).map(|()| Flow::Continue))?;
        Ok(end)
    }

    /// What is due after the step of this number.
    fn due(&self, step: u64) -> Due {
        let every = self.plan.metrics_every.max(1);
        let is_last = step == self.plan.total;
        let per_epoch = self.trainer.steps_per_epoch();
        let pictures = &self.trainer.setup().settings.pictures;
        let picture = self.plan.pictures && pictures.due(step, per_epoch);
        let is_wanted = self.observers.iter().any(|one| one.wants_details());
        let scorer = self.scorer.as_ref();
        let score = scorer.is_some_and(|(every, _)| is_last || step.is_multiple_of(*every));
        Due {
            metrics: step.is_multiple_of(every) || step == 1 || is_last || score,
            score,
            detail: is_wanted && (Detail::is_due(step) || picture || is_last),
            picture,
        }
    }

    /// One step with all that belongs to it; returns the strongest wish of the observers.
    fn step(&mut self) -> Result<Flow> {
        let due = self.due(self.trainer.steps_done() + 1);
        let begun = self.clock.now();
        // The former step's report goes before the next one's comes.
        self.report = None;
        let (report, watched) = self.trainer.step_watched(due.closely());
        self.time += self.clock.now().saturating_sub(begun);
        self.samples += report.samples().shape()[0];
        self.steps += 1;

        let mut flow = Flow::Continue;
        let detail = due.detail.then(|| self.detail(&report, &watched));
        self.report = Some(report);
        if due.metrics {
            let mut metrics = self.measure(&watched)?;
            if due.score {
                metrics.scores = self.scores()?;
            }
            flow = flow.max(self.tell(|observer, at| observer.metrics(at, &metrics))?);
        }
        if let Some(detail) = detail.filter(Detail::is_finite) {
            flow = flow.max(self.tell(|observer, at| observer.detail(at, &detail))?);
        }
        if due.picture {
            self.wait();
            let samples = self.picture();
            flow = flow.max(self.tell(|observer, at| observer.picture(at, &samples))?);
        }
        Ok(flow.max(self.tell(|observer, at| observer.step(at))?))
    }

    /// The scores of the state as it is.
    fn scores(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let Some((every, scorer)) = self.scorer.take() else {
            return Ok(Vec::new());
        };
        let scores = scorer.score(self.at());
        self.scorer = Some((every, scorer));
        scores
    }

    /// Where it stands.
    fn at(&self) -> At<'_> {
        At {
            trainer: &self.trainer,
            report: self.report.as_ref(),
            total: self.plan.total,
            elapsed: self.clock.now().saturating_sub(self.begun),
        }
    }

    /// Reads what was seen of a step that was watched closely.
    fn detail(&mut self, report: &Report, watched: &Watched) -> Detail {
        self.wait();
        watched.detail(self.trainer.steps_done(), self.trainer.epoch(), report)
    }

    /// Reads the report's numbers, and the norms of the gradients.
    fn measure(&mut self, watched: &Watched) -> Result<Metrics> {
        self.wait();
        let seconds = self.time.as_secs_f64().max(1e-9);
        let report = self.report.as_ref();
        let mut scalars = report.map(Report::read).unwrap_or_default();
        scalars.extend(watched.norms());
        scalars.extend(self.trainer.recipe().measures(&self.trainer.look()));
        let step = self.trainer.steps_done();
        check_finite(&scalars, step)?;
        let metrics = Metrics {
            step,
            epoch: self.trainer.epoch(),
            scalars,
            scores: Vec::new(),
            step_ms: 1e3 * seconds / f64::from(self.steps.max(1)),
            images_per_s: self.samples as f64 / seconds,
        };
        (self.time, self.samples, self.steps) = (Duration::ZERO, 0, 0);
        Ok(metrics)
    }

    /// Waits for the steps that the device has still to do, which is training time.
    fn wait(&mut self) {
        let begun = self.clock.now();
        self.trainer.kind().device.synchronize();
        self.time += self.clock.now().saturating_sub(begun);
    }

    /// The samples of the picture that is due.
    fn picture(&self) -> Tensor {
        let settings = &self.trainer.setup().settings;
        let pictures = &settings.pictures;
        let n = pictures.rows * pictures.columns;
        let draw = match (pictures.source, &self.report) {
            (PictureSource::Fakes, Some(report)) => {
                let samples = report.samples();
                return samples.slice(0, 0, n.min(samples.shape()[0]));
            }
            (PictureSource::Fresh, _) => self.trainer.steps_done(),
            (PictureSource::Fixed | PictureSource::Fakes, _) => 0,
        };
        sample(&self.trainer, draw, n, pictures.mode)
    }

    /// Hands the state over to be kept, unless this session has just done so.
    fn save(&mut self) -> Result<()> {
        let step = self.trainer.steps_done();
        self.wait();
        if self.saved_at == Some(step) {
            return Ok(());
        }
        if let Some(report) = &self.report {
            check_finite(&report.read(), step)?;
        }
        if let Some(name) = self.trainer.first_not_finite() {
            bail!(Diverged::at(
                step,
                &format!("`{name}` is not finite any more")
            ));
        }
        let checkpoint = self.trainer.checkpoint();
        self.tell(|observer, at| observer.save(at, &checkpoint).map(|()| Flow::Continue))?;
        self.saved_at = Some(step);
        self.tell(|observer, at| observer.saved(at).map(|()| Flow::Continue))?;
        Ok(())
    }

    /// Calls `what` on all observers in order; returns the strongest wish.
    fn tell(
        &mut self,
        mut what: impl FnMut(&mut dyn Observer, At<'_>) -> Result<Flow>,
    ) -> Result<Flow> {
        let at = At {
            trainer: &self.trainer,
            report: self.report.as_ref(),
            total: self.plan.total,
            elapsed: self.clock.now().saturating_sub(self.begun),
        };
        let mut flow = Flow::Continue;
        for observer in &mut self.observers {
            flow = flow.max(what(&mut **observer, at)?);
        }
        Ok(flow)
    }
}

/// `n` samples of the trained generator, detached; `draw` is the number of the draw of the stream
/// for samples, which training never draws from. Where there are classes they take turns, and a point of
/// noise is shown in each class before the next one: in as many columns, a row is one point.
///
/// # Panics
/// When the recipe makes samples of something else than noise.
pub fn sample(trainer: &Trainer, draw: u64, n: usize, mode: SampleMode) -> Tensor {
    let seed = trainer.setup().settings.seed;
    let sampler = trainer.recipe().sampler();
    on_points(sampler, (seed, draw), n, (mode, trainer.kind()))
}

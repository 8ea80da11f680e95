//! What writes a run's folder while a session goes on: checkpoints, the best one, pictures, events.

use super::folder::Run;
use super::history::History;
use super::tensorboard::EventWriter;
use crate::describe::describe;
use crate::export::npy;
use crate::show::{figure, gallery};
use anyhow::{Context, Result, ensure};
use detach_nn::Checkpoint;
use detach_recipes::checkpoint::check_checkpoint;
use detach_recipes::figure::{Content, Panel};
use detach_recipes::{At, End, Figure, Flow, Metrics, Observer, Report};
use detach_tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Keeps checkpoints: every so many steps, or every so much time, and at the end.
///
/// One that cannot be written on the way costs a warning and is tried again later: the steps since the last one are
/// worth more than the error. At the end it is the error.
pub struct Keeper<'a> {
    run: &'a Run,
    /// Steps between two checkpoints; else it goes by time.
    every: Option<u64>,
    saved: Duration,
    /// Why the newest state is not on the disk.
    failed: Option<anyhow::Error>,
}

impl<'a> Keeper<'a> {
    /// Between two checkpoints, unless steps are given.
    pub const TIME: Duration = Duration::from_secs(60);

    /// Keeps them in `run`, each `every` steps, or else each [`Self::TIME`].
    pub fn new(run: &'a Run, every: Option<u64>) -> Self {
        Self {
            run,
            every,
            saved: Duration::ZERO,
            failed: None,
        }
    }
}

impl Observer for Keeper<'_> {
    fn step(&mut self, at: At<'_>) -> Result<Flow> {
        let due = match self.every {
            Some(every) => at.step().is_multiple_of(every.max(1)),
            None => at.elapsed.saturating_sub(self.saved) >= Self::TIME,
        };
        Ok(if due { Flow::Save } else { Flow::Continue })
    }

    fn save(&mut self, at: At<'_>, checkpoint: &Checkpoint) -> Result<()> {
        let networks = at.trainer.recipe().networks();
        self.failed = self.run.save(at.step(), checkpoint, &networks).err();
        if let Some(error) = &self.failed {
            let step = at.step();
            tracing::warn!("step {step} is not saved: {}", describe(error));
        }
        Ok(())
    }

    fn saved(&mut self, at: At<'_>) -> Result<()> {
        self.saved = at.elapsed;
        Ok(())
    }

    fn end(&mut self, _: At<'_>, _: End) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Less of it, as of losses and distances.
    Lower,
    /// More of it, as of accuracies.
    Higher,
}

impl Better {
    /// The way of the metric called `key`: what its name says of it.
    pub fn of(key: &str) -> Self {
        const HIGHER: [&str; 6] = [
            "acc",
            "accuracy",
            "precision",
            "recall",
            "density",
            "coverage",
        ];
        let last = key.rsplit('_').next().unwrap_or(key);
        match HIGHER.contains(&last) {
            true => Self::Higher,
            false => Self::Lower,
        }
    }

    fn is(self, new: f64, old: f64) -> bool {
        match self {
            Self::Lower => new < old,
            Self::Higher => new > old,
        }
    }
}

/// What is to become as good as it can.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The metric or score by name.
    pub key: String,
    /// Which way it is better.
    pub better: Better,
    /// Whether it is a score, which most lines are without.
    pub is_score: bool,
}

/// Keeps the checkpoint that is best in a metric as `best.safetensors`, and ends the session where the
/// metric has not become better for long enough.
pub struct Best<'a> {
    run: &'a Run,
    goal: Goal,
    /// Lines with the metric and without a better one, after which it ends.
    patience: Option<u64>,
    best: Option<f64>,
    without: u64,
    due: bool,
}

impl<'a> Best<'a> {
    /// Watches `goal`, and goes on from the best that the run has had: the file says what it was.
    ///
    /// # Errors
    /// When the best checkpoint is there and of no use, or is the best of another metric.
    pub fn new(run: &'a Run, recipe: &str, goal: Goal, patience: Option<u64>) -> Result<Self> {
        let (best, without) = match run.best().is_file() {
            true => former(&run.best(), recipe, &goal.key)?,
            false => (None, 0),
        };
        Ok(Self {
            run,
            goal,
            patience,
            best,
            without,
            due: false,
        })
    }
}

/// The value that a best checkpoint was best with.
fn former(path: &Path, recipe: &str, key: &str) -> Result<(Option<f64>, u64)> {
    let checkpoint = Checkpoint::load_part(path, "nothing but the texts")?;
    check_checkpoint(recipe, &checkpoint)
        .with_context(|| format!("cannot use the checkpoint {}", path.display()))?;
    let of = checkpoint.metadata.get("best-of").map(String::as_str);
    ensure!(
        of == Some(key),
        "{} is the best in `{}`, not in `{key}`; move it away, or watch the former",
        path.display(),
        of.unwrap_or("nothing")
    );
    let value = checkpoint.metadata.get("best").and_then(|x| x.parse().ok());
    Ok((value, 0))
}

impl Observer for Best<'_> {
    fn metrics(&mut self, at: At<'_>, metrics: &Metrics) -> Result<Flow> {
        let Some(value) = metrics.get(&self.goal.key) else {
            if self.goal.is_score {
                return Ok(Flow::Continue);
            }
            let known: Vec<&str> = metrics.scalars.iter().map(|(name, _)| *name).collect();
            anyhow::bail!(
                "`{}` reports no `{}` to keep the best by; there are: {}",
                at.trainer.setup().recipe().name(),
                self.goal.key,
                known.join(", ")
            );
        };
        if self
            .best
            .is_none_or(|best| self.goal.better.is(value, best))
        {
            (self.best, self.without, self.due) = (Some(value), 0, true);
            return Ok(Flow::Save);
        }
        self.without += 1;
        let enough = self.patience.is_some_and(|most| self.without >= most);
        Ok(if enough { Flow::Stop } else { Flow::Continue })
    }

    fn save(&mut self, _: At<'_>, checkpoint: &Checkpoint) -> Result<()> {
        if std::mem::take(&mut self.due) {
            let mut best = checkpoint.clone();
            let mut describe =
                |key: &str, value: String| best.metadata.insert(key.to_owned(), value);
            describe("best-of", self.goal.key.clone());
            describe("best", self.best.unwrap_or(f64::NAN).to_string());
            if let Err(error) = best.save(self.run.best()) {
                tracing::warn!("the best state so far is not kept: {error}");
            }
        }
        Ok(())
    }
}

/// Writes pictures when they are due, as `step-….png`. Of numbers it keeps the samples, too, as `step-….npy`, and
/// draws all snapshots so far as one figure, `snapshots.png`. What else the recipe shows of itself is `NAME.png`, as it was last.
pub struct Pictures<'a> {
    run: &'a Run,
}

impl<'a> Pictures<'a> {
    /// Writes them to the run's folder of samples.
    pub fn new(run: &'a Run) -> Self {
        Self { run }
    }

    /// What else the recipe shows of itself, as it is now: `NAME.png`.
    fn figures(&self, at: At<'_>) -> Result<()> {
        let mut figures = at.trainer.recipe().figures(&at.trainer.look());
        let told = at.report.map(Report::distributions).unwrap_or_default();
        figures.extend(told.into_iter().map(|(name, values)| Figure {
            name,
            panels: vec![Panel {
                title: format!("{name} of each sample, step {}", at.step()),
                content: Content::Histogram(values),
            }],
        }));
        if figures.is_empty() {
            return Ok(());
        }
        let history = History::of(self.run)?;
        for figure in &figures {
            let path = self.run.samples().join(format!("{}.png", figure.name));
            figure::draw(figure, &|name| history.series(name)).save_png(&path)?;
        }
        Ok(())
    }
}

impl Observer for Pictures<'_> {
    fn picture(&mut self, at: At<'_>, samples: &Tensor) -> Result<Flow> {
        let pictures = &at.trainer.setup().settings.pictures;
        let image = gallery::draw(samples, pictures.columns, pictures.scaling);
        let path = self
            .run
            .samples_again()?
            .join(format!("step-{:08}.png", at.step()));
        image.save_png(&path)?;
        if samples.shape().len() == 2 {
            npy::write(
                &path.with_extension("npy"),
                samples.shape(),
                &samples.to_vec(),
            )?;
            let figure = gallery::snapshots(&self.run.samples(), at.step())?;
            figure.save_png(&self.run.samples().join("snapshots.png"))?;
        }
        self.figures(at)?;
        Ok(Flow::Continue)
    }

    fn end(&mut self, at: At<'_>, _: End) -> Result<()> {
        self.run.samples_again()?;
        self.figures(at)
    }
}

/// Renews `latest.png`: soon, then now and then, and at the end. By the clock, as nothing depends on it.
pub struct Preview<'a> {
    run: &'a Run,
    drawn: Option<Duration>,
    first: Box<dyn FnMut(&Path) + 'a>,
}

impl<'a> Preview<'a> {
    /// The first one.
    pub const FIRST: Duration = Duration::from_secs(10);
    /// From one to the next.
    pub const EVERY: Duration = Duration::from_secs(30);

    /// Writes it to the run's folder of samples, and calls `first` with its path when it is there
    /// for the first time, before the end.
    pub fn new(run: &'a Run, first: impl FnMut(&Path) + 'a) -> Self {
        Self {
            run,
            drawn: None,
            first: Box::new(first),
        }
    }

    fn draw(&mut self, at: At<'_>) -> Result<std::path::PathBuf> {
        let path = self.run.samples_again()?.join("latest.png");
        gallery::preview(at.trainer).save_png(&path)?;
        self.drawn = Some(at.elapsed);
        Ok(path)
    }
}

impl Observer for Preview<'_> {
    fn step(&mut self, at: At<'_>) -> Result<Flow> {
        let due = match self.drawn {
            None => at.elapsed >= Self::FIRST,
            Some(drawn) => at.elapsed.saturating_sub(drawn) >= Self::EVERY,
        };
        if due {
            at.trainer.kind().device.synchronize();
            let is_first = self.drawn.is_none() && at.step() < at.total;
            let path = self.draw(at)?;
            if is_first {
                (self.first)(&path);
            }
        }
        Ok(Flow::Continue)
    }

    fn end(&mut self, at: At<'_>, _: End) -> Result<()> {
        self.draw(at).map(drop)
    }
}

/// Writes numbers and pictures as TensorBoard events.
pub struct Events {
    writer: EventWriter,
}

impl Events {
    /// Starts a file of its own in the run's folder, for the steps after `step`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(run: &Run, step: u64) -> Result<Self> {
        Ok(Self {
            writer: EventWriter::create(run.dir(), step + 1)?,
        })
    }
}

/// Where TensorBoard shows a number: `d_loss` as `loss/d`, `real_acc` as `accuracy/real`, `g_norm` as `gradient/g`.
fn tag(name: &str) -> String {
    if let Some((network, half)) = name.split_once("_loss") {
        return format!("loss/{network}{half}");
    }
    match name.rsplit_once('_') {
        Some((of, "acc")) => format!("accuracy/{of}"),
        Some((of, "norm")) => format!("gradient/{of}"),
        _ => format!("recipe/{name}"),
    }
}

impl Observer for Events {
    fn metrics(&mut self, _: At<'_>, metrics: &Metrics) -> Result<Flow> {
        for (name, value) in &metrics.scalars {
            self.writer.scalar(&tag(name), metrics.step, *value)?;
        }
        for (name, value) in &metrics.scores {
            let tag = format!("score/{name}");
            self.writer.scalar(&tag, metrics.step, *value)?;
        }
        for (tag, value) in [
            ("speed/step_ms", metrics.step_ms),
            ("speed/images_per_s", metrics.images_per_s),
        ] {
            self.writer.scalar(tag, metrics.step, value)?;
        }
        self.writer.flush()?;
        Ok(Flow::Continue)
    }

    fn picture(&mut self, at: At<'_>, samples: &Tensor) -> Result<Flow> {
        let pictures = &at.trainer.setup().settings.pictures;
        let image = gallery::draw(samples, pictures.columns, pictures.scaling);
        let (png, step) = (image.to_png(), at.step());
        self.writer
            .image("samples", step, &png, image.width(), image.height())?;
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_grouped() {
        let tags = ["d_loss", "g_loss", "d_loss_real", "fake_acc", "g_norm", "w"].map(tag);
        let expected = [
            "loss/d",
            "loss/g",
            "loss/d_real",
            "accuracy/fake",
            "gradient/g",
            "recipe/w",
        ];
        assert_eq!(tags, expected);
    }

    #[test]
    fn the_name_of_a_metric_says_which_way_it_is_better() {
        let of = ["g_loss", "fid", "real_acc", "recall"].map(Better::of);
        let expected = [Better::Lower, Better::Lower, Better::Higher, Better::Higher];
        assert_eq!(of, expected);
    }
}

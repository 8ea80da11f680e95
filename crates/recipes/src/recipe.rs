//! What a recipe is: a system in training, and what is known of it before it is built.

use crate::batch::Batch;
use crate::figure::{Figure, Look};
use crate::log::PublishedLog;
use crate::options::Options;
use crate::report::Report;
use crate::sampler::Sampler;
use crate::samples::DataKind;
use crate::settings::{Preset, Settings};
use crate::step::Step;
use detach_nn::{Initialiser, Network, Optimiser, State};
use detach_tensor::Tensor;

/// A system in training: networks, optimisers and whatever else its steps change.
///
/// A checkpoint is what it [visits](State::visit), all of it: state that is left out there makes
/// a resumed run another run.
pub trait Recipe: State {
    /// Which kernels the step of this number (from 0) asks for: 0 for all steps where they
    /// are always the same. On a GPU a step is captured once for each phase, so code in
    /// [`train_step`](Self::train_step) branches on [`Step::phase`] and never on a number of its own.
    fn phase(&self, step: u64) -> u32 {
        let _ = step;
        0
    }

    /// One step of the published loop: one G update and the D updates around it.
    fn train_step(&mut self, step: &mut Step<'_>) -> Report;

    /// The networks under the names that they are exported by, the generator first; its average
    /// where one is kept.
    fn networks(&self) -> Vec<(&'static str, &dyn Network)>;

    /// The optimisers under the names of their option tables: for schedules, and for callers
    /// that watch updates.
    fn optimisers(&mut self) -> Vec<(&'static str, &mut Optimiser)>;

    /// What samples are drawn from: the average of the generator where one is kept.
    fn sampler(&self) -> &dyn Sampler;

    /// How real the discriminator finds each of a batch, `[N]`, in eval mode: logits or scores, more of them for more real
    /// ones. `None` where no network says so.
    fn answers(&self, batch: &Batch) -> Option<Tensor> {
        let _ = batch;
        None
    }

    /// Numbers that cost more than a step should, measured where a line of metrics is due and told in it.
    fn measures(&self, look: &Look) -> Vec<(&'static str, f64)> {
        let _ = look;
        Vec::new()
    }

    /// The step as it is set, line by line, each with the switch that it holds; none where a loop is as it was published
    /// and stands in its `train_step`.
    fn listing(&self) -> Vec<Line> {
        Vec::new()
    }

    /// What else there is to see, drawn where a picture is due.
    fn figures(&self, look: &Look) -> Vec<Figure> {
        let _ = look;
        Vec::new()
    }
}

/// Whose turn it is in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The discriminator's.
    D,
    /// The generator's.
    G,
}

/// A line of a step as it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose turn it belongs to, where it is one's.
    pub turn: Option<Turn>,
    /// What happens, as one would write it.
    pub text: String,
    /// The setting that decides it, where one does.
    pub switch: Option<&'static str>,
}

/// A published system as a type: what a recipe's file implements.
pub trait System: Recipe + Sized + 'static {
    /// What it says of itself.
    const ABOUT: About;
    /// The settings that it has of its own.
    type Options: Options;
    /// What samples are drawn from, by itself.
    type Generator: Sampler + State + 'static;

    /// The settings of a preset.
    fn preset(preset: Preset) -> (Settings, Self::Options);

    /// What it is trained on, one entry a data set.
    fn data(options: &Self::Options) -> Vec<DataKind> {
        let _ = options;
        vec![DataKind::DIGITS]
    }

    /// How many batches of the first data set a step takes: what an epoch is counted by.
    fn batches_a_step(options: &Self::Options) -> u64 {
        let _ = options;
        1
    }

    /// How many classes its data has, where it learns them: the labels are 0 to one less.
    fn classes(options: &Self::Options) -> Option<usize> {
        let _ = options;
        None
    }

    /// Whether a choice brings all that it was published with however it is made, as one does that names another system.
    fn leads(key: &str) -> bool {
        let _ = key;
        false
    }

    /// What a choice was published with besides: called after `key` was chosen by name.
    fn published_with(key: &str, settings: &mut Settings, options: &mut Self::Options) {
        let _ = (key, settings, options);
    }

    /// The generator with its initial weights: all that sampling needs, and the first draws of
    /// [`build`](Self::build).
    fn generator(options: &Self::Options, init: &Initialiser) -> Self::Generator;

    /// Networks, optimisers and state before the first step.
    fn build(options: &Self::Options, init: &Initialiser) -> Self;
}

/// What a recipe says of itself, for `gan recipes NAME` and the documents.
#[derive(Debug)]
pub struct About {
    /// The name on the command line.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// One training step, in words.
    pub step: &'static str,
    /// The losses as formulas, one a line.
    pub losses: &'static [&'static str],
    /// Which numbers are of the source, of its upstream repository, or our choice.
    pub sources: &'static [&'static str],
    /// Where in `train_step` to see `detach` and freezing at work.
    pub detach: &'static str,
    /// What is wrong, or worth knowing, in the published version; what `fixed` changes.
    pub notes: &'static [&'static str],
    /// The line that its source prints after each step; `None` where no line of it is known.
    pub log: Option<PublishedLog>,
    /// The same in Chinese.
    pub zh: Words,
}

/// What [`About`] says in words, in one language: field by field the same, with the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// [`About::summary`].
    pub summary: &'static str,
    /// [`About::step`].
    pub step: &'static str,
    /// [`About::losses`].
    pub losses: &'static [&'static str],
    /// [`About::sources`].
    pub sources: &'static [&'static str],
    /// [`About::detach`].
    pub detach: &'static str,
    /// [`About::notes`].
    pub notes: &'static [&'static str],
}

impl About {
    /// What it says in English.
    pub const fn en(&self) -> Words {
        Words {
            summary: self.summary,
            step: self.step,
            losses: self.losses,
            sources: self.sources,
            detach: self.detach,
            notes: self.notes,
        }
    }
}

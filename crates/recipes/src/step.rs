//! What a training step works with: batches, noise, and the one door for updates.

use crate::batch::Batch;
use detach_nn::{Mode, State, Trained};
use detach_tensor::{Random, Stream, Tensor};

/// The random streams of one step.
#[derive(Debug)]
pub struct Streams {
    noise: Random,
    dropout: Random,
    augment: Random,
}

impl Streams {
    /// The streams of `seed` at the step that `at` makes of each of them.
    pub fn new(seed: u64, at: impl Fn(Random) -> Random) -> Self {
        let stream = |of| at(Random::new(seed, of));
        Self {
            noise: stream(Stream::Noise),
            dropout: stream(Stream::Dropout),
            augment: stream(Stream::Augment),
        }
    }

    /// One of them.
    ///
    /// # Panics
    /// When training does not draw from that stream.
    pub fn of(&self, stream: Stream) -> &Random {
        match stream {
            Stream::Noise => &self.noise,
            Stream::Dropout => &self.dropout,
            Stream::Augment => &self.augment,
            other => panic!("a training step does not draw from the stream {other:?}"),
        }
    }
}

/// Where a step's reals and noise come from: the data and Philox in training, a formula in the
/// tests against PyTorch.
pub trait Inputs {
    /// The next batch of data set `set`.
    fn batch(&mut self, set: usize) -> Batch;
    /// Fresh standard normal noise.
    fn noise(&mut self, shape: &[usize]) -> Tensor;
    /// Fresh numbers from [0, 1).
    fn uniform(&mut self, shape: &[usize]) -> Tensor;
}

/// One training step: its inputs, its phase, and the door through which networks are updated.
pub struct Step<'a> {
    inputs: &'a mut dyn Inputs,
    streams: &'a Streams,
    phase: u32,
    /// Who is shown each loss before an update goes down it.
    shown: Option<&'a mut dyn FnMut(&Tensor)>,
}

impl<'a> Step<'a> {
    /// A step of `phase` on `inputs`, with dropout and augmentation from `streams`.
    pub fn new(inputs: &'a mut dyn Inputs, streams: &'a Streams, phase: u32) -> Self {
        Self {
            inputs,
            streams,
            phase,
            shown: None,
        }
    }

    /// The same step, with each loss shown to `to` before an update goes down it: its graph is whole then, and no weight has
    /// moved since.
    #[must_use]
    pub fn showing(self, to: &'a mut dyn FnMut(&Tensor)) -> Self {
        Self {
            shown: Some(to),
            ..self
        }
    }

    /// Shows a loss that gradients were taken of before they are [applied](Self::apply).
    pub fn tell(&mut self, loss: &Tensor) {
        if let Some(shown) = &mut self.shown {
            shown(loss);
        }
    }

    /// What [`Recipe::phase`](crate::Recipe::phase) said of this step.
    pub fn phase(&self) -> u32 {
        self.phase
    }

    /// The **next** batch of data set `set`: every call moves on. A recipe that takes several steps
    /// on one batch keeps it.
    pub fn batch(&mut self, set: usize) -> Batch {
        self.inputs.batch(set)
    }

    /// Fresh standard normal noise of a shape, such as `[N, latent]`.
    pub fn noise(&mut self, shape: &[usize]) -> Tensor {
        self.inputs.noise(shape)
    }

    /// Fresh numbers from [0, 1), of a shape.
    pub fn uniform(&mut self, shape: &[usize]) -> Tensor {
        self.inputs.uniform(shape)
    }

    /// A class for each of `n` samples, `[n]`, all of 0, 1, …, `classes` − 1 equally likely: ⌊classes·u⌋ of
    /// [uniform](Self::uniform) numbers u.
    pub fn classes(&mut self, n: usize, classes: usize) -> Tensor {
        // The largest u is 1 − 2⁻²⁴: the product lies at least half a unit in the last place below `classes`, and
        // is not rounded up to it.
        (self.uniform(&[n]) * classes as f64).floor()
    }

    /// A random stream at this step, for draws of a recipe's own.
    ///
    /// # Panics
    /// When training does not draw from that stream.
    pub fn random(&self, of: Stream) -> &'a Random {
        self.streams.of(of)
    }

    /// Training mode: batch statistics, dropout on.
    pub fn train(&self) -> Mode<'a> {
        Mode::train(self.random(Stream::Dropout))
    }

    /// Runs `f` as often as said, and returns what the last one gave: a critic's steps.
    ///
    /// # Panics
    /// When that is never.
    pub fn repeat<R>(&mut self, times: u64, mut f: impl FnMut(&mut Self) -> R) -> R {
        let mut last = f(self);
        for _ in 1..times {
            last = f(self);
        }
        last
    }

    /// One optimiser step of `who` down the gradient of `loss` in its own parameters. Whatever else
    /// the loss passed through is left as it is: networks are frozen by not being named here.
    ///
    /// # Panics
    /// When the loss is not a scalar, or a value that the backward pass needs was overwritten.
    #[track_caller]
    pub fn update<N: State>(&mut self, who: &mut Trained<N>, loss: &Tensor) {
        self.tell(loss);
        who.update(loss);
    }

    /// As [`update`](Self::update); returns ∂`loss`/∂`through`, where `through` is a value between the
    /// parameters and the loss.
    ///
    /// # Panics
    /// As [`update`](Self::update).
    #[track_caller]
    pub fn update_through<N: State>(
        &mut self,
        who: &mut Trained<N>,
        loss: &Tensor,
        through: &Tensor,
    ) -> Tensor {
        self.tell(loss);
        who.update_through(loss, through)
    }

    /// As [`update`](Self::update), with gradients that were taken before: for steps that take
    /// all gradients first and move afterwards.
    ///
    /// # Panics
    /// When the gradients are not those of its parameters, in order.
    #[track_caller]
    pub fn apply<N: State>(&mut self, who: &mut Trained<N>, gradients: &[Tensor]) {
        who.apply(gradients);
    }
}

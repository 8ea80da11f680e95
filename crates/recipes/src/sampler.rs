//! Drawing samples from what was trained.

use crate::settings::SampleMode;
use detach_nn::{
    Mode, Module, Name, Network, Scope, Sequential, Slot, State, Trained, Untraced, Value,
};
use detach_tensor::{Array, Kind, Random, Stream, Tensor};
use std::f64::consts::FRAC_1_SQRT_2;

/// What a sampler makes samples from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard normal noise `[N, latent]`.
    Noise {
        /// Its dimensions.
        latent: usize,
    },
    /// Noise, and a class for each sample.
    Classes {
        /// The noise's dimensions.
        latent: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// Images `[N, C, H, W]`, to be translated.
    Images {
        /// Their channels, height and width.
        shape: [usize; 3],
    },
}

impl Input {
    /// The shape of `n` inputs.
    pub fn shape(self, n: usize) -> Vec<usize> {
        match self {
            Self::Noise { latent } | Self::Classes { latent, .. } => vec![n, latent],
            Self::Images { shape: [c, h, w] } => vec![n, c, h, w],
        }
    }

    /// Dimensions of the noise, where it is noise.
    pub fn latent(self) -> Option<usize> {
        match self {
            Self::Noise { latent } | Self::Classes { latent, .. } => Some(latent),
            Self::Images { .. } => None,
        }
    }

    /// How many classes there are, where it has any.
    pub fn classes(self) -> Option<usize> {
        match self {
            Self::Classes { classes, .. } => Some(classes),
            Self::Noise { .. } | Self::Images { .. } => None,
        }
    }

    /// Inputs of the sample stream, which training never draws from: `draw` is the number of the draw.
    ///
    /// # Panics
    /// When it takes images.
    pub fn noise(self, seed: u64, draw: u64, n: usize, kind: Kind) -> Tensor {
        let latent = self.latent().expect("noise for a sampler that takes noise");
        let random = Random::new(seed, Stream::Sample).at(draw);
        random.normal(&[n, latent], kind)
    }
}

/// What is asked of a sampler besides its input.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A class for each sample, `[N]`, for those that have classes; where none are said they take
    /// [turns](Self::in_turn).
    pub classes: Option<Tensor>,
    /// ψ of the truncation towards the mean style, for those that have one; 1 is none.
    pub truncation: Option<f64>,
}

impl Wanted {
    /// Samples of these classes, one after the other.
    pub fn of_classes(classes: &[usize], kind: Kind) -> Self {
        let numbers: Vec<f64> = classes.iter().map(|class| *class as f64).collect();
        let classes = Array::from_f64(&numbers, &[numbers.len()], kind);
        Self {
            classes: Some(Tensor::constant(classes)),
            ..Self::default()
        }
    }

    /// Classes `[n]` that take turns: 0, 1, …, `classes` − 1, 0, 1, …
    pub fn in_turn(classes: usize, n: usize, kind: Kind) -> Tensor {
        let numbers: Vec<f64> = (0..n).map(|i| (i % classes) as f64).collect();
        Tensor::constant(Array::from_f64(&numbers, &[n], kind))
    }
}

/// Something that makes samples.
pub trait Sampler {
    /// What it makes them from.
    fn input(&self) -> Input;

    /// Samples `[N, …]` from `x`, which is of the shape of [`input`](Self::input); may have a graph.
    ///
    /// # Panics
    /// When it cannot do what is wanted.
    fn sample(&self, x: &Tensor, wanted: &Wanted, mode: Mode<'_>) -> Tensor;
}

/// 2Φ(`x`) − 1 = erf(x/√2) of standard normal numbers: uniform in (−1, 1). So a sampler of uniform noise takes normal
/// noise like all others.
#[must_use]
pub fn uniform_of(x: &Tensor) -> Tensor {
    (x * FRAC_1_SQRT_2).erf()
}

/// [`uniform_of`] as nodes of a model.
pub(crate) fn trace_uniform_of(x: &Value, scope: &mut Scope<'_>) -> Value {
    let call = scope.call("Mul").value(x).number("rsqrt2", FRAC_1_SQRT_2);
    let scaled = call.gives(&x.shape);
    scope.map("Erf", &scaled)
}

/// How a generator runs when samples are drawn.
pub fn mode_of(mode: SampleMode) -> Mode<'static> {
    match mode {
        SampleMode::Eval => Mode::eval(),
        SampleMode::Batch => Mode::batch_stats(),
    }
}

/// `n` samples of a draw of the sample stream, detached. Where there are classes they take turns, and a point of noise is shown
/// in each class before the next one: in as many columns, a row is one point.
///
/// # Panics
/// When it makes samples of something else than noise.
pub fn on_points(
    sampler: &dyn Sampler,
    (seed, draw): (u64, u64),
    n: usize,
    (mode, kind): (SampleMode, Kind),
) -> Tensor {
    let input = sampler.input();
    let z = match input.classes() {
        None => input.noise(seed, draw, n, kind),
        Some(classes) => {
            let points: Vec<f64> = (0..n).map(|i| (i / classes) as f64).collect();
            let points = Tensor::constant(Array::from_f64(&points, &[n], kind));
            let z = input.noise(seed, draw, n.div_ceil(classes), kind);
            z.gather(&points)
        }
    };
    let samples = sampler.sample(&z.detach(), &Wanted::default(), mode_of(mode));
    samples.detach()
}

/// A generator of noise: a network and the dimensions of its latent space.
pub struct Generator {
    /// Noise `[N, latent]` to samples.
    pub net: Sequential,
    /// Dimensions of the noise.
    pub latent: usize,
}

impl State for Generator {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path, f);
    }
}

impl Module for Generator {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.net.forward(x, mode)
    }
}

impl Network for Generator {
    fn describe(&self) -> String {
        self.net.describe()
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        self.net.outline(input)
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        self.net.trace(x, scope)
    }
}

impl Sampler for Generator {
    fn input(&self) -> Input {
        Input::Noise {
            latent: self.latent,
        }
    }

    fn sample(&self, x: &Tensor, wanted: &Wanted, mode: Mode<'_>) -> Tensor {
        assert!(
            wanted.classes.is_none(),
            "a generator without classes was asked for some"
        );
        self.forward(x, mode)
    }
}

impl<N: Sampler + State> Sampler for Trained<N> {
    fn input(&self) -> Input {
        self.best().input()
    }

    fn sample(&self, x: &Tensor, wanted: &Wanted, mode: Mode<'_>) -> Tensor {
        self.best().sample(x, wanted, mode)
    }
}

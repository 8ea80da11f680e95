//! A recipe of two data sets, which learns nothing and says what it was given.

use detach_data::Dataset;
use detach_nn::{
    Initialiser, Linear, Name, Network, Optim, Optimiser, Sequential, Slot, State, Trained,
};
use detach_recipes::{
    About, Batches, DataKind, Generator, ImageSize, Options, Preset, Recipe, RecipeInfo, Report,
    Sampler, Settings, Setup, Step, System, Trainer, Words,
};
use detach_tensor::{Array, DType, Tensor};
use serde::{Deserialize, Serialize};

/// The recipe.
pub static TRANSLATOR: RecipeInfo = RecipeInfo::of::<Translator>();

/// It has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {
    g: Optim,
}

impl Options for Nothing {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The recipe in training.
pub struct Translator {
    g: Trained<Generator>,
}

impl System for Translator {
    const ABOUT: About = About {
        name: "translator",
        summary: "two data sets",
        step: "a batch of each",
        losses: &[],
        sources: &[],
        detach: "nowhere",
        notes: &[],
        log: None,
        zh: Words {
            summary: "",
            step: "",
            losses: &[],
            sources: &[],
            detach: "",
            notes: &[],
        },
    };
    type Options = Nothing;
    type Generator = Generator;

    fn preset(_: Preset) -> (Settings, Nothing) {
        let settings = Settings {
            batch_size: 4,
            ..Settings::default()
        };
        let g = Optim::adam(1e-3, 0.5, 0.999);
        (settings, Nothing { g })
    }

    fn data(_: &Nothing) -> Vec<DataKind> {
        vec![DataKind::DIGITS; 2]
    }

    fn generator(_: &Nothing, init: &Initialiser) -> Generator {
        Generator {
            net: Sequential::new().push(Linear::new(2, 2, init)),
            latent: 2,
        }
    }

    fn build(o: &Nothing, init: &Initialiser) -> Self {
        Self {
            g: Trained::new(Self::generator(o, init), &o.g),
        }
    }
}

impl Recipe for Translator {
    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let mut report = Report::new();
        for (set, name) in ["first", "second"].into_iter().enumerate() {
            let labels = step.batch(set).labels().to_vec::<f64>();
            let number = Array::full(number(&labels), &[], DType::F64);
            report.scalar(name, &Tensor::constant(number));
        }
        report
    }

    fn networks(&self) -> Vec<(&'static str, &dyn Network)> {
        vec![("generator", self.g.best())]
    }

    fn optimisers(&mut self) -> Vec<(&'static str, &mut Optimiser)> {
        vec![("g", self.g.optimiser_mut())]
    }

    fn sampler(&self) -> &dyn Sampler {
        &self.g
    }
}

impl State for Translator {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.g.visit(path.dot("generator"), f);
    }
}

/// The labels of a batch, below 1000 each, as one number.
pub fn number(labels: &[f64]) -> f64 {
    labels
        .iter()
        .fold(0.0, |number, label| 1000.0 * number + label)
}

/// What a step was given of each data set.
///
/// # Panics
/// When it is no step of this recipe.
pub fn labels(report: &Report) -> [f64; 2] {
    ["first", "second"].map(|name| report.get(name).expect(name))
}

/// The recipe on a data set twice.
///
/// # Panics
/// When that has not one batch.
pub fn trainer(setup: &Setup, data: impl Fn() -> Box<dyn Dataset>) -> Trainer {
    let kind = DType::F32.into();
    let batches = || {
        let data = data();
        let size = ImageSize {
            channels: data.shape()[0],
            side: 28,
        };
        Batches::images(data, size, &setup.settings, kind).expect("a batch of images")
    };
    Trainer::new(setup.clone(), vec![batches(), batches()], kind).expect("a recipe that can be")
}

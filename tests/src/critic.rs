//! A recipe for tests: what none of the registry has, all at once. A critic with several steps, on one
//! batch or on fresh ones; state of its own; G's update in some steps only; a learning rate that falls.

use detach_nn::{
    Initialiser, Module, Name, Network, Optim, Optimiser, Param, Sequential, Slot, State, Trained,
};
use detach_recipes::nets::mlp::{discriminator, keras_generator};
use detach_recipes::{
    About, Generator, Options, Preset, Recipe, RecipeInfo, Report, Sampler, Settings, Step, System,
    Words,
};
use detach_tensor::{Array, Tensor};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// Its entry, which is in no registry.
pub static CRITIC: RecipeInfo = RecipeInfo::of::<Critic>();

const LATENT: usize = 8;

/// What it has of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CriticOptions {
    critic_steps: u64,
    /// Each of the critic's steps takes the next batch, and not the same again.
    fresh_reals: bool,
    /// G is updated in each so many steps.
    g_every: u64,
    /// No two steps are of one phase, so that on a GPU none is captured.
    all_phases_differ: bool,
    g: Optim,
    d: Optim,
}

impl Options for CriticOptions {
    fn check(&self) -> Result<(), String> {
        match self.critic_steps > 0 && self.g_every > 0 {
            true => Ok(()),
            false => Err("critic-steps and g-every must be at least 1".to_owned()),
        }
    }
}

/// The recipe in training.
pub struct Critic {
    g: Trained<Generator>,
    d: Trained<Sequential>,
    /// A running mean of what the critic makes of reals: state of its own, which steps read and write.
    mean: Param,
    options: CriticOptions,
}

thread_local! {
    static SEEN: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// The batches that steps of this thread have taken since this was last asked.
pub fn seen() -> Vec<Vec<f32>> {
    SEEN.take()
}

impl System for Critic {
    const ABOUT: About = About {
        name: "critic",
        summary: "for tests",
        step: "several critic steps, G now and then",
        losses: &[],
        sources: &[],
        detach: "",
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
    type Options = CriticOptions;
    type Generator = Generator;

    fn preset(_: Preset) -> (Settings, CriticOptions) {
        let settings = Settings {
            batch_size: 4,
            ..Settings::default()
        };
        let mut settings = settings;
        (settings.pictures.rows, settings.pictures.columns) = (1, 1);
        let options = CriticOptions {
            critic_steps: 3,
            fresh_reals: true,
            g_every: 2,
            all_phases_differ: false,
            g: Optim::adam(1e-3, 0.5, 0.999),
            d: Optim::adam(1e-3, 0.5, 0.999),
        };
        (settings, options)
    }

    fn batches_a_step(options: &CriticOptions) -> u64 {
        match options.fresh_reals {
            true => options.critic_steps,
            false => 1,
        }
    }

    fn generator(_: &CriticOptions, init: &Initialiser) -> Generator {
        Generator {
            net: keras_generator(LATENT, &[16], init),
            latent: LATENT,
        }
    }

    fn build(o: &CriticOptions, init: &Initialiser) -> Self {
        let mean = Array::zeros(&[1], init.kind());
        Self {
            g: Trained::new(Self::generator(o, init), &o.g),
            d: Trained::new(discriminator(&[16], init), &o.d),
            mean: Param::buffer(mean),
            options: o.clone(),
        }
    }
}

impl Recipe for Critic {
    fn phase(&self, step: u64) -> u32 {
        let moves_g = u32::from(step.is_multiple_of(self.options.g_every));
        match self.options.all_phases_differ {
            true => 2 * step as u32 + moves_g,
            false => moves_g,
        }
    }

    fn train_step(&mut self, step: &mut Step<'_>) -> Report {
        let Self {
            g,
            d,
            mean,
            options: o,
        } = self;
        let (train, mut report) = (step.train(), Report::new());
        let mut batch: Option<Tensor> = None;
        step.repeat(o.critic_steps, |step| {
            let x = match batch.take() {
                Some(x) if !o.fresh_reals => x,
                _ => step.batch(0).images,
            };
            if x.kind().device.gpu().is_none() {
                SEEN.with_borrow_mut(|seen| seen.push(x.to_vec()));
            }
            let fake = g
                .forward(&step.noise(&[x.shape()[0], LATENT]), train)
                .detach();
            let (real_logits, fake_logits) = (d.forward(&x, train), d.forward(&fake, train));
            let (on_real, on_fake) = (-real_logits.mean(), fake_logits.mean());
            let loss = &on_real + &on_fake;
            step.update(d, &loss);
            report.discriminator(&loss, [&on_real, &on_fake], [&real_logits, &fake_logits]);
            let moved = mean.get() * 0.9 - on_real.detach().reshape(&[1]) * 0.1;
            mean.set("Critic::train_step", moved.value());
            batch = Some(x);
        });
        let n = batch.map_or(1, |x| x.shape()[0]);
        let fake = g.forward(&step.noise(&[n, LATENT]), train);
        let g_loss = (d.forward(&fake, train).mean() * (mean.get().sum() + 1.0)) * -1.0;
        if step.phase() % 2 == 1 {
            step.update(g, &g_loss);
        }
        report.generator(&g_loss, &fake);
        report
    }

    fn networks(&self) -> Vec<(&'static str, &dyn Network)> {
        vec![("generator", self.g.best()), ("discriminator", &*self.d)]
    }

    fn optimisers(&mut self) -> Vec<(&'static str, &mut Optimiser)> {
        vec![("g", self.g.optimiser_mut()), ("d", self.d.optimiser_mut())]
    }

    fn sampler(&self) -> &dyn Sampler {
        &self.g
    }
}

impl State for Critic {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.g.visit(path.dot("generator"), f);
        self.d.visit(path.dot("discriminator"), f);
        f(path.dot("mean"), Slot::Buffer(&self.mean));
    }
}

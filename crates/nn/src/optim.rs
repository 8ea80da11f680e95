//! Optimisers: what to do with gradients.

use crate::module::{Module, Param, Slot, State, join, parameters};
use detach_tensor::{AdamStep, Array, Count, Moving, Tensor};

/// Constants of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// Learning rate α.
    pub lr: f64,
    /// Decay of the mean gradient, β₁.
    pub beta1: f64,
    /// Decay of the mean squared gradient, β₂.
    pub beta2: f64,
    /// What is added to the root, ε.
    pub eps: f64,
}

impl Default for AdamConfig {
    /// PyTorch's: 1e-3, 0.9, 0.999, 1e-8.
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

/// Adam (Kingma & Ba, arXiv:1412.6980), as PyTorch computes it. With the gradient g
/// at step t:
///
/// m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,
/// p ← p − α/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
pub struct Adam {
    /// The constants; a schedule may change them between steps.
    pub config: AdamConfig,
    moments: Vec<Moments>,
    step: Count,
    observer: Option<Observer>,
}

/// What sees the gradients of each step; see [`Adam::watch`].
pub type Observer = Box<dyn FnMut(&[Tensor])>;

/// m and v of one parameter, stored as it is.
struct Moments {
    parameter: String,
    mean: Param,
    square: Param,
}

impl Adam {
    /// An optimiser of the parameters of `module`, at step 0.
    #[must_use]
    pub fn new(config: AdamConfig, module: &dyn Module) -> Self {
        let moments = parameters(module).into_iter().map(|(parameter, param)| {
            let value = param.get();
            let zeros = || {
                let zeros = Array::zeros(value.shape(), value.kind());
                Param::buffer(zeros.laid_out(*value.value().layout()))
            };
            Moments {
                parameter,
                mean: zeros(),
                square: zeros(),
            }
        });
        Self {
            config,
            moments: moments.collect(),
            step: Count::default(),
            observer: None,
        }
    }

    /// Calls `observer` with the gradients of every step from now on, in the order of
    /// [`parameters`], before anything is written.
    pub fn watch(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// One step down `gradients`, which are in the order of [`parameters`]; writes the
    /// parameters of `module` in place.
    ///
    /// A graph that was made before this and is differentiated after it stops with an
    /// error: take all gradients first.
    ///
    /// # Panics
    /// When `module` has other parameters than the one that this was made for, or the
    /// gradients are not theirs.
    #[track_caller]
    pub fn step(&mut self, module: &dyn Module, gradients: &[Tensor]) {
        let params = parameters(module);
        let names = params.iter().map(|(name, _)| name);
        let same = names.eq(self.moments.iter().map(|m| &m.parameter));
        assert!(
            same && gradients.len() == params.len(),
            "Adam::step: made for {} parameters, called with {} and {} gradients; an optimiser \
             belongs to one module",
            self.moments.len(),
            params.len(),
            gradients.len()
        );
        if let Some(observer) = &mut self.observer {
            observer(gradients);
        }
        self.step.add(1);
        let step = AdamStep {
            lr: self.config.lr,
            beta1: self.config.beta1,
            beta2: self.config.beta2,
            eps: self.config.eps,
            step: self.step.clone(),
        };
        let slots = params.iter().zip(&self.moments);
        let mut slots: Vec<_> = slots
            .map(|((_, param), moments)| {
                [param, &moments.mean, &moments.square].map(Param::borrow_mut)
            })
            .collect();
        let slots = slots.iter_mut().zip(gradients);
        let mut all: Vec<Moving<'_>> = slots
            .map(|([param, m, v], gradient)| Moving {
                param,
                m,
                v,
                gradient,
            })
            .collect();
        detach_tensor::adam(&step, "Adam::step", &mut all);
    }
}

impl State for Adam {
    fn visit<'a>(&'a self, path: &str, f: &mut dyn FnMut(String, Slot<'a>)) {
        f(join(path, "step"), Slot::Count(&self.step));
        for moments in &self.moments {
            let name = |kind| join(path, format_args!("{kind}.{}", moments.parameter));
            f(name("exp_avg"), Slot::Buffer(&moments.mean));
            f(name("exp_avg_sq"), Slot::Buffer(&moments.square));
        }
    }
}

impl std::fmt::Debug for Adam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adam")
            .field("config", &self.config)
            .field("parameters", &self.moments.len())
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv2d, Initialiser, Linear, Scheme, Sequential, gradients};
    use detach_tensor::{DType, Random, Stream};
    use std::cell::Cell;
    use std::rc::Rc;

    fn net() -> Sequential {
        let random = Random::new(1, Stream::Init);
        let init = Initialiser::new(Scheme::PyTorch, random, DType::F64);
        Sequential::new()
            .push(Conv2d::new(2, 3, 2, &init))
            .push(Linear::new(4, 5, &init))
    }

    /// Adam on plain numbers, as the paper's algorithm 1 with PyTorch's place of ε.
    fn by_hand(config: AdamConfig, p: &mut [f64], gradients: &[Vec<f64>]) {
        let (mut m, mut v) = (vec![0.0; p.len()], vec![0.0; p.len()]);
        for (t, g) in (1..).zip(gradients) {
            for i in 0..p.len() {
                m[i] = config.beta1 * m[i] + (1.0 - config.beta1) * g[i];
                v[i] = config.beta2 * v[i] + (1.0 - config.beta2) * g[i] * g[i];
                let first = m[i] / (1.0 - config.beta1.powi(t));
                let second = v[i] / (1.0 - config.beta2.powi(t));
                p[i] -= config.lr * first / (second.sqrt() + config.eps);
            }
        }
    }

    #[test]
    fn twenty_steps_equal_a_scalar_loop() {
        let config = AdamConfig {
            lr: 2e-4,
            beta1: 0.5,
            eps: 1e-7,
            ..AdamConfig::default()
        };
        let net = net();
        let mut adam = Adam::new(config, &net);
        let before: Vec<Vec<f64>> = values(&net);
        let random = Random::new(2, Stream::Noise);
        let mut history: Vec<Vec<Vec<f64>>> = vec![Vec::new(); before.len()];
        for step in 0..20 {
            // From far below ε to far above it.
            let scale = 10.0_f64.powi(step / 2 - 8);
            let draw =
                |(_, p): &(String, &Param)| random.normal(p.get().shape(), DType::F64) * scale;
            let gradients: Vec<Tensor> = parameters(&net).iter().map(draw).collect();
            for (history, gradient) in history.iter_mut().zip(&gradients) {
                history.push(gradient.to_vec());
            }
            adam.step(&net, &gradients);
        }
        for ((before, after), history) in before.iter().zip(values(&net)).zip(&history) {
            let mut expected = before.clone();
            by_hand(config, &mut expected, history);
            let close = expected
                .iter()
                .zip(&after)
                .all(|(e, a)| (e - a).abs() < 1e-15);
            assert!(close, "{expected:?}\n{after:?}");
            assert_ne!(*before, after);
        }
        let weight = parameters(&net)[0].1.get();
        assert!(weight.value().layout().is_channels_last());
    }

    fn values(net: &Sequential) -> Vec<Vec<f64>> {
        let params = parameters(net);
        params.iter().map(|(_, p)| p.get().to_vec()).collect()
    }

    #[test]
    fn the_state_is_named_after_the_parameters() {
        let adam = Adam::new(AdamConfig::default(), &net());
        let mut names = Vec::new();
        adam.visit("", &mut |name, _| names.push(name));
        assert_eq!(
            names[..3],
            ["step", "exp_avg.0.weight", "exp_avg_sq.0.weight"]
        );
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn the_observer_sees_every_step() {
        let net = net();
        let mut adam = Adam::new(AdamConfig::default(), &net);
        let seen = Rc::new(Cell::new((0, 0)));
        let inside = Rc::clone(&seen);
        adam.watch(Box::new(move |gradients| {
            inside.set((inside.get().0 + 1, gradients.len()));
        }));
        for _ in 0..2 {
            let all = parameters(&net);
            let loss = all
                .iter()
                .map(|(_, p)| p.get().square().sum())
                .reduce(|a, b| a + b);
            let loss = loss.expect("there are parameters");
            adam.step(&net, &gradients(&loss, &net));
        }
        assert_eq!(seen.get(), (2, 4));
    }

    #[test]
    #[should_panic(expected = "made for 4 parameters, called with 2 and 2 gradients")]
    fn another_module_is_refused() {
        let random = Random::new(1, Stream::Init);
        let init = Initialiser::new(Scheme::Keras, random, DType::F64);
        let other = Linear::new(1, 1, &init);
        let loss = parameters(&other)[0].1.get().sum();
        Adam::new(AdamConfig::default(), &net()).step(&other, &gradients(&loss, &other));
    }
}

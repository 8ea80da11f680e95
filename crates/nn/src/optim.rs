//! Optimisers: what to do with gradients.

mod check;
mod config;

use crate::module::{Param, Slot, State, for_each_parameter, parameters};
use crate::name::Name;
pub use config::{Optim, OptimKind};
use detach_tensor::optim::{self, Clip, Moving, Rule, Update, update};
use detach_tensor::{Array, Count, Scalar, Tensor};
use std::cell::RefMut;

/// An optimiser of one network's parameters: Adam, RMSprop or gradient descent, as PyTorch
/// 2.11 computes them. `detach_kernels::optim` has the formulas.
pub struct Optimiser {
    rule: Rule,
    clip: Clip,
    optim: Optim,
    lr: Scalar,
    step: Count,
    kept: Vec<Kept>,
    observer: Option<Observer>,
}

/// What sees the gradients of each step; see [`Optimiser::watch`].
pub type Observer = Box<dyn FnMut(&[Tensor])>;

/// What is kept of one parameter's gradients, stored as it is.
struct Kept {
    parameter: String,
    /// The parameter as it is called in an error: "`0.weight` of `d`".
    told: String,
    state: Vec<Param>,
}

/// A parameter's name in an error, the parameter, and what is kept of it.
type Own<'a> = (&'a str, RefMut<'a, Tensor>, optim::Kept<RefMut<'a, Tensor>>);

impl Optimiser {
    /// An optimiser of the parameters of `net`, at step 0.
    ///
    /// # Panics
    /// When such an optimiser cannot be, as [`Optim::check`] has it.
    #[must_use]
    #[track_caller]
    pub fn new(optim: &Optim, net: &dyn State) -> Self {
        if let Err(why) = optim.check() {
            panic!("Optimiser::new: {why}");
        }
        let rule = optim.rule();
        let kept = parameters(net).into_iter().map(|(parameter, param)| {
            let value = param.get();
            let zeros = |_| {
                let zeros = Array::zeros(value.shape(), value.kind());
                Param::buffer(zeros.laid_out(*value.value().layout()))
            };
            let state = rule.state().iter().map(zeros).collect();
            let told = format!("`{parameter}`");
            Kept {
                parameter,
                told,
                state,
            }
        });
        Self {
            kept: kept.collect(),
            rule,
            clip: optim.clip(),
            lr: optim.lr.into(),
            step: Count::default(),
            optim: optim.clone(),
            observer: None,
        }
    }

    /// Says what the network is called, so that an error can: one about a weight that a step has written before its old value
    /// was read for the last time.
    pub fn name_network(&mut self, name: &str) {
        for kept in &mut self.kept {
            kept.told = format!("`{}` of `{name}`", kept.parameter);
        }
    }

    /// What it was made from.
    pub fn optim(&self) -> &Optim {
        &self.optim
    }

    /// The learning rate of the next step: set it between steps, captured ones read it.
    pub fn lr(&self) -> &Scalar {
        &self.lr
    }

    /// Sets the learning rate to the one that the schedule has at `epoch`, a fraction where
    /// that is between two. A constant schedule leaves it as it is.
    ///
    /// # Panics
    /// Inside of a step that is being captured.
    pub fn at_epoch(&mut self, epoch: f64) {
        if self.optim.schedule != crate::Schedule::Constant {
            self.lr
                .set(self.optim.lr * self.optim.schedule.factor(epoch));
        }
    }

    /// Calls `observer` with the gradients of every step from now on, in the order of
    /// [`parameters`], before anything is written, and as they were before clipping.
    pub fn watch(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// Takes out what [`watch`](Self::watch) put in, if anything.
    pub fn unwatch(&mut self) -> Option<Observer> {
        self.observer.take()
    }

    /// The names of the parameters that it moves, in the order of [`parameters`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(|kept| &*kept.parameter)
    }

    /// One step down `gradients`, which are in the order of [`parameters`]; writes the
    /// parameters of `net` in place.
    ///
    /// A graph that was made before this and is differentiated after it stops with an
    /// error: take all gradients first.
    ///
    /// # Panics
    /// When `net` has other parameters than the one that this was made for, or the
    /// gradients are not theirs.
    #[track_caller]
    pub fn step(&mut self, net: &dyn State, gradients: &[Tensor]) {
        let (mut params, mut same) = (Vec::with_capacity(self.kept.len()), true);
        for_each_parameter(net, |name, param| {
            let known = self.kept.get(params.len());
            same &= known.is_some_and(|kept| name.is(&kept.parameter));
            params.push(param);
        });
        same &= params.len() == self.kept.len();
        assert!(
            same && gradients.len() == params.len(),
            "Optimiser::step: made for {} parameters, called with {} and {} gradients; an \
             optimiser belongs to one network",
            self.kept.len(),
            params.len(),
            gradients.len()
        );
        if let Some(observer) = &mut self.observer {
            observer(gradients);
        }
        self.step.add(1);
        let step = Update {
            rule: self.rule,
            lr: self.lr.clone(),
            step: self.step.clone(),
            weight_decay: self.optim.weight_decay,
            clip: self.clip,
        };
        let own = params.iter().zip(&self.kept).map(|(param, kept)| {
            let state = kept.state.iter().map(Param::borrow_mut);
            (&*kept.told, param.borrow_mut(), state.collect())
        });
        let mut own: Vec<Own<'_>> = own.collect();
        let all = own.iter_mut().zip(gradients);
        let mut all: Vec<Moving<'_>> = all
            .map(|((name, param, state), gradient)| Moving {
                name,
                param,
                state: state.iter_mut().map(|state| &mut **state).collect(),
                gradient,
            })
            .collect();
        update(&step, "Optimiser::step", &mut all);
    }
}

impl State for Optimiser {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        f(path.dot("step"), Slot::Count(&self.step));
        for kept in &self.kept {
            for (kind, state) in self.rule.state().iter().zip(&kept.state) {
                f(path.dot(*kind).dot(&*kept.parameter), Slot::Buffer(state));
            }
        }
    }
}

impl std::fmt::Debug for Optimiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Optimiser")
            .field("optim", &self.optim)
            .field("lr", &self.lr)
            .field("parameters", &self.kept.len())
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv2d, Initialiser, Linear, Schedule, Scheme, Sequential, gradients};
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
    fn by_hand(optim: &Optim, p: &mut [f64], gradients: &[Vec<f64>]) {
        let (mut m, mut v) = (vec![0.0; p.len()], vec![0.0; p.len()]);
        for (t, g) in (1..).zip(gradients) {
            for i in 0..p.len() {
                m[i] = optim.beta1 * m[i] + (1.0 - optim.beta1) * g[i];
                v[i] = optim.beta2 * v[i] + (1.0 - optim.beta2) * g[i] * g[i];
                let first = m[i] / (1.0 - optim.beta1.powi(t));
                let second = v[i] / (1.0 - optim.beta2.powi(t));
                p[i] -= optim.lr * first / (second.sqrt() + optim.eps);
            }
        }
    }

    #[test]
    fn twenty_steps_equal_a_scalar_loop() {
        let optim = Optim {
            eps: 1e-7,
            ..Optim::adam(2e-4, 0.5, 0.999)
        };
        let net = net();
        let mut adam = Optimiser::new(&optim, &net);
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
            by_hand(&optim, &mut expected, history);
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
        let names = |optim: &Optim| {
            let optimiser = Optimiser::new(optim, &net());
            let mut names = Vec::new();
            optimiser.visit(Name::ROOT, &mut |name, _| names.push(name.to_string()));
            names
        };
        let adam = names(&Optim::default());
        assert_eq!(
            adam[..3],
            ["step", "exp_avg.0.weight", "exp_avg_sq.0.weight"]
        );
        assert_eq!(adam.len(), 9);
        let amsgrad = names(&Optim {
            amsgrad: true,
            ..Optim::default()
        });
        assert_eq!(amsgrad[3], "max_exp_avg_sq.0.weight");
        let rmsprop = names(&Optim {
            centred: true,
            momentum: 0.5,
            ..Optim::rmsprop(0.1)
        });
        assert_eq!(
            rmsprop[1..4],
            [
                "square_avg.0.weight",
                "grad_avg.0.weight",
                "momentum_buffer.0.weight"
            ]
        );
        assert_eq!(names(&Optim::sgd(0.1)), ["step"]);
    }

    #[test]
    fn a_schedule_sets_the_learning_rate() {
        let optim = Optim {
            schedule: Schedule::Linear { from: 1.0, to: 3.0 },
            ..Optim::sgd(0.5)
        };
        let mut sgd = Optimiser::new(&optim, &net());
        sgd.at_epoch(2.0);
        assert_eq!(sgd.lr().get(), 0.25);
        sgd.at_epoch(0.5);
        assert_eq!(sgd.lr().get(), 0.5);
        let mut constant = Optimiser::new(&Optim::sgd(0.5), &net());
        constant.lr().set(0.125);
        constant.at_epoch(7.0);
        assert_eq!(constant.lr().get(), 0.125);
    }

    fn sum_of_squares(net: &Sequential) -> Tensor {
        let all = parameters(net);
        let squares = all.iter().map(|(_, p)| p.get().square().sum());
        squares.reduce(|a, b| a + b).expect("there are parameters")
    }

    #[test]
    fn a_learning_rate_is_obeyed_from_the_next_step_on() {
        let net = net();
        let mut sgd = Optimiser::new(&Optim::sgd(0.5), &net);
        sgd.step(&net, &gradients(&sum_of_squares(&net), &net));
        assert_eq!(sum_of_squares(&net).item(), 0.0);
        let net = self::net();
        let before = values(&net);
        let mut sgd = Optimiser::new(&Optim::sgd(0.5), &net);
        sgd.lr().set(0.0);
        sgd.step(&net, &gradients(&sum_of_squares(&net), &net));
        assert_eq!(values(&net), before);
    }

    #[test]
    fn the_observer_sees_every_step() {
        let net = net();
        let mut adam = Optimiser::new(&Optim::default(), &net);
        let seen = Rc::new(Cell::new((0, 0)));
        let inside = Rc::clone(&seen);
        adam.watch(Box::new(move |gradients| {
            inside.set((inside.get().0 + 1, gradients.len()));
        }));
        for _ in 0..2 {
            adam.step(&net, &gradients(&sum_of_squares(&net), &net));
        }
        assert_eq!(seen.get(), (2, 4));
    }

    #[test]
    #[should_panic(expected = "made for 4 parameters, called with 2 and 2 gradients")]
    fn another_network_is_refused() {
        let random = Random::new(1, Stream::Init);
        let init = Initialiser::new(Scheme::Keras, random, DType::F64);
        let other = Linear::new(1, 1, &init);
        let loss = parameters(&other)[0].1.get().sum();
        Optimiser::new(&Optim::default(), &net()).step(&other, &gradients(&loss, &other));
    }

    #[test]
    #[should_panic(expected = "Optimiser::new: beta1 must be from 0 to below 1; it is 1")]
    fn what_cannot_be_is_not_made() {
        let _ = Optimiser::new(&Optim::adam(1e-3, 1.0, 0.9), &net());
    }
}

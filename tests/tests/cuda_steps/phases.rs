//! Captured steps that depend on more than their batch: on the phase of the step, and on
//! numbers that the host sets in between.

use crate::cuda;
use detach_nn::{
    BatchNorm, Initialiser, LeakyReLU, Linear, Mode, Module, Name, Optim, Schedule, Scheme,
    Sequential, Slot, State, Trained, clip_weights, loss,
};
use detach_tensor::{Count, Random, StepKey, Steps, Stream, Tensor};
use detach_tests::emulated::{self, Variant};

/// A critic that is trained in every step and a generator in every third, with an average: a
/// recipe of two phases.
struct Pair {
    generator: Trained<Sequential>,
    critic: Trained<Sequential>,
    clock: Count,
}

fn generator(seed: u64) -> Sequential {
    let init = Initialiser::new(Scheme::PyTorch, Random::new(seed, Stream::Init), cuda());
    Sequential::new()
        .push(Linear::new(3, 6, &init))
        .push(BatchNorm::new(6, &init))
        .push(LeakyReLU(0.2))
        .push(Linear::new(6, 2, &init))
}

impl Pair {
    fn new(optims: &[Optim; 2]) -> Self {
        let init = Initialiser::new(Scheme::PyTorch, Random::new(3, Stream::Init), cuda());
        let critic = Sequential::new()
            .push(Linear::new(2, 5, &init))
            .push(LeakyReLU(0.2))
            .push(Linear::new(5, 1, &init));
        Self {
            generator: Trained::new(generator(1), &optims[0]).with_ema(generator(2), 0.9),
            critic: Trained::new(critic, &optims[1]),
            clock: Count::default(),
        }
    }

    /// What only the host knows, before each step.
    fn prepare(&mut self) -> StepKey {
        let step = self.clock.get();
        self.generator.optimiser_mut().at_epoch(step as f64);
        self.critic.optimiser().lr().set(0.02 / (step + 1) as f64);
        let decay = self.generator.ema_decay().expect("there is an average");
        decay.set(0.9 - 0.05 * step as f64);
        StepKey {
            phase: u32::from(step % 3 == 2),
            batches: vec![4],
        }
    }

    fn step(&mut self, phase: u32) -> Tensor {
        let noise = Random::new(5, Stream::Noise).at(self.clock.clone());
        let real = noise.uniform(&[4, 2], cuda());
        let fake = |generator: &Sequential| {
            let z = noise.normal(&[4, 3], cuda());
            generator.forward(&z, Mode::train(&noise))
        };
        let on = |critic: &Sequential, x: &Tensor| critic.forward(x, Mode::train(&noise));
        let fakes = fake(&self.generator).detach();
        let d_loss = loss::bce_with_logits(&on(&self.critic, &real), 1.0)
            + loss::bce_with_logits(&on(&self.critic, &fakes), 0.0);
        self.critic.update(&d_loss);
        clip_weights(&self.critic, 0.4);
        if phase == 1 {
            let fakes = fake(&self.generator);
            let g_loss = loss::bce_with_logits(&on(&self.critic, &fakes), 1.0);
            self.generator.update(&g_loss);
        }
        d_loss.detach()
    }
}

impl State for Pair {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.generator.visit(path.dot("generator"), f);
        self.critic.visit(path.dot("critic"), f);
    }
}

/// Every piece by name, as bits.
fn contents(state: &dyn State) -> Vec<(String, Vec<u64>)> {
    let mut pieces = Vec::new();
    state.visit(Name::ROOT, &mut |name, slot| {
        let bits = match slot {
            Slot::Param(param) | Slot::Buffer(param) => {
                let values = param.get().to_vec::<f64>();
                values.iter().map(|x| x.to_bits()).collect()
            }
            Slot::Count(count) => vec![count.get()],
        };
        pieces.push((name.to_string(), bits));
    });
    pieces
}

/// Fifteen steps, five of which are of the second phase, captured and run as they are. The
/// key is the recipe's, or what `key` makes of it.
fn both(optims: &[Optim; 2], key: impl Fn(StepKey) -> StepKey) -> [Vec<(String, Vec<u64>)>; 2] {
    let (mut plain, mut replayed) = (Pair::new(optims), Pair::new(optims));
    let mut steps = Steps::new(cuda().device);
    let mut losses = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        let StepKey { phase, .. } = plain.prepare();
        losses[0].push(plain.step(phase).item().to_bits());
        plain.clock.add(1);
        let of = replayed.prepare();
        let phase = of.phase;
        let loss = steps.run(key(of), || replayed.step(phase));
        losses[1].push(loss.item().to_bits());
        replayed.clock.add(1);
    }
    let mut all = [contents(&plain), contents(&replayed)];
    for (all, losses) in all.iter_mut().zip(losses) {
        all.push(("losses".to_owned(), losses));
    }
    all
}

/// A pair of optimisers with every kernel among them, and a schedule.
fn optims() -> [[Optim; 2]; 4] {
    let linear = Schedule::Linear {
        from: 2.0,
        to: 20.0,
    };
    let adam = Optim {
        schedule: linear,
        ..Optim::adam(1e-2, 0.5, 0.9)
    };
    let amsgrad = Optim {
        amsgrad: true,
        clip_norm: 0.05,
        ..Optim::adam_keras(1e-2, 0.0, 0.9)
    };
    let momentum = Optim {
        momentum: 0.9,
        dampening: 0.5,
        schedule: linear,
        ..Optim::sgd(1e-2)
    };
    let nesterov = Optim {
        momentum: 0.9,
        nesterov: true,
        weight_decay: 0.1,
        ..Optim::sgd(1e-2)
    };
    let rmsprop = |centred, momentum| Optim {
        centred,
        momentum,
        clip_value: 0.05,
        ..Optim::rmsprop(1e-3)
    };
    [
        [adam, rmsprop(false, 0.0)],
        [momentum, amsgrad],
        [rmsprop(true, 0.0), nesterov],
        [rmsprop(true, 0.5), rmsprop(false, 0.5)],
    ]
}

#[test]
fn captured_phases_have_the_bits_of_eager_ones() {
    emulated::run(Variant::Plain, &[], || {
        for optims in optims() {
            let [plain, replayed] = both(&optims, |key| key);
            assert!(plain.len() > 20);
            for (a, b) in plain.iter().zip(&replayed) {
                assert_eq!(a, b, "{optims:?}");
            }
            let steps = plain
                .iter()
                .find(|(name, _)| name == "generator.optim.step");
            assert_eq!(steps.expect("it has one").1, [5]);
        }
    });
}

/// The test above sees what it is there for: keyed by its batch alone, the generator's steps
/// are lost.
#[test]
fn without_the_phase_they_have_not() {
    emulated::run(Variant::Plain, &[], || {
        let [plain, replayed] = both(&optims()[0], |key| StepKey { phase: 0, ..key });
        assert_ne!(plain, replayed);
    });
}

#[test]
fn a_learning_rate_set_between_replays_is_obeyed() {
    emulated::run(Variant::Plain, &[], || {
        let mut net = Trained::new(generator(1), &Optim::sgd(0.25));
        let mut steps: Steps<StepKey, ()> = Steps::new(cuda().device);
        let mut step = |net: &mut Trained<Sequential>| {
            let before = contents(&net.net);
            steps.run(StepKey::default(), || {
                let all = detach_nn::parameters(&net.net);
                let squares = all.iter().map(|(_, p)| p.get().square().sum() * 0.5);
                let loss = squares.reduce(|a, b| a + b).expect("there are parameters");
                net.update(&loss);
            });
            before != contents(&net.net)
        };
        for _ in 0..4 {
            assert!(step(&mut net), "it moves");
        }
        net.optimiser().lr().set(0.0);
        assert!(!step(&mut net), "a replay at rate 0 moves nothing");
        net.optimiser().lr().set(0.25);
        assert!(step(&mut net), "it moves again");
    });
}

#[test]
fn a_count_read_by_the_host_of_a_captured_step_is_an_error() {
    emulated::run(Variant::Plain, &[], || {
        let clock = Count::default();
        let mut steps: Steps<StepKey, bool> = Steps::new(cuda().device);
        let mut step = || {
            clock.add(1);
            steps.run(StepKey::default(), || clock.get().is_multiple_of(16))
        };
        step();
        step();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(step));
        let caught = caught.expect_err("the third step is captured");
        let text = caught.downcast_ref::<String>().expect("a message");
        assert!(
            text.contains("host code of a captured step read a count")
                && text.contains("`Recipe::phase`"),
            "{text}"
        );
        assert_eq!(clock.get(), 3, "it can be read again afterwards");
    });
}

/// Steps outside of the bookkeeping bring no capture nearer.
#[test]
fn eager_steps_are_not_counted() {
    emulated::run(Variant::Plain, &[], || {
        let clock = Count::default();
        let mut steps: Steps<StepKey, u64> = Steps::new(cuda().device);
        for _ in 0..5 {
            clock.add(1);
            assert_eq!(steps.run_eager(|| clock.get()), clock.get());
        }
        let mut runs = 0;
        for _ in 0..6 {
            steps.run(StepKey::default(), || {
                runs += 1;
                runs
            });
        }
        assert_eq!(runs, 3, "two as they are, and the one that is captured");
    });
}

//! Networks in training: what they hold, and that a checkpoint holds all of it.

use detach_nn::{
    BatchNorm, Checkpoint, Initialiser, Linear, Mode, Module, Name, Optim, ReLU, Schedule, Scheme,
    Sequential, Slot, State, Trained, loss, parameters,
};
use detach_tensor::{DType, Random, Stream};

fn net(seed: u64) -> Sequential {
    let random = Random::new(seed, Stream::Init);
    let init = Initialiser::new(Scheme::PyTorch, random, DType::F32);
    Sequential::new()
        .push(Linear::new(3, 5, &init))
        .push(BatchNorm::new(5, &init))
        .push(ReLU)
        .push(Linear::new(5, 1, &init))
}

/// Steps `from..to` of a run: what a step draws depends on its number alone.
fn train(net: &mut Trained<Sequential>, from: u64, to: u64) {
    for step in from..to {
        net.optimiser_mut().at_epoch(step as f64 / 4.0);
        let noise = Random::new(7, Stream::Noise).at(step);
        let x = noise.normal(&[6, 3], DType::F32);
        let y = net.forward(&x, Mode::train(&noise));
        net.update(&loss::bce_with_logits(&y, 0.9));
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

/// Every optimiser, with everything that has a state or a place in the update.
fn optims() -> Vec<Optim> {
    let adam = Optim::adam(1e-2, 0.5, 0.9);
    let amsgrad = Optim {
        amsgrad: true,
        weight_decay: 0.1,
        ..adam.clone()
    };
    let keras = Optim {
        clip_norm: 0.1,
        ..Optim::adam_keras(1e-2, 0.5, 0.9)
    };
    let rmsprop = Optim {
        clip_value: 0.01,
        ..Optim::rmsprop(1e-3)
    };
    let rmsprop_with_all = Optim {
        centred: true,
        momentum: 0.5,
        weight_decay: 0.1,
        schedule: Schedule::Linear { from: 0.5, to: 9.0 },
        ..Optim::rmsprop(1e-3)
    };
    let momentum = Optim {
        momentum: 0.9,
        dampening: 0.5,
        schedule: Schedule::Step {
            every: 0.5,
            factor: 0.9,
        },
        ..Optim::sgd(1e-2)
    };
    let nesterov = Optim {
        momentum: 0.9,
        nesterov: true,
        weight_decay: 0.1,
        ..Optim::sgd(1e-2)
    };
    vec![
        adam,
        amsgrad,
        keras,
        rmsprop,
        rmsprop_with_all,
        Optim::sgd(1e-2),
        momentum,
        nesterov,
    ]
}

/// 5 + 5 steps over a file are 10 steps.
#[test]
fn an_interrupted_training_has_the_same_bits() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    for optim in optims() {
        let new = |seed| Trained::new(net(seed), &optim).with_ema(net(seed + 1), 0.9);
        let mut whole = new(1);
        train(&mut whole, 0, 10);

        let mut first = new(1);
        train(&mut first, 0, 5);
        let mut checkpoint = Checkpoint::new();
        checkpoint.add("generator", &first);
        checkpoint.save(&path).expect("saved");
        let mut second = new(5);
        let loaded = Checkpoint::load(&path).expect("loaded");
        loaded.restore("generator", &second).expect("restored");
        assert_eq!(contents(&second), contents(&first), "{optim:?}");
        train(&mut second, 5, 10);
        assert_eq!(contents(&second), contents(&whole), "{optim:?}");
        assert_ne!(contents(&first), contents(&whole), "{optim:?}");
    }
}

#[test]
fn pieces_are_below_their_path() {
    let optim = Optim::default();
    let plain = Trained::new(net(1), &optim);
    let averaged = Trained::new(net(1), &optim).with_ema(net(2), 0.9);
    let names = |net: &Trained<Sequential>| {
        let mut names = Vec::new();
        net.visit("generator".into(), &mut |name, _| {
            names.push(name.to_string());
        });
        names
    };
    let (plain_names, averaged_names) = (names(&plain), names(&averaged));
    for name in [
        "generator.net.0.weight",
        "generator.net.1.num_batches_tracked",
        "generator.optim.step",
        "generator.optim.exp_avg.0.weight",
        "generator.optim.exp_avg_sq.3.bias",
    ] {
        assert!(plain_names.iter().any(|n| n == name), "{name}");
    }
    let ema = |names: &[String]| {
        names
            .iter()
            .filter(|n| n.starts_with("generator.ema."))
            .count()
    };
    assert_eq!((ema(&plain_names), ema(&averaged_names)), (0, 9));
    // What is trained is the network alone.
    let trained = parameters(&averaged).into_iter().map(|(name, _)| name);
    let own = parameters(&averaged.net)
        .into_iter()
        .map(|(name, _)| format!("net.{name}"));
    assert!(trained.eq(own));
}

#[test]
fn the_average_is_the_best_and_lags_behind() {
    let mut net = Trained::new(net(1), &Optim::sgd(0.5)).with_ema(net(2), 0.5);
    let weight = |net: &Sequential| parameters(net)[0].1.get().to_vec::<f64>();
    let before = weight(&net.net);
    train(&mut net, 0, 1);
    let (after, average) = (weight(&net.net), weight(net.best()));
    for ((before, after), average) in before.iter().zip(&after).zip(&average) {
        assert!((average - 0.5 * (before + after)).abs() < 1e-6);
    }
    assert_ne!(before, after);
    net.ema_decay().expect("there is an average").set(0.0);
    train(&mut net, 1, 2);
    assert_eq!(weight(net.best()), weight(&net.net));
}

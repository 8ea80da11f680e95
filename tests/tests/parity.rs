//! Twenty training steps of every recipe (fewer of the largest) against PyTorch's,
//! update by update.
//!
//! Weights, reals and noise come from one formula on both sides, so nothing is
//! exchanged but the results in `golden/*.json`. In `f64` two right programs agree to
//! rounding, which pins the order of updates, the reuse of noise, every constant of
//! the optimiser and every derivative rule. In `f32` they drift apart; there the
//! measure is how far PyTorch's own `f32` run is from its `f64` run (the farthest of
//! several, for convolutions). The data keep clear of kinks (`golden/generate.py`), so
//! that both distances are rounding, not luck; those of `dcgan64` cannot.

use detach_nn::{State, count, parameters};
use detach_tensor::DType;
use detach_tests::golden::{self, Golden, Parameter, Rate, Which};
use detach_tests::parity::{Case, MLP_G_FIRST, Row, case, cases, has_zero_gradient};
use detach_tests::replay::{Gradients, Record};

/// In `f64`: losses, gradients and final values, relatively.
const F64_LIMIT: f64 = 1e-9;
/// In `f64`: final values that follow a gradient whose true value is 0.
const F64_LIMIT_OF_NOISE: f64 = 1e-7;
/// Where our `f64` run of a case differs from the golden.
fn differences(case: &Case) -> Differences {
    let golden = golden::recipe(case.golden);
    let record = case.replay(&golden, DType::F64).run(golden.steps);
    Differences::of(&record, &golden)
}

/// What is not as it should be, in the order of the run.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn of(record: &Record, golden: &Golden) -> Self {
        let mut out = Self::default();
        out.updates(record, golden);
        for what in &golden.names {
            let (ours, theirs) = (&record.curves[what.as_str()], golden.curve(what));
            assert_eq!(ours.len(), golden.steps);
            for (step, (ours, theirs)) in (1..).zip(ours.iter().zip(theirs)) {
                out.relative(&format!("step {step}, {what}"), *ours, theirs, F64_LIMIT);
            }
        }
        out.last(record, golden);
        out
    }

    fn relative(&mut self, what: &str, ours: f64, theirs: f64, limit: f64) {
        let close = (ours - theirs).abs() <= limit * theirs.abs();
        if !close {
            self.0
                .push(format!("{what}: {ours:e}, PyTorch has {theirs:e}"));
        }
    }

    fn updates(&mut self, record: &Record, golden: &Golden) {
        let (ours, theirs) = (&record.updates, &golden.updates);
        if ours.len() != theirs.len() {
            self.0.push(format!(
                "{} updates instead of {}",
                ours.len(),
                theirs.len()
            ));
        }
        for (n, (ours, theirs)) in (1..).zip(ours.iter().zip(theirs)) {
            let (net, instead) = (ours.net, theirs.net);
            if net == instead {
                self.gradients(&format!("update {n}"), ours, &theirs.grad_norms, golden);
            } else {
                self.0
                    .push(format!("update {n} is {net:?}'s instead of {instead:?}'s"));
            }
        }
    }

    fn gradients(&mut self, when: &str, ours: &Gradients, theirs: &[f64], golden: &Golden) {
        let (net, parameters) = (ours.net, golden.parameters.of(ours.net));
        assert_eq!(ours.norms.len(), parameters.len());
        assert_eq!(theirs.len(), parameters.len());
        let largest = theirs.iter().copied().fold(0.0, f64::max);
        let norms = ours.norms.iter().zip(theirs);
        for (Parameter { name, .. }, (norm, theirs)) in parameters.iter().zip(norms) {
            let what = format!("{when}, gradient of {net:?}.{name}");
            if !has_zero_gradient(golden, net, name) {
                self.relative(&what, *norm, *theirs, F64_LIMIT);
                continue;
            }
            let is_zero = *norm < F64_LIMIT * largest;
            if !is_zero {
                self.0.push(format!("{what}: {norm:e} should be 0"));
            }
        }
    }

    fn last(&mut self, record: &Record, golden: &Golden) {
        for which in [Which::G, Which::D] {
            let (ours, theirs) = (record.last.of(which), golden.last.of(which));
            assert!(
                ours.keys().eq(theirs.keys()),
                "{which:?} has {:?}",
                ours.keys()
            );
            for (name, theirs) in theirs {
                let limit = match follows_noise(golden, which, name) {
                    true => F64_LIMIT_OF_NOISE,
                    false => F64_LIMIT,
                };
                self.relative(
                    &format!("final {which:?}.{name}"),
                    ours[name],
                    *theirs,
                    limit,
                );
            }
        }
    }

    #[track_caller]
    fn assert_none(&self) {
        let Self(lines) = self;
        let shown = lines.iter().take(20).map(String::as_str);
        let text = shown.collect::<Vec<_>>().join("\n");
        assert!(lines.is_empty(), "{} differences:\n{text}", lines.len());
    }
}

/// A bias straight before a BatchNorm walks wherever rounding takes it, and the
/// running mean behind follows.
fn follows_noise(golden: &Golden, which: Which, name: &str) -> bool {
    has_zero_gradient(golden, which, name)
        || bias_before(name).is_some_and(|bias| has_zero_gradient(golden, which, &bias))
}

/// Of `4.running_mean` it is `3.bias`, of `q.1.running_mean` in a row of its own `q.0.bias`.
fn bias_before(name: &str) -> Option<String> {
    let layer = name.strip_suffix(".running_mean")?;
    let (row, place) = layer.split_at(layer.rfind('.').map_or(0, |dot| dot + 1));
    let before = place.parse::<usize>().ok()?.checked_sub(1)?;
    Some(format!("{row}{before}.bias"))
}

/// All at once: each is one thread's work but for its products.
#[test]
fn every_loop_is_pytorchs() {
    let check = |case: Case| {
        println!("{}", case.golden);
        differences(&case).assert_none();
    };
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let run = |case: Case| (case.golden, scope.spawn(move || check(case)));
        let runs: Vec<_> = cases().into_iter().map(run).collect();
        let failed = runs
            .into_iter()
            .filter_map(|(name, run)| run.join().err().map(|_| name));
        failed.collect()
    });
    assert!(
        failed.is_empty(),
        "{failed:?} differ from PyTorch's, see above"
    );
}

#[test]
fn parameters_are_those_of_pytorch() {
    for case in cases() {
        let golden = golden::recipe(case.golden);
        let setup = case.setup();
        let recipe = setup.build(DType::F32.into()).expect("a recipe");
        assert_eq!(recipe.sampler().input().latent(), Some(golden.latent));
        for (which, (_, net)) in [Which::G, Which::D].into_iter().zip(recipe.networks()) {
            let net: &dyn State = net;
            let place = |(name, p): (String, &detach_nn::Param)| Parameter {
                name,
                shape: p.get().shape().to_vec(),
            };
            let ours: Vec<Parameter> = parameters(net).into_iter().map(place).collect();
            assert_eq!(&ours, golden.parameters.of(which), "{}", case.golden);
            assert_eq!(count(net), *golden.counts.of(which), "{}", case.golden);
        }
        let theirs = &golden.adam;
        for (network, which) in [("g", Which::G), ("d", Which::D)] {
            let lr = match &theirs.lr {
                Rate::Both(lr) => *lr,
                Rate::Each(nets) => *nets.of(which),
            };
            let ours = setup.options()[network].as_table().expect("an optimiser");
            let number = |key: &str| ours.get(key)?.as_float();
            assert_eq!(ours["kind"].as_str(), Some(theirs.kind.as_str()));
            let betas = number("beta1").zip(number("beta2")).map(<[f64; 2]>::from);
            assert_eq!(
                (number("lr"), betas, number("alpha"), number("eps")),
                (Some(lr), theirs.betas, theirs.alpha, Some(theirs.eps)),
                "{}",
                case.golden
            );
        }
    }
}

/// The comparison is worth something only if it sees a wrong loop.
#[test]
fn another_order_is_seen() {
    let wrong = Case {
        changes: &[],
        ..MLP_G_FIRST
    };
    let Differences(lines) = differences(&wrong);
    assert_eq!(lines[0], "update 1 is D's instead of G's");
}

/// ε = 1e-8 for 1e-7: the first gradients do not know it yet, all later ones do.
#[test]
fn another_eps_is_seen() {
    let wrong = Case {
        changes: &["eps=1e-8"],
        ..case("keras-mlp")
    };
    let Differences(lines) = differences(&wrong);
    assert!(
        !lines.iter().any(|line| line.starts_with("update 1,")),
        "{}",
        lines[0]
    );
    for n in 2..=60 {
        let prefix = format!("update {n},");
        assert!(
            lines.iter().any(|line| line.starts_with(&prefix)),
            "{prefix}"
        );
    }
    assert!(lines.iter().any(|line| line.starts_with("step 20, d_loss")));
}

#[test]
fn f32_is_as_close_as_pytorchs() {
    println!("{}", Row::HEADER);
    let rows: Vec<Row> = cases()
        .iter()
        .map(|case| Row::of(case, DType::F32))
        .collect();
    rows.iter().for_each(Row::print);
    let missed: Vec<&str> = rows
        .iter()
        .filter(|row| !row.passes())
        .map(|row| row.name)
        .collect();
    assert!(
        missed.is_empty(),
        "{missed:?} in f32: run with --nocapture for the distances"
    );
}

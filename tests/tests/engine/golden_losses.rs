//! Losses and penalties against PyTorch, value and gradients, and where a recipe refuses them.

use detach_nn::{
    Conv2d, Flatten, Initialiser, LeakyReLU, Linear, Mode, Module, Sequential, gradients,
};
use detach_recipes::penalty::{Penalty, PenaltyKind};
use detach_recipes::{Preset, find};
use detach_tensor::{DType, Tensor, grad};
use detach_tests::golden::{D_TAG, LossCase, by_formula, distance, fill, losses};

const LIMIT: f64 = 1e-12;

#[track_caller]
fn assert_close(what: &str, ours: &[f64], theirs: &[f64]) {
    let distance = distance(ours, theirs);
    assert!(distance < LIMIT, "{what}: {ours:?}, PyTorch has {theirs:?}");
}

fn answers(tag: u64) -> Tensor {
    Tensor::variable(by_formula(tag, &[6, 1], 2.0, 0.0, DType::F64))
}

/// A penalty of weight 10 on the golden's critic: value, norms and gradients.
fn penalty(kind: PenaltyKind) -> (f64, Vec<f64>, Vec<Vec<f64>>) {
    let init = Initialiser::zeros(DType::F64);
    let critic = Sequential::new()
        .push(Conv2d::new(2, 3, 3, &init))
        .push(LeakyReLU(0.2))
        .push(Flatten)
        .push(Linear::new(27, 1, &init));
    fill(&critic, D_TAG);
    let images = |tag| Tensor::constant(by_formula(tag, &[4, 2, 5, 5], 1.0, 0.0, DType::F64));
    let alpha = || Tensor::constant(by_formula(6004, &[4, 1, 1, 1], 0.5, 0.5, DType::F64));
    let [value, norms] = Penalty::of_kind(kind, 10.0).of(
        |x| critic.forward(x, Mode::eval()),
        [&images(6002), &images(6003)],
        alpha,
    );
    let by = gradients(&value, &critic);
    let by = by.iter().map(Tensor::to_vec).collect();
    (value.item(), norms.to_vec(), by)
}

#[test]
fn losses_and_penalties_are_pytorchs() {
    let mut seen = [0, 0];
    for case in losses().cases {
        match case {
            LossCase::Loss {
                loss,
                d,
                g,
                d_by_real,
                d_by_fake,
                g_by_fake,
            } => {
                seen[0] += 1;
                let (real, fake) = (answers(6000), answers(6001));
                let d_loss = loss.discriminator(&real, &fake);
                let g_loss = loss.generator(&fake, || real.clone());
                let what = format!("{loss:?}");
                assert_close(&what, &[d_loss.item(), g_loss.item()], &[d, g]);
                let by_d = grad(&d_loss, &[&real, &fake], false);
                assert_close(&what, &by_d[0].to_vec::<f64>(), &d_by_real);
                assert_close(&what, &by_d[1].to_vec::<f64>(), &d_by_fake);
                let by_g = grad(&g_loss, &[&fake, &real], false);
                assert_close(&what, &by_g[0].to_vec::<f64>(), &g_by_fake);
                // What D says of reals is a constant in G's loss.
                assert_eq!(by_g[1].to_vec::<f64>(), [0.0; 6], "{what}");
            }
            LossCase::Penalty {
                penalty: kind,
                value,
                norms,
                by,
            } => {
                seen[1] += 1;
                let ours = penalty(kind);
                let what = format!("{kind:?}");
                assert_close(&what, &[ours.0], &[value]);
                assert_close(&what, &ours.1, &norms);
                for (ours, theirs) in ours.2.iter().zip(&by) {
                    assert_close(&what, ours, theirs);
                }
            }
        }
    }
    assert_eq!(seen, [6, 4], "every loss and every penalty");
}

/// A critic that is flat has no direction to be pushed in; PyTorch's `norm` has the gradient 0 there.
#[test]
fn a_flat_critic_gets_no_nan() {
    let weight = Tensor::variable(by_formula(1, &[50, 1], 0.0, 0.0, DType::F64));
    let x = Tensor::constant(by_formula(2, &[4, 50], 1.0, 0.0, DType::F64));
    let alpha = || Tensor::constant(by_formula(3, &[4, 1], 0.5, 0.5, DType::F64));
    for kind in [PenaltyKind::Gradient, PenaltyKind::R1R2] {
        let critic = |x: &Tensor| x.matmul(&weight);
        let [value, _] = Penalty::of_kind(kind, 10.0).of(critic, [&x, &x], alpha);
        let by = grad(&value, &[&weight], false).remove(0);
        assert!(by.to_vec::<f64>().iter().all(|x| *x == 0.0), "{kind:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let refused = |recipe: &str, changes: &[&str]| {
        let mut setup = find(recipe).expect("a recipe").setup(Preset::AsPublished);
        let mut set = changes.iter().map(|change| setup.set(change));
        let error = set.find_map(Result::err);
        format!(
            "{:#}",
            error.unwrap_or_else(|| panic!("{changes:?} is taken"))
        )
    };
    for kind in ["gradient", "r1", "r2", "r1-r2"] {
        let error = refused("lsgan", &[&format!("penalty.kind={kind}")]);
        assert!(error.contains("batch-norm = false"), "{error}");
    }
    assert!(refused("wgan-gp", &["batch-norm=true"]).contains("penalty.kind = none"));
    assert!(refused("wgan-gp", &["penalty.every=16"]).contains("d-steps = 1"));
    assert!(refused("wgan-gp", &["penalty.weight=-1"]).contains("penalty.weight"));
    assert!(refused("wgan", &["clip=0"]).contains("clip"));
    assert!(refused("lsgan", &["size=32"]).contains("28"));

    let mut setup = find("lsgan").expect("a recipe").setup(Preset::Fixed);
    for change in ["loss=relativistic", "penalty.kind=r1-r2", "penalty.every=4"] {
        setup.set(change).expect("it can be");
    }
    assert_eq!(setup.options()["loss"].as_str(), Some("relativistic"));
}

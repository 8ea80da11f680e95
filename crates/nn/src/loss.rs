//! Losses of GANs: how far a discriminator's answers are from a target.
//!
//! The target is one number for the whole batch: 1 for real, 0 for fake, or a
//! smoothed label between; of classes there is one for each. All are means over the batch.

use detach_tensor::{Array, Device, Op, Tensor, apply};

/// Where PyTorch's BCELoss stops a logarithm, so that a probability of 0 costs 100
/// and not infinity.
const LEAST_LOG: f64 = -100.0;

/// What PyTorch's BCELoss divides by at least in its gradient; a literal of type
/// `float` there, also in double precision.
const LEAST_VARIANCE: f64 = 1e-12_f32 as f64;

/// −t·ln p − (1 − t)·ln(1 − p) per element, each logarithm stopped at −100.
#[derive(Clone, Copy, Debug)]
struct BinaryCrossEntropy {
    target: f64,
}

/// `a`·x + `b`·y, where a term that counts nothing is not computed.
fn mix(a: f64, x: impl Fn() -> Tensor, b: f64, y: impl Fn() -> Tensor) -> Tensor {
    match (a, b) {
        (_, 0.0) => x() * a,
        (0.0, _) => y() * b,
        _ => x() * a + y() * b,
    }
}

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "bce"
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let p = Tensor::constant(inputs[0].clone());
        let real = || p.ln().clamp_min(LEAST_LOG);
        let fake = || (-&p).ln_1p().clamp_min(LEAST_LOG);
        let loss = mix(-self.target, real, self.target - 1.0, fake);
        loss.value().clone()
    }

    /// (p − t) / max(p·(1 − p), 1e-12): PyTorch's rule. The derivative of the value
    /// as written would be 0 · ∞ where a logarithm is stopped.
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let p = &inputs[0];
        let variance = (p * (-p + 1.0)).clamp_min(LEAST_VARIANCE);
        Some(dy * (p - self.target) / variance)
    }
}

/// # Panics
/// When a target is no probability.
#[track_caller]
fn assert_target(op: &str, logits: &Tensor, target: f64) {
    assert!(
        (0.0..=1.0).contains(&target),
        "{op} of {:?}: the target {target} is no probability; expected 0 ≤ target ≤ 1, or `mse`, \
         which takes any",
        logits.shape()
    );
}

/// # Panics
/// When one of `p` is no probability, as a critic's score is. NaN passes, and so does everything on a GPU, where looking
/// would be waiting.
#[track_caller]
fn assert_probabilities(p: &Tensor) {
    if p.kind().device != Device::Cpu {
        return;
    }
    let is_outside = |p: &f64| *p < 0.0 || *p > 1.0;
    if let Some(one) = p.to_vec::<f64>().into_iter().find(is_outside) {
        panic!(
            "bce of {:?}{}: {one} is no probability; expected 0 ≤ p ≤ 1. Logits belong into `bce_with_logits`, which has its own σ; \
             a critic's scores (Wasserstein, hinge) into none of the two: `Adversarial` has their losses",
            p.shape(),
            made_by(p)
        )
    }
}

/// # Panics
/// When they are known to be probabilities already.
#[track_caller]
fn assert_logits(op: &str, logits: &Tensor) {
    assert!(
        logits.op() != Some("sigmoid"),
        "{op} of {:?}{}: it has a σ of its own, and two of them keep p between 0.5 and 0.731; leave the σ at D's end out, or take \
         `bce`, which has none",
        logits.shape(),
        made_by(logits)
    );
}

/// ", made by `matmul`", where that is known.
fn made_by(x: &Tensor) -> String {
    let made = x.op().map(|op| format!(", made by `{op}`"));
    made.unwrap_or_default()
}

/// Binary cross-entropy of probabilities `p`, any shape, against one `target`:
/// the mean of −t·ln p − (1 − t)·ln(1 − p), a scalar `[]`.
///
/// Value and gradient are those of PyTorch's `BCELoss`: each logarithm is at least
/// −100, and the gradient is (p − t) / max(p·(1 − p), 1e-12). The logarithm of 1 − p has all its
/// digits where p is close to 0.
///
/// Where `p` is a sigmoid, [`bce_with_logits`] on its argument is the same loss,
/// cheaper, and exact where `p` is so close to 1 that it has lost the digits of 1 − p.
///
/// # Panics
/// When the target is not in [0, 1], `p` is empty, or one of `p` is outside of [0, 1]: a critic's score, say. (On a GPU, where
/// looking would be waiting, the loss is NaN then.)
#[must_use]
#[track_caller]
pub fn bce(p: &Tensor, target: f64) -> Tensor {
    assert_target("bce", p, target);
    assert_probabilities(p);
    apply(BinaryCrossEntropy { target }, &[p]).mean()
}

/// Binary cross-entropy of σ(`logits`), any shape, against one `target`, a scalar `[]`:
/// the mean of t·softplus(−x) + (1 − t)·softplus(x).
///
/// This is softplus(x) − t·x without its cancellation: a confident right answer has
/// a small loss with all its digits, instead of a difference of large numbers. So have the
/// derivatives of every order.
///
/// # Panics
/// When the target is not in [0, 1], there are no logits, or a σ has made them, so that they are probabilities.
#[must_use]
#[track_caller]
pub fn bce_with_logits(logits: &Tensor, target: f64) -> Tensor {
    assert_target("bce_with_logits", logits, target);
    assert_logits("bce_with_logits", logits);
    let real = || (-logits).softplus();
    let fake = || logits.softplus();
    mix(target, real, 1.0 - target, fake).mean()
}

/// Mean squared distance of `x`, any shape, from one `target`, a scalar `[]`: LSGAN's
/// loss (Mao et al., arXiv:1611.04076) without its ½.
///
/// # Panics
/// When the target is not a finite number, or `x` is empty.
#[must_use]
#[track_caller]
pub fn mse(x: &Tensor, target: f64) -> Tensor {
    assert!(
        target.is_finite(),
        "mse of {:?}: the target {target} is no number to come close to; expected a finite one",
        x.shape()
    );
    (x - target).square().mean()
}

/// Cross-entropy of `logits` `[N, C]` of classes against `labels` `[N]` (integers in 0..C, stored as
/// floats), a scalar `[]`: the mean of −ln softmax(logits) at the label.
///
/// Only what is at a label counts, so a class that is impossible (a logit of −∞) costs nothing where it
/// is not the answer.
///
/// # Panics
/// When the shapes are others, there are no rows, or a label is no class (on a GPU, where looking would
/// be waiting, the loss is NaN then).
#[must_use]
#[track_caller]
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Tensor {
    let fits = matches!((logits.shape(), labels.shape()), ([n, _], [m]) if n == m);
    assert!(
        fits,
        "cross_entropy of {:?} against {:?}; expected logits [N, C] and labels [N]",
        logits.shape(),
        labels.shape()
    );
    let logarithms = logits.log_softmax(1);
    let row = labels.one_hot(logits.shape()[1]);
    let picked = row.select(&logarithms, &logarithms.full_like(0.0));
    // Divided by 1, or by the NaN that stands for a label that is none.
    -(picked.sum_axes(&[1]) / row.sum_axes(&[1])).mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::check::{Case, check_gradient};
    use detach_tensor::{DType, grad};

    const TARGETS: [f64; 4] = [0.0, 1.0, 0.9, 0.1];

    fn variable(values: &[f64]) -> Tensor {
        Tensor::variable(Array::from_slice(values, &[values.len()]))
    }

    /// Loss and gradient at one value.
    fn at(loss: fn(&Tensor, f64) -> Tensor, x: f64, target: f64) -> (f64, f64) {
        let x = variable(&[x]);
        let y = loss(&x, target);
        assert_eq!(y.shape(), [0_usize; 0]);
        (y.item(), grad(&y, &[&x], false)[0].item())
    }

    #[track_caller]
    fn assert_relative(actual: f64, expected: f64, tolerance: f64) {
        let close = (actual - expected).abs() <= tolerance * expected.abs();
        assert!(close, "{actual:e}, expected {expected:e}");
    }

    #[test]
    fn bce_in_closed_form() {
        for target in TARGETS {
            for p in [1e-6, 0.25, 0.5, 0.9, 0.999] {
                let (loss, gradient) = at(bce, p, target);
                let expected = -target * p.ln() - (1.0 - target) * (-p).ln_1p();
                assert_relative(loss, expected, 1e-14);
                assert_relative(gradient, (p - target) / (p * (1.0 - p)), 1e-14);
            }
        }
        let y = bce(&variable(&[0.5, 0.25, 0.5, 0.25]), 1.0);
        assert_relative(y.item(), 1.5 * 2.0_f64.ln(), 1e-15);
    }

    /// What PyTorch 2.11 answers in double precision.
    #[test]
    fn bce_of_certainty_is_finite() {
        let least = f64::from(1e-12_f32);
        assert_eq!(at(bce, 0.0, 0.0), (0.0, 0.0));
        assert_eq!(at(bce, 1.0, 1.0), (0.0, 0.0));
        assert_eq!(at(bce, 0.0, 1.0), (100.0, -1.0 / least));
        assert_eq!(at(bce, 1.0, 0.0), (100.0, 1.0 / least));
        assert_eq!(at(bce, 0.0, 0.9), (90.0, -0.9 / least));
        assert_eq!(at(bce, 1e-50, 1.0).0, 100.0);
        let narrow = Tensor::variable(Array::from_slice(&[0.0_f32, 1.0], &[2]));
        let y = bce(&narrow, 1.0);
        assert_eq!(y.item(), 50.0);
        assert_eq!(
            grad(&y, &[&narrow], false)[0].to_vec::<f32>(),
            [-0.5 / 1e-12, 0.0]
        );
    }

    /// ln(1 − p) in `f32`, where 1 − p is 1 and its logarithm would be 0.
    #[test]
    fn bce_near_zero_has_its_digits() {
        for p in [1e-3_f32, 1e-6, 3e-8, 1e-20] {
            let narrow = Tensor::constant(Array::from_slice(&[p], &[1]));
            let exact = -f64::ln_1p(-f64::from(p));
            assert_relative(bce(&narrow, 0.0).item(), exact, 3e-7);
        }
    }

    /// The second derivative in `f32` is σ(x)·σ(−x) to its last digits, on either side.
    #[test]
    fn second_derivatives_of_sure_logits() {
        for target in TARGETS {
            for x in [-40.0_f32, -12.0, -3.0, 0.0, 1.0, 8.0, 12.0, 17.0, 40.0] {
                let logits = Tensor::variable(Array::from_slice(&[x], &[1]));
                let loss = bce_with_logits(&logits, target);
                let first = grad(&loss, &[&logits], true).remove(0);
                let second = grad(&first.sum(), &[&logits], false).remove(0);
                let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
                let exact = sigmoid(x.into()) * sigmoid(-f64::from(x));
                assert_relative(second.item(), exact, 1e-6);
            }
        }
    }

    #[test]
    fn targets_that_are_none_are_refused() {
        let x = || Tensor::constant(Array::from_slice(&[0.5, 0.5], &[2]));
        for loss in [bce, bce_with_logits] {
            for target in [2.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
                let refused = std::panic::catch_unwind(|| loss(&x(), target).item());
                assert!(refused.is_err(), "{target}");
            }
        }
        assert_eq!(mse(&x(), -1.5).item(), 4.0);
        for target in [f64::NAN, f64::INFINITY] {
            assert!(std::panic::catch_unwind(|| mse(&x(), target).item()).is_err());
        }
    }

    #[test]
    fn a_diverged_network_shows() {
        for loss in [bce, bce_with_logits, mse] {
            let (loss, gradient) = at(loss, f64::NAN, 1.0);
            assert!(loss.is_nan() && gradient.is_nan(), "{loss} {gradient}");
        }
    }

    #[test]
    fn logits_equal_probabilities_where_those_have_digits() {
        for target in TARGETS {
            for x in [-12.0, -3.0, -0.5, 0.0, 1.0, 7.0, 12.0] {
                let (loss, gradient) = at(bce_with_logits, x, target);
                let (by_p, by_p_gradient) = at(|x, t| bce(&x.sigmoid(), t), x, target);
                // 1 − σ(12) = 6e-6 keeps eleven digits.
                assert_relative(loss, by_p, 1e-10);
                assert_relative(gradient, by_p_gradient, 1e-10);
            }
        }
    }

    #[test]
    fn logits_at_extremes() {
        for (x, target, loss) in [
            (800.0, 1.0, 0.0),
            (800.0, 0.0, 800.0),
            (-800.0, 1.0, 800.0),
            (-800.0, 0.0, 0.0),
            (-50.0, 0.9, 45.0),
            (50.0, 0.1, 45.0),
        ] {
            let (actual, gradient) = at(bce_with_logits, x, target);
            assert_relative(actual, loss, 1e-15);
            let p = if x > 0.0 { 1.0 } else { 0.0 };
            assert!((gradient - (p - target)).abs() < 1e-15);
        }
        // Right and sure: e⁻⁴⁰, where softplus(40) − 40 would be 0.
        assert_relative(at(bce_with_logits, 40.0, 1.0).0, (-40.0_f64).exp(), 1e-13);
        assert_relative(at(bce_with_logits, -40.0, 0.0).0, (-40.0_f64).exp(), 1e-13);
        let narrow = Tensor::constant(Array::from_slice(&[20.0_f32], &[1]));
        assert_relative(
            bce_with_logits(&narrow, 1.0).item(),
            (-20.0_f64).exp(),
            1e-6,
        );
    }

    #[test]
    fn mse_in_closed_form() {
        let x = variable(&[1.0, 3.0]);
        let y = mse(&x, 0.5);
        assert_eq!(y.item(), (0.25 + 6.25) / 2.0);
        assert_eq!(grad(&y, &[&x], false)[0].to_vec::<f64>(), [0.5, 2.5]);
    }

    #[test]
    fn cross_entropy_in_closed_form() {
        let rows = [
            [1.0, 2.0, 0.5],
            [0.0, f64::NEG_INFINITY, 0.0],
            [800.0, 0.0, -800.0],
        ];
        let logits = Tensor::variable(Array::from_slice(rows.as_flattened(), &[3, 3]));
        let labels = |values: [f64; 3]| Tensor::constant(Array::from_slice(&values, &[3]));
        let total: f64 = rows[0].iter().map(|x: &f64| x.exp()).sum();
        let loss = cross_entropy(&logits, &labels([1.0, 0.0, 1.0]));
        let expected = (total.ln() - 2.0 + 2.0_f64.ln() + 800.0) / 3.0;
        assert_relative(loss.item(), expected, 1e-15);
        let gradient = grad(&loss, &[&logits], false)[0].to_vec::<f64>();
        assert_relative(gradient[0], 1.0_f64.exp() / total / 3.0, 1e-14);
        assert_relative(gradient[1], (2.0_f64.exp() / total - 1.0) / 3.0, 1e-14);
        assert_eq!(gradient[3..6], [-0.5 / 3.0, 0.0, 0.5 / 3.0]);
        assert_eq!(gradient[6..], [1.0 / 3.0, -1.0 / 3.0, 0.0]);
        for wrong in [3.0, -1.0, 0.5] {
            let refused = std::panic::catch_unwind(|| {
                let logits = variable(&[0.0; 9]).reshape(&[3, 3]);
                cross_entropy(&logits, &labels([0.0, wrong, 0.0])).item()
            });
            assert!(refused.is_err(), "{wrong}");
        }
        let case = Case::new("cross_entropy", |x| cross_entropy(&x[0], &x[1]));
        let case = case.input(&[3, 4], (-2.0, 2.0)).index(&[3.0, 0.0, 2.0]);
        case.check_first_order().unwrap();
        case.check_second_order().unwrap();
    }

    #[test]
    fn both_orders_of_derivative() {
        for target in TARGETS {
            for (name, loss, range) in [
                ("bce", bce as fn(&Tensor, f64) -> Tensor, (0.2, 0.8)),
                ("bce_with_logits", bce_with_logits, (-3.0, 3.0)),
                ("mse", mse, (-2.0, 2.0)),
            ] {
                let case = Case::new(name, move |x| loss(&x[0], target)).input(&[3, 1], range);
                case.check_first_order().unwrap();
                case.check_second_order().unwrap();
            }
        }
        // The check can fail: the value of one loss, the rule of another.
        #[derive(Clone, Copy, Debug)]
        struct Wrong;
        impl Op for Wrong {
            fn name(&self) -> &'static str {
                "wrong"
            }
            fn forward(&self, inputs: &[&Array]) -> Array {
                BinaryCrossEntropy { target: 1.0 }.forward(inputs)
            }
            fn grad(&self, arg: usize, x: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
                BinaryCrossEntropy { target: 0.9 }.grad(arg, x, y, dy)
            }
        }
        let p = variable(&[0.3, 0.6]);
        assert_eq!(p.dtype(), DType::F64);
        check_gradient(&|p| apply(Wrong, &[&p[0]]), &[p]).unwrap_err();
    }
}

//! Dropout (Srivastava et al., JMLR 15, 2014): random zeros while training, the rest
//! scaled by 1 / (1 − p) so that the mean stays.

use crate::module::{Mode, Module, Network, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::Tensor;

/// Zeroes each element with probability p. The identity in eval mode, and for p = 0,
/// where it draws no random numbers either; for p = 1 all are zero, whatever they were, and no
/// gradient passes.
#[derive(Clone, Copy, Debug)]
pub struct Dropout(f64);

/// Zeroes whole channels of `[N, C, H, W]` with probability p each; otherwise as
/// [`Dropout`].
#[derive(Clone, Copy, Debug)]
pub struct Dropout2d(f64);

#[track_caller]
fn assert_probability(p: f64) {
    assert!(
        (0.0..=1.0).contains(&p),
        "dropout: p = {p} is no probability; expected 0 ≤ p ≤ 1"
    );
}

impl Dropout {
    /// Dropout with probability `p` of a zero.
    ///
    /// # Panics
    /// When p is not in [0, 1].
    #[must_use]
    #[track_caller]
    pub fn new(p: f64) -> Self {
        assert_probability(p);
        Self(p)
    }
}

impl Dropout2d {
    /// Dropout with probability `p` of a channel of zeros.
    ///
    /// # Panics
    /// When p is not in [0, 1].
    #[must_use]
    #[track_caller]
    pub fn new(p: f64) -> Self {
        assert_probability(p);
        Self(p)
    }
}

/// Multiplies `x` by a mask of `mask_shape`, repeated to x's shape.
fn drop_out(x: &Tensor, p: f64, mask_shape: &[usize], mode: Mode<'_>) -> Tensor {
    match mode.dropout() {
        Some(_) if p == 1.0 => x.full_like(0.0),
        Some(random) if p > 0.0 => x * random.mask(mask_shape, 1.0 - p, x.kind()).expand(x.shape()),
        _ => x.clone(),
    }
}

impl State for Dropout {
    fn visit<'a>(&'a self, _: Name<'_>, _: &mut dyn FnMut(Name<'_>, Slot<'a>)) {}
}

impl State for Dropout2d {
    fn visit<'a>(&'a self, _: Name<'_>, _: &mut dyn FnMut(Name<'_>, Slot<'a>)) {}
}

impl Module for Dropout {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        drop_out(x, self.0, x.shape(), mode)
    }
}

impl Network for Dropout {
    fn describe(&self) -> String {
        format!("Dropout({})", self.0)
    }

    fn trace(&self, x: &Value, _: &mut Scope<'_>) -> Result<Value, Untraced> {
        Ok(x.clone())
    }
}

impl Module for Dropout2d {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        let &[n, c, _, _] = x.shape() else {
            panic!(
                "{}: the input is {:?}; expected [N, C, H, W]",
                self.describe(),
                x.shape()
            );
        };
        drop_out(x, self.0, &[n, c, 1, 1], mode)
    }
}

impl Network for Dropout2d {
    fn describe(&self) -> String {
        format!("Dropout2d({})", self.0)
    }

    fn trace(&self, x: &Value, _: &mut Scope<'_>) -> Result<Value, Untraced> {
        Ok(x.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_tensor::{Array, DType, Random, Stream, grad};

    fn ones(shape: &[usize]) -> Tensor {
        Tensor::variable(Array::full(1.0, shape, DType::F64))
    }

    #[test]
    fn zeros_with_probability_p_and_the_mean_stays() {
        let random = Random::new(5, Stream::Dropout);
        let x = ones(&[400, 250]);
        let y = Dropout::new(0.3).forward(&x, Mode::train(&random));
        let values = y.to_vec::<f64>();
        let zeros = values.iter().filter(|&&y| y == 0.0).count() as f64 / values.len() as f64;
        // Five standard deviations of 100,000 trials.
        assert!(
            (zeros - 0.3).abs() < 5.0 * (0.3 * 0.7 / 1e5_f64).sqrt(),
            "{zeros}"
        );
        assert!(
            values
                .iter()
                .all(|&y| y == 0.0 || (y - 1.0 / 0.7).abs() < 1e-15)
        );
        // The gradient passes where the value did.
        assert_eq!(grad(&y.sum(), &[&x], false)[0].to_vec::<f64>(), values);
    }

    #[test]
    fn each_pass_draws_anew_and_a_step_repeats() {
        let random = Random::new(5, Stream::Dropout);
        let x = ones(&[1, 64]);
        let run = |random: &Random| {
            let y = Dropout::new(0.5).forward(&x, Mode::train(random));
            y.to_vec::<f64>()
        };
        let at3 = random.at(3);
        let (first, second) = (run(&at3), run(&at3));
        assert_ne!(first, second);
        assert_eq!(run(&random.at(3)), first);
    }

    #[test]
    fn whole_channels_go() {
        let random = Random::new(6, Stream::Dropout);
        let x = ones(&[20, 50, 3, 2]).channels_last();
        let y = Dropout2d::new(0.5).forward(&x, Mode::train(&random));
        assert!(y.value().layout().is_channels_last());
        let values = y.to_vec::<f64>();
        let channels: Vec<&[f64]> = values.chunks(6).collect();
        assert!(channels.iter().all(|c| c.iter().all(|&y| y == c[0])));
        let gone = channels.iter().filter(|c| c[0] == 0.0).count();
        assert!((420..580).contains(&gone), "{gone} of 1000");
    }

    #[test]
    fn identity_where_it_is_off_and_no_draw() {
        let random = Random::new(7, Stream::Dropout);
        let x = ones(&[2, 3, 4, 4]);
        let same = |y: Tensor| y.value().shares_memory(x.value());
        assert!(same(Dropout::new(0.0).forward(&x, Mode::train(&random))));
        assert!(same(Dropout2d::new(0.0).forward(&x, Mode::train(&random))));
        assert!(same(Dropout::new(0.9).forward(&x, Mode::eval())));
        assert!(same(Dropout2d::new(0.9).forward(&x, Mode::batch_stats())));
        let fresh = Random::new(7, Stream::Dropout);
        let draw = |r: &Random| r.uniform(&[4], DType::F64).to_vec::<f64>();
        assert_eq!(draw(&random), draw(&fresh));
    }

    #[test]
    fn everything_can_be_dropped() {
        let random = Random::new(8, Stream::Dropout);
        let x = [1.0, f64::NAN, f64::INFINITY, -2.0];
        let x = Tensor::variable(Array::from_slice(&x, &[1, 4, 1, 1]));
        for layer in [&Dropout::new(1.0) as &dyn Module, &Dropout2d::new(1.0)] {
            let y = layer.forward(&x, Mode::train(&random));
            assert_eq!(y.shape(), x.shape());
            assert_eq!(y.to_vec::<f64>(), [0.0; 4]);
            let dx = grad(&y.sum(), &[&x], false).remove(0);
            assert_eq!(dx.to_vec::<f64>(), [0.0; 4]);
        }
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for p in [-0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert!(std::panic::catch_unwind(|| Dropout::new(p)).is_err(), "{p}");
            assert!(
                std::panic::catch_unwind(|| Dropout2d::new(p)).is_err(),
                "{p}"
            );
        }
    }
}

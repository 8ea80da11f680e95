//! Where functions have singular points, saturate or are exact: values and derivatives there.

use detach_tensor::{Array, DType, Tensor, grad};

type Function = fn(&Tensor) -> Tensor;

const TYPES: [DType; 2] = [DType::F32, DType::F64];

fn variable(values: &[f64], dtype: DType) -> Tensor {
    Tensor::variable(Array::from_f64(values, &[values.len()], dtype))
}

/// f and its first derivatives, up to `order`, element by element.
fn derivatives(f: impl Fn(&Tensor) -> Tensor, x: &Tensor, order: usize) -> Vec<Vec<f64>> {
    let mut y = f(x);
    let mut all = vec![y.to_vec()];
    for _ in 0..order {
        y = grad(&y.sum(), &[x], true).remove(0);
        all.push(y.to_vec());
    }
    all
}

/// n·(n − 1)·…·x^(n − k).
fn of_power(n: i32, k: i32, x: f64) -> f64 {
    let factor: i32 = (0..k).map(|i| n - i).product();
    match k > n {
        true => 0.0,
        false => f64::from(factor) * x.powi(n - k),
    }
}

#[test]
fn powers_are_polynomials_in_every_order() {
    for dtype in TYPES {
        let points = [0.0, -2.0, 1.0];
        let x = variable(&points, dtype);
        for n in 0..=5 {
            let all = derivatives(|x| x.powf(n.into()), &x, 4);
            for (k, values) in (0..).zip(all) {
                let expected = points.map(|x| of_power(n, k, x));
                assert_eq!(values, expected, "x^{n}, order {k}, {dtype}");
            }
        }
        let products: [(i32, Function); 4] = [
            (2, Tensor::square),
            (2, |x| x * x),
            (3, |x| x.square() * x),
            (4, |x| x.square().square()),
        ];
        for (n, f) in products {
            for (k, values) in (0..).zip(derivatives(f, &x, 4)) {
                let expected = points.map(|x| of_power(n, k, x));
                assert_eq!(values, expected, "a product of {n}, order {k}, {dtype}");
            }
        }
    }
}

#[test]
fn the_norm_of_zero_has_derivatives() {
    for dtype in TYPES {
        let x = variable(&[0.0, 0.0], dtype);
        for values in derivatives(Tensor::norm, &x, 3) {
            assert!(values.iter().all(|x| *x == 0.0), "{dtype}: {values:?}");
        }
        // Beside a row that has a direction, as in a gradient penalty (‖x‖ − 1)².
        let x = Tensor::variable(Array::from_f64(&[3.0, 4.0, 0.0, 0.0], &[2, 2], dtype));
        let penalty = |x: &Tensor| (x.norm_axes(&[1]) - 1.0).square().sum();
        let all = derivatives(penalty, &x, 3);
        assert_eq!(all[0], [17.0]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-5;
        assert!(close(all[1][0], 8.0 * 0.6) && close(all[1][1], 8.0 * 0.8));
        assert_eq!(all[1][2..], [0.0, 0.0]);
        assert!(all.iter().flatten().all(|x| x.is_finite()), "{all:?}");
        // Of (‖x‖ − 1)² the gradient is 2(x − x̂), and that of the sum of its elements is
        // 2(1 − (1 − x̂·Σx̂)/‖x‖).
        for (i, unit) in [0.6, 0.8].into_iter().enumerate() {
            let second = 2.0 * (1.0 - (1.0 - unit * 1.4) / 5.0);
            assert!(close(all[2][i], second), "{} {second}", all[2][i]);
        }
        assert_eq!(all[2][2..], [0.0, 0.0]);
    }
}

/// Where squares of `f32` vanish or overflow, the unit vector is as good as anywhere.
#[test]
fn norms_of_very_small_and_very_large_numbers() {
    for scale in [1e-38, 1e-30, 1.0, 1e30, 5e37] {
        let x = variable(&[3.0 * scale, -4.0 * scale], DType::F32);
        let y = x.norm();
        assert!((y.item() / (5.0 * scale) - 1.0).abs() < 2e-7, "{scale}");
        let dx = grad(&y, &[&x], false).remove(0).to_vec::<f64>();
        let close = |a: f64, b: f64| (a - b).abs() < 2e-7;
        assert!(close(dx[0], 0.6) && close(dx[1], -0.8), "{scale}: {dx:?}");
    }
}

#[test]
fn norms_keep_axes_or_not() {
    let x = Tensor::constant(Array::from_f64(&[1.0; 24], &[2, 3, 4], DType::F32));
    let kept = x.norm_axes(&[0, 2]);
    assert_eq!(kept.shape(), [1, 3, 1]);
    let dropped = kept.squeeze(&[2, 0]);
    assert_eq!(dropped.shape(), [3]);
    assert_eq!(dropped.to_vec::<f32>(), [8.0_f32.sqrt(); 3]);
    assert_eq!(x.norm().shape(), [0_usize; 0]);
    assert_eq!(x.norm_axes(&[]).to_vec::<f32>(), [1.0; 24]);
    let none = Tensor::constant(Array::zeros(&[2, 0], DType::F32));
    assert_eq!(none.norm_axes(&[1]).to_vec::<f32>(), [0.0, 0.0]);
}

#[test]
fn softplus_has_its_digits_in_every_order() {
    let points: Vec<f64> = (-80..=80).map(|i| f64::from(i) * 0.5).collect();
    let narrow = derivatives(Tensor::softplus, &variable(&points, DType::F32), 3);
    for (i, &x) in points.iter().enumerate() {
        // Both of them from the exponential that does not overflow.
        let z = (-x.abs()).exp();
        let (small, large) = (z / (1.0 + z), 1.0 / (1.0 + z));
        let (p, q) = if x < 0.0 {
            (small, large)
        } else {
            (large, small)
        };
        // (1 − e^−|x|)/(1 + e^−|x|) is |p − q| without a difference of near numbers.
        let slope = -x.signum() * (-(-x.abs()).exp_m1()) / (1.0 + z);
        let exact = [p, p * q, if x == 0.0 { 0.0 } else { p * q * slope }];
        for (order, exact) in (1..).zip(exact) {
            let got = narrow[order][i];
            // The third is 0 at 0, and a difference close to it.
            let tolerance = if order < 3 {
                1e-6 * exact.abs()
            } else {
                1e-6 * p * q
            };
            assert!(
                (got - exact).abs() <= tolerance,
                "order {order} at {x}: {got:e}, exact {exact:e}"
            );
        }
    }
}

/// Their rules are by their results, whose last digit is what 1 − y can lose.
#[test]
fn saturated_activations_are_within_an_ulp_of_their_result() {
    let points: Vec<f64> = (-60..=60).map(|i| f64::from(i) * 0.25).collect();
    for f in [Tensor::tanh, Tensor::sigmoid] {
        let narrow = derivatives(f, &variable(&points, DType::F32), 2);
        let wide = derivatives(f, &variable(&points, DType::F64), 2);
        for order in [1, 2] {
            for (n, w) in narrow[order].iter().zip(&wide[order]) {
                assert!((n - w).abs() <= 6e-7, "order {order}: {n:e}, {w:e}");
            }
        }
    }
}

#[test]
fn singular_points_are_what_calculus_says() {
    for dtype in TYPES {
        let at = |f: fn(&Tensor) -> Tensor, x: f64| -> [f64; 2] {
            let all = derivatives(f, &variable(&[x], dtype), 1);
            [all[0][0], all[1][0]]
        };
        let infinite = f64::INFINITY;
        assert_eq!(at(Tensor::sqrt, 0.0), [0.0, infinite]);
        assert_eq!(at(Tensor::ln, 0.0), [-infinite, infinite]);
        assert_eq!(at(Tensor::ln_1p, -1.0), [-infinite, infinite]);
        assert_eq!(at(Tensor::ln_1p, 0.0), [0.0, 1.0]);
        assert_eq!(at(Tensor::recip, 0.0), [infinite, -infinite]);
        assert_eq!(at(|x| x.powf(-1.0), 0.0), [infinite, -infinite]);
        assert_eq!(at(|x| x.powf(0.5), 0.0), [0.0, infinite]);
        assert_eq!(at(|x| x.powf(1.5), 0.0), [0.0, 0.0]);
        assert_eq!(at(Tensor::abs, 0.0), [0.0, 0.0]);
        for f in [Tensor::sqrt, Tensor::ln] {
            let [y, dy] = at(f, -1.0);
            assert!(y.is_nan() && !(dy == 0.0), "{y} {dy}");
        }
        assert!(at(|x| x.powf(2.5), -1.0)[0].is_nan());
    }
}

#[test]
fn a_quotient_that_is_a_number_is_that_number() {
    let mut wrong = 0;
    for divisor in (1..=102).map(f64::from) {
        let whole: Vec<f64> = (1..=100).map(f64::from).collect();
        let products: Vec<f64> = whole.iter().map(|x| x * divisor).collect();
        for dtype in TYPES {
            let quotients = (variable(&products, dtype) / divisor).to_vec::<f64>();
            wrong += quotients.iter().zip(&whole).filter(|(a, b)| a != b).count();
        }
    }
    assert_eq!(wrong, 0);
    let x = variable(&[169.0], DType::F32);
    let y = &x / 13.0;
    assert_eq!(y.item(), 13.0);
    assert_eq!(
        grad(&y.sum(), &[&x], false)[0].item() as f32,
        1.0_f32 / 13.0
    );
    // A reciprocal that is exact may stand in for a division; one that is not may not.
    for divisor in [
        0.25,
        -8.0,
        3.0,
        1e-40,
        1e39,
        f64::INFINITY,
        2.0_f64.powi(127),
    ] {
        let x = [1.0_f32, -3.0, 1e-38, 1e38];
        let narrow = Tensor::constant(Array::from_slice(&x, &[4])) / divisor;
        let exact = x.map(|x| x / divisor as f32);
        assert_eq!(narrow.to_vec::<f32>(), exact, "by {divisor}");
    }
}

#[test]
fn the_mean_of_equal_numbers_is_that_number() {
    for len in [1, 3, 7, 10, 49, 100, 1000, 12_345] {
        for value in [1.0_f32, 0.1, 1.999_999_9, -7e-42, 3e38] {
            let x = Tensor::constant(Array::from_slice(&vec![value; len], &[len, 1]));
            assert_eq!(x.mean().to_vec::<f32>(), [value], "{len}");
            assert_eq!(x.mean_axes(&[0]).to_vec::<f32>(), [value], "{len}");
        }
        let ones = Tensor::constant(Array::full(1.0, &[len], DType::F64));
        assert_eq!(ones.mean().item(), 1.0, "{len}");
    }
}

/// Values and derivatives of a function of two tensors: y, ∂/∂a, ∂/∂b.
fn of_two(f: fn(&Tensor, &Tensor) -> Tensor, a: &[f64], b: &[f64], dtype: DType) -> [Vec<f64>; 3] {
    let (a, b) = (variable(a, dtype), variable(b, dtype));
    let y = f(&a, &b);
    let gradients = grad(&y.sum(), &[&a, &b], true);
    // Another order of them can be asked for.
    let again = gradients.iter().map(Tensor::sum).reduce(|a, b| a + b);
    let second = grad(&again.expect("two"), &[&a, &b], false);
    assert!(second.iter().all(|g| g.shape() == y.shape()));
    [y.to_vec(), gradients[0].to_vec(), gradients[1].to_vec()]
}

/// As PyTorch's `clamp`: bounds belong to it, and where they are crossed the upper one holds.
#[test]
fn limits() {
    for dtype in TYPES {
        let x = variable(&[-2.0, -1.0, 0.5, 1.0, 1.5, f64::NAN], dtype);
        let all = derivatives(|x| x.clip(-1.0, 1.0), &x, 2);
        assert_eq!(all[0][..5], [-1.0, -1.0, 0.5, 1.0, 1.0]);
        assert!(all[0][5].is_nan());
        assert_eq!(all[1], [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(all[2], [0.0; 6]);
        let crossed = derivatives(|x| x.clip(1.0, -1.0), &x, 1);
        assert_eq!(crossed[0][..5], [-1.0; 5]);
    }
}

#[test]
fn the_exponential_unit_at_zero() {
    for dtype in TYPES {
        let x = variable(&[0.0, 3.0, -200.0], dtype);
        let all = derivatives(|x| x.elu(1.0), &x, 2);
        assert_eq!(all, [[0.0, 3.0, -1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]);
    }
}

#[test]
fn whole_numbers() {
    let points = [-2.5, -0.5, 0.5, 1.5, 2.5, 1e9];
    for dtype in TYPES {
        let x = variable(&points, dtype);
        let of = |f: Function| {
            let all = derivatives(f, &x, 1);
            assert_eq!(all[1], [0.0; 6]);
            all[0].clone()
        };
        assert_eq!(of(Tensor::floor), [-3.0, -1.0, 0.0, 1.0, 2.0, 1e9]);
        assert_eq!(of(Tensor::ceil), [-2.0, 0.0, 1.0, 2.0, 3.0, 1e9]);
        assert_eq!(of(Tensor::round), [-2.0, 0.0, 0.0, 2.0, 2.0, 1e9]);
    }
}

#[test]
fn ties_share_and_comparisons_compare() {
    for dtype in TYPES {
        let (a, b) = ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]);
        let both = |f| of_two(f, &a, &b, dtype);
        assert_eq!(
            both(Tensor::minimum),
            [[1.0, 2.0, 2.0], [1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]
        );
        assert_eq!(
            both(Tensor::maximum),
            [[2.0, 2.0, 3.0], [0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]
        );
        let value = |f: fn(&Tensor, &Tensor) -> Tensor| both(f)[0].clone();
        assert_eq!(value(Tensor::less), [1.0, 0.0, 0.0]);
        assert_eq!(value(Tensor::less_equal), [1.0, 1.0, 0.0]);
        assert_eq!(value(Tensor::greater), [0.0, 0.0, 1.0]);
        assert_eq!(value(Tensor::greater_equal), [0.0, 1.0, 1.0]);
        assert_eq!(value(Tensor::equal), [0.0, 1.0, 0.0]);
        assert_eq!(value(Tensor::not_equal), [1.0, 0.0, 1.0]);
    }
    // Nothing is less than, equal to or more than what is no number.
    let nan = variable(&[f64::NAN], DType::F32);
    for f in [
        Tensor::less,
        Tensor::less_equal,
        Tensor::equal,
        Tensor::greater,
    ] {
        assert_eq!(f(&nan, &nan).item(), 0.0);
    }
    assert_eq!(nan.not_equal(&nan).item(), 1.0);
}

/// A value that is not chosen does not show.
#[test]
fn a_choice_hides_the_other() {
    for dtype in TYPES {
        let x = variable(&[0.0, 4.0], dtype);
        let safe = |x: &Tensor| {
            let zero = x.full_like(0.0);
            x.equal(&zero).select(&zero, &x.recip())
        };
        assert_eq!(safe(&x).to_vec::<f64>(), [0.0, 0.25]);
        let dy = grad(&safe(&x).sum(), &[&x], false).remove(0);
        assert_eq!(dy.to_vec::<f64>()[1], -0.0625);
        let chosen = x.full_like(1.0).select(&x.square(), &x.sqrt().ln());
        assert_eq!(chosen.to_vec::<f64>(), [0.0, 16.0]);
    }
}

#[test]
fn powers_of_tensors_at_zero() {
    for dtype in TYPES {
        let a = [0.0, 0.0, 0.0, 2.0, -2.0, 1.0];
        let b = [0.0, 2.0, 1.0, 3.0, 2.0, 0.0];
        let [y, da, db] = of_two(Tensor::pow, &a, &b, dtype);
        assert_eq!(y, [1.0, 0.0, 0.0, 8.0, 4.0, 1.0]);
        assert_eq!(da, [0.0, 0.0, 1.0, 12.0, -4.0, 0.0]);
        assert_eq!(db[..3], [0.0; 3]);
        assert!((db[3] - 8.0 * 2.0_f64.ln()).abs() < 1e-6);
        assert!(db[4].is_nan());
        assert_eq!(db[5], 0.0);
        // To the second order in a, whatever b is.
        let x = variable(&a[..4], dtype);
        let power = variable(&b[..4], dtype);
        let all = derivatives(|x| x.pow(&power), &x, 3);
        assert_eq!(all[2], [0.0, 2.0, 0.0, 12.0]);
        assert_eq!(all[3], [0.0, 0.0, 0.0, 6.0]);
    }
}

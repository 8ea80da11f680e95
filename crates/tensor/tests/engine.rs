//! What the engine promises: pruning, detaching, accumulating, stale values, depth.

use detach_tensor::check::{Case, check_gradient};
use detach_tensor::{Array, DType, Op, Tensor, apply, grad, trace, vjp};

fn vector(values: &[f64]) -> Tensor {
    Tensor::variable(Array::from_slice(values, &[values.len()]))
}

#[test]
fn gradients_meet_and_add() {
    let x = vector(&[1.5]);
    // x enters three times, at different depths.
    let y = &x * &x + x.exp() * &x;
    let by_hand = 3.0 + 1.5_f64.exp() * 2.5;
    let g = grad(&y.sum(), &[&x], false)[0].item();
    assert!((g - by_hand).abs() < 1e-14);
}

#[test]
fn detach_cuts() {
    let x = vector(&[2.0]);
    let y = (&x * x.detach()).sum();
    assert_eq!(grad(&y, &[&x], false)[0].item(), 2.0);
    assert!(!x.square().detach().is_tracked());
}

#[test]
fn without_create_graph_gradients_are_constants() {
    let x = vector(&[2.0]);
    let y = x.square().sum();
    assert!(!grad(&y, &[&x], false)[0].is_tracked());
    assert!(grad(&y, &[&x], true)[0].is_tracked());
}

#[test]
fn the_pass_is_pruned_to_what_is_asked_for() {
    let (x, w, u) = (
        vector(&[1.0, 2.0]),
        vector(&[3.0, 4.0]),
        vector(&[5.0, 6.0]),
    );
    let hidden = (&x * &w).tanh();
    let loss = (&hidden * &u).sum();
    // To u leads: mul, reduction, reshape and u itself; not tanh or x · w.
    let last = trace::pass(&loss, &[&u]);
    assert!(!last.ops.contains_key("tanh"));
    assert_eq!(last.ops["mul"], 1);
    let all = trace::pass(&loss, &[&x, &u]);
    assert_eq!((all.ops["mul"], all.ops["tanh"]), (2, 1));
    assert!(all.nodes > last.nodes && all.bytes > last.bytes);
}

#[test]
fn what_the_loss_does_not_depend_on_gets_zeros() {
    let (x, w) = (vector(&[1.0]), vector(&[3.0, 4.0]));
    let g = grad(&x.square().sum(), &[&w, &x], false);
    assert_eq!(g[0].to_vec::<f64>(), [0.0, 0.0]);
    assert_eq!(g[1].to_vec::<f64>(), [2.0]);
}

#[test]
fn gradients_with_respect_to_an_intermediate() {
    let x = vector(&[3.0]);
    let h = x.square();
    let y = (&h * &h).sum();
    let g = grad(&y, &[&h, &x], false);
    assert_eq!((g[0].item(), g[1].item()), (18.0, 108.0));
}

#[test]
fn third_order() {
    let x = vector(&[2.0]);
    let mut y = x.powf(5.0).sum();
    for _ in 0..3 {
        y = grad(&y, &[&x], true).remove(0).sum();
    }
    assert!((y.item() - 60.0 * 4.0).abs() < 1e-9);
}

#[test]
fn a_graph_a_hundred_thousand_deep() {
    let x = vector(&[1.0]);
    let mut y = x.clone();
    for _ in 0..100_000 {
        y = y + 0.0;
    }
    assert_eq!(grad(&y.sum(), &[&x], false)[0].item(), 1.0);
}

#[test]
#[should_panic(expected = "the loss must be a scalar, but its shape is [2]")]
fn a_loss_is_a_scalar() {
    let x = vector(&[1.0, 2.0]);
    grad(&x.square(), &[&x], false);
}

#[test]
#[should_panic(expected = "with respect to a constant")]
fn constants_have_no_gradient() {
    let x = vector(&[1.0]);
    grad(&x.square().sum(), &[&x.detach()], false);
}

#[test]
#[should_panic(expected = "add: shapes [2] and [3] differ")]
fn shapes_must_agree() {
    let _ = vector(&[1.0, 2.0]) + vector(&[1.0, 2.0, 3.0]);
}

fn write(x: &mut Tensor, by: &str) {
    x.write(by, |_| ());
}

#[test]
#[should_panic(
    expected = "`mul` saved its operand [1] for its derivative rule, but `sgd step` has"
)]
fn a_stale_value_is_not_used() {
    let (mut w, x) = (vector(&[1.0]), vector(&[2.0]));
    let loss = (&w * &x).sum();
    write(&mut w, "sgd step");
    grad(&loss, &[&x], false);
}

#[test]
fn a_write_to_what_no_rule_reads_is_harmless() {
    let (mut w, x) = (vector(&[1.0]), vector(&[2.0]));
    let loss = (&w + &x).sum();
    write(&mut w, "sgd step");
    assert_eq!(grad(&loss, &[&x], false)[0].item(), 1.0);
}

/// x² with a rule that forgets the factor 2.
#[derive(Clone, Copy, Debug)]
struct WrongFirst;

/// x² whose rule is right once, and cut off from x for whoever differentiates it again.
#[derive(Clone, Copy, Debug)]
struct WrongSecond;

impl Op for WrongFirst {
    fn name(&self) -> &'static str {
        "wrong first"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = Tensor::constant(inputs[0].clone());
        x.square().value().clone()
    }
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy * &inputs[0])
    }
}

impl Op for WrongSecond {
    fn name(&self) -> &'static str {
        "wrong second"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        WrongFirst.forward(inputs)
    }
    fn grad(&self, _: usize, inputs: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(dy * inputs[0].detach() * 2.0)
    }
}

#[test]
fn a_wrong_rule_is_caught() {
    let case = Case::new("x²", |x| apply(WrongFirst, &[&x[0]])).input(&[3], (-1.0, 1.0));
    let caught = case
        .check_first_order()
        .expect_err("the factor 2 is missing");
    assert!(
        (caught.by_difference / caught.by_rule - 2.0).abs() < 1e-6,
        "{caught}"
    );

    let case = Case::new("x²", |x| apply(WrongSecond, &[&x[0]])).input(&[3], (-1.0, 1.0));
    case.check_first_order().expect("right to first order");
    case.check_second_order().expect_err("cut off from x");
}

#[test]
fn vjp_is_linear_in_what_arrives() {
    let x = vector(&[0.5, -0.25]);
    let y = x.tanh();
    let dy = Tensor::constant(Array::from_slice(&[2.0, -3.0], &[2]));
    let once = vjp(&y, &dy, &[&x], false).remove(0).to_vec::<f64>();
    let twice = vjp(&y, &(&dy * 2.0), &[&x], false)
        .remove(0)
        .to_vec::<f64>();
    assert!(once.iter().zip(&twice).all(|(a, b)| 2.0 * a == *b));
}

#[test]
fn a_whole_network_checks_out() {
    let inputs: Vec<Tensor> = [&[4, 3][..], &[3, 5], &[5, 1]]
        .iter()
        .zip(0..)
        .map(|(shape, step)| {
            let random = detach_tensor::Random::new(7, detach_tensor::Stream::Init).at(step);
            Tensor::variable(random.normal(shape, DType::F64).value().clone())
        })
        .collect();
    let network = |t: &[Tensor]| t[0].matmul(&t[1]).tanh().matmul(&t[2]).softplus().mean();
    check_gradient(&network, &inputs).unwrap_or_else(|m| panic!("{m}"));
}

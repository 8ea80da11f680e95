//! Gradients that cannot be had.

use super::{at, panic_of, refused, says, zeros};
use detach_tensor::{Array, DType, Tensor, grad, trace, vjp};

#[test]
fn gradients_that_cannot_be_had() {
    let x = zeros(&[2]);
    refused(&["grad", "[2]", "mean or sum"], || {
        grad(&x.exp(), &[&x], false)
    });
    refused(&["vjp"], || vjp(&x.exp(), &zeros(&[3]), &[&x], false));
    let mut written = zeros(&[2]);
    let old = written.clone();
    written.write("a test", |_| ());
    refused(&["a test"], || old.exp());
    refused(&["a test"], || &x + &old);
}

/// What saved, what wrote, on which line, how often, and where the gradient is asked for.
#[test]
fn values_that_were_overwritten_before_their_gradient() {
    let (x, mut w) = (zeros(&[4, 3]), zeros(&[3, 2]));
    let loss = x.matmul(&w).square().sum();
    assert_eq!(grad(&loss, &[&x], false)[0].shape(), [4, 3]);
    w.write("first step", |_| ());
    w.write("second step", |_| ());
    let (write, ask) = (at(line!() - 1), at(line!() + 1));
    let (message, _) = panic_of(|| grad(&loss, &[&x], false));
    // [2, 3]: the rule reads it transposed.
    let saved = ["`matmul`", "[2, 3]", "`second step`", "2 writes", &write];
    says(&saved, &message);
    says(&[&ask, "before stepping", "forward pass again"], &message);
    // The other operand is as it was: nothing that this gradient reads was written.
    assert_eq!(grad(&loss, &[&w], false)[0].shape(), [3, 2]);
    // An upstream gradient is its caller's: no op has saved it.
    let (y, mut dy) = (x.exp(), zeros(&[4, 3]));
    let before = dy.clone();
    dy.write("a step", |_| ());
    let (message, _) = panic_of(|| vjp(&y, &before, &[&x], false));
    says(
        &["stale handle", "`a step`", "fetch the array again"],
        &message,
    );
}

/// Which op's values were detached, on which line, and what to do instead.
#[test]
fn gradients_with_respect_to_constants() {
    let x = zeros(&[2]);
    let refused = |parts: &[&str], of: &Tensor| {
        refused(&[&["constant", "[2]"], parts].concat(), || {
            grad(&x.exp().sum(), &[&x, of], false)
        });
    };
    let cut = [x.exp().detach(), x.detach()];
    let line = at(line!() - 1);
    let cures = ["before `detach`", "Tensor::variable"];
    refused(&[&["`exp`", &*line], &cures[..]].concat(), &cut[0]);
    refused(&[&["a variable", &*line], &cures[..]].concat(), &cut[1]);
    // What was made of it knows, too, and so does what is detached again.
    let later = (&cut[0] * 2.0).detach();
    refused(&[&["`exp`", &*line], &cures[..]].concat(), &later);
    let given = Tensor::constant(Array::zeros(&[2], DType::F32));
    refused(&["no op", "Tensor::variable"], &given);
    refused(&["`exp`", "constants alone"], &given.exp());
    let (taken, line) = (grad(&x.exp().sum(), &[&x], false).remove(0), at(line!()));
    refused(&["a gradient", "`create_graph`", &line], &taken);
}

/// A loss that leads to nothing that is asked for has gradients of zeros: they are the second derivative of a linear
/// function, and the walk that finds them has no node.
#[test]
fn zeros_where_no_way_leads() {
    let x = zeros(&[2]);
    let slope = grad(&(&x * 3.0).sum(), &[&x], true).remove(0);
    assert!(!slope.is_tracked());
    assert_eq!(
        grad(&slope.sum(), &[&x], false)[0].to_vec::<f32>(),
        [0.0; 2]
    );
    let fake = x.exp();
    let cut = fake.detach().square().sum();
    assert_eq!(grad(&cut, &[&x], false)[0].to_vec::<f32>(), [0.0; 2]);
    assert_eq!(trace::pass(&cut, &[&x]).nodes, 0);
    assert!(trace::pass(&fake.square().sum(), &[&x]).nodes > 0);
}

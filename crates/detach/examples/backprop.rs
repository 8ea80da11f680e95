//! Backpropagation on the smallest graph there is: one product.
//!
//! ```text
//! cargo run -p detach --example backprop
//!
//!   x = 3 ──┐
//!           ├── · ──  z = 12          three nodes: two leaves, and the product
//!   y = 4 ──┘
//! ```
//!
//! Forward, a node computes its value from its inputs. Backward, it is handed ∂loss/∂z, the
//! *upstream gradient*, and answers with one gradient for each input. That answer is the node's
//! derivative rule, and a rule is all that an op adds to the engine:
//!
//! > z = x · y:  ∂loss/∂x = ∂loss/∂z · y,  ∂loss/∂y = ∂loss/∂z · x
//!
//! Every number below is asserted, so the program ends with an error if one is wrong.

use detach::prelude::*;
use detach::tensor::trace;

fn variable(value: f64) -> Tensor {
    Tensor::variable(Array::from_slice(&[value], &[]))
}

/// Prints a gradient, and checks it.
#[track_caller]
fn show(what: &str, gradient: &Tensor, expected: f64) {
    println!("  {what:<34} = {:>3}", gradient.item());
    assert_eq!(gradient.item(), expected, "{what}");
}

fn main() {
    // A variable is a leaf of the graph: something that gradients can be asked for.
    let (x, y) = (variable(3.0), variable(4.0));
    let z = &x * &y;
    println!("z = x · y = {} · {} = {}\n", x.item(), y.item(), z.item());
    assert_eq!(trace::pass(&z, &[&x, &y]).nodes, 3);

    println!("Each factor's gradient is the other factor; z's own is 1:");
    let gradients = grad(&z, &[&x, &y, &z], false);
    show("∂z/∂x, which is y", &gradients[0], 4.0);
    show("∂z/∂y, which is x", &gradients[1], 3.0);
    show("∂z/∂z, where the walk begins", &gradients[2], 1.0);

    println!("\nThe chain rule: what arrives from above is passed on, times the rule's factor:");
    let loss = &z * &z; // ∂loss/∂z = 2z = 24 is what the product's node is handed
    let gradients = grad(&loss, &[&z, &x, &y], false);
    show("∂z²/∂z, which is 2z", &gradients[0], 24.0);
    show("∂z²/∂x, which is 2z · y", &gradients[1], 96.0);
    show("∂z²/∂y, which is 2z · x", &gradients[2], 72.0);

    println!("\nGradients that meet are added: x is both factors of x · x:");
    show(
        "∂(x·x)/∂x, which is x + x",
        &grad(&(&x * &x), &[&x], false)[0],
        6.0,
    );

    println!("\ndetach is the same value without its node: no gradient passes it.");
    let cut = y.detach();
    assert_eq!(cut.item(), y.item());
    assert!(y.is_tracked() && !cut.is_tracked());
    let z = &x * &cut;
    let gradients = grad(&z, &[&x, &y], false);
    show("∂(x · detach(y))/∂x, which is y", &gradients[0], 4.0);
    show("∂(x · detach(y))/∂y: nothing", &gradients[1], 0.0);
    // The detached factor is no node, so the walk finds two: x and the product.
    assert_eq!(trace::pass(&z, &[&x]).nodes, 2);
    show(
        "∂(x · detach(x))/∂x: one of two",
        &grad(&(&x * x.detach()), &[&x], false)[0],
        3.0,
    );

    println!("\nA gradient is a tensor. With create_graph it remembers, and has gradients itself:");
    let z = &x * &y;
    let dx = grad(&z, &[&x], true).remove(0);
    show("∂²z/∂x∂y", &grad(&dx, &[&y], false)[0], 1.0);
    // Without it, it is detached: a number, and nothing to walk.
    assert!(!grad(&z, &[&x], false)[0].is_tracked());
}

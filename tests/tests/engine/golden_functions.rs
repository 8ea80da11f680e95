//! Functions of tensors against PyTorch in `f64`: value, gradients, and the second order along a
//! direction.

use detach_nn::loss;
use detach_tensor::{DType, Tensor, grad};
use detach_tests::golden::{self, OpCase};
use std::collections::BTreeMap;

/// What any element may be away from PyTorch's, relatively where that is above 1.
const LIMIT: f64 = 1e-12;

/// Its value at `x`: the operands in order, labels last.
fn value(case: &OpCase, x: &[Tensor]) -> Tensor {
    let number = |name: &str| case.attributes[name].as_f64().expect("a number");
    let count = |name: &str| number(name) as usize;
    let axes = || -> Vec<usize> {
        let axes = case.attributes["axes"].as_array().expect("a list");
        axes.iter()
            .map(|axis| axis.as_u64().expect("a number") as usize)
            .collect()
    };
    match case.op.as_str() {
        "floor" => x[0].floor(),
        "ceil" => x[0].ceil(),
        "round" => x[0].round(),
        "sin" => x[0].sin(),
        "cos" => x[0].cos(),
        "erf" => x[0].erf(),
        "gelu" => x[0].gelu(),
        "gelu_tanh" => x[0].gelu_tanh(),
        "elu" => x[0].elu(number("alpha")),
        "clip" => x[0].clip(number("low"), number("high")),
        "less" => x[0].less(&x[1]),
        "less_equal" => x[0].less_equal(&x[1]),
        "greater" => x[0].greater(&x[1]),
        "greater_equal" => x[0].greater_equal(&x[1]),
        "equal" => x[0].equal(&x[1]),
        "not_equal" => x[0].not_equal(&x[1]),
        "minimum" => x[0].minimum(&x[1]),
        "maximum" => x[0].maximum(&x[1]),
        "pow" => x[0].pow(&x[1]),
        "select" => {
            let above = x[0].greater(&x[0].full_like(0.0));
            above.select(&x[1].square(), &x[2].sin())
        }
        "softmax" => x[0].softmax(count("axis")),
        "log_softmax" => x[0].log_softmax(count("axis")),
        "argmax" => x[0].argmax(count("axis")),
        "argmin" => x[0].argmin(count("axis")),
        "flip" => x[0].flip(count("axis")),
        "min_axes" => x[0].min_axes(&axes()),
        "max_axes" => x[0].max_axes(&axes()),
        "slice_step" => {
            let step = number("step") as isize;
            x[0].slice_step(count("axis"), count("start"), step, count("len"))
        }
        "one_hot" => x[0].one_hot(count("classes")),
        "cross_entropy" => loss::cross_entropy(&x[0], &x[1]),
        "max_pool2" => x[0].max_pool2(count("size")),
        "matmul" => x[0].matmul(&x[1]),
        other => panic!("functions.json has `{other}`, which this test does not know"),
    }
}

/// Results by name, as in the golden.
fn results(case: &OpCase) -> BTreeMap<String, Vec<f64>> {
    let input = |name: &str| case.inputs[name].array(DType::F64);
    let names = ["a", "b", "c"]
        .into_iter()
        .filter(|name| case.inputs.contains_key(*name));
    let names: Vec<&str> = names.collect();
    let variables: Vec<Tensor> = names
        .iter()
        .map(|name| Tensor::variable(input(name)))
        .collect();
    let mut x = variables.clone();
    if case.inputs.contains_key("labels") {
        x.push(Tensor::constant(input("labels")));
    }
    let y = value(case, &x);
    let mut results = BTreeMap::from([("y".to_owned(), y.to_vec())]);
    if !case.inputs.contains_key("dy") {
        // PyTorch's does not remember how it was made; ours may, and then has no slope.
        let wrt: Vec<&Tensor> = variables.iter().collect();
        let slopes = grad(&y.sum(), &wrt, false);
        let flat = slopes
            .iter()
            .all(|g| g.to_vec::<f64>().iter().all(|g| *g == 0.0));
        assert!(flat, "{}", case.op);
        return results;
    }
    let dy = Tensor::variable(input("dy"));
    let mut wrt: Vec<&Tensor> = variables.iter().collect();
    let first = grad(&(&y * &dy).sum(), &wrt, true);
    let along = names.iter().zip(&first).map(|(name, g)| {
        results.insert(format!("d{name}"), g.to_vec());
        (g * Tensor::constant(input(&format!("v{name}")))).sum()
    });
    let directional = along.reduce(|a, b| a + b).expect("an operand");
    wrt.push(&dy);
    let second = grad(&directional, &wrt, false);
    for (name, g) in names.iter().chain(&["y"]).zip(&second) {
        results.insert(format!("dd{name}"), g.to_vec());
    }
    results
}

#[test]
fn as_pytorch() {
    for (number, case) in golden::functions().iter().enumerate() {
        let results = results(case);
        assert!(results.keys().eq(case.outputs.keys()), "{case:?}");
        for (name, ours) in results {
            let theirs = &case.outputs[&name].values;
            assert_eq!(ours.len(), theirs.len(), "{number}: {}, {name}", case.op);
            for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
                let far = (a - b).abs() / b.abs().max(1.0);
                let what = format!("case {number}, {}, {name}[{i}]", case.op);
                assert!(far <= LIMIT, "{what} is {a:e}, and {b:e} in PyTorch");
            }
        }
    }
}

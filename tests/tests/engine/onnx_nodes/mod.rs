//! The node tests of ONNX' backend suite, of every operator that the engine has, in both types.
//!
//! What is not run is listed with its reason:
//!
//! ```sh
//! PYTHON=…/python cargo test -p detach-tests --test engine onnx_nodes -- --nocapture
//! ```

mod layers;
mod moves;
mod node;
mod numbers;

use detach_tensor::{DType, Tensor};
use detach_tests::program::python;
use detach_tests::repository;
use node::{Data, Node, Outcome, Test};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Command;

/// |ours − theirs| may be this, and as much of theirs: the suite's results are in `f32`.
const LIMIT: f64 = 2e-6;

/// An operator's results.
type Operator = fn(&Node<'_>) -> Outcome;

/// Every operator that the engine has an op for, or a formula of few.
fn operators() -> BTreeMap<&'static str, Operator> {
    let families = [numbers::OPERATORS, moves::OPERATORS, layers::OPERATORS];
    families.into_iter().flatten().copied().collect()
}

/// The suite's tests.
fn tests(operators: &BTreeMap<&str, Operator>) -> Option<Vec<Test>> {
    let python = python(&["onnx"])?;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("nodes.jsonl");
    let status = Command::new(python)
        .arg(repository().join("tests/golden/onnx_nodes.py"))
        .arg(&file)
        .args(operators.keys())
        .status();
    assert!(status.expect("Python runs").success(), "onnx_nodes.py");
    let lines = BufReader::new(File::open(file).expect("it was written")).lines();
    let parse = |line: std::io::Result<String>| {
        serde_json::from_str(&line.expect("it is text")).expect("it is a test")
    };
    Some(lines.map(parse).collect())
}

/// Whether `ours` is what the suite expects.
fn check(what: &str, ours: &Tensor, theirs: &Data) {
    assert_eq!(ours.shape(), theirs.shape, "{what}");
    let values = ours.to_vec::<f64>();
    let expected = theirs.numbers().expect("they are numbers");
    for (i, (a, b)) in values.into_iter().zip(expected).enumerate() {
        let close = (a - b).abs() <= LIMIT * (1.0 + b.abs());
        let same = a == b || (a.is_nan() && b.is_nan());
        assert!(close || same, "{what}[{i}] is {a:e}, not {b:e}");
    }
}

#[test]
fn as_onnx_says() {
    let operators = operators();
    let Some(tests) = tests(&operators) else {
        eprintln!("no Python with onnx: the node tests of ONNX are not run");
        return;
    };
    let mut run: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for test in &tests {
        let Some(operator) = operators.get(test.op.as_str()) else {
            let absent = reasons.entry("the engine has no such operator".to_owned());
            let absent = absent.or_default();
            if !absent.contains(&test.op.as_str()) {
                absent.push(&test.op);
            }
            continue;
        };
        for dtype in [DType::F32, DType::F64] {
            let node = Node { test, dtype };
            let outcome = node.reason_not_to().map_or_else(|| operator(&node), Err);
            match outcome {
                Ok(results) => {
                    let what = |i: usize| format!("{} in {dtype}, output {i}", test.name);
                    assert_eq!(results.len(), test.outputs.len(), "{}", what(0));
                    for (i, (ours, theirs)) in results.iter().zip(&test.outputs).enumerate() {
                        check(&what(i), ours, theirs);
                    }
                    *run.entry(&test.op).or_default() += 1;
                }
                Err(reason) if dtype == DType::F32 => {
                    reasons.entry(reason).or_default().push(&test.name);
                }
                Err(_) => {}
            }
        }
    }
    for (reason, names) in &reasons {
        println!("{reason}: {}", names.join(", "));
    }
    println!("run: {run:?}");
    let idle: Vec<_> = operators
        .keys()
        .filter(|op| !run.contains_key(*op))
        .collect();
    assert!(
        idle.is_empty(),
        "operators of which no test was run: {idle:?}"
    );
}

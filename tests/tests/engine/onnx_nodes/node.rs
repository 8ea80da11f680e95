//! A test, and how an operator reads it.

use detach_tensor::{Array, DType, Tensor};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Results, or why the test does not apply.
pub(crate) type Outcome = Result<Vec<Tensor>, String>;

/// A line of `onnx_nodes.py`.
#[derive(Debug, Deserialize)]
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) inputs: Vec<Option<Data>>,
    #[serde(default)]
    pub(crate) outputs: Vec<Data>,
}

/// An operand or a result.
#[derive(Debug, Deserialize)]
pub(crate) struct Data {
    #[serde(rename = "type")]
    pub(crate) element: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Option<Vec<Number>>,
}

/// A number; what is none, or not finite, is written in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Finite(f64),
    Words(String),
}

impl Data {
    /// The elements in row-major order, where they are numbers.
    pub(crate) fn numbers(&self) -> Option<Vec<f64>> {
        let number = |number: &Number| match number {
            Number::Finite(x) => *x,
            Number::Words(words) => words.parse().expect("inf or nan"),
        };
        Some(self.values.as_ref()?.iter().map(number).collect())
    }

    fn is_computed(&self) -> bool {
        ["float32", "float64", "bool"].contains(&self.element.as_str())
    }
}

/// A test in one of the engine's types.
pub(crate) struct Node<'a> {
    pub(crate) test: &'a Test,
    pub(crate) dtype: DType,
}

impl Node<'_> {
    /// What rules a test out whatever its operator.
    pub(crate) fn reason_not_to(&self) -> Option<String> {
        let operands = || self.test.inputs.iter().flatten().chain(&self.test.outputs);
        if operands().any(|data| data.values.is_none()) {
            return Some("operands that are no arrays of numbers, or large".to_owned());
        }
        if operands().any(|data| data.shape.len() > 6) {
            return Some("more than six dimensions".to_owned());
        }
        None
    }

    /// Whether there is operand `i`.
    pub(crate) fn has(&self, i: usize) -> bool {
        matches!(self.test.inputs.get(i), Some(Some(_)))
    }

    fn data(&self, i: usize) -> &Data {
        let input = self.test.inputs.get(i).and_then(Option::as_ref);
        input.unwrap_or_else(|| panic!("{} has no operand {i}", self.test.name))
    }

    /// Operand `i`, of whatever type.
    pub(crate) fn any(&self, i: usize) -> Tensor {
        let data = self.data(i);
        let numbers = data.numbers().expect("they are numbers");
        Tensor::constant(Array::from_f64(&numbers, &data.shape, self.dtype))
    }

    /// Operand `i`, of a type that the engine computes in.
    pub(crate) fn x(&self, i: usize) -> Result<Tensor, String> {
        match self.data(i).is_computed() {
            true => Ok(self.any(i)),
            false => Err("the engine computes in f32 and f64".to_owned()),
        }
    }

    /// All operands.
    pub(crate) fn all(&self) -> Result<Vec<Tensor>, String> {
        (0..self.test.inputs.len()).map(|i| self.x(i)).collect()
    }

    /// Operands 0 and 1, repeated to one shape.
    pub(crate) fn pair(&self) -> Result<[Tensor; 2], String> {
        let all = broadcast(&[self.x(0)?, self.x(1)?]);
        Ok([0, 1].map(|i| all[i].clone()))
    }

    /// The integers of operand `i`; `None` where there is none.
    pub(crate) fn integers(&self, i: usize) -> Option<Vec<i64>> {
        let numbers = self.has(i).then(|| self.data(i).numbers())??;
        Some(numbers.into_iter().map(|x| x as i64).collect())
    }

    /// A number among the attributes.
    pub(crate) fn number(&self, name: &str, default: f64) -> f64 {
        let value = self.test.attributes.get(name);
        value.and_then(Value::as_f64).unwrap_or(default)
    }

    /// An integer among the attributes.
    pub(crate) fn integer(&self, name: &str, default: i64) -> i64 {
        let value = self.test.attributes.get(name);
        value.and_then(Value::as_i64).unwrap_or(default)
    }

    /// A list among the attributes.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<i64>> {
        let list = self.test.attributes.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_i64).collect())
    }

    /// A word among the attributes; empty where there is none.
    pub(crate) fn word(&self, name: &str) -> &str {
        let value = self.test.attributes.get(name);
        value.and_then(Value::as_str).unwrap_or_default()
    }

    /// The axis of that attribute in `rank` dimensions, counted from behind where it is negative.
    pub(crate) fn axis(&self, default: i64, rank: usize) -> usize {
        wrapped(self.integer("axis", default), rank)
    }
}

/// `i` of `0..size`, counted from behind where it is negative.
pub(crate) fn wrapped(i: i64, size: usize) -> usize {
    let i = if i < 0 { i + size as i64 } else { i };
    usize::try_from(i).expect("it is one of them")
}

/// All, repeated to the smallest shape that they fit.
pub(crate) fn broadcast(all: &[Tensor]) -> Vec<Tensor> {
    let rank = all.iter().map(|x| x.shape().len()).max().unwrap_or(0);
    let mut shape = vec![1; rank];
    for x in all {
        let missing = rank - x.shape().len();
        for (size, own) in shape[missing..].iter_mut().zip(x.shape()) {
            if *own != 1 {
                *size = *own;
            }
        }
    }
    all.iter().map(|x| x.expand(&shape)).collect()
}

//! Networks in ONNX's operators: what a network is to programs that know no layers of ours.
//!
//! [`model_of`](crate::module::model_of) makes one; a layer adds its own part in
//! [`Network::trace`](crate::module::Network::trace). Only what a network computes in eval mode is in it: dropout is
//! nothing, running statistics and vectors of spectral normalisation are constants.

use crate::name::{Name, Part};
use detach_tensor::{DType, Tensor};

/// The version of ONNX's operators that models are made of.
pub const OPSET: i64 = 17;

/// A layer that has no description in ONNX's operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no description in ONNX's operators; write Network::trace for it")]
pub struct Untraced(pub String);

/// What the elements of a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floats.
    Float,
    /// 64-bit integers.
    Int,
}

/// A value between nodes, `[N, …]` with any N.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name, which no other value of the model has.
    pub name: String,
    /// What its elements are.
    pub element: Element,
    /// Its dimensions behind the batch.
    pub shape: Vec<usize>,
}

/// A constant that nodes read.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// Floats of a shape, in row-major order.
    Floats(Vec<usize>, Vec<f32>),
    /// A list of whole numbers.
    Ints(Vec<i64>),
    /// A whole number.
    Int(i64),
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A list of whole numbers.
    Ints(Vec<i64>),
    /// A word.
    Text(&'static str),
}

/// An operator applied to values.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name: the layer's and the operator's.
    pub name: String,
    /// ONNX's name of what it does.
    pub operator: &'static str,
    /// The names of values and constants that it reads; empty for one that is left out.
    pub inputs: Vec<String>,
    /// How it does it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// What it gives.
    pub output: Value,
}

/// A network in ONNX's operators.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// What it takes, the main input first.
    pub inputs: Vec<Value>,
    /// What it gives, the main output first.
    pub outputs: Vec<Value>,
    /// Its nodes, in an order in which they can be computed.
    pub nodes: Vec<Node>,
    /// Its constants by name: weights under the names of a checkpoint.
    pub constants: Vec<(String, Constant)>,
}

impl Model {
    /// What `trace` adds to a model of an input called `input`, of this shape behind the batch, and returns to be its output
    /// called `output`.
    ///
    /// # Errors
    /// Those of `trace`.
    pub fn of(
        (input, shape): (&str, &[usize]),
        output: &str,
        trace: impl FnOnce(&Value, &mut Scope<'_>) -> Result<Value, Untraced>,
    ) -> Result<Self, Untraced> {
        let mut model = Self::default();
        let x = Value {
            name: input.to_owned(),
            element: Element::Float,
            shape: shape.to_vec(),
        };
        model.inputs.push(x.clone());
        let path = Name::ROOT;
        let y = trace(
            &x,
            &mut Scope {
                model: &mut model,
                path,
            },
        )?;
        model.give(output, &y);
        // What a network gives besides stands behind.
        model.outputs.rotate_right(1);
        Ok(model)
    }

    /// Makes `value` an output of this name. What is made afterwards cannot read it under the old one.
    fn give(&mut self, name: &str, value: &Value) {
        let output = Value {
            name: name.to_owned(),
            ..value.clone()
        };
        self.outputs.push(output.clone());
        if self.inputs.contains(value) {
            self.nodes.push(Node {
                name: name.to_owned(),
                operator: "Identity",
                inputs: vec![value.name.clone()],
                attributes: Vec::new(),
                output,
            });
            return;
        }
        for node in &mut self.nodes {
            let read = node.inputs.iter_mut();
            for known in read.chain([&mut node.output.name]) {
                if *known == value.name {
                    name.clone_into(known);
                }
            }
        }
    }

    /// `name`, or with a number behind it the first that no node has.
    fn free(&self, name: String) -> String {
        let is_taken = |name: &str| self.nodes.iter().any(|node| node.name == name);
        if !is_taken(&name) {
            return name;
        }
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut free = numbered.skip_while(|name| is_taken(name));
        free.next().unwrap_or(name)
    }

    /// Adds a constant; where one of that name holds the same already, that one serves.
    ///
    /// # Panics
    /// When it holds something else.
    fn constant(&mut self, name: &str, constant: Constant) {
        match self.constants.iter().find(|(known, _)| known == name) {
            Some((_, known)) => assert!(*known == constant, "two constants called `{name}`"),
            None => self.constants.push((name.to_owned(), constant)),
        }
    }
}

/// A model that is being made, at the place of a layer.
pub struct Scope<'a> {
    model: &'a mut Model,
    path: Name<'a>,
}

impl Scope<'_> {
    /// The place of a layer called `part` inside of this one.
    pub fn inside<'b>(&'b mut self, part: impl Into<Part<'b>>) -> Scope<'b> {
        Scope {
            path: self.path.dot(part),
            model: &mut *self.model,
        }
    }

    /// A further input of the model, a class for each sample: `[N]`, whole numbers from 0.
    pub fn classes(&mut self, name: &str) -> Value {
        let value = Value {
            name: name.to_owned(),
            element: Element::Int,
            shape: Vec::new(),
        };
        self.model.inputs.push(value.clone());
        value
    }

    /// A further output of the model, which nothing reads afterwards.
    pub fn give(&mut self, name: &str, value: &Value) {
        self.model.give(name, value);
    }

    /// An operator without inputs so far.
    pub fn call(&mut self, operator: &'static str) -> Call<'_> {
        let name = self.model.free(self.path.dot(operator).to_string());
        let output = Value {
            name: name.clone(),
            element: Element::Float,
            shape: Vec::new(),
        };
        Call {
            path: self.path,
            model: &mut *self.model,
            node: Node {
                name,
                operator,
                inputs: Vec::new(),
                attributes: Vec::new(),
                output,
            },
        }
    }

    /// An operator on one value that gives one of the same shape.
    pub fn map(&mut self, operator: &'static str, x: &Value) -> Value {
        self.call(operator).value(x).gives(&x.shape)
    }

    /// An operator on two values of one shape, element by element.
    pub fn pair(&mut self, operator: &'static str, a: &Value, b: &Value) -> Value {
        self.call(operator).value(a).value(b).gives(&a.shape)
    }

    /// The same elements, row by row, in another shape behind the batch.
    pub fn reshape(&mut self, x: &Value, shape: &[usize]) -> Value {
        // 0 keeps a dimension.
        let sizes = [0].into_iter().chain(shape.iter().copied());
        let call = self.call("Reshape").value(x);
        call.ints(&sizes.collect::<Vec<_>>()).gives(shape)
    }

    /// The last two of three dimensions, exchanged.
    pub fn transpose(&mut self, x: &Value) -> Value {
        let call = self.call("Transpose").value(x);
        call.with("perm", &[0, 2, 1])
            .gives(&[x.shape[1], x.shape[0]])
    }

    /// Values side by side along their first dimension behind the batch.
    pub fn concat(&mut self, values: &[&Value]) -> Value {
        let mut shape = values[0].shape.clone();
        shape[0] = values.iter().map(|value| value.shape[0]).sum();
        let call = self.call("Concat").with("axis", 1);
        let call = values.iter().fold(call, |call, value| call.value(value));
        call.gives(&shape)
    }

    /// Of vectors, `length` numbers from `start` on.
    pub fn slice(&mut self, x: &Value, start: usize, length: usize) -> Value {
        let call = self.call("Slice").value(x);
        call.ints(&[start])
            .ints(&[start + length])
            .ints(&[1])
            .gives(&[length])
    }

    /// Vectors of zeros and of a one for the class of each sample.
    pub fn one_hot(&mut self, classes: &Value, of: usize) -> Value {
        let values = Constant::Floats(vec![2], vec![0.0, 1.0]);
        let call = self.call("OneHot").value(classes);
        call.constant("depth", Constant::Int(whole(of)))
            .constant("values", values)
            .with("axis", 1)
            .gives(&[of])
    }
}

/// A node that is being made: its inputs in their order, its attributes, and what it [gives](Self::gives).
#[must_use]
pub struct Call<'a> {
    model: &'a mut Model,
    path: Name<'a>,
    node: Node,
}

impl Call<'_> {
    /// Reads a value.
    pub fn value(mut self, value: &Value) -> Self {
        self.node.inputs.push(value.name.clone());
        self
    }

    /// Leaves an input out.
    pub fn none(mut self) -> Self {
        self.node.inputs.push(String::new());
        self
    }

    /// Reads a constant of the layer: a weight, under its name in a checkpoint.
    pub fn tensor(self, name: &str, tensor: &Tensor) -> Self {
        let values = tensor.value().to_dtype(DType::F32).to_vec();
        self.constant(name, Constant::Floats(tensor.shape().to_vec(), values))
    }

    /// Reads a number.
    pub fn number(self, name: &str, number: f64) -> Self {
        self.constant(name, Constant::Floats(Vec::new(), vec![number as f32]))
    }

    /// Reads a list of whole numbers, a constant of this node alone.
    pub fn ints(mut self, ints: &[usize]) -> Self {
        let name = format!("{}.{}", self.node.name, self.node.inputs.len());
        let ints = Constant::Ints(ints.iter().copied().map(whole).collect());
        self.model.constant(&name, ints);
        self.node.inputs.push(name);
        self
    }

    /// Reads a constant of the layer.
    pub fn constant(mut self, name: &str, constant: Constant) -> Self {
        let name = self.path.dot(name).to_string();
        self.model.constant(&name, constant);
        self.node.inputs.push(name);
        self
    }

    /// Sets an attribute.
    pub fn with(mut self, name: &'static str, attribute: impl Into<Attribute>) -> Self {
        self.node.attributes.push((name, attribute.into()));
        self
    }

    /// The value that the node gives, of this shape behind the batch.
    pub fn gives(mut self, shape: &[usize]) -> Value {
        self.node.output.shape = shape.to_vec();
        let output = self.node.output.clone();
        self.model.nodes.push(self.node);
        output
    }
}

fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl From<usize> for Attribute {
    fn from(n: usize) -> Self {
        Self::Int(whole(n))
    }
}

impl From<f64> for Attribute {
    fn from(x: f64) -> Self {
        Self::Float(x as f32)
    }
}

impl From<&'static str> for Attribute {
    fn from(word: &'static str) -> Self {
        Self::Text(word)
    }
}

impl<const N: usize> From<&[usize; N]> for Attribute {
    fn from(ints: &[usize; N]) -> Self {
        Self::Ints(ints.iter().copied().map(whole).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::model_of;
    use crate::{Initialiser, Linear, MinibatchStddev, ReLU, Scheme, Sequential};
    use detach_tensor::{Random, Stream};

    fn init() -> Initialiser {
        Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64)
    }

    #[test]
    fn a_row_of_layers() {
        let net = Sequential::new()
            .push(Linear::new(3, 2, &init()))
            .push(ReLU);
        let model = model_of(&net, ("z", &[3]), "samples").expect("a model");
        let nodes: Vec<_> = model.nodes.iter().map(|node| &*node.name).collect();
        assert_eq!(nodes, ["0.Gemm", "1.Relu"]);
        assert_eq!(model.nodes[0].inputs, ["z", "0.weight", "0.bias"]);
        assert_eq!(model.nodes[1].inputs, ["0.Gemm"]);
        assert_eq!(model.outputs, [model.nodes[1].output.clone()]);
        let names: Vec<_> = model.constants.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["0.weight", "0.bias"]);
    }

    /// A network without layers gives what it takes, under two names.
    #[test]
    fn nothing_is_the_identity() {
        let model = model_of(&Sequential::new(), ("x", &[1, 4, 4]), "answers").expect("a model");
        assert_eq!(model.nodes.len(), 1);
        assert_eq!(model.nodes[0].inputs, ["x"]);
        assert_eq!(model.outputs[0].name, "answers");
    }

    #[test]
    fn a_layer_without_a_description_is_named() {
        let net = Sequential::new().push(ReLU).push(MinibatchStddev(4));
        let error = model_of(&net, ("x", &[1, 4, 4]), "answers").expect_err("no description");
        assert_eq!(error, Untraced("MinibatchStddev(4)".to_owned()));
    }
}

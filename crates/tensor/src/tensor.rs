//! A value and the node that made it.

use crate::info::Info;
use crate::origin::{Cut, Origin};
use crate::recorder::{Applied, note};
use crate::stale::{Place, Writing};
use crate::{Array, DType, Kind};
use std::cell::RefMut;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An [`Array`] that may know how it was made.
///
/// A tensor without a node is a constant: no gradient flows to or through it. A
/// *variable* has a node without inputs; anything computed from a variable has a
/// node that holds its op and inputs. Cloning is cheap and keeps the identity.
#[derive(Clone)]
pub struct Tensor {
    value: Array,
    node: Option<Rc<Node>>,
    /// Of a constant: where it comes from.
    origin: Origin,
}

/// A vertex of the graph. Numbers only grow along edges, so descending order of
/// `id` is a topological order of the backward pass.
pub(crate) struct Node {
    pub(crate) id: u64,
    /// How it was made; `None` for a variable.
    pub(crate) made: Option<Made>,
}

/// How an intermediate value came to be: an edge of the graph to each input.
pub(crate) struct Made {
    pub(crate) op: Box<dyn Rule>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) output: Array,
}

/// What a node keeps of the op that made it: a name, what it tells of itself, and a derivative rule.
pub(crate) trait Rule {
    /// The op's name.
    fn name(&self) -> &'static str;
    /// The gradients of the inputs that are `wanted`, given the upstream gradient `dy` of `output`;
    /// see [`Op::grads`](crate::Op::grads).
    fn grads(
        &self,
        wanted: &[bool],
        inputs: &[Tensor],
        output: &Tensor,
        dy: &Tensor,
    ) -> Vec<Option<Tensor>>;
    /// Its cost and how it is set; see [`Op::info`](crate::Op::info).
    fn info(&self, inputs: &[&[usize]], output: &[usize]) -> Info;
}

impl Node {
    fn new(made: Option<Made>) -> Rc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Rc::new(Self { id, made })
    }

    /// Moves the handles to the inputs' nodes to `to`.
    fn unlink(&mut self, to: &mut Vec<Rc<Self>>) {
        let inputs = self.made.iter_mut().flat_map(|made| &mut made.inputs);
        to.extend(inputs.filter_map(|input| input.node.take()));
    }
}

impl Drop for Node {
    /// Unlinks the inputs one by one: the derived drop would recurse as deep as
    /// the graph.
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.unlink(&mut pending);
        while let Some(mut node) = pending.pop() {
            // One that others hold lives on.
            if let Some(node) = Rc::get_mut(&mut node) {
                node.unlink(&mut pending);
            }
        }
    }
}

impl Tensor {
    /// A tensor no gradient flows to.
    pub fn constant(value: Array) -> Self {
        Self::constant_of(value, Origin::Given)
    }

    fn constant_of(value: Array, origin: Origin) -> Self {
        Self {
            value,
            node: None,
            origin,
        }
    }

    fn tracked(value: Array, node: Rc<Node>) -> Self {
        Self {
            value,
            node: Some(node),
            origin: Origin::Given,
        }
    }

    /// A leaf of the graph: something to differentiate with respect to.
    pub fn variable(value: Array) -> Self {
        Self::tracked(value, Node::new(None))
    }

    /// The output of `op`; a constant when all inputs are.
    pub(crate) fn made_by(op: impl Rule + Copy + 'static, inputs: &[&Self], output: Array) -> Self {
        let output = match inputs.iter().all(|x| x.node.is_none()) {
            true => {
                let origins = inputs.iter().map(|x| x.origin);
                Self::constant_of(output, Origin::computed(op.name(), origins))
            }
            false => Self::recorded(op, inputs, output),
        };
        note(|recorder| {
            let shapes: Vec<&[usize]> = inputs.iter().map(|x| x.shape()).collect();
            recorder.made(Applied {
                op: op.name(),
                info: op.info(&shapes, output.shape()),
                inputs: inputs.iter().map(|x| (x.id(), &x.value)).collect(),
                node: output.id(),
                output: &output.value,
            });
        });
        output
    }

    /// The output of `op` with a node.
    fn recorded(op: impl Rule + 'static, inputs: &[&Self], output: Array) -> Self {
        let made = Made {
            inputs: inputs
                .iter()
                .map(|x| Self {
                    value: x.value.saved_by(op.name()),
                    ..(*x).clone()
                })
                .collect(),
            output: output.saved_by(op.name()),
            op: Box::new(op),
        };
        Self::tracked(output, Node::new(Some(made)))
    }

    /// The tensor that `node` (which was made by an op) stands for.
    pub(crate) fn of_node(node: &Rc<Node>, output: &Array) -> Self {
        Self::tracked(output.clone(), Rc::clone(node))
    }

    /// The same tensor, as it is handed to the derivative rules of a gradient that is asked for at `place`.
    pub(crate) fn asked_at(self, place: Place) -> Self {
        Self {
            value: self.value.asked_at(place),
            ..self
        }
    }

    /// This gradient, which was taken at `place`: a constant remembers that.
    pub(crate) fn taken_at(self, place: Place) -> Self {
        match self.node {
            Some(_) => self,
            None => Self::constant_of(self.value, Origin::Gradient(place)),
        }
    }

    /// Says why there is no gradient with respect to this constant.
    #[track_caller]
    #[cold]
    pub(crate) fn refuse(&self) -> ! {
        let (shape, why) = (self.shape(), self.origin.told());
        panic!("grad: with respect to a constant {shape:?}: {why}")
    }

    pub(crate) fn node(&self) -> Option<&Rc<Node>> {
        self.node.as_ref()
    }

    /// The number of its node; none of a constant.
    pub(crate) fn id(&self) -> Option<u64> {
        self.node.as_ref().map(|node| node.id)
    }

    /// The same value as a constant: gradients stop here.
    #[must_use]
    #[track_caller]
    pub fn detach(&self) -> Self {
        let origin = match &self.node {
            Some(node) => Origin::Cut(Cut {
                made_by: node.made.as_ref().map(|made| made.op.name()),
                at: Location::caller(),
            }),
            None => self.origin,
        };
        Self::constant_of(self.value.clone(), origin)
    }

    /// The name of the op that made the values, where it is known: of what was detached and of what was computed of constants,
    /// too; `None` of variables and of what was made of an array.
    pub fn op(&self) -> Option<&'static str> {
        match &self.node {
            Some(node) => node.made.as_ref().map(|made| made.op.name()),
            None => self.origin.op(),
        }
    }

    /// Whether gradients can flow to or through it.
    pub fn is_tracked(&self) -> bool {
        self.node.is_some()
    }

    /// The values.
    pub fn value(&self) -> &Array {
        &self.value
    }

    /// Writes the values in place, as an optimiser does. Any graph that saved
    /// the old values refuses to be differentiated from now on.
    ///
    /// # Panics
    /// When this is not a leaf: an intermediate value is what its inputs make it.
    #[track_caller]
    pub fn write(&mut self, by: &str, write: impl FnOnce(&mut detach_kernels::Buffer)) {
        write(&mut self.writer(&Writing::new(by)));
    }

    /// [`Tensor::write`] for callers that write several tensors at once.
    #[track_caller]
    pub(crate) fn writer(&mut self, write: &Writing<'_>) -> RefMut<'_, detach_kernels::Buffer> {
        assert!(
            self.node.as_ref().is_none_or(|n| n.made.is_none()),
            "`{}` writes to an intermediate result; only variables and constants can be written",
            write.by
        );
        self.value.writer(write)
    }

    /// Sizes of the dimensions.
    pub fn shape(&self) -> &[usize] {
        self.value.shape()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.value.dtype()
    }

    /// Element type and device.
    pub fn kind(&self) -> Kind {
        self.value.kind()
    }

    /// The only element.
    ///
    /// # Panics
    /// When there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> f64 {
        self.value.item()
    }

    /// Elements in row-major (NCHW) order.
    #[track_caller]
    pub fn to_vec<T: crate::Real>(&self) -> Vec<T> {
        self.value.to_vec()
    }

    /// A constant with every element `value`, of this tensor's shape and kind.
    #[must_use]
    #[track_caller]
    pub fn full_like(&self, value: f64) -> Self {
        let scalar = Array::full(value, &vec![1; self.shape().len()], self.kind());
        let layout = scalar.layout().expand(self.shape());
        Self::constant(scalar.with_layout(layout))
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.node.as_ref().map(|n| n.made.as_ref()) {
            None => "constant",
            Some(None) => "variable",
            Some(Some(made)) => made.op.name(),
        };
        write!(f, "Tensor({from}: {:?})", self.value)
    }
}

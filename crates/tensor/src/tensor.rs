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
    history: History,
}

/// How a tensor came to be.
#[derive(Clone)]
enum History {
    /// A variable, or computed of one.
    Node(Rc<Node>),
    /// A constant, and why it is one.
    Constant(Origin),
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

impl History {
    /// Its node, if it has one; without that it is a constant.
    fn forget(&mut self) -> Option<Rc<Node>> {
        match std::mem::replace(self, Self::Constant(Origin::Given)) {
            Self::Node(node) => Some(node),
            Self::Constant(_) => None,
        }
    }
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
        to.extend(inputs.filter_map(|input| input.history.forget()));
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
        let history = History::Constant(origin);
        Self { value, history }
    }

    fn tracked(value: Array, node: Rc<Node>) -> Self {
        let history = History::Node(node);
        Self { value, history }
    }

    /// A leaf of the graph: something to differentiate with respect to.
    pub fn variable(value: Array) -> Self {
        Self::tracked(value, Node::new(None))
    }

    /// The output of `op`; a constant when all inputs are.
    pub(crate) fn made_by(op: impl Rule + Copy + 'static, inputs: &[&Self], output: Array) -> Self {
        let output = match inputs.iter().any(|x| x.is_tracked()) {
            true => Self::recorded(op, inputs, output),
            false => {
                let origins = inputs.iter().filter_map(|x| x.origin());
                Self::constant_of(output, Origin::computed(op.name(), origins))
            }
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
            inputs: inputs.iter().copied().cloned().collect(),
            output: output.clone(),
            op: Box::new(op),
        };
        Self::tracked(output, Node::new(Some(made)))
    }

    /// The tensor that `node` (which was made by an op) stands for.
    pub(crate) fn of_node(node: &Rc<Node>, output: &Array) -> Self {
        Self::tracked(output.clone(), Rc::clone(node))
    }

    /// This gradient, which was taken at `place`: a constant remembers that.
    pub(crate) fn taken_at(self, place: Place) -> Self {
        match self.history {
            History::Node(_) => self,
            History::Constant(_) => Self::constant_of(self.value, Origin::Gradient(place)),
        }
    }

    /// Says why there is no gradient with respect to this constant.
    #[track_caller]
    #[cold]
    pub(crate) fn refuse(&self) -> ! {
        let why = self.origin().map(Origin::told).unwrap_or_default();
        let shape = self.shape();
        panic!("grad: with respect to a constant {shape:?}: {why}")
    }

    pub(crate) fn node(&self) -> Option<&Rc<Node>> {
        match &self.history {
            History::Node(node) => Some(node),
            History::Constant(_) => None,
        }
    }

    /// Of a constant: where it comes from.
    fn origin(&self) -> Option<Origin> {
        match self.history {
            History::Node(_) => None,
            History::Constant(origin) => Some(origin),
        }
    }

    /// The number of its node; none of a constant.
    pub(crate) fn id(&self) -> Option<u64> {
        self.node().map(|node| node.id)
    }

    /// The same value as a constant: gradients stop here.
    #[must_use]
    #[track_caller]
    pub fn detach(&self) -> Self {
        let origin = match &self.history {
            History::Node(node) => Origin::Cut(Cut {
                made_by: node.made.as_ref().map(|made| made.op.name()),
                at: Location::caller(),
            }),
            History::Constant(origin) => *origin,
        };
        Self::constant_of(self.value.clone(), origin)
    }

    /// The name of the op that made the values, where it is known: of what was detached and of what was computed of constants,
    /// too; `None` of variables and of what was made of an array.
    pub fn op(&self) -> Option<&'static str> {
        match &self.history {
            History::Node(node) => node.made.as_ref().map(|made| made.op.name()),
            History::Constant(origin) => origin.op(),
        }
    }

    /// Whether gradients can flow to or through it.
    pub fn is_tracked(&self) -> bool {
        self.node().is_some()
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
            self.node().is_none_or(|n| n.made.is_none()),
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
        let from = match self.node().map(|n| n.made.as_ref()) {
            None => "constant",
            Some(None) => "variable",
            Some(Some(made)) => made.op.name(),
        };
        write!(f, "Tensor({from}: {:?})", self.value)
    }
}

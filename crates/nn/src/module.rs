//! What a layer is: state with names, and a function of a tensor.

use crate::name::Name;
use crate::onnx::{Model, Scope, Untraced, Value};
use detach_tensor::{Act, Array, Count, Random, Tensor, grad};
use std::cell::{RefCell, RefMut};

/// A named value of a layer that is written in place: a parameter, which is a leaf
/// of every graph it is used in, or a buffer, which is a constant there.
///
/// It keeps the storage order it was made with: a convolution's weight stays
/// channels-last whatever is written to it.
#[derive(Debug)]
pub struct Param(RefCell<Tensor>);

impl Param {
    /// A parameter. It takes the memory over: `value` and its other handles are
    /// stale after the first write.
    #[expect(clippy::needless_pass_by_value, reason = "the memory is given away")]
    pub fn new(value: Array) -> Self {
        Self(RefCell::new(Tensor::variable(value.dense())))
    }

    /// A value that is kept and saved, but has no gradient. Takes the memory over
    /// as [`Param::new`] does.
    #[expect(clippy::needless_pass_by_value, reason = "the memory is given away")]
    pub fn buffer(value: Array) -> Self {
        Self(RefCell::new(Tensor::constant(value.dense())))
    }

    /// A handle to the values as they are now. It is stale after the next write:
    /// ask again then.
    pub fn get(&self) -> Tensor {
        self.0.borrow().clone()
    }

    /// Replaces the values in place. `by` names the writer to any graph that saved
    /// the old ones and is differentiated afterwards.
    ///
    /// # Panics
    /// When shape, element type or device differ: converting is the caller's.
    #[track_caller]
    pub fn set(&self, by: &str, values: &Array) {
        detach_tensor::assign(by, &mut self.0.borrow_mut(), values);
    }

    /// Access for callers that write it in place: an optimiser, or a layer that keeps statistics.
    pub(crate) fn borrow_mut(&self) -> RefMut<'_, Tensor> {
        self.0.borrow_mut()
    }
}

/// One piece of a [`State`].
#[derive(Clone, Copy, Debug)]
pub enum Slot<'a> {
    /// Trained: optimisers and [`gradients`] see it.
    Param(&'a Param),
    /// Kept and saved, not trained: a running statistic, an optimiser's moment.
    Buffer(&'a Param),
    /// A number of events.
    Count(&'a Count),
}

/// Something with named pieces that a checkpoint saves and restores.
pub trait State {
    /// Calls `f` with the name and the slot of each piece, always in the same order.
    /// Names start with `path`: below `0` there is `path.dot("weight")`, spelt `0.weight`, below the
    /// root `weight`.
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>));
}

/// Something that can be trained and described: layers, and whatever is made of them.
///
/// What it computes is its own affair: a generator with a mapping network and a
/// discriminator with two heads are networks without being a [`Module`].
pub trait Network: State {
    /// The layers as one would write them in PyTorch, defaults left out:
    /// `Linear(100, 256)`.
    fn describe(&self) -> String;

    /// The layers one by one, each with the shape of what it gives for `input`; a network that is no
    /// row of layers is one entry without a shape.
    ///
    /// # Panics
    /// When it does not take such an input.
    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let _ = input;
        vec![(self.describe(), Vec::new())]
    }

    /// Adds the nodes that compute what it is in eval mode to the model that `scope` is a place of, and returns what they
    /// give for `x`.
    ///
    /// # Errors
    /// When it, or a layer inside of it, has no description in ONNX's operators.
    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let _ = (x, scope);
        Err(Untraced(self.describe()))
    }
}

/// What `network` computes in eval mode of an input called `input`, of this shape behind the batch, as a model whose
/// output is called `output`.
///
/// # Errors
/// When a layer of it has no description in ONNX's operators.
pub fn model_of(
    network: &dyn Network,
    input: (&str, &[usize]),
    output: &str,
) -> Result<Model, Untraced> {
    Model::of(input, output, |x, scope| network.trace(x, scope))
}

/// A function of a tensor, with parameters.
pub trait Module: Network {
    /// The output for `x`, whose first dimension is the batch.
    ///
    /// # Panics
    /// When the layer does not take such a shape.
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor;

    /// The activation that this layer is, if it is nothing else.
    fn activation(&self) -> Option<Act> {
        None
    }

    /// The weights `[N, queries, keys]` that this layer gives what it looks at, for the input `x`, if it is attention.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    fn attention(&self, x: &Tensor, mode: Mode<'_>) -> Option<Tensor> {
        let _ = (x, mode);
        None
    }

    /// `act` of [`forward`](Self::forward), for layers that can apply it to a result as
    /// they write it, instead of in a pass over memory of its own.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    fn forward_act(&self, x: &Tensor, act: Act, mode: Mode<'_>) -> Tensor {
        self.forward(x, mode).activate(act)
    }
}

/// A layer that is linear in a weight, which may be made anew for each forward pass.
pub trait Weighted: Network {
    /// The weight that is trained.
    fn weight(&self) -> &Param;

    /// What is added for each output, if anything is.
    fn bias(&self) -> Option<&Param>;

    /// The axis of the weight that counts outputs.
    fn output_axis(&self) -> usize;

    /// `act` of the output for `x` with `weight` in place of the layer's own.
    ///
    /// # Panics
    /// When the shapes do not fit.
    fn forward_weight(&self, x: &Tensor, weight: &Tensor, act: Act) -> Tensor;

    /// [`trace`](Network::trace) with `weight` in place of the layer's own.
    fn trace_weight(&self, x: &Value, weight: &Tensor, scope: &mut Scope<'_>) -> Value;
}

/// The parameters of `net` under PyTorch's names, in PyTorch's order.
#[must_use]
pub fn parameters(net: &dyn State) -> Vec<(String, &Param)> {
    let mut out = Vec::new();
    for_each_parameter(net, |name, param| out.push((name.to_string(), param)));
    out
}

/// Calls `f` with the name and the parameter of each entry of [`parameters`].
pub(crate) fn for_each_parameter<'a>(net: &'a dyn State, mut f: impl FnMut(Name<'_>, &'a Param)) {
    net.visit(Name::ROOT, &mut |name, slot| {
        if let Slot::Param(param) = slot {
            f(name, param);
        }
    });
}

/// The number of trained values.
#[must_use]
pub fn count(net: &dyn State) -> usize {
    let mut count = 0;
    for_each_parameter(net, |_, param| count += param.get().len());
    count
}

/// ∂`loss`/∂p for every parameter p of `net`, in the order of [`parameters`].
///
/// Other networks that the loss passed through are left out of the walk; this is
/// how a generator is trained through a discriminator that stays as it is.
///
/// # Panics
/// When the loss is not a scalar, or a value that the walk needs was overwritten.
#[must_use]
#[track_caller]
pub fn gradients(loss: &Tensor, net: &dyn State) -> Vec<Tensor> {
    let mut handles = Vec::new();
    for_each_parameter(net, |_, param| handles.push(param.get()));
    let wrt: Vec<&Tensor> = handles.iter().collect();
    grad(loss, &wrt, false)
}

/// [`gradients`], and ∂`loss`/∂`through` of a value on the way from them to the loss: what comes back
/// to a generator's samples before it reaches its weights.
///
/// # Panics
/// As [`gradients`].
#[must_use]
#[track_caller]
pub fn gradients_through(
    loss: &Tensor,
    net: &dyn State,
    through: &Tensor,
) -> (Vec<Tensor>, Tensor) {
    let mut handles = vec![through.clone()];
    for_each_parameter(net, |_, param| handles.push(param.get()));
    let wrt: Vec<&Tensor> = handles.iter().collect();
    let mut all = grad(loss, &wrt, false);
    let at = all.remove(0);
    (all, at)
}

/// How a forward pass treats batch normalisation, spectral normalisation and dropout.
///
/// | | normalises by | running statistics | dropout |
/// |---|---|---|---|
/// | [`Mode::train`] | the batch | move | on |
/// | `Mode::train(r).keep_running_stats()` | the batch | stay | on |
/// | [`Mode::batch_stats`] | the batch | stay | off |
/// | [`Mode::eval`] | running statistics | stay | off |
#[derive(Clone, Copy, Debug)]
pub struct Mode<'a> {
    batch_statistics: bool,
    moves_running: bool,
    power_iterations: usize,
    dropout: Option<&'a Random>,
}

impl<'a> Mode<'a> {
    /// Training; dropout masks are drawn from `dropout`.
    #[must_use]
    pub fn train(dropout: &'a Random) -> Self {
        Self {
            batch_statistics: true,
            moves_running: true,
            power_iterations: 1,
            dropout: Some(dropout),
        }
    }

    /// The function that training has arrived at: each sample on its own, the same
    /// in any batch.
    #[must_use]
    pub fn eval() -> Self {
        Self {
            batch_statistics: false,
            moves_running: false,
            power_iterations: 1,
            dropout: None,
        }
    }

    /// Samples that look as they do in training: batch normalisation by the batch's
    /// own statistics, while nothing is written and no random number is drawn. It is
    /// how generators published with "pictures in train mode" are sampled.
    #[must_use]
    pub fn batch_stats() -> Self {
        Self {
            batch_statistics: true,
            ..Self::eval()
        }
    }

    /// The same, but running statistics are left alone.
    #[must_use]
    pub fn keep_running_stats(self) -> Self {
        Self {
            moves_running: false,
            ..self
        }
    }

    /// The same where running statistics are to move, else [`Mode::keep_running_stats`].
    #[must_use]
    pub fn moving_stats(self, moves: bool) -> Self {
        match moves {
            true => self,
            false => self.keep_running_stats(),
        }
    }

    /// The same, but where running statistics move, spectral normalisation takes `count` iterations instead of 1:
    /// `n_power_iterations` of PyTorch's.
    #[must_use]
    pub fn with_power_iterations(self, count: usize) -> Self {
        Self {
            power_iterations: count,
            ..self
        }
    }

    /// Whether batch normalisation uses the batch's own statistics.
    #[must_use]
    pub fn uses_batch_stats(&self) -> bool {
        self.batch_statistics
    }

    /// Whether batch normalisation writes its running statistics.
    #[must_use]
    pub fn moves_running_stats(&self) -> bool {
        self.moves_running
    }

    /// How many iterations spectral normalisation takes: none where running statistics stay.
    #[must_use]
    pub fn power_iterations(&self) -> usize {
        match self.moves_running {
            true => self.power_iterations,
            false => 0,
        }
    }

    /// Where dropout masks come from; `None` where dropout is off.
    #[must_use]
    pub fn dropout(&self) -> Option<&'a Random> {
        self.dropout
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Initialiser, Linear, Optim, Optimiser, Scheme, Sequential};
    use detach_tensor::{DType, Stream};

    #[test]
    fn writing_keeps_storage_and_identity() {
        let param = Param::new(Array::from_slice(&[0.0_f32; 24], &[1, 2, 3, 4]).channels_last());
        let loss = param.get().sum();
        let values: Vec<f32> = (0..24_u8).map(f32::from).collect();
        let source = Array::from_slice(&values, &[1, 2, 3, 4]);
        param.set("a test", &source);
        assert_eq!(param.get().to_vec::<f32>(), values);
        assert_eq!(
            source.to_vec::<f32>(),
            values,
            "the source is copied, not taken"
        );
        assert!(param.get().value().layout().is_channels_last());
        // The sum saved nothing that its rule reads, and the leaf is still the leaf.
        assert_eq!(
            grad(&loss, &[&param.get()], false)[0].to_vec::<f32>(),
            [1.0; 24]
        );

        let same_storage = source.channels_last();
        param.set("a test", &same_storage);
        assert!(!param.get().value().shares_memory(&same_storage));
        assert_eq!(same_storage.to_vec::<f32>(), values);
    }

    #[test]
    #[should_panic(expected = "a test: [3] Kind")]
    fn writing_another_shape_is_refused() {
        Param::buffer(Array::zeros(&[2], DType::F32))
            .set("a test", &Array::zeros(&[3], DType::F32));
    }

    /// The whole point of the version on every array: the published order of some
    /// loops steps one network between another's forward and backward pass.
    #[test]
    #[should_panic(
        expected = "`matmul` saved its operand [1, 3] for its derivative rule, but \
                               `Optimiser::step` has written to it since"
    )]
    fn differentiating_an_old_graph_after_a_step_is_an_error() {
        let init = Initialiser::new(Scheme::Keras, Random::new(1, Stream::Init), DType::F64);
        let net = Sequential::new()
            .push(Linear::new(2, 3, &init))
            .push(Linear::new(3, 1, &init));
        let mut adam = Optimiser::new(&Optim::default(), &net);
        let x = Random::new(3, Stream::Noise).normal(&[4, 2], DType::F64);
        let loss = net.forward(&x, Mode::eval()).mean();
        adam.step(&net, &gradients(&loss, &net));
        let _ = gradients(&loss, &net);
    }
}

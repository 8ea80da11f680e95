//! A vector for each of some things.

use crate::Initialiser;
use crate::module::{Mode, Module, Network, Param, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::Tensor;

/// Rows of a table picked by number: `[N]`, whole numbers stored as floats, to `[N, features]`, with
/// `weight` `[rows, features]`.
#[derive(Debug)]
pub struct Embedding {
    weight: Param,
}

impl Embedding {
    /// A table of `rows` vectors of `features` numbers.
    #[must_use]
    pub fn new(rows: usize, features: usize, init: &Initialiser) -> Self {
        Self {
            weight: Param::new(init.embedding(&[rows, features])),
        }
    }
}

impl State for Embedding {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        f(path.dot("weight"), Slot::Param(&self.weight));
    }
}

impl Module for Embedding {
    fn forward(&self, x: &Tensor, _: Mode<'_>) -> Tensor {
        assert!(
            x.shape().len() == 1,
            "{}: the input is {:?}; expected numbers of rows [N]",
            self.describe(),
            x.shape()
        );
        self.weight.get().gather(x)
    }
}

impl Network for Embedding {
    fn describe(&self) -> String {
        let weight = self.weight.get();
        format!("Embedding({}, {})", weight.shape()[0], weight.shape()[1])
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let weight = self.weight.get();
        let call = scope.call("Gather").tensor("weight", &weight).value(x);
        Ok(call.gives(&weight.shape()[1..]))
    }
}

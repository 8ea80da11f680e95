//! A layer on drawn numbers, here and as it is asked of PyTorch's side.

use detach_nn::{Name, Slot, State};
use detach_tensor::{Array, DType, Tensor, grad};
use detach_tests::golden::{by_formula, norm, uniform};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) type Results = BTreeMap<String, Vec<f64>>;
/// The output of a layer from its input and, for those that have parameters, the layer itself,
/// which holds them.
type Forward = Box<dyn Fn(&Tensor) -> Tensor>;

/// Numbers by formula, as the script has them.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    tag: u64,
    pub(crate) shape: Vec<usize>,
    scale: f64,
    shift: f64,
    trained: bool,
}

impl Input {
    fn array(&self) -> Array {
        by_formula(self.tag, &self.shape, self.scale, self.shift, DType::F64)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "tag": self.tag,
            "shape": self.shape,
            "scale": self.scale,
            "shift": self.shift,
            "trained": self.trained,
        })
    }
}

/// A layer on an input; what it keeps follows the input in `inputs`.
pub(crate) struct Case {
    pub(crate) attributes: Value,
    pub(crate) inputs: Vec<Input>,
    layer: Option<Box<dyn State>>,
    forward: Forward,
    tag: u64,
}

/// Numbers that no two cases share, and shapes drawn from them.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn tag(&mut self) -> u64 {
        // One tag for dy, and one for each direction.
        self.0 += 100;
        self.0
    }

    /// From `range`, both ends included.
    pub(crate) fn within(&mut self, range: [usize; 2]) -> usize {
        let unit = (uniform(self.tag(), 1)[0] + 1.0) / 2.0;
        range[0] + (unit * (range[1] - range[0] + 1) as f64) as usize
    }

    pub(crate) fn images(&mut self) -> [usize; 4] {
        [[1, 4], [1, 6], [2, 7], [2, 7]].map(|range| self.within(range))
    }

    fn input(&mut self, shape: &[usize]) -> Input {
        Input {
            tag: self.tag(),
            shape: shape.to_vec(),
            scale: 1.5,
            shift: 0.2,
            trained: true,
        }
    }

    pub(crate) fn plain(
        &mut self,
        attributes: Value,
        x: &[usize],
        forward: impl Fn(&Tensor) -> Tensor + 'static,
    ) -> Case {
        Case {
            attributes,
            inputs: vec![self.input(x)],
            layer: None,
            forward: Box::new(forward),
            tag: self.tag(),
        }
    }

    /// A layer whose pieces, in the order in which it visits them, follow the input.
    pub(crate) fn layer<L: State + 'static>(
        &mut self,
        attributes: Value,
        x: &[usize],
        layer: L,
        forward: impl Fn(&L, &Tensor) -> Tensor + 'static,
    ) -> Case {
        let mut inputs = vec![self.input(x)];
        layer.visit(Name::ROOT, &mut |name, slot| {
            let (Slot::Param(piece) | Slot::Buffer(piece)) = slot else {
                return;
            };
            let name = name.to_string();
            if name.contains("running") {
                return;
            }
            let mut input = self.input(piece.get().shape());
            input.trained = matches!(slot, Slot::Param(_));
            input.scale = 0.5;
            let values = input.array();
            // PyTorch's side makes units of them, too.
            let size = if input.trained {
                1.0
            } else {
                norm(&values.to_vec::<f64>())
            };
            let values = Tensor::constant(values) / size;
            piece.set("a test", values.value());
            inputs.push(input);
        });
        let layer = std::rc::Rc::new(layer);
        let kept = std::rc::Rc::clone(&layer);
        Case {
            attributes,
            inputs,
            layer: Some(Box::new(Shared(kept))),
            forward: Box::new(move |x| forward(&layer, x)),
            tag: self.tag(),
        }
    }
}

/// A layer that its forward function has, too.
struct Shared<L>(std::rc::Rc<L>);

impl<L: State> State for Shared<L> {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.0.visit(path, f);
    }
}

impl Case {
    pub(crate) fn json(&self) -> Value {
        let mut case = self.attributes.clone();
        case["inputs"] = self.inputs.iter().map(Input::json).collect();
        case["tag"] = json!(self.tag);
        case
    }

    pub(crate) fn results(&self) -> Results {
        let x = Tensor::variable(self.inputs[0].array().channels_last_if_images());
        let mut wrt = vec![x.clone()];
        if let Some(layer) = &self.layer {
            layer.visit(Name::ROOT, &mut |_, slot| {
                if let Slot::Param(param) = slot {
                    wrt.push(param.get());
                }
            });
        }
        let wrt: Vec<&Tensor> = wrt.iter().collect();
        let y = (self.forward)(&x);
        let random = |tag: u64, shape: &[usize]| {
            Tensor::constant(by_formula(tag, shape, 1.0, 0.0, DType::F64))
        };
        let first = grad(&(&y * random(self.tag, y.shape())).sum(), &wrt, true);
        let directions = (self.tag + 1..).zip(&first);
        let along = directions.map(|(tag, g)| (g * random(tag, g.shape())).sum());
        let along = along.reduce(|a, b| a + b).expect("an input");
        let second = match along.is_tracked() {
            true => grad(&along, &wrt, false),
            false => wrt.iter().map(|x| x.full_like(0.0)).collect(),
        };
        let mut results = Results::from([("y".to_owned(), y.to_vec())]);
        for (order, gradients) in [("first", first), ("second", second)] {
            for (i, g) in gradients.iter().enumerate() {
                results.insert(format!("{order} {i}"), g.to_vec());
            }
        }
        if let (Some(layer), Some("spectral")) = (&self.layer, self.kind().split('_').next()) {
            layer.visit(Name::ROOT, &mut |name, slot| {
                if let Slot::Buffer(kept) = slot {
                    let name = name.to_string();
                    results.insert(name[name.len() - 1..].to_owned(), kept.get().to_vec());
                }
            });
        }
        results
    }

    fn kind(&self) -> &str {
        self.attributes["layer"].as_str().expect("a name")
    }
}

/// Images as they are stored.
trait Stored {
    fn channels_last_if_images(self) -> Array;
}

impl Stored for Array {
    fn channels_last_if_images(self) -> Array {
        match self.shape().len() {
            4 => self.channels_last(),
            _ => self,
        }
    }
}

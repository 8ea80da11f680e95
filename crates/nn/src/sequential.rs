//! Layers in a row.

use crate::module::{Mode, Module, Network, Slot, State};
use crate::name::Name;
use crate::onnx::{Scope, Untraced, Value};
use detach_tensor::{Tensor, trace};

/// Layers one after the other, named by position as `nn.Sequential` names them:
/// layers without parameters count.
#[derive(Default)]
pub struct Sequential(Vec<Box<dyn Module>>);

impl Sequential {
    /// No layers: the identity.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer at the end.
    #[must_use]
    pub fn push(mut self, layer: impl Module + 'static) -> Self {
        self.0.push(Box::new(layer));
        self
    }

    /// The layers in order.
    pub fn layers(&self) -> impl Iterator<Item = &dyn Module> {
        self.0.iter().map(|layer| &**layer)
    }
}

impl State for Sequential {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        for (i, layer) in self.0.iter().enumerate() {
            layer.visit(path.dot(i), f);
        }
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        // Who records a step is told by whom a value was made, in the words of `visit`.
        trace::scope("", || {
            let mut layers = self.layers().enumerate().peekable();
            let mut x = x.clone();
            while let Some((i, layer)) = layers.next() {
                // An activation belongs to the layer before it, which may apply it for less.
                let act = layers.peek().and_then(|(_, next)| next.activation());
                x = trace::scope(i, || match act {
                    Some(act) => layer.forward_act(&x, act, mode),
                    None => layer.forward(&x, mode),
                });
                if act.is_some() {
                    layers.next();
                }
            }
            x
        })
    }
}

impl Network for Sequential {
    fn describe(&self) -> String {
        let mut out = String::from("Sequential(\n");
        for (i, layer) in self.layers().enumerate() {
            let nested = layer.describe().replace('\n', "\n  ");
            out += &format!("  ({i}): {nested}\n");
        }
        out + ")"
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let mut x = input.clone();
        let one = |layer: &dyn Module| {
            x = layer.forward(&x, Mode::eval());
            (layer.describe(), x.shape().to_vec())
        };
        self.layers().map(one).collect()
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let mut layers = self.layers().enumerate();
        layers.try_fold(x.clone(), |x, (i, layer)| {
            layer.trace(&x, &mut scope.inside(i))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BatchNorm, Conv2d, ConvTranspose2d, Dropout2d, Flatten, Initialiser, LeakyReLU, Linear,
        ReLU, Scheme, Sigmoid, Tanh, Unflatten, count, gradients, parameters,
    };
    use detach_tensor::{Act, DType, Random, Stream, grad};

    fn init() -> Initialiser {
        Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F64)
    }

    /// `dcgan` of the recipes, whose counts are known.
    fn dcgan() -> [Sequential; 2] {
        let init = &init();
        let up = |i, o| ConvTranspose2d::new(i, o, 4, init).stride(2).padding(1);
        let down = |i, o| Conv2d::new(i, o, 4, init).stride(2).padding(1);
        let generator = Sequential::new()
            .push(Linear::new(100, 12544, init))
            .push(BatchNorm::new(12544, init))
            .push(ReLU)
            .push(Unflatten([256, 7, 7]))
            .push(up(256, 128))
            .push(BatchNorm::new(128, init))
            .push(ReLU)
            .push(up(128, 64))
            .push(BatchNorm::new(64, init))
            .push(ReLU)
            .push(Conv2d::new(64, 1, 3, init).padding(1))
            .push(Tanh);
        let discriminator = Sequential::new()
            .push(down(1, 64))
            .push(LeakyReLU(0.2))
            .push(Dropout2d::new(0.3))
            .push(down(64, 128))
            .push(BatchNorm::new(128, init))
            .push(LeakyReLU(0.2))
            .push(Dropout2d::new(0.3))
            .push(Flatten)
            .push(Linear::new(6272, 1, init))
            .push(Sigmoid);
        [generator, discriminator]
    }

    #[test]
    fn names_and_counts_are_those_of_pytorch() {
        let [generator, discriminator] = dcgan();
        assert_eq!(count(&generator), 1_948_545);
        assert_eq!(count(&discriminator), 138_817);

        let mut names = Vec::new();
        discriminator.visit(Name::ROOT, &mut |name, slot| {
            let shape = match slot {
                Slot::Param(p) | Slot::Buffer(p) => p.get().shape().to_vec(),
                Slot::Count(_) => vec![],
            };
            names.push(format!("{name} {shape:?}"));
        });
        let expected = [
            "0.weight [64, 1, 4, 4]",
            "0.bias [64]",
            "3.weight [128, 64, 4, 4]",
            "3.bias [128]",
            "4.weight [128]",
            "4.bias [128]",
            "4.running_mean [128]",
            "4.running_var [128]",
            "4.num_batches_tracked []",
            "8.weight [1, 6272]",
            "8.bias [1]",
        ];
        assert_eq!(names, expected);

        let first = |net: &Sequential, path: &str| {
            let mut first = None;
            net.visit(path.into(), &mut |name, _| {
                first.get_or_insert(name.to_string());
            });
            first
        };
        assert_eq!(first(&generator, "G").as_deref(), Some("G.0.weight"));
    }

    #[test]
    fn a_network_is_described_as_pytorch_does() {
        let net = Sequential::new().push(Linear::new(3, 4, &init())).push(
            Sequential::new()
                .push(ReLU)
                .push(Conv2d::new(1, 2, 3, &init()).padding(1)),
        );
        let expected = "\
Sequential(
  (0): Linear(3, 4)
  (1): Sequential(
    (0): ReLU()
    (1): Conv2d(1, 2, kernel_size=3, padding=1)
  )
)";
        assert_eq!(net.describe(), expected);
    }

    /// An activation that the layer before it takes over changes neither values nor
    /// gradients, nor what is kept.
    #[test]
    fn activations_taken_over_are_applied_once() {
        let random = Random::new(3, Stream::Noise);
        let x = Tensor::variable(random.normal(&[8, 5], DType::F64).value().clone());
        for act in [Act::Relu, Act::LeakyRelu(0.2), Act::Tanh] {
            let norm = || BatchNorm::new(5, &init());
            let net = match act {
                Act::Relu => Sequential::new().push(norm()).push(ReLU),
                Act::LeakyRelu(slope) => Sequential::new().push(norm()).push(LeakyReLU(slope)),
                _ => Sequential::new().push(norm()).push(Tanh),
            };
            let apart = norm();
            for mode in [Mode::train(&random), Mode::batch_stats(), Mode::eval()] {
                let (y, expected) = (net.forward(&x, mode), apart.forward(&x, mode).activate(act));
                let gradient = |y: &Tensor| grad(&y.square().sum(), &[&x], false).remove(0);
                for (a, b) in [(gradient(&y), gradient(&expected)), (y, expected)] {
                    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
                    let (a, b) = (a.to_vec::<f64>(), b.to_vec::<f64>());
                    assert!(a.iter().zip(&b).all(close), "{act:?}: {a:?}\n{b:?}");
                }
            }
        }
    }

    #[test]
    fn images_go_through_both_networks() {
        let [generator, discriminator] = dcgan();
        let random = Random::new(2, Stream::Noise);
        let z = random.normal(&[2, 100], DType::F64);
        let mode = Mode::train(&random);
        let images = generator.forward(&z, mode);
        assert_eq!(images.shape(), [2, 1, 28, 28]);
        let p = discriminator.forward(&images, mode);
        assert_eq!(p.shape(), [2, 1]);
        assert!(p.to_vec::<f64>().iter().all(|&p| 0.0 < p && p < 1.0));
        let gradients = gradients(&p.ln().mean(), &generator);
        let shapes = parameters(&generator);
        assert!(
            gradients
                .iter()
                .zip(&shapes)
                .all(|(g, (_, p))| g.shape() == p.get().shape())
        );
        assert!(gradients[0].square().sum().item() > 0.0);
    }
}

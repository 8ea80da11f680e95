//! Networks that are told which class a sample is of (Mirza & Osindero, arXiv:1411.1784).

use super::dcgan::{Size, light_features, light_generator};
use super::described;
use crate::batch::Batch;
use crate::discriminator::{Discriminator, first};
use crate::{Input, Sampler, Wanted};
use detach_nn::{
    Conv2d, Initialiser, Mode, Module, Name, Network, Param, Scope, Sequential, Slot, State,
    Untraced, Value,
};
use detach_tensor::{Tensor, trace};

/// `x` `[N, C, …]` behind a channel a class: of zeros, and of ones for the class `y` `[N]` of the sample.
fn beside(x: &Tensor, y: &Tensor, classes: usize) -> Tensor {
    let mut shape = x.shape().to_vec();
    shape[1] = classes;
    let mut flat = vec![1; shape.len()];
    flat[..2].copy_from_slice(&shape[..2]);
    let planes = y.one_hot(classes).reshape(&flat).expand(&shape);
    Tensor::concat(&[&planes, x], 1)
}

/// [`beside`] as nodes of a model, which gets the input `y`: the class of each sample.
fn trace_beside(x: &Value, classes: usize, scope: &mut Scope<'_>) -> Value {
    let y = scope.classes("y");
    let planes = scope.one_hot(&y, classes);
    let planes = match x.shape[1..] {
        [] => planes,
        [h, w] => {
            let each = scope.reshape(&planes, &[classes, 1, 1]);
            let call = scope.call("Expand").value(&each);
            call.ints(&[1, 1, h, w]).gives(&[classes, h, w])
        }
        _ => unreachable!("a network of vectors or of images"),
    };
    scope.concat(&[&planes, x])
}

/// A generator of samples of a class: a network on the one-hot class beside the noise.
pub struct ClassGenerator {
    /// One-hot class and noise `[N, classes + latent]` to samples.
    pub net: Sequential,
    /// Dimensions of the noise.
    pub latent: usize,
    /// How many classes there are.
    pub classes: usize,
}

impl ClassGenerator {
    /// [`light_generator`] with an input more for each class.
    pub fn light(size: Size, classes: usize, init: &Initialiser) -> Self {
        let inputs = Size {
            latent: classes + size.latent,
            ..size
        };
        Self {
            net: light_generator(1, inputs, init),
            latent: size.latent,
            classes,
        }
    }

    /// Samples from noise `[N, latent]`, of the classes `y` `[N]`.
    ///
    /// # Panics
    /// When the shapes are others, or one of `y` is no class (on a GPU its sample is NaN then).
    pub fn forward(&self, z: &Tensor, y: &Tensor, mode: Mode<'_>) -> Tensor {
        self.net.forward(&beside(z, y, self.classes), mode)
    }
}

impl State for ClassGenerator {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path, f);
    }
}

impl Network for ClassGenerator {
    fn describe(&self) -> String {
        self.net.describe()
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let classes = Wanted::in_turn(self.classes, input.shape()[0], input.kind());
        self.net.outline(&beside(input, &classes, self.classes))
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let input = trace_beside(x, self.classes, scope);
        self.net.trace(&input, scope)
    }
}

impl Sampler for ClassGenerator {
    fn input(&self) -> Input {
        Input::Classes {
            latent: self.latent,
            classes: self.classes,
        }
    }

    fn sample(&self, x: &Tensor, wanted: &Wanted, mode: Mode<'_>) -> Tensor {
        match &wanted.classes {
            Some(classes) => self.forward(x, classes, mode),
            None => {
                let classes = Wanted::in_turn(self.classes, x.shape()[0], x.kind());
                self.forward(x, &classes, mode)
            }
        }
    }
}

/// How a discriminator is told the class of what it looks at.
pub enum ClassDiscriminator {
    /// By a channel a class beside the image.
    Planes {
        /// `[N, classes + 1, 28, 28]` to logits `[N, 1]`.
        net: Sequential,
        /// How many classes there are.
        classes: usize,
    },
    /// By an inner product.
    Projection(Box<Projection>),
}

impl ClassDiscriminator {
    /// [`light_discriminator`](super::dcgan::light_discriminator) with a channel more for each class.
    pub fn planes(width: usize, batch_norm: bool, classes: usize, init: &Initialiser) -> Self {
        let features = light_features(classes + 1, width, batch_norm, init);
        Self::Planes {
            net: features
                .push(Conv2d::new(2 * width, 1, 7, init))
                .push(detach_nn::Flatten),
            classes,
        }
    }

    /// Logits `[N, 1]` of the images `[N, 1, 28, 28]` being real and of the classes `y` `[N]`.
    ///
    /// # Panics
    /// When the shapes are others, or one of `y` is no class (on a GPU its logit is NaN then).
    pub fn forward(&self, x: &Tensor, y: &Tensor, mode: Mode<'_>) -> Tensor {
        match self {
            Self::Planes { net, classes } => net.forward(&beside(x, y, *classes), mode),
            Self::Projection(net) => net.forward(x, y, mode),
        }
    }
}

impl Discriminator for ClassDiscriminator {
    fn answers(&self, batch: &Batch, mode: Mode<'_>) -> Tensor {
        first(&self.forward(&batch.images, &batch.labels(), mode))
    }
}

impl State for ClassDiscriminator {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        match self {
            Self::Planes { net, .. } => net.visit(path, f),
            Self::Projection(net) => net.visit(path, f),
        }
    }
}

impl Network for ClassDiscriminator {
    fn describe(&self) -> String {
        match self {
            Self::Planes { net, .. } => net.describe(),
            Self::Projection(net) => net.describe(),
        }
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let classes = |of| Wanted::in_turn(of, input.shape()[0], input.kind());
        match self {
            Self::Planes { net, classes: of } => net.outline(&beside(input, &classes(*of), *of)),
            Self::Projection(net) => net.outline(input),
        }
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        match self {
            Self::Planes { net, classes } => {
                let input = trace_beside(x, *classes, scope);
                net.trace(&input, scope)
            }
            Self::Projection(net) => net.trace(x, scope),
        }
    }
}

/// [`light_discriminator`](super::dcgan::light_discriminator) with ⟨E\[y\], h⟩ added to its logit, where h are all
/// features before the last convolution, one by one (Miyato & Koyama, arXiv:1802.05637, who add them up
/// over the image first). What E adds is a 7×7 filter of its own for each class.
pub struct Projection {
    features: Sequential,
    head: Conv2d,
    /// E, `[classes, features]`.
    embedding: Param,
}

impl Projection {
    /// A new one. E begins with the variance 1 / features: larger, and the inner product is all that the
    /// logit is; smaller, and the class does not count.
    pub fn new(width: usize, batch_norm: bool, classes: usize, init: &Initialiser) -> Self {
        let features = light_features(1, width, batch_norm, init);
        let head = Conv2d::new(2 * width, 1, 7, init);
        let count = 2 * width * 7 * 7;
        let deviation = 1.0 / (count as f64).sqrt();
        Self {
            features,
            head,
            embedding: Param::new(init.normal(&[classes, count], deviation)),
        }
    }

    fn forward(&self, x: &Tensor, y: &Tensor, mode: Mode<'_>) -> Tensor {
        let h = self.features.forward(x, mode);
        let n = h.shape()[0];
        let logit = trace::scope(self.place(), || self.head.forward(&h, mode));
        let inner = trace::scope("embedding", || {
            let rows = self.embedding.get().gather(y);
            (rows.reshape(h.shape()) * &h).sum_axes(&[1, 2, 3])
        });
        logit.reshape(&[n, 1]) + inner.reshape(&[n, 1])
    }

    /// The place of the last convolution in the row of layers.
    fn place(&self) -> usize {
        self.features.layers().count()
    }
}

impl State for Projection {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.features.visit(path, f);
        self.head.visit(path.dot(self.place()), f);
        f(
            path.dot("embedding").dot("weight"),
            Slot::Param(&self.embedding),
        );
    }
}

impl Network for Projection {
    fn describe(&self) -> String {
        let embedding = self.embedding.get();
        let [classes, count] = [0, 1].map(|axis| embedding.shape()[axis]);
        let embedding = format!("Embedding({classes}, {count})");
        described(&self.features, &self.head, ("embedding", &embedding))
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let h = self.features.forward(input, Mode::eval());
        let classes = self.embedding.get().shape()[0];
        let y = Wanted::in_turn(classes, input.shape()[0], input.kind());
        let logit = self.forward(input, &y, Mode::eval());
        let mut lines = self.features.outline(input);
        let head = self.head.forward(&h, Mode::eval());
        lines.push((self.head.describe(), head.shape().to_vec()));
        let inner = format!("+ ⟨Embedding({classes}, {})[y], h⟩", h.len() / h.shape()[0]);
        lines.push((inner, logit.shape().to_vec()));
        lines
    }

    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let h = self.features.trace(x, scope)?;
        let logit = self.head.trace(&h, &mut scope.inside(self.place()))?;
        let logit = scope.reshape(&logit, &[1]);
        let y = scope.classes("y");
        let h = scope.reshape(&h, &[h.shape.iter().product()]);
        let mut scope = scope.inside("embedding");
        let call = scope.call("Gather");
        let call = call.tensor("weight", &self.embedding.get()).value(&y);
        let rows = call.gives(&h.shape);
        let products = scope.pair("Mul", &rows, &h);
        let inner = scope
            .call("ReduceSum")
            .value(&products)
            .ints(&[1])
            .gives(&[1]);
        Ok(scope.pair("Add", &logit, &inner))
    }
}

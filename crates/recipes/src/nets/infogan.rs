//! The networks of InfoGAN (Chen et al., arXiv:1606.03657): a generator of noise and a code, and a discriminator that
//! also says which code a sample was made from.

use super::dcgan::{double, halve};
use super::described;
use crate::batch::Batch;
use crate::discriminator::{Discriminator, first};
use crate::sampler::{trace_uniform_of, uniform_of};
use crate::{Input, Sampler, Wanted};
use detach_nn::{
    BatchNorm, Flatten, Initialiser, LeakyReLU, Linear, Mode, Module, Name, Network, ReLU, Scope,
    Sequential, Slot, State, Tanh, Unflatten, Untraced, Value,
};
use detach_tensor::{Tensor, trace};

/// LeakyReLU's slope in D.
const SLOPE: f64 = 0.01;

/// What the networks of one system are made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Dimensions of the noise that nobody asks for.
    pub latent: usize,
    /// Categories of the code.
    pub classes: usize,
    /// Numbers of the code.
    pub codes: usize,
    /// Channels of the widest images but for the pictures themselves.
    pub width: usize,
    /// Units of the fully connected layers next to the noise, and to D's answer.
    pub hidden: usize,
}

/// What a sample is made from besides noise, or what D thinks it was made from.
pub struct Code {
    /// A class for each sample `[N]`; of D's opinion, logits `[N, classes]`.
    pub class: Tensor,
    /// Numbers from [−1, 1), `[N, codes]`; of D's opinion, the means of normal distributions of deviation 1.
    pub numbers: Tensor,
}

/// A generator that is told a code beside its noise.
pub struct CodeGenerator {
    net: Sequential,
    shape: Shape,
}

impl CodeGenerator {
    /// A new one: two fully connected layers to 2·width×7×7, doubled twice.
    pub fn new(shape: Shape, init: &Initialiser) -> Self {
        let (width, hidden, features) = (shape.width, shape.hidden, 2 * shape.width * 7 * 7);
        let net = Sequential::new()
            .push(Linear::new(
                shape.latent + shape.classes + shape.codes,
                hidden,
                init,
            ))
            .push(BatchNorm::new(hidden, init))
            .push(ReLU)
            .push(Linear::new(hidden, features, init))
            .push(BatchNorm::new(features, init))
            .push(ReLU)
            .push(Unflatten([2 * width, 7, 7]))
            .push(double(2 * width, width, init))
            .push(BatchNorm::new(width, init))
            .push(ReLU)
            .push(double(width, 1, init))
            .push(Tanh);
        Self { net, shape }
    }

    /// Images `[N, 1, 28, 28]` from noise `[N, latent]` and a code.
    ///
    /// # Panics
    /// When the shapes are others, or a class is none (on a GPU its sample is NaN then).
    pub fn forward(&self, z: &Tensor, code: &Code, mode: Mode<'_>) -> Tensor {
        let class = code.class.one_hot(self.shape.classes);
        let input = Tensor::concat(&[z, &class, &code.numbers], 1);
        self.net.forward(&input, mode)
    }

    /// Noise and code of uniform numbers `x` `[N, latent + codes]` and classes.
    fn split(&self, x: &Tensor, class: Tensor) -> (Tensor, Code) {
        let Shape { latent, codes, .. } = self.shape;
        let numbers = x.slice(1, latent, codes);
        (x.slice(1, 0, latent), Code { class, numbers })
    }

    fn in_turn(&self, x: &Tensor) -> Tensor {
        Wanted::in_turn(self.shape.classes, x.shape()[0], x.kind())
    }
}

impl State for CodeGenerator {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path, f);
    }
}

impl Network for CodeGenerator {
    fn describe(&self) -> String {
        self.net.describe()
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let (z, code) = self.split(input, self.in_turn(input));
        let class = code.class.one_hot(self.shape.classes);
        let input = Tensor::concat(&[&z, &class, &code.numbers], 1);
        self.net.outline(&input)
    }

    /// Of normal noise and of the classes `y`, as [`sample`](Sampler::sample) takes them.
    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let Shape {
            latent,
            codes,
            classes,
            ..
        } = self.shape;
        let y = scope.classes("y");
        let uniform = trace_uniform_of(x, scope);
        let z = scope.slice(&uniform, 0, latent);
        let numbers = scope.slice(&uniform, latent, codes);
        let class = scope.one_hot(&y, classes);
        let input = scope.concat(&[&z, &class, &numbers]);
        self.net.trace(&input, scope)
    }
}

/// The last dimensions of its noise are the code's numbers, and all of them are made uniform.
impl Sampler for CodeGenerator {
    fn input(&self) -> Input {
        Input::Classes {
            latent: self.shape.latent + self.shape.codes,
            classes: self.shape.classes,
        }
    }

    fn sample(&self, x: &Tensor, wanted: &Wanted, mode: Mode<'_>) -> Tensor {
        let class = wanted.classes.clone();
        let class = class.unwrap_or_else(|| self.in_turn(x));
        let (z, code) = self.split(&uniform_of(x), class);
        self.forward(&z, &code, mode)
    }
}

/// A discriminator, and beside its last layer a second network Q on the same features that says which code a sample was
/// made from.
pub struct Recogniser {
    features: Sequential,
    head: Linear,
    q: Sequential,
    shape: Shape,
}

impl Recogniser {
    /// A new one: images halved twice, then a fully connected layer; Q has an eighth of its units.
    pub fn new(shape: Shape, init: &Initialiser) -> Self {
        let (width, hidden, deep) = (shape.width, shape.hidden, shape.hidden.div_ceil(8));
        let features = Sequential::new()
            .push(halve(1, width, init))
            .push(LeakyReLU(SLOPE))
            .push(halve(width, 2 * width, init))
            .push(BatchNorm::new(2 * width, init))
            .push(LeakyReLU(SLOPE))
            .push(Flatten)
            .push(Linear::new(2 * width * 7 * 7, hidden, init))
            .push(BatchNorm::new(hidden, init))
            .push(LeakyReLU(SLOPE));
        // The deviations stand beside the means as in the official code, which fixes them at 1: nothing trains them.
        let q = Sequential::new()
            .push(Linear::new(hidden, deep, init))
            .push(BatchNorm::new(deep, init))
            .push(LeakyReLU(SLOPE))
            .push(Linear::new(deep, shape.classes + 2 * shape.codes, init));
        Self {
            features,
            head: Linear::new(hidden, 1, init),
            q,
            shape,
        }
    }

    /// Logits `[N, 1]` of the images `[N, 1, 28, 28]` being real.
    pub fn judge(&self, x: &Tensor, mode: Mode<'_>) -> Tensor {
        self.head(&self.features.forward(x, mode), mode)
    }

    /// As [`judge`](Self::judge), and the code that each image may be of.
    pub fn recognise(&self, x: &Tensor, mode: Mode<'_>) -> (Tensor, Code) {
        let h = self.features.forward(x, mode);
        let answers = trace::scope("q", || self.q.forward(&h, mode));
        let Shape { classes, codes, .. } = self.shape;
        let code = Code {
            class: answers.slice(1, 0, classes),
            numbers: answers.slice(1, classes, codes),
        };
        (self.head(&h, mode), code)
    }

    fn head(&self, h: &Tensor, mode: Mode<'_>) -> Tensor {
        trace::scope(self.place(), || self.head.forward(h, mode))
    }

    /// The place of D's last layer in the row of layers.
    fn place(&self) -> usize {
        self.features.layers().count()
    }
}

impl Discriminator for Recogniser {
    fn answers(&self, batch: &Batch, mode: Mode<'_>) -> Tensor {
        first(&self.judge(&batch.images, mode))
    }
}

impl State for Recogniser {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.features.visit(path, f);
        self.head.visit(path.dot(self.place()), f);
        self.q.visit(path.dot("q"), f);
    }
}

impl Network for Recogniser {
    fn describe(&self) -> String {
        described(&self.features, &self.head, ("q", &self.q.describe()))
    }

    fn outline(&self, input: &Tensor) -> Vec<(String, Vec<usize>)> {
        let h = self.features.forward(input, Mode::eval());
        let mut lines = self.features.outline(input);
        let head = self.head.forward(&h, Mode::eval());
        lines.push((self.head.describe(), head.shape().to_vec()));
        lines.extend(self.q.outline(&h));
        lines
    }

    /// Beside the logit of being real, `class` gives logits of the classes, and `numbers` the means of the code's numbers.
    fn trace(&self, x: &Value, scope: &mut Scope<'_>) -> Result<Value, Untraced> {
        let h = self.features.trace(x, scope)?;
        let answers = self.q.trace(&h, &mut scope.inside("q"))?;
        let Shape { classes, codes, .. } = self.shape;
        let class = scope.slice(&answers, 0, classes);
        scope.give("class", &class);
        let numbers = scope.slice(&answers, classes, codes);
        scope.give("numbers", &numbers);
        self.head.trace(&h, &mut scope.inside(self.place()))
    }
}

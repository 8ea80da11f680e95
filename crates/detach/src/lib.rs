//! A tensor engine from scratch, with the layers, losses and data that GANs are made of.
//!
//! One crate to depend on. Each library is a module of it; [`prelude`] has the names that most
//! programs use.
//!
//! | module | what it is |
//! |---|---|
//! | [`tensor`] | arrays, tensors that remember how they were made, [`grad`](tensor::grad()) |
//! | [`nn`] | layers, losses, initialisers, optimisers, checkpoints |
//! | [`mnist`] | IDX files; finding, fetching and synthesising MNIST-like sets |
//! | [`data`] | the trait of data sets, and what implements it: IDX, PNG folders, `.npz`, your own bytes |
//! | [`recipes`] | published GANs as training loops, the trainer and the session around them |
//!
//! # A value, and a value with a memory
//!
//! An [`Array`](tensor::Array) is numbers. A [`Tensor`](tensor::Tensor) is an array that may know
//! how it was made. What is made of *variables* remembers; what is made of constants does not.
//! That memory is the graph, and [`grad`](tensor::grad()) walks it backwards:
//!
//! ```
//! use detach::prelude::*;
//!
//! let x = Tensor::variable(Array::from_slice(&[3.0_f64], &[]));
//! let y = Tensor::variable(Array::from_slice(&[4.0_f64], &[]));
//! let z = &x * &y;
//!
//! let gradients = grad(&z, &[&x, &y], false); // dz/dx = y, dz/dy = x
//! assert_eq!((gradients[0].item(), gradients[1].item()), (4.0, 3.0));
//! ```
//!
//! Gradients are returned, not stored: there is nothing to zero. What is not asked for is not
//! computed: freezing a network is leaving it out.
//!
//! # Where gradients stop
//!
//! [`detach`](tensor::Tensor::detach) is the same value without its memory:
//!
//! ```
//! # use detach::prelude::*;
//! # let x = Tensor::variable(Array::from_slice(&[3.0_f64], &[]));
//! let z = &x * x.detach(); // the second factor is a constant to the graph
//! let dx = grad(&z, &[&x], false).remove(0);
//! assert_eq!(dx.item(), 3.0); // and not 2x = 6
//! ```
//!
//! The last argument of `grad` is the same thing seen from the other side: with `true` the
//! gradients remember how *they* were made and can be differentiated again; with `false` they
//! are detached.
//!
//! # A GAN's two questions
//!
//! A generator G makes fakes of noise, a discriminator D tells them from reals, and each is
//! trained by its own loss. Whose gradients, of whose loss, is said in the code:
//!
//! ```
//! use detach::nn::loss::bce_with_logits;
//! use detach::nn::{Initialiser, LeakyReLU, Linear, Scheme};
//! use detach::prelude::*;
//!
//! let init = Initialiser::new(Scheme::PyTorch, Random::new(0, Stream::Init), DType::F32);
//! let adam = Optim::adam(1e-3, 0.5, 0.999);
//! let net = |inputs: usize, outputs: usize| {
//!     let layers = Sequential::new()
//!         .push(Linear::new(inputs, 32, &init))
//!         .push(LeakyReLU(0.2))
//!         .push(Linear::new(32, outputs, &init));
//!     Trained::new(layers, &adam) // a network and its optimiser
//! };
//! let (mut g, mut d) = (net(8, 2), net(2, 1));
//!
//! let noise = Random::new(0, Stream::Noise);
//! let real = noise.normal(&[64, 2], DType::F32); // your data here, [batch, 2]
//! let mode = Mode::batch_stats();
//! let g_before = g.forward(&noise.at(1).normal(&[1, 8], DType::F32), mode).to_vec::<f32>();
//!
//! // D: high for reals, low for fakes. The fakes are detached: D's loss is not G's business.
//! let fake = g.forward(&noise.normal(&[64, 8], DType::F32), mode);
//! let real_logits = d.forward(&real, mode);
//! let fake_logits = d.forward(&fake.detach(), mode);
//! let d_loss = bce_with_logits(&real_logits, 1.0) + bce_with_logits(&fake_logits, 0.0);
//! d.update(&d_loss);
//!
//! // G: its fakes should pass for real. The gradient goes *through* D, whose own parameters
//! // are not asked for.
//! let g_loss = bce_with_logits(&d.forward(&fake, mode), 1.0);
//! g.update(&g_loss);
//!
//! let g_after = g.forward(&noise.at(1).normal(&[1, 8], DType::F32), mode).to_vec::<f32>();
//! assert_ne!(g_before, g_after);
//! ```
//!
//! # Where to go from here
//!
//! 1. `cargo run -p detach --example backprop`: one product, every gradient by hand.
//! 2. `cargo run -p detach --example own_data`: a GAN on tensors of your own.
//! 3. `cargo run -p detach-tensor --example detach`: where `detach` cuts, in numbers.
//! 4. [`tensor`]'s own page: the engine in reading order, under 150 lines.
//! 5. `ARCHITECTURE.md`: the map of the whole, and its laws.

pub use detach_data as data;
pub use detach_mnist as mnist;
pub use detach_nn as nn;
pub use detach_recipes as recipes;
pub use detach_tensor as tensor;

/// The names that most programs use: values, gradients, random numbers, layers.
pub mod prelude {
    pub use detach_nn::{Mode, Module, Network, Optim, Sequential, State, Trained};
    pub use detach_tensor::{
        Act, Array, DType, Device, Kind, Op, Random, Stream, Tensor, apply, grad, vjp,
    };
}

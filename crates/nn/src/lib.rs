//! Layers, losses, optimisers and checkpoints, on tensors that know their gradient.
//!
//! A layer is parameters and a function: [`Module::forward`] takes the input and a
//! [`Mode`] and gives the output. Nothing is global: whether dropout is on, whether
//! running statistics move and where random numbers come from is said in the call.
//!
//! # Reading order
//!
//! 1. [`module`]: [`Param`] (a value written in place), [`State`] (pieces with a [`Name`] that a
//!    checkpoint saves), [`Module`] (state with a `forward`), [`Mode`].
//! 2. [`linear`], then [`conv`] and [`norm`](mod@norm): layers, with PyTorch's names and defaults.
//! 3. [`sequential`]: layers one after the other, each activation in its layer's kernel.
//! 4. [`loss`]: on logits, on probabilities; [`adversarial`], the pairs that GANs are named after; [`penalty`].
//! 5. [`optim`]: what to do with gradients; [`schedule`], [`clip`] and [`ema`] beside it.
//! 6. [`trained`]: a network with its optimiser, as training loops hold it.
//! 7. [`checkpoint`]: all of it in a file, and back; [`onnx`]: a network in ONNX's operators, for others to run.
//!
//! # A step of training
//!
//! ```
//! use detach_nn::{Initialiser, LeakyReLU, Linear, Optim, Optimiser, Scheme, Sequential};
//! use detach_nn::{Mode, Module, gradients, loss};
//! use detach_tensor::{DType, Random, Stream};
//!
//! let init = Initialiser::new(Scheme::PyTorch, Random::new(42, Stream::Init), DType::F32);
//! let net = Sequential::new()
//!     .push(Linear::new(2, 16, &init))
//!     .push(LeakyReLU(0.2))
//!     .push(Linear::new(16, 1, &init));
//! let mut adam = Optimiser::new(&Optim::default(), &net);
//!
//! let x = Random::new(42, Stream::Noise).normal(&[8, 2], DType::F32);
//! let dropout = Random::new(42, Stream::Dropout);
//! let loss_of = || loss::bce_with_logits(&net.forward(&x, Mode::train(&dropout)), 1.0);
//!
//! let loss = loss_of();
//! adam.step(&net, &gradients(&loss, &net));
//! assert!(loss_of().item() < loss.item());
//! ```

pub mod act;
pub mod adversarial;
pub mod attention;
pub mod checkpoint;
pub mod clip;
pub mod conv;
pub mod dropout;
pub mod ema;
pub mod embedding;
pub mod init;
pub mod layers;
pub mod linear;
pub mod loss;
pub mod module;
pub mod name;
pub mod norm;
pub mod onnx;
pub mod optim;
pub mod penalty;
pub mod resample;
pub mod schedule;
pub mod sequential;
pub mod spectral;
pub mod trained;

pub use act::{ELU, Flatten, GELU, LeakyReLU, MaxPool2d, ReLU, Sigmoid, Tanh, Unflatten};
pub use adversarial::Adversarial;
pub use attention::SelfAttention;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use clip::clip_weights;
pub use conv::{Conv2d, ConvTranspose2d};
pub use dropout::{Dropout, Dropout2d};
pub use ema::Ema;
pub use embedding::Embedding;
pub use init::{Initialiser, Scheme};
pub use layers::{Layer, layers, modules};
pub use linear::Linear;
pub use module::{
    Mode, Module, Network, Param, Slot, State, Weighted, count, gradients, model_of, parameters,
};
pub use name::{Name, Part};
pub use norm::{AdaIn, BatchNorm, ConditionalBatchNorm, InstanceNorm2d};
pub use norm::{LayerNorm, MinibatchStddev, PixelNorm};
pub use onnx::{Model, Scope, Untraced, Value};
pub use optim::{Optim, OptimKind, Optimiser};
pub use resample::{AvgPool2d, ReflectionPad2d, ReplicationPad2d, Upsample};
pub use schedule::Schedule;
pub use sequential::Sequential;
pub use spectral::SpectralNorm;
pub use trained::Trained;

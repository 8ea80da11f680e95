//! Networks, as flat sequences whose parameter names and shapes are PyTorch's.
//!
//! Discriminators end in logits: the σ of the published networks is part of the loss
//! here ([`bce_with_logits`](detach_nn::loss::bce_with_logits)), where it cannot overflow.

pub mod dcgan;
pub mod mlp;

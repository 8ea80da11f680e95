//! Networks, as flat sequences whose parameter names and shapes are PyTorch's.
//!
//! Discriminators end in logits: the σ of the published networks is part of the loss
//! here ([`bce_with_logits`](detach_nn::loss::bce_with_logits)), where it cannot overflow.

pub mod autoencoder;
pub mod conditional;
pub mod dcgan;
pub mod infogan;
pub mod mlp;
pub mod sagan;

use detach_nn::{BatchNorm, Initialiser, Network, Sequential};

/// LeakyReLU's slope in every published network here.
pub(crate) const SLOPE: f64 = 0.2;

/// `net` with a batch normalisation of `channels` at its end, if it is wanted.
pub(crate) fn normed(
    net: Sequential,
    channels: usize,
    batch_norm: bool,
    init: &Initialiser,
) -> Sequential {
    match batch_norm {
        true => net.push(BatchNorm::new(channels, init)),
        false => net,
    }
}

/// The text of a row of layers with a last one behind it, and what stands beside the row: its name and its text.
fn described(row: &Sequential, last: &dyn Network, (name, beside): (&str, &str)) -> String {
    let text = row.describe();
    let layers = text.strip_suffix(')').unwrap_or(&text);
    let (place, last) = (row.layers().count(), last.describe());
    let beside = beside.replace('\n', "\n  ");
    format!("{layers}  ({place}): {last}\n  ({name}): {beside}\n)")
}

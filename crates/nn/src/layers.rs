//! The layers of a network by name, for those who tell of them.

use crate::module::{Network, parameters};
use std::fmt::Write as _;

/// A layer that has parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What it is, short: `Linear 784→512`.
    pub name: String,
    /// Where its parameters are among [`parameters`].
    pub parameters: Vec<usize>,
    /// The axis of its weight that counts outputs.
    axis: usize,
}

impl Layer {
    /// A layer that nothing is known of but what it is called; its outputs are the first axis.
    pub fn called(name: &str, parameters: Vec<usize>) -> Self {
        Self {
            name: name.to_owned(),
            parameters,
            axis: 0,
        }
    }

    /// The axes of a parameter of this rank that are summed over for one number an output: all but the one that counts them.
    pub fn other_axes(&self, rank: usize) -> Vec<usize> {
        // What has one axis is a bias, or a weight for each channel.
        let outputs = if rank > 1 { self.axis } else { 0 };
        (0..rank).filter(|axis| *axis != outputs).collect()
    }
}

/// The layers of `net` that have parameters, in the order of [`parameters`], as [`Network::describe`] has them. A layer of
/// layers that it describes in one line is one layer.
#[must_use]
pub fn layers(net: &dyn Network) -> Vec<Layer> {
    let text = net.describe();
    let described = described(&text);
    let mut all: Vec<(String, Layer)> = Vec::new();
    for (place, (parameter, _)) in parameters(net).into_iter().enumerate() {
        let above = described.iter().filter(|(path, _)| is_in(&parameter, path));
        let (path, layer) = match above.max_by_key(|(path, _)| path.len()) {
            Some((path, text)) => (path.clone(), of_text(text)),
            None => {
                let path = module(&parameter).to_owned();
                let layer = Layer::called(&path, Vec::new());
                (path, layer)
            }
        };
        match all.iter_mut().find(|(known, _)| *known == path) {
            Some((_, layer)) => layer.parameters.push(place),
            None => all.push((
                path,
                Layer {
                    parameters: vec![place],
                    ..layer
                },
            )),
        }
    }
    all.into_iter().map(|(_, layer)| layer).collect()
}

/// Every layer of `net` by its path, with or without parameters, and called as [`Layer::name`] has it.
#[must_use]
pub fn modules(net: &dyn Network) -> Vec<(String, String)> {
    let text = net.describe();
    let named = described(&text).into_iter();
    named
        .map(|(path, text)| (path, of_text(text).name))
        .collect()
}

/// The path of the module that a parameter is of: `2` of `2.weight`.
fn module(parameter: &str) -> &str {
    parameter
        .rsplit_once('.')
        .map_or(parameter, |(module, _)| module)
}

/// Whether a parameter lies in the module at `path`; everything lies in the root.
fn is_in(parameter: &str, path: &str) -> bool {
    let below = parameter.strip_prefix(path);
    path.is_empty() || below.is_some_and(|rest| rest.starts_with('.'))
}

/// The lines of a description that are one layer each, with their paths.
fn described(text: &str) -> Vec<(String, &str)> {
    let mut out = Vec::new();
    let mut above: Vec<&str> = Vec::new();
    for line in text.lines() {
        let inner = line.trim_start();
        let depth = (line.len() - inner.len()) / 2;
        let (name, layer) = match inner
            .strip_prefix('(')
            .and_then(|rest| rest.split_once("): "))
        {
            Some((name, layer)) => (Some(name), layer),
            None => (None, inner),
        };
        above.truncate(depth.saturating_sub(1));
        above.extend(name);
        // Of a row of layers there is the line that opens it, and the one that ends it.
        if !layer.ends_with('(') && layer != ")" {
            out.push((above.join("."), layer));
        }
    }
    out
}

/// A layer from how it is written in PyTorch: `Conv2d(1, 64, kernel_size=4)`.
fn of_text(text: &str) -> Layer {
    let text = text
        .strip_prefix("SpectralNorm(")
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(text);
    let (kind, settings) = text.split_once('(').unwrap_or((text, ""));
    let settings = settings.strip_suffix(')').unwrap_or(settings);
    let sizes: Vec<&str> = settings
        .split(", ")
        .filter(|size| !size.is_empty() && !size.contains('='))
        .collect();
    let kind = kind.trim_end_matches("2d");
    let mut name = kind.to_owned();
    let maps = matches!(kind, "Linear" | "Conv" | "ConvTranspose" | "Embedding");
    let _ = match &sizes[..] {
        [] => Ok(()),
        [from, to] if maps => write!(name, " {from}→{to}"),
        all => write!(name, " {}", all.join(", ")),
    };
    let last = matches!(kind, "ConvTranspose" | "Embedding" | "ConditionalBatchNorm");
    Layer {
        name,
        parameters: Vec::new(),
        axis: usize::from(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectral::SpectralNorm;
    use crate::{
        BatchNorm, Conv2d, ConvTranspose2d, Initialiser, LeakyReLU, Linear, Scheme, SelfAttention,
        Sequential,
    };
    use detach_tensor::{DType, Random, Stream};

    #[test]
    fn layers_have_names_and_axes() {
        let random = Random::new(1, Stream::Init);
        let init = &Initialiser::new(Scheme::PyTorch, random, DType::F32);
        let inner = Sequential::new()
            .push(ConvTranspose2d::new(4, 6, 3, init).without_bias())
            .push(BatchNorm::new(6, init))
            .push(LeakyReLU(0.2));
        let net = Sequential::new()
            .push(Linear::new(3, 4, init))
            .push(LeakyReLU(0.2))
            .push(inner)
            .push(SpectralNorm::new(Conv2d::new(6, 8, 3, init), init))
            .push(SelfAttention::new(8, init));
        let layers = layers(&net);
        let told: Vec<(&str, &[usize])> = layers
            .iter()
            .map(|layer| (&*layer.name, &*layer.parameters))
            .collect();
        let last = parameters(&net).len();
        let attention: Vec<usize> = (7..last).collect();
        let expected: [(&str, &[usize]); 5] = [
            ("Linear 3→4", &[0, 1]),
            ("ConvTranspose 4→6", &[2]),
            ("BatchNorm 6", &[3, 4]),
            ("Conv 6→8", &[5, 6]),
            ("SelfAttention 8", &attention),
        ];
        assert_eq!(told, expected);
        let called = modules(&net);
        assert_eq!(called[1], ("1".to_owned(), "LeakyReLU 0.2".to_owned()));
        assert_eq!(called[3], ("2.1".to_owned(), "BatchNorm 6".to_owned()));
        assert_eq!(called.len(), 7);
        let others = |layer: usize, rank| layers[layer].other_axes(rank);
        assert_eq!(
            [others(0, 2), others(0, 1), others(1, 4), others(3, 4)],
            [vec![1], vec![], vec![0, 2, 3], vec![1, 2, 3]]
        );
    }

    /// A network that is one layer has no path.
    #[test]
    fn one_layer_alone() {
        let random = Random::new(1, Stream::Init);
        let init = Initialiser::new(Scheme::PyTorch, random, DType::F32);
        let layers = layers(&Linear::new(5, 2, &init));
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0].name, "Linear 5→2");
        assert_eq!(layers[0].parameters, [0, 1]);
    }
}

//! A layer in Python.

use anyhow::{Result, bail};

/// The layers that PyTorch has under the names and with the arguments that they describe themselves with.
const SAME: [&str; 17] = [
    "AvgPool2d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Dropout2d",
    "ELU",
    "Flatten",
    "InstanceNorm2d",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "Unflatten",
    "Upsample",
];

/// The layer that describes itself with `text` and gives values of `shape`.
///
/// # Errors
/// When there is none in PyTorch, naming it.
pub(super) fn of(text: &str, shape: &[usize]) -> Result<String> {
    let (name, arguments) = text.split_once('(').unwrap_or((text, ")"));
    match name {
        "BatchNorm" if shape.len() == 2 => Ok(format!("nn.BatchNorm1d({arguments}")),
        "BatchNorm" => Ok(format!("nn.BatchNorm2d({arguments}")),
        "SelfAttention" => Ok(text.to_owned()),
        "SpectralNorm" => {
            let inner = arguments.strip_suffix(')').unwrap_or(arguments);
            Ok(format!("spectral_norm({})", of(inner, shape)?))
        }
        _ if SAME.contains(&name) => Ok(format!("nn.{text}")),
        _ => bail!("no part of a script makes `{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers() {
        let of = |text: &str, shape: &[usize]| of(text, shape).expect(text);
        assert_eq!(of("Linear(3, 2)", &[2, 2]), "nn.Linear(3, 2)");
        assert_eq!(
            of("BatchNorm(3, eps=0.8)", &[2, 3]),
            "nn.BatchNorm1d(3, eps=0.8)"
        );
        assert_eq!(of("BatchNorm(3)", &[2, 3, 4, 4]), "nn.BatchNorm2d(3)");
        assert_eq!(
            of("SpectralNorm(Conv2d(1, 2, kernel_size=3))", &[2, 2, 4, 4]),
            "spectral_norm(nn.Conv2d(1, 2, kernel_size=3))"
        );
        let error = super::of("PixelNorm()", &[2, 64, 4, 4]).expect_err("none");
        assert!(error.to_string().contains("PixelNorm()"), "{error}");
    }
}

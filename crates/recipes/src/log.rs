//! The lines that tutorials print while they train, to be laid beside theirs.

use std::fmt::Write;

/// A tutorial's own line, which it prints after each step.
#[derive(Debug)]
pub struct PublishedLog {
    /// Whose line it is.
    pub of: &'static str,
    /// The same in Chinese.
    pub of_zh: &'static str,
    /// The line as its source has it: `%d`, `%f`, `%.4f` and `%%`, as in C.
    pub format: &'static str,
    /// What stands for each `%d` and `%f`, in order.
    pub fields: &'static [Field],
}

/// A number of a published line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field {
    /// The epoch, from 0.
    Epoch,
    /// How many epochs there are.
    Epochs,
    /// The step within its epoch, from 0.
    Batch,
    /// Steps an epoch.
    Batches,
    /// The step, from 0.
    Iteration,
    /// A number that the recipe reports, by name.
    Number(&'static str),
    /// The mean of the shares of reals and of fakes that D was right about, in percent.
    Accuracy,
    /// The mean of D(x).
    DOfReals,
    /// The mean of D(G(z)) in D's turn.
    DOfFakes,
    /// The mean of D(G(z)) in G's turn.
    DOfFakesInGTurn,
}

/// What PyTorch's DCGAN example prints.
pub(crate) const DCGAN_EXAMPLE: &str =
    "[%d/%d][%d/%d] Loss_D: %.4f Loss_G: %.4f D(x): %.4f D(G(z)): %.4f / %.4f";

/// The numbers of [`DCGAN_EXAMPLE`].
pub(crate) const DCGAN_EXAMPLE_FIELDS: &[Field] = &[
    Field::Epoch,
    Field::Epochs,
    Field::Batch,
    Field::Batches,
    Field::Number("d_loss"),
    Field::Number("g_loss"),
    Field::DOfReals,
    Field::DOfFakes,
    Field::DOfFakesInGTurn,
];

/// What `gan.py` of PyTorch-GAN prints, the repository that the fully connected tutorials come from.
pub(crate) const PYTORCH_GAN: PublishedLog = PublishedLog {
    of: "PyTorch-GAN's gan.py, the upstream repository",
    of_zh: "上游仓库 PyTorch-GAN 的 gan.py",
    format: "[Epoch %d/%d] [Batch %d/%d] [D loss: %f] [G loss: %f]",
    fields: &[
        Field::Epoch,
        Field::Epochs,
        Field::Batch,
        Field::Batches,
        Field::Number("d_loss"),
        Field::Number("g_loss"),
    ],
};

impl PublishedLog {
    /// The line with these values of its [fields](Self::fields), without an end.
    pub fn line(&self, values: &[f64]) -> String {
        print(self.format, values)
    }
}

/// `format` with a value for each `%d`, `%f` and `%.Nf`, as C's `printf` writes it. What it does not know is left as it
/// stands.
fn print(format: &str, values: &[f64]) -> String {
    let mut values = values.iter();
    let mut pieces = format.split('%');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    while let Some(piece) = pieces.next() {
        // Between the two signs of `%%` there is nothing.
        if piece.is_empty() {
            out.push('%');
            out += pieces.next().unwrap_or_default();
            continue;
        }
        let end = piece.find(['d', 'f']).map_or(0, |at| at + 1);
        let (conversion, text) = piece.split_at(end);
        let digits = match conversion {
            "d" => Some(0),
            "f" => Some(6),
            _ => conversion
                .strip_prefix('.')
                .and_then(|rest| rest.strip_suffix('f')?.parse().ok()),
        };
        match digits.zip(values.next()) {
            Some((digits, value)) => {
                let _ = write!(out, "{value:.digits$}{text}");
            }
            None => {
                let _ = write!(out, "%{piece}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_c_prints_it() {
        for (format, values, printed) in [
            ("[%d/%d] %f", &[3.0, 50.0, 0.25][..], "[3/50] 0.250000"),
            (
                "acc.: %.2f%%] %.4f",
                &[12.345, -1.0],
                "acc.: 12.35%] -1.0000",
            ),
            ("%d%%", &[7.0], "7%"),
            ("100%% of %d", &[1e6], "100% of 1000000"),
            ("no number", &[], "no number"),
            ("%s %d", &[1.0, 2.0], "%s 2"),
        ] {
            assert_eq!(print(format, values), printed);
        }
    }
}

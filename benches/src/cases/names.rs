//! What each case is called.

use super::{Function, Kernel, Resampling, Writer};
use std::fmt;

/// Kernel and shape, as people write them: `CT 256→128, 7→14, fprop`.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product { m, n, k } => write!(f, "{m}×{k} · {k}×{n}"),
            Self::Conv(layer, pass) => {
                let name = if layer.transposed { "CT" } else { "C" };
                let ([i, o], kernel) = (layer.channels, layer.kernel);
                let (side, out) = (layer.side, layer.out());
                let pass = format!("{pass:?}").to_lowercase();
                write!(f, "{name} {i}→{o} k{kernel}, {side}→{out}, {pass}")
            }
            Self::Norm([n, c, side]) => write!(f, "BatchNorm + ReLU [{n}, {c}, {side}, {side}]"),
            Self::InstanceNorm([n, c, side]) => {
                write!(f, "InstanceNorm + ReLU [{n}, {c}, {side}, {side}]")
            }
            Self::Optim(writer, lens) => {
                let name = match writer {
                    Writer::Adam => "Adam",
                    Writer::ClippedAdam => "Adam, clipped to a norm",
                    Writer::RmsProp => "RMSprop",
                    Writer::Sgd => "SGD with momentum",
                    Writer::Average => "moving average",
                    Writer::Clamp => "clamping",
                };
                write!(f, "{name}, {} numbers", grouped(lens.iter().sum()))
            }
            Self::Map(function, len) => {
                let name = match function {
                    Function::Relu => "ReLU",
                    Function::LeakyRelu => "LeakyReLU",
                    Function::Tanh => "tanh",
                    Function::Softplus => "softplus",
                    Function::Elu => "ELU",
                    Function::Sin => "sine",
                    Function::Erf => "error function",
                    Function::Select => "choice of two",
                    Function::ReluGradient => "ReLU's gradient",
                };
                write!(f, "{name}, {} numbers", grouped(*len))
            }
            Self::Sum(sums, [rows, columns]) => {
                let sums = format!("{sums:?}").to_lowercase();
                write!(f, "sum of {sums} [{rows}, {columns}]")
            }
            Self::Softmax([rows, columns]) => {
                write!(f, "softmax and gradient [{rows}, {columns}]")
            }
            Self::Clone(len) => write!(f, "as it is, {} numbers", grouped(*len)),
            Self::ChannelsLast([n, c, side]) => {
                write!(f, "NCHW to channels-last [{n}, {c}, {side}, {side}]")
            }
            Self::Resample(by, [n, c, side]) => {
                let name = match by {
                    Resampling::Nearest => "nearest ×2",
                    Resampling::Average => "average pool 2×2",
                    Resampling::Up => "four taps ×2",
                    Resampling::Down => "four taps ÷2",
                };
                write!(f, "{name} [{n}, {c}, {side}, {side}]")
            }
            Self::Border([n, c, side]) => {
                write!(
                    f,
                    "reflected by 3 and folded back [{n}, {c}, {side}, {side}]"
                )
            }
            Self::Random(draw, len) => {
                let draw = format!("{draw:?}").to_lowercase();
                write!(f, "{draw}, {} numbers", grouped(*len))
            }
        }
    }
}

/// `2,100,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

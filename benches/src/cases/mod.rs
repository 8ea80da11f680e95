//! The kernels that the peers time too: all calls of `detach_kernels` that a figure
//! beside PyTorch's stands for are in this folder.
//!
//! | case | what is timed |
//! |---|---|
//! | `sgemm M N K` | `[M, K]` times `[K, N]` |
//! | `c fprop\|dgrad\|wgrad I O KERNEL STRIDE PADDING SIDE BATCH` | one pass of a Conv2d of I→O channels on SIDE×SIDE images |
//! | `ct fprop\|dgrad\|wgrad …` | the same of a ConvTranspose2d |
//! | `bn\|in N C SIDE` | BatchNorm or InstanceNorm2d with ReLU, forward and backward |
//! | `adam\|rmsprop\|sgd LEN …` | one step of an optimiser over parameters of these lengths; SGD's has momentum |
//! | `clipped-adam LEN …` | the same of Adam, gradients clipped to a norm |
//! | `average\|clamp LEN …` | parameters into their moving averages, or into an interval |
//! | `relu\|leaky-relu\|tanh\|softplus\|elu\|sin\|erf LEN` | a function of so many numbers |
//! | `select LEN` | one of two numbers, so many times |
//! | `relu-gradient LEN` | the gradient of so many ReLUs from the one behind them |
//! | `softmax ROWS COLUMNS` | the softmax of each row, and its gradient |
//! | `sum\|sum-rows\|sum-all ROWS COLUMNS` | the sum of each column, of each row, of everything |
//! | `clone LEN` | a copy as it is |
//! | `channels-last N C SIDE` | a copy from NCHW |
//! | `upsample\|average-pool\|fir-up\|fir-down N C SIDE` | images resampled: nearest ×2, 2×2 means, through four taps |
//! | `reflect N C SIDE` | images with three mirrored pixels around them, and the border folded back |
//! | `normal\|uniform\|mask LEN` | so many random numbers; a mask is 0 or 1 |
//! | `peak` | GFLOP/s of multiply-adds in registers |
//! | `copy` | GB/s, read and written, of a copy that no cache holds |

mod calls;
mod names;

use crate::protocol::Case;
pub use calls::Call;
use detach_kernels::{Device, Variant, peak};
use rayon::prelude::*;
use std::time::Instant;

/// The case that `words` name, on the CPU.
///
/// # Errors
/// When there is none, or its numbers do not fit together.
pub fn prepare(words: &[&str]) -> Result<Case<'static>, String> {
    match words {
        ["peak"] => Ok(Case::Value(Box::new(|| {
            peak::fma_peak(rayon::current_num_threads())
        }))),
        ["copy"] => Ok(Case::Value(Box::new(copy_bandwidth))),
        _ => Ok(Case::Timed(kernel(Device::Cpu, words)?)),
    }
}

/// The kernel that `words` name, ready to run on `device`; on a GPU a call asks for it and
/// does not wait.
///
/// # Errors
/// As [`prepare`].
pub fn kernel(device: Device, words: &[&str]) -> Result<Call, String> {
    Ok(Kernel::parse(words)?.call(Variant::Fast, device))
}

/// The work of the kernel that `words` name.
///
/// # Errors
/// When there is no such kernel.
pub fn work(words: &[&str]) -> Result<Work, String> {
    Ok(Kernel::parse(words)?.work())
}

/// A kernel at a shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// `[m, k]` times `[k, n]`.
    Product {
        /// Rows of the result.
        m: usize,
        /// Columns of the result.
        n: usize,
        /// What is summed over.
        k: usize,
    },
    /// A pass of a convolution.
    Conv(Layer, Pass),
    /// BatchNorm with ReLU, forward and backward, of `[n, c, side, side]`.
    Norm([usize; 3]),
    /// The same of InstanceNorm2d.
    InstanceNorm([usize; 3]),
    /// What writes all parameters, of these lengths.
    Optim(Writer, Vec<usize>),
    /// A function of `len` numbers.
    Map(Function, usize),
    /// Sums of `[rows, columns]`.
    Sum(Sums, [usize; 2]),
    /// The softmax of so many rows of so many numbers, and its gradient.
    Softmax([usize; 2]),
    /// A copy of so many numbers as they are.
    Clone(usize),
    /// A copy of `[n, c, side, side]` from NCHW to channels-last.
    ChannelsLast([usize; 3]),
    /// Images `[n, c, side, side]` resampled.
    Resample(Resampling, [usize; 3]),
    /// Images `[n, c, side, side]` with a border of three, and that folded back.
    Border([usize; 3]),
    /// So many random numbers.
    Random(Draw, usize),
}

/// A layer that convolves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// ConvTranspose2d rather than Conv2d.
    pub transposed: bool,
    /// Channels in and out.
    pub channels: [usize; 2],
    /// The kernel's side.
    pub kernel: usize,
    /// Pixels from one place of the kernel to the next.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// The side of the image that comes in.
    pub side: usize,
    /// Images.
    pub batch: usize,
}

impl Layer {
    /// The side of the image that comes out.
    fn out(&self) -> usize {
        match self.transposed {
            false => (self.side + 2 * self.padding - self.kernel) / self.stride + 1,
            true => (self.side - 1) * self.stride + self.kernel - 2 * self.padding,
        }
    }
}

/// A pass of a layer, named as seen from the layer: `fprop` is forward of a ConvTranspose2d too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// Forward.
    Fprop,
    /// The gradient in what came in.
    Dgrad,
    /// The gradient in the weight.
    Wgrad,
}

/// What writes all parameters of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Writer {
    /// A step of Adam.
    Adam,
    /// A step of Adam, gradients clipped to a norm.
    ClippedAdam,
    /// A step of RMSprop.
    RmsProp,
    /// A step of SGD with momentum.
    Sgd,
    /// A moving average of them.
    Average,
    /// Their clamping to an interval.
    Clamp,
}

/// A function of one number, or a gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// max(x, 0).
    Relu,
    /// x, or 0.2·x below 0.
    LeakyRelu,
    /// The hyperbolic tangent.
    Tanh,
    /// log(1 + exp x).
    Softplus,
    /// x, or eˣ − 1 below 0.
    Elu,
    /// The sine.
    Sin,
    /// The error function.
    Erf,
    /// One of two numbers, by whether a third is 0.
    Select,
    /// The upstream gradient where x was above 0.
    ReluGradient,
}

/// How images are resampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resampling {
    /// Each pixel four times.
    Nearest,
    /// The mean of each 2×2 pixels.
    Average,
    /// Twice as large, through four taps.
    Up,
    /// Half as large, through four taps.
    Down,
}

/// What is summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sums {
    /// Each column.
    Columns,
    /// Each row.
    Rows,
    /// Everything.
    All,
}

/// A distribution to draw from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draw {
    /// The standard normal distribution.
    Normal,
    /// Uniform in [0, 1).
    Uniform,
    /// 1 with probability 0.7, else 0.
    Mask,
}

impl Kernel {
    /// The kernel that `words` name.
    ///
    /// # Errors
    /// When there is none, or its numbers do not fit together.
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        Self::find(words).ok_or_else(|| format!("`{}`: not a case of ours", words.join(" ")))
    }

    fn find(words: &[&str]) -> Option<Self> {
        let (kind, mut rest) = words.split_first()?;
        let pass = match (*kind, rest) {
            ("c" | "ct", [pass, numbers @ ..]) => {
                rest = numbers;
                Some(match *pass {
                    "fprop" => Pass::Fprop,
                    "dgrad" => Pass::Dgrad,
                    "wgrad" => Pass::Wgrad,
                    _ => return None,
                })
            }
            _ => None,
        };
        let numbers: Option<Vec<usize>> = rest.iter().map(|word| word.parse().ok()).collect();
        let numbers = numbers?;
        Some(match (*kind, &numbers[..]) {
            ("sgemm", &[m, n, k]) => Self::Product { m, n, k },
            ("c" | "ct", &[i, o, kernel, stride, padding, side, batch]) => Self::Conv(
                Layer {
                    transposed: *kind == "ct",
                    channels: [i, o],
                    kernel,
                    stride,
                    padding,
                    side,
                    batch,
                },
                pass?,
            ),
            ("bn", &[n, c, side]) => Self::Norm([n, c, side]),
            ("in", &[n, c, side]) => Self::InstanceNorm([n, c, side]),
            ("adam", [_, ..]) => Self::Optim(Writer::Adam, numbers),
            ("clipped-adam", [_, ..]) => Self::Optim(Writer::ClippedAdam, numbers),
            ("rmsprop", [_, ..]) => Self::Optim(Writer::RmsProp, numbers),
            ("sgd", [_, ..]) => Self::Optim(Writer::Sgd, numbers),
            ("average", [_, ..]) => Self::Optim(Writer::Average, numbers),
            ("clamp", [_, ..]) => Self::Optim(Writer::Clamp, numbers),
            ("relu", &[len]) => Self::Map(Function::Relu, len),
            ("leaky-relu", &[len]) => Self::Map(Function::LeakyRelu, len),
            ("tanh", &[len]) => Self::Map(Function::Tanh, len),
            ("softplus", &[len]) => Self::Map(Function::Softplus, len),
            ("elu", &[len]) => Self::Map(Function::Elu, len),
            ("sin", &[len]) => Self::Map(Function::Sin, len),
            ("erf", &[len]) => Self::Map(Function::Erf, len),
            ("select", &[len]) => Self::Map(Function::Select, len),
            ("relu-gradient", &[len]) => Self::Map(Function::ReluGradient, len),
            ("sum", &[rows, columns]) => Self::Sum(Sums::Columns, [rows, columns]),
            ("sum-rows", &[rows, columns]) => Self::Sum(Sums::Rows, [rows, columns]),
            ("sum-all", &[rows, columns]) => Self::Sum(Sums::All, [rows, columns]),
            ("softmax", &[rows, columns]) => Self::Softmax([rows, columns]),
            ("clone", &[len]) => Self::Clone(len),
            ("channels-last", &[n, c, side]) => Self::ChannelsLast([n, c, side]),
            ("upsample", &[n, c, side]) => Self::Resample(Resampling::Nearest, [n, c, side]),
            ("average-pool", &[n, c, side]) => Self::Resample(Resampling::Average, [n, c, side]),
            ("fir-up", &[n, c, side]) => Self::Resample(Resampling::Up, [n, c, side]),
            ("fir-down", &[n, c, side]) => Self::Resample(Resampling::Down, [n, c, side]),
            ("reflect", &[n, c, side]) => Self::Border([n, c, side]),
            ("normal", &[len]) => Self::Random(Draw::Normal, len),
            ("uniform", &[len]) => Self::Random(Draw::Uniform, len),
            ("mask", &[len]) => Self::Random(Draw::Mask, len),
            _ => return None,
        })
    }

    /// What it does at the least.
    pub fn work(&self) -> Work {
        let (flops, elements) = match *self {
            Self::Product { m, n, k } => (2 * m * n * k, m * k + k * n + m * n),
            Self::Conv(layer, _) => {
                let ([i, o], out) = (layer.channels, layer.out());
                let weight = i * o * layer.kernel * layer.kernel;
                let small = layer.side.min(out);
                let images = layer.batch * (i * layer.side * layer.side + o * out * out);
                (2 * layer.batch * small * small * weight, images + weight)
            }
            // Statistics read x, normalising reads it and writes y; both passes backward
            // read x and dy, and the second writes dx.
            Self::Norm([n, c, side]) | Self::InstanceNorm([n, c, side]) => {
                (0, 8 * n * c * side * side)
            }
            // What is kept and the parameter are read and written, the gradient is read, for a
            // norm twice.
            Self::Optim(writer, ref lens) => {
                let passes = match writer {
                    Writer::Adam => 7,
                    Writer::ClippedAdam => 8,
                    Writer::RmsProp | Writer::Sgd => 5,
                    Writer::Average => 3,
                    Writer::Clamp => 2,
                };
                (0, passes * lens.iter().sum::<usize>())
            }
            Self::Map(Function::Select, len) => (0, 4 * len),
            Self::Map(Function::ReluGradient, len) => (0, 3 * len),
            Self::Map(_, len) | Self::Clone(len) => (0, 2 * len),
            Self::Sum(_, [rows, columns]) => (0, rows * columns),
            // x and y; dy, y and dx.
            Self::Softmax([rows, columns]) => (0, 5 * rows * columns),
            Self::ChannelsLast([n, c, side]) => (0, 2 * n * c * side * side),
            Self::Resample(by, [n, c, side]) => {
                let pixels = n * c * side * side;
                (
                    0,
                    pixels
                        + match by {
                            Resampling::Nearest | Resampling::Up => 4 * pixels,
                            Resampling::Average | Resampling::Down => pixels / 4,
                        },
                )
            }
            Self::Border([n, c, side]) => (0, 2 * n * c * (side * side + (side + 6) * (side + 6))),
            Self::Random(_, len) => (0, len),
        };
        Work {
            flops: flops as f64,
            bytes: 4.0 * elements as f64,
        }
    }
}

/// What a kernel does at the least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating point operations of the direct algorithm; 0 where memory is what counts.
    pub flops: f64,
    /// Bytes, of every operand read or written once in each pass over memory.
    pub bytes: f64,
}

/// Bytes read and written a second, in GB: the best of ten copies of 128 MiB by all
/// threads.
pub fn copy_bandwidth() -> f64 {
    const PIECE: usize = 1 << 20;
    let from = vec![1_u8; 128 * PIECE];
    let mut to = vec![0_u8; from.len()];
    let mut copy = |_| {
        let start = Instant::now();
        let pieces = to.par_chunks_mut(PIECE).zip(from.par_chunks(PIECE));
        pieces.for_each(|(to, from)| to.copy_from_slice(from));
        start.elapsed().as_secs_f64()
    };
    let best = (0..10).map(&mut copy).fold(f64::INFINITY, f64::min);
    2.0 * from.len() as f64 / best / 1e9
}

#[cfg(test)]
mod tests;

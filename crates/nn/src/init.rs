//! How weights start.
//!
//! | scheme | weights | biases | embeddings |
//! |---|---|---|---|
//! | Keras | U(±√(6 / (fan_in + fan_out))), Glorot & Bengio 2010 | 0 | U(±0.05) |
//! | PyTorch | U(±1/√fan_in) | U(±1/√fan_in) | N(0, 1) |
//!
//! fan_in is the number of inputs that one output is summed from (times the kernel's
//! area), except for PyTorch's transposed convolution, see
//! [`ConvTranspose2d`](crate::ConvTranspose2d).

use detach_tensor::{Array, DType, Kind, Random, Stream};

/// The library whose defaults a recipe was published with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Glorot-uniform weights, zero biases.
    Keras,
    /// Uniform in ±1/√fan_in, weights and biases.
    PyTorch,
    /// All zero, for values that come from a file.
    Zeros,
}

/// Makes the initial parameters of layers, drawing from one random stream: the n-th
/// draw goes to the n-th parameter that is made.
#[derive(Debug)]
pub struct Initialiser {
    scheme: Scheme,
    random: Random,
    kind: Kind,
}

impl Initialiser {
    /// Parameters of `kind` by `scheme`, from `random` (of
    /// [`Stream::Init`]).
    pub fn new(scheme: Scheme, random: Random, kind: impl Into<Kind>) -> Self {
        Self {
            scheme,
            random,
            kind: kind.into(),
        }
    }

    /// Zeros of `kind`.
    pub fn zeros(kind: impl Into<Kind>) -> Self {
        Self::new(Scheme::Zeros, Random::new(0, Stream::Init), kind)
    }

    /// Element type and device of what it makes.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A weight.
    #[must_use]
    pub fn weight(&self, shape: &[usize], fan_in: usize, fan_out: usize) -> Array {
        match self.scheme {
            Scheme::Keras => self.uniform(shape, (6.0 / (fan_in + fan_out) as f64).sqrt()),
            Scheme::PyTorch => self.uniform(shape, 1.0 / (fan_in as f64).sqrt()),
            Scheme::Zeros => Array::zeros(shape, self.kind),
        }
    }

    /// A bias `[outputs]`.
    #[must_use]
    pub fn bias(&self, outputs: usize, fan_in: usize) -> Array {
        match self.scheme {
            Scheme::Keras | Scheme::Zeros => self.full(outputs, 0.0),
            Scheme::PyTorch => self.uniform(&[outputs], 1.0 / (fan_in as f64).sqrt()),
        }
    }

    /// The vectors of an embedding.
    #[must_use]
    pub fn embedding(&self, shape: &[usize]) -> Array {
        match self.scheme {
            Scheme::Keras => self.uniform(shape, 0.05),
            Scheme::PyTorch | Scheme::Zeros => self.normal(shape, 1.0),
        }
    }

    /// Normal with mean 0 and the standard deviation `deviation`, in every scheme but
    /// [`Scheme::Zeros`].
    #[must_use]
    pub fn normal(&self, shape: &[usize], deviation: f64) -> Array {
        match self.scheme {
            Scheme::Zeros => Array::zeros(shape, self.kind),
            // As `uniform`, drawn in f64.
            _ => {
                let unit = self.random.normal(shape, DType::F64);
                (unit * deviation).value().to_kind(self.kind)
            }
        }
    }

    /// A value per channel, `[channels]`, all equal; draws nothing.
    pub(crate) fn full(&self, channels: usize, value: f64) -> Array {
        Array::full(value, &[channels], self.kind)
    }

    /// Uniform in ±limit. Drawn by the host in f64 and then rounded, so that a network
    /// starts from the same point in either element type and on any device.
    fn uniform(&self, shape: &[usize], limit: f64) -> Array {
        let unit = self.random.uniform(shape, DType::F64);
        let scaled = unit * (2.0 * limit) - limit;
        scaled.value().to_kind(self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv2d, ConvTranspose2d, Linear, Module, parameters};

    fn init(scheme: Scheme, seed: u64, dtype: DType) -> Initialiser {
        Initialiser::new(scheme, Random::new(seed, Stream::Init), dtype)
    }

    /// Checks that `values` look uniform in ±limit: range, mean and variance, each
    /// within five standard deviations.
    #[track_caller]
    fn assert_uniform(values: &[f64], limit: f64) {
        let n = values.len() as f64;
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert!(
            largest <= limit && largest > limit * (1.0 - 20.0 / n),
            "{largest} {limit}"
        );
        let mean = values.iter().sum::<f64>() / n;
        assert!(mean.abs() < 5.0 * limit / (3.0 * n).sqrt(), "mean {mean}");
        let variance = values.iter().map(|v| v * v).sum::<f64>() / n;
        let expected = limit * limit / 3.0;
        // Var(u²) = 4/45 for u uniform in ±1.
        let deviation = limit * limit * (4.0 / 45.0 / n).sqrt();
        assert!(
            (variance - expected).abs() < 5.0 * deviation,
            "variance {variance}"
        );
    }

    fn values(layer: &dyn Module) -> [Vec<f64>; 2] {
        let params = parameters(layer);
        [0, 1].map(|i: usize| params[i].1.get().to_vec::<f64>())
    }

    #[test]
    fn pytorch_ranges() {
        let init = init(Scheme::PyTorch, 1, DType::F64);
        let [weight, bias] = values(&Linear::new(784, 1000, &init));
        assert_uniform(&weight, 1.0 / 28.0);
        assert_uniform(&bias, 1.0 / 28.0);
        let [weight, bias] = values(&Conv2d::new(16, 256, 4, &init));
        assert_uniform(&weight, 1.0 / 16.0);
        assert_uniform(&bias, 1.0 / 16.0);
        // 1/√(64·4²), by the 64 outputs.
        let [weight, bias] = values(&ConvTranspose2d::new(128, 64, 4, &init));
        assert_uniform(&weight, 1.0 / 32.0);
        assert_uniform(&bias, 1.0 / 32.0);
    }

    #[test]
    fn keras_ranges() {
        let init = init(Scheme::Keras, 2, DType::F64);
        let [weight, bias] = values(&Linear::new(100, 256, &init));
        assert_uniform(&weight, (6.0_f64 / 356.0).sqrt());
        assert!(bias.iter().all(|&b| b == 0.0));
        let [weight, _] = values(&Conv2d::new(8, 24, 5, &init));
        assert_uniform(&weight, (6.0_f64 / (25.0 * 32.0)).sqrt());
    }

    #[test]
    fn the_seed_and_the_order_decide() {
        let two = |seed, dtype| {
            let init = init(Scheme::PyTorch, seed, dtype);
            let layers = [Linear::new(7, 5, &init), Linear::new(7, 5, &init)];
            layers.map(|layer| values(&layer))
        };
        let [first, second] = two(3, DType::F64);
        assert_ne!(first, second);
        assert_eq!([first.clone(), second], two(3, DType::F64));
        assert_ne!(first, two(4, DType::F64)[0]);
        let rounded = first.map(|v| v.iter().map(|&v| f64::from(v as f32)).collect::<Vec<_>>());
        assert_eq!(rounded, two(3, DType::F32)[0]);
    }

    #[test]
    fn leaving_out_a_bias_changes_no_later_layer() {
        let second = |bias| {
            let init = init(Scheme::PyTorch, 5, DType::F64);
            let first = Conv2d::new(1, 2, 3, &init);
            let _first = if bias { first } else { first.without_bias() };
            values(&Linear::new(3, 3, &init))
        };
        assert_eq!(second(true), second(false));
    }
}

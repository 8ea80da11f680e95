//! Resampling of images: nearest ×2, bilinear-like filters, blurring, average pooling.
//!
//! One linear op, whose adjoint is the same op with enlarging and reducing exchanged and its taps
//! read backwards: each is the other's rule, to any order.

use crate::array::result;
use crate::check::Case;
use crate::{Array, Fir, Info, Layout, Op, Tensor, apply};
use detach_kernels::resample::{self, Resample};

#[derive(Clone, Copy, Debug)]
struct Resampling(Resample);

impl Op for Resampling {
    fn name(&self) -> &'static str {
        "resample"
    }
    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0].channels_last();
        let layout = Layout::channels_last(&self.0.out_shape());
        let mut out = result(self.name(), &layout, x.kind());
        resample::resample(&self.0, &x.read(), &mut out);
        Array::from_buffer(out, layout)
    }
    fn grad(&self, _: usize, _: &[Tensor], _: &Tensor, dy: &Tensor) -> Option<Tensor> {
        Some(apply(Self(self.0.adjoint()), &[dy]))
    }
    fn info(&self, _: &[&[usize]], _: &[usize]) -> Info {
        let [up, down] = self.0.factors();
        let mut geometry = format!("{} taps", self.0.taps().len());
        for (word, by) in [(" up ", up), (" down ", down)] {
            if by > 1 {
                geometry += word;
                geometry += &by.to_string();
            }
        }
        Info::of(2 * self.0.products()).set(geometry)
    }
}

/// `taps` times what makes their sum `gain`.
#[track_caller]
fn scaled(taps: &[f64], gain: f64) -> Fir {
    let sum: f64 = taps.iter().sum();
    assert!(
        sum.abs() > 0.0 && sum.is_finite(),
        "resample: the taps {taps:?} sum to {sum}, which cannot be made {gain}; use `Tensor::resample`"
    );
    let taps: Vec<f64> = taps.iter().map(|tap| tap * gain / sum).collect();
    Fir::new(&taps)
}

impl Tensor {
    /// Images `[N, C, H, W]` through a filter along both axes, each channel by itself; see [`Fir`].
    ///
    /// # Panics
    /// When this is no batch of images, or nothing of them is left.
    #[must_use]
    #[track_caller]
    pub fn resample(&self, fir: &Fir) -> Self {
        apply(Resampling(Resample::new(self.shape(), fir)), &[self])
    }

    /// Images twice as large, each pixel four times: PyTorch's `Upsample(scale_factor=2)`.
    ///
    /// ```
    /// # use detach_tensor::{Array, Tensor};
    /// let x = Tensor::constant(Array::from_slice(&[1.0, 2.0], &[1, 1, 1, 2]));
    /// let y = x.upsample_nearest2();
    /// assert_eq!(y.shape(), [1, 1, 2, 4]);
    /// assert_eq!(y.to_vec::<f64>(), [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::resample`].
    #[must_use]
    #[track_caller]
    pub fn upsample_nearest2(&self) -> Self {
        self.resample(&Fir::new(&[1.0; 2]).up(2).pad([1, 0]))
    }

    /// The mean of each 2×2 pixels, a last odd row or column left out: PyTorch's `AvgPool2d(2)`.
    ///
    /// # Panics
    /// As [`Tensor::resample`].
    #[must_use]
    #[track_caller]
    pub fn avg_pool2(&self) -> Self {
        self.resample(&Fir::new(&[0.5; 2]).down(2))
    }

    /// Images of the same size through a filter with `taps`, scaled to sum 1, between zeros. With
    /// an even number of taps the result lies half a pixel further down and right.
    ///
    /// # Panics
    /// As [`Tensor::resample`], and when the taps sum to 0.
    #[must_use]
    #[track_caller]
    pub fn blur(&self, taps: &[f64]) -> Self {
        let [before, after] = [taps.len() / 2, taps.len().saturating_sub(1) / 2];
        self.resample(&scaled(taps, 1.0).pad([before as isize, after as isize]))
    }

    /// Images twice as large through a filter with `taps` (`[1.0, 3.0, 3.0, 1.0]` is StyleGAN2's),
    /// scaled so that the mean stays, between zeros.
    ///
    /// # Panics
    /// As [`Tensor::blur`].
    #[must_use]
    #[track_caller]
    pub fn upsample2(&self, taps: &[f64]) -> Self {
        let taps_len = taps.len() as isize;
        let pad = [(taps_len + 1) / 2, (taps_len - 2).div_euclid(2)];
        self.resample(&scaled(taps, 2.0).up(2).pad(pad))
    }

    /// Images half as large through a filter with `taps`, scaled to sum 1, between zeros.
    ///
    /// # Panics
    /// As [`Tensor::blur`].
    #[must_use]
    #[track_caller]
    pub fn downsample2(&self, taps: &[f64]) -> Self {
        let taps_len = taps.len() as isize;
        let pad = [(taps_len - 1) / 2, (taps_len - 2).div_euclid(2)];
        self.resample(&scaled(taps, 1.0).down(2).pad(pad))
    }
}

pub(crate) fn cases() -> Vec<Case> {
    const SMOOTH: [f64; 4] = [1.0, 3.0, 3.0, 1.0];
    let case = |name: &str, f: fn(&Tensor) -> Tensor| {
        Case::new(name, move |x| f(&x[0]))
            .input(&[2, 3, 4, 5], (-2.0, 2.0))
            .channels_last()
    };
    vec![
        case("upsample_nearest2", Tensor::upsample_nearest2),
        case("avg_pool2", Tensor::avg_pool2),
        case("blur", |x| x.blur(&SMOOTH)),
        case("upsample2", |x| x.upsample2(&SMOOTH)),
        case("downsample2", |x| x.downsample2(&SMOOTH)),
        // A last column that nothing reads.
        case("resample, uneven", |x| {
            x.resample(&Fir::new(&[0.3, -1.0, 0.7]).up(2).down(3).pad([-1, 1]))
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Random, Stream};

    /// The definition as a product with a matrix along each axis.
    #[test]
    fn a_resampling_is_two_products() {
        let fir = Fir::new(&[0.3, -1.0, 0.7, 2.0]).up(3).down(2).pad([2, 4]);
        let x = Random::new(1, Stream::Noise).normal(&[2, 3, 5, 7], DType::F64);
        let y = x.resample(&fir);
        let matrix = |from: usize, to: usize| {
            let mut values = vec![0.0; to * from];
            for j in 0..to {
                for (k, tap) in fir.taps().iter().enumerate() {
                    let place = (2 * j + k).checked_sub(2).filter(|p| p.is_multiple_of(3));
                    if let Some(i) = place.map(|p| p / 3).filter(|i| *i < from) {
                        values[j * from + i] += tap;
                    }
                }
            }
            Tensor::constant(Array::from_slice(&values, &[to, from]))
        };
        let [rows, columns] = [y.shape()[2], y.shape()[3]];
        let wide = x.reshape(&[2 * 3 * 5, 7]).matmul(&matrix(7, columns).t());
        let turned = wide.reshape(&[6, 5, columns]).permute(&[0, 2, 1]);
        let both = turned
            .reshape(&[6 * columns, 5])
            .matmul(&matrix(5, rows).t());
        let both = both.reshape(&[6, columns, rows]).permute(&[0, 2, 1]);
        for (a, b) in y.to_vec::<f64>().iter().zip(both.to_vec::<f64>()) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }

    /// Enlarging keeps what is equal equal away from the border, and so does reducing.
    #[test]
    fn filters_keep_the_mean() {
        let x = Tensor::constant(Array::full(3.0, &[1, 1, 6, 6], DType::F64));
        let smooth = [1.0, 3.0, 3.0, 1.0];
        for (y, side) in [
            (x.upsample2(&smooth), 12),
            (x.downsample2(&smooth), 3),
            (x.blur(&smooth), 6),
        ] {
            assert_eq!(y.shape(), [1, 1, side, side]);
            let middle = y.slice(2, side / 2, 1).slice(3, side / 2, 1);
            assert!((middle.item() - 3.0).abs() < 1e-12, "{}", middle.item());
        }
    }
}

//! Images reduced without the patterns that pixels left out would leave.

/// A resizing of images through a triangle filter as wide as a target pixel: PyTorch's
/// `F.interpolate(mode="bilinear", antialias=True)`, Pillow's `Image.resize(…, BILINEAR)`.
///
/// With `scale = from / to`, target pixel t has its centre at `c = scale · (t + ½)` and is the mean of all source
/// pixels s, each weighted by `max(0, 1 − |s + ½ − c| / max(scale, 1))`. Enlarged images are those of
/// [`Resize`](crate::Resize), to rounding.
#[derive(Clone, Debug)]
pub struct Antialias {
    from: [usize; 2],
    /// For the rows, and for the columns: what each target pixel is made of.
    filters: [Vec<Filter>; 2],
    /// The image with its rows resized, `[from, to]`.
    rows: Vec<f64>,
}

/// The source pixels that one target pixel is made of, along one axis.
#[derive(Clone, Debug)]
struct Filter {
    first: usize,
    /// From the first on; their sum is 1.
    weights: Vec<f64>,
}

impl Antialias {
    /// From `from` to `to`, both `[height, width]` in pixels.
    ///
    /// # Panics
    /// If a size is 0.
    #[track_caller]
    pub fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        assert!(
            !from.contains(&0) && !to.contains(&0),
            "antialias: {from:?} to {to:?} pixels"
        );
        let axis = |axis: usize| {
            let filter = |target| Filter::new(target, from[axis], to[axis]);
            (0..to[axis]).map(filter).collect()
        };
        Self {
            from,
            filters: [axis(0), axis(1)],
            rows: Vec::new(),
        }
    }

    /// Resizes an image, `[from]`, into `out`, `[to]`.
    ///
    /// # Panics
    /// If either is of another size.
    #[track_caller]
    pub fn floats(&mut self, image: &[f32], out: &mut [f32]) {
        let [pixels, width] = [self.from[0] * self.from[1], self.from[1]];
        assert!(
            image.len() == pixels && out.len() == self.to(),
            "antialias: {} pixels into {} places, not {pixels} into {}",
            image.len(),
            out.len(),
            self.to()
        );
        self.resize(|i| image[i].into(), width, |i, value| out[i] = value as f32);
    }

    /// Resizes bytes, rows `stride` apart from the start of `image`, into `out`, `[to]`, rounded to the nearest.
    pub(crate) fn bytes(&mut self, image: &[u8], stride: usize, out: &mut [u8]) {
        assert_eq!(out.len(), self.to(), "antialias: places of another size");
        // A mean of bytes is in [0, 255], to rounding, and the cast stays there.
        let round = |i: usize, value: f64| out[i] = (value + 0.5) as u8;
        self.resize(|i| image[i].into(), stride, round);
    }

    /// Pixels of the result.
    fn to(&self) -> usize {
        self.filters[0].len() * self.filters[1].len()
    }

    fn resize(
        &mut self,
        image: impl Fn(usize) -> f64,
        stride: usize,
        mut out: impl FnMut(usize, f64),
    ) {
        let [down, across] = &self.filters;
        let wide = across.len();
        self.rows.clear();
        for row in 0..self.from[0] {
            let pixel = |column| image(row * stride + column);
            self.rows
                .extend(across.iter().map(|filter| filter.mean(pixel)));
        }
        for (line, filter) in down.iter().enumerate() {
            for column in 0..wide {
                let value = filter.mean(|row| self.rows[row * wide + column]);
                out(line * wide + column, value);
            }
        }
    }
}

impl Filter {
    fn new(target: usize, from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let reach = scale.max(1.0);
        let centre = scale * (target as f64 + 0.5);
        // A target's centre lies within the source, so that at least one pixel is within reach.
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weight = |pixel: usize| (1.0 - (pixel as f64 + 0.5 - centre).abs() / reach).max(0.0);
        let mut weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { first, weights }
    }

    fn mean(&self, pixel: impl Fn(usize) -> f64) -> f64 {
        let pixels = (self.first..).map(pixel);
        self.weights.iter().zip(pixels).map(|(w, x)| w * x).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resize;

    fn image(height: usize, width: usize) -> Vec<f32> {
        let value = |i| ((i / width * 7 + i % width * 13) % 32) as f32 / 16.0 - 1.0;
        (0..height * width).map(value).collect()
    }

    fn resized(image: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
        let mut out = vec![9.0; to[0] * to[1]];
        Antialias::new(from, to).floats(image, &mut out);
        out
    }

    #[track_caller]
    fn assert_near(values: &[f32], expected: &[f32]) {
        assert_eq!(values.len(), expected.len());
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(values.iter().zip(expected).all(near), "{values:?}");
    }

    /// As PyTorch 2.11 prints it, computed in float64.
    #[test]
    fn numbers_of_pytorch() {
        let small = resized(&image(5, 7), [5, 7], [2, 3]);
        let expected = [
            [-0.197_240_26, -0.108_957_22, -0.104_707_79],
            [-0.043_019_48, -0.046_791_444, -0.008_928_571],
        ];
        assert_near(&small, expected.as_flattened());
        let small = resized(&image(4, 4), [4, 4], [3, 2]);
        let expected = [
            [-0.374_107_14, -0.125_892_86],
            [-0.049_107_14, -0.200_892_86],
            [-0.124_107_14, 0.124_107_14],
        ];
        assert_near(&small, expected.as_flattened());
        let large = resized(&image(3, 2), [3, 2], [5, 4]);
        let expected = [
            [-1.0, -0.796_875, -0.390_625, -0.187_5],
            [-0.825, -0.621_875, -0.215_625, -0.012_5],
            [-0.562_5, -0.359_375, 0.046_875, 0.25],
            [-0.3, -0.096_875, 0.309_375, 0.512_5],
            [-0.125, 0.078_125, 0.484_375, 0.687_5],
        ];
        assert_near(&large, expected.as_flattened());
    }

    #[test]
    fn enlarged_images_are_those_of_the_other_resizing() {
        let small = image(5, 5);
        let mut expected = Vec::new();
        Resize::new(5, 13).all(&small, &mut expected);
        assert_near(&resized(&small, [5, 5], [13, 13]), &expected);
    }

    #[test]
    fn the_same_size_is_the_same_image() {
        let same = image(6, 4);
        assert_eq!(resized(&same, [6, 4], [6, 4]), same);
    }

    #[test]
    fn bytes_are_rounded_and_rows_may_lie_apart() {
        let image = [0, 1, 9, 2, 2, 9, 255, 255];
        let mut out = [7; 2];
        Antialias::new([2, 2], [1, 2]).bytes(&image, 3, &mut out);
        assert_eq!(out, [1, 2]);
        let mut out = [7];
        Antialias::new([1, 2], [1, 1]).bytes(&image[6..], 2, &mut out);
        assert_eq!(out, [255]);
    }

    #[test]
    #[should_panic(expected = "5 pixels into 1 places, not 4 into 1")]
    fn an_image_of_another_size_is_refused() {
        Antialias::new([2, 2], [1, 1]).floats(&[0.0; 5], &mut [0.0]);
    }
}

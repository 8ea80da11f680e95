//! Images enlarged or reduced between the grid they have and the one a network wants.

/// The two source pixels that one target pixel of [`Resize`] is made of, along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// Indices of the pixels; equal at the end of the axis.
    pub source: [usize; 2],
    /// The weight w of the second, in [0, 1); the first has 1 − w.
    pub weight: f32,
}

/// Bilinear interpolation of square images, pixel centres at half numbers: what PyTorch's
/// `F.interpolate(mode="bilinear", align_corners=False)` computes.
///
/// Target pixel t lies at `s = max((t + ½) · from / to − ½, 0)` of the source, between the pixels
/// `⌊s⌋` and `⌊s⌋ + 1` (the last one where there is none), and gets
/// `(1 − w) · x[⌊s⌋] + w · x[⌊s⌋ + 1]` with `w = s − ⌊s⌋`, along each axis.
#[derive(Clone, Debug)]
pub struct Resize {
    from: usize,
    /// One for each target pixel of an axis.
    taps: Vec<Tap>,
    /// The image with its rows resized, `[from, to]`.
    rows: Vec<f32>,
}

impl Resize {
    /// From `from`×`from` to `to`×`to` pixels.
    ///
    /// # Panics
    /// If either is 0.
    #[track_caller]
    pub fn new(from: usize, to: usize) -> Self {
        assert!(from > 0 && to > 0, "resize: {from} to {to} pixels");
        let scale = from as f32 / to as f32;
        let tap = |target: usize| {
            let place = (scale * (target as f32 + 0.5) - 0.5).max(0.0);
            let first = (place as usize).min(from - 1);
            Tap {
                source: [first, (first + 1).min(from - 1)],
                weight: place - first as f32,
            }
        };
        Self {
            from,
            taps: (0..to).map(tap).collect(),
            rows: vec![0.0; from * to],
        }
    }

    /// What each target pixel is made of, `[to]`; rows and columns alike. The value is
    /// `(1 − w) · x[a] + w · x[b]`, first along each row, then along the columns.
    pub fn taps(&self) -> &[Tap] {
        &self.taps
    }

    /// Height and width of the result.
    pub fn to(&self) -> usize {
        self.taps.len()
    }

    /// Resizes `images`, `[N, from, from]`, into `out`, which becomes `[N, to, to]`.
    ///
    /// # Panics
    /// If `images` are not whole images.
    #[track_caller]
    pub fn all(&mut self, images: &[f32], out: &mut Vec<f32>) {
        let (from, to) = (self.from, self.to());
        let (images, rest) = (
            images.chunks_exact(from * from),
            images.len() % (from * from),
        );
        assert!(
            rest == 0,
            "resize: {rest} pixels are no image of {from}x{from}"
        );
        out.resize(images.len() * to * to, 0.0);
        for (image, out) in images.zip(out.chunks_exact_mut(to * to)) {
            for (row, wide) in image.chunks_exact(from).zip(self.rows.chunks_exact_mut(to)) {
                for (x, taps) in wide.iter_mut().zip(&self.taps) {
                    let ([a, b], weight) = (taps.source, taps.weight);
                    *x = (1.0 - weight) * row[a] + weight * row[b];
                }
            }
            for (line, taps) in out.chunks_exact_mut(to).zip(&self.taps) {
                let [above, below] = taps.source.map(|row| &self.rows[row * to..][..to]);
                let weight = taps.weight;
                for (x, (above, below)) in line.iter_mut().zip(above.iter().zip(below)) {
                    *x = (1.0 - weight) * above + weight * below;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(images: &[f32], from: usize, to: usize) -> Vec<f32> {
        let mut out = vec![9.0; 5];
        Resize::new(from, to).all(images, &mut out);
        out
    }

    /// As `torch.nn.functional.interpolate` prints it.
    #[test]
    fn numbers_of_pytorch() {
        let up = resized(&[0.0, 1.0, 2.0, 3.0], 2, 4);
        let expected = [
            [0.0, 0.25, 0.75, 1.0],
            [0.5, 0.75, 1.25, 1.5],
            [1.5, 1.75, 2.25, 2.5],
            [2.0, 2.25, 2.75, 3.0],
        ];
        assert_eq!(up, expected.concat());
        let image: Vec<f32> = (0..9).map(|i| (i * i) as f32).collect();
        let up = resized(&image, 3, 5);
        let expected = [
            [0.0, 0.4, 1.0, 2.8, 4.0],
            [3.6, 4.96, 7.0, 10.24, 12.4],
            [9.0, 11.8, 16.0, 21.4, 25.0],
            [25.2, 29.44, 35.8, 43.36, 48.4],
            [36.0, 41.2, 49.0, 58.0, 64.0],
        ];
        let pairs = up.iter().zip(expected.as_flattened());
        assert!(
            pairs.clone().count() == 25 && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5)
        );
    }

    #[test]
    fn the_same_size_is_the_same_image() {
        let images: Vec<f32> = (0..2 * 49).map(|i| (i as f32).sin()).collect();
        assert_eq!(resized(&images, 7, 7), images);
        assert_eq!(resized(&[0.5; 28 * 28], 28, 64), [0.5; 64 * 64]);
    }

    #[test]
    fn images_do_not_mix() {
        let images: Vec<f32> = (0..3 * 16).map(|i| (i * i) as f32).collect();
        let together = resized(&images, 4, 9);
        let apart: Vec<f32> = images.chunks(16).flat_map(|x| resized(x, 4, 9)).collect();
        assert_eq!(together, apart);
    }

    #[test]
    #[should_panic(expected = "3 pixels are no image of 2x2")]
    fn half_an_image_is_refused() {
        let _ = resized(&[0.0; 7], 2, 4);
    }
}

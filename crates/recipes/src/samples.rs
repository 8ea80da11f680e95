//! What recipes are trained on, by shape.

/// What a recipe is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Images `[N, C, side, side]` in [-1, 1].
    Images(ImageSize),
    /// Samples `[N, 1]` of the standard normal distribution.
    Gaussian,
}

/// How large images are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// 1 for gray, 3 for RGB.
    pub channels: usize,
    /// Height and width in pixels.
    pub side: usize,
}

impl ImageSize {
    /// Images of so many channels, but RGB from 64 pixels on: that is what networks for these sizes are published for.
    pub fn of(channels: usize, side: usize) -> Self {
        let channels = if side < 64 { channels } else { 3 };
        Self { channels, side }
    }
}

impl DataKind {
    /// Images as MNIST has them, `[N, 1, 28, 28]`.
    pub const DIGITS: Self = Self::Images(ImageSize {
        channels: 1,
        side: 28,
    });

    /// Images of a height and width: grey, or RGB from 64 pixels on.
    pub fn of_side(side: usize) -> Self {
        Self::Images(ImageSize::of(1, side))
    }

    /// The shape of `n` samples.
    pub fn shape(self, n: usize) -> Vec<usize> {
        match self {
            Self::Images(ImageSize { channels, side }) => vec![n, channels, side, side],
            Self::Gaussian => vec![n, 1],
        }
    }
}

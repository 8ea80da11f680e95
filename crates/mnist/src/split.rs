//! What MNIST's files and the digits made in their place have in common.

/// Height and width of a digit, in pixels.
pub const SIDE: usize = 28;

/// Pixels of a digit.
pub const PIXELS: usize = SIDE * SIDE;

/// Which half of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The images to train on; 60,000 in MNIST (`train-…`).
    Train,
    /// The images to judge by; 10,000 in MNIST (`t10k-…`).
    Test,
}

impl Split {
    /// Number of images that MNIST has in this half, and that are made where there is no MNIST.
    pub const fn mnist_len(self) -> usize {
        match self {
            Self::Train => 60_000,
            Self::Test => 10_000,
        }
    }

    /// The word with which MNIST's file names begin.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "t10k",
        }
    }
}

//! What a recipe shows of itself besides its samples, as data: whoever draws it chooses how.

use detach_tensor::{Kind, Random, Stream, Tensor};

/// Panels that belong together.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is called, as files are.
    pub name: &'static str,
    /// From left to right.
    pub panels: Vec<Panel>,
}

/// A panel of a [`Figure`].
#[derive(Clone, Debug)]
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// What it shows.
    pub content: Content,
}

/// What a panel shows.
#[derive(Clone, Debug)]
pub enum Content {
    /// Functions of one number.
    Curves(Vec<Curve>),
    /// Numbers of the lines of metrics over all steps so far, by their names.
    History(Vec<&'static str>),
    /// How numbers are distributed.
    Histogram(Vec<f64>),
    /// Images `[N, C, H, W]` in [-1, 1], in so many columns.
    Images(Tensor, usize),
}

/// A function of one number.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it is.
    pub name: &'static str,
    /// x and y, from left to right.
    pub points: Vec<[f64; 2]>,
}

/// What a recipe is given to look at itself with: noise that training never draws, the same at every look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    seed: u64,
    /// Element type and device of the recipe.
    pub kind: Kind,
}

impl Look {
    /// The draw of the sample stream that is for looking, the last there is: pictures take their step's number, at most.
    const DRAW: u64 = (1 << 48) - 1;

    /// A look at a recipe of this seed.
    pub fn new(seed: u64, kind: Kind) -> Self {
        Self { seed, kind }
    }

    /// Standard normal noise of this shape.
    pub fn noise(&self, shape: &[usize]) -> Tensor {
        let random = Random::new(self.seed, Stream::Sample).at(Self::DRAW);
        random.normal(shape, self.kind)
    }
}

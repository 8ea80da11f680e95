//! The data sets that have a name instead of a place.

use crate::memory::{InMemory, synthetic};
use crate::shapes::{self, Style, shapes};
use detach_mnist::Split;
use std::fmt;
use std::str::FromStr;

/// A data set by name: drawn here, or stacked of another set's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// Synthetic digits, grey, 28×28, ten classes ([`synthetic`]).
    Digits,
    /// Coloured shapes, 64×64, ten classes ([`shapes()`]).
    Shapes,
    /// Filled shapes, one half of an unpaired pair ([`Named::PAIR`]).
    Filled,
    /// Outlined shapes, the other half.
    Outlined,
    /// Three images of a grey set as red, green and blue ([`Stacked`](crate::Stacked)).
    StackedMnist,
}

impl Named {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Digits,
        Self::Shapes,
        Self::Filled,
        Self::Outlined,
        Self::StackedMnist,
    ];

    /// Two domains for systems that learn to translate between them: the same kind of shapes in two styles, drawn
    /// independently.
    pub const PAIR: [Self; 2] = [Self::Filled, Self::Outlined];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Shapes => "shapes",
            Self::Filled => "filled",
            Self::Outlined => "outlined",
            Self::StackedMnist => "stacked-mnist",
        }
    }

    /// What it is, in a line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Digits => "digits drawn here, 28×28 grey, 10 classes",
            Self::Shapes => "shapes drawn here, 64×64 in colour, 10 classes",
            Self::Filled => "shapes drawn here, 64×64, filled: one half of an unpaired pair",
            Self::Outlined => "shapes drawn here, 64×64, outlined: the other half",
            Self::StackedMnist => {
                "three digits of MNIST (or of a labelled set of yours) as red, green and blue, 1,000 classes"
            }
        }
    }

    /// The images of a split as they are drawn from `seed`; `None` of a set that needs another's images.
    pub fn drawn(self, seed: u64, split: Split) -> Option<InMemory> {
        let style = match self {
            Self::Digits => return Some(synthetic(seed, split, split.mnist_len())),
            Self::StackedMnist => return None,
            Self::Shapes => Style::Shaded,
            Self::Filled => Style::Filled,
            Self::Outlined => Style::Outlined,
        };
        let [train, test] = shapes::COUNTS;
        let count = match split {
            Split::Train => train,
            Split::Test => test,
        };
        Some(shapes(style, seed, split, count))
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no data set of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no data set `{0}`; there are: {list}", list = Named::ALL.map(Named::name).join(", "))]
pub struct NoSuchName(String);

impl FromStr for Named {
    type Err = NoSuchName;

    fn from_str(name: &str) -> Result<Self, NoSuchName> {
        let mut all = Self::ALL.into_iter();
        all.find(|named| named.name() == name)
            .ok_or_else(|| NoSuchName(name.to_owned()))
    }
}

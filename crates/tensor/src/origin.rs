//! Why a constant is one, for the error of somebody who asks for a gradient with respect to it.

use crate::stale::Place;
use std::fmt;

/// Where a constant comes from, as far as is known. No gradient depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Origin {
    /// It was made of an array, and no op has made it.
    #[default]
    Given,
    /// It was cut off its graph.
    Cut(Cut),
    /// An op computed it of constants alone.
    Computed {
        /// The op's name.
        by: &'static str,
        /// Where one of those was cut off, if one was.
        of: Option<Cut>,
    },
    /// It is a gradient that was taken without `create_graph`, at this line.
    Gradient(Place),
}

/// A value that was detached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// The op that had made it; `None` of a variable.
    pub(crate) made_by: Option<&'static str>,
    /// The line that says `detach`.
    pub(crate) at: Place,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.made_by {
            Some(op) => write!(f, "what `{op}` made was detached at {}", self.at),
            None => write!(f, "a variable was detached at {}", self.at),
        }
    }
}

impl Origin {
    /// What an op gives for constants of these origins.
    pub(crate) fn computed(by: &'static str, inputs: impl IntoIterator<Item = Self>) -> Self {
        let of = inputs.into_iter().find_map(Self::cut);
        Self::Computed { by, of }
    }

    fn cut(self) -> Option<Cut> {
        match self {
            Self::Cut(cut) => Some(cut),
            Self::Computed { of, .. } => of,
            Self::Given | Self::Gradient(_) => None,
        }
    }

    /// The op that made the values, where it is known.
    pub(crate) fn op(self) -> Option<&'static str> {
        match self {
            Self::Cut(cut) => cut.made_by,
            Self::Computed { by, .. } => Some(by),
            Self::Given | Self::Gradient(_) => None,
        }
    }

    /// Why there is no gradient with respect to it, and what to do.
    pub(crate) fn told(self) -> String {
        const INSTEAD: &str = "Ask for the gradient of the value before `detach`, or make a `Tensor::variable` of the \
                               detached values and compute the loss of that";
        match self {
            Self::Given => "no op made it, and it is no variable: make it by `Tensor::variable` before the loss is \
                            computed of it"
                .to_owned(),
            Self::Cut(cut) => format!("{cut}. {INSTEAD}"),
            Self::Computed { by, of: Some(cut) } => {
                format!("`{by}` made it of constants alone; {cut}. {INSTEAD}")
            }
            Self::Computed { by, of: None } => format!(
                "`{by}` made it of constants alone: make one of its operands a `Tensor::variable`, or it by itself, \
                 before the loss is computed of it"
            ),
            Self::Gradient(at) => format!(
                "it is a gradient that was taken without a graph at {at}: take it with `create_graph` to go on \
                 through it"
            ),
        }
    }
}

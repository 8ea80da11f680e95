//! What an op costs and how it is set, as it tells it.

/// An op on operands of some shapes, as numbers and as a few words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Floating-point operations of the direct algorithm: an addition, a product, a quotient, a comparison and a
    /// function of one number (√, eˣ, an activation) count one each, so a product that is added counts two. Moving
    /// elements costs none. What is added or multiplied in a padding of zeros counts.
    pub flops: u64,
    /// How the op is set, such as `4×4 stride 2 pad 1`; empty where its name says all.
    pub geometry: String,
}

impl Info {
    /// So many operations for each element of `shape`.
    pub fn each(flops: usize, shape: &[usize]) -> Self {
        let elements: usize = shape.iter().product();
        Self::of(flops * elements)
    }

    /// So many operations.
    pub fn of(flops: usize) -> Self {
        Self {
            flops: flops as u64,
            geometry: String::new(),
        }
    }

    /// None: elements are moved, repeated or left out.
    pub fn moves() -> Self {
        Self::default()
    }

    /// The same with words for how the op is set.
    #[must_use]
    pub fn set(self, geometry: impl Into<String>) -> Self {
        let geometry = geometry.into();
        Self { geometry, ..self }
    }
}

/// Sizes with `×` between them: `64×1×28×28`.
pub(crate) fn times(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    sizes.join("×")
}

/// Numbers as a list: `0, 2, 3`.
pub(crate) fn list(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

/// One number for both axes where they agree, else both: `2`, `2×1`.
pub(crate) fn both(pair: [usize; 2]) -> String {
    match pair {
        [a, b] if a == b => a.to_string(),
        pair => times(&pair),
    }
}

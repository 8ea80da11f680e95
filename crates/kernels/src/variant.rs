//! Which of a family's implementations to run.

/// One of the implementations every family has.
///
/// Callers that only want the answer use the family's plain functions, which
/// take [`Variant::Fast`] for `f32` and [`Variant::Reference`] for `f64`. Tests
/// and benches name a variant to compare the two on the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Variant {
    /// The plain loop of `reference.rs`: the golden, for either type.
    Reference,
    /// The yardstick, where a family has one: another project's kernel inside our own
    /// blocks (products: `matrixmultiply`), or the form that covers everything
    /// (convolutions: patches). Elsewhere this is the reference.
    Peer,
    /// The device's best path. For a type it does not cover (`f64` on the CPU)
    /// this is the reference.
    #[default]
    Fast,
}

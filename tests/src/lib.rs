//! What the tests of the whole share: numbers by formula, the golden files made from
//! them by PyTorch, and a recipe run on them.

pub mod golden;
pub mod replay;

//! What the tests of the whole share: numbers by formula, the golden files made from
//! them by PyTorch, a recipe run on them, and the program as its users call it.

pub mod emulated;
pub mod golden;
pub mod parity;
pub mod program;
pub mod replay;
pub mod training;

//! What `cargo bench` measures: the kernels of each family, from the plain loop to the fast
//! path, beside those of other projects.
//!
//! `cases` names a kernel at a shape and runs it, `rungs` says what each implementation
//! changes, `ledger` makes the closing table, `pytorch` is PyTorch's side, and `protocol` how
//! a driver times engines in turn. The program itself is `benches/kernels/`.

pub mod cases;
pub mod ledger;
pub mod operands;
pub mod protocol;
pub mod pytorch;
pub mod rungs;

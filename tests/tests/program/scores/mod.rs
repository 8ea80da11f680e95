//! Scores: against NumPy on the same features, against failures that were planted, and as the program tells them.

mod numpy;
mod planted;
mod program;
mod training;

//! What `11-kernels.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

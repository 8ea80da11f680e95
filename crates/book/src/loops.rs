//! What `07-loops.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

//! What `01-values.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

//! What `09-failure.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

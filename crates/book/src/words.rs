//! What `words.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

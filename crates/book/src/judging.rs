//! What `13-judging.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

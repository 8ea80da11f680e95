//! What `03-grad.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

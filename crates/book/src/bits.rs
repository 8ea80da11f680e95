//! What `12-bits.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

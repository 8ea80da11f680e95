//! What `04-convolutions.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

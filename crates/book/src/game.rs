//! What `06-game.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

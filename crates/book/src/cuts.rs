//! What `08-detach.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

//! What `02-backprop.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

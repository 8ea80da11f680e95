//! What `10-wasserstein.md` computes.

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[];

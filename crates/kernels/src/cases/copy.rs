//! Cases of the family `copy`.

use super::Case;

pub(crate) fn cases() -> Vec<Case> {
    Vec::new()
}

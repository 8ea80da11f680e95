//! Cases of the family `reduce`.

use super::Case;

pub(crate) fn cases() -> Vec<Case> {
    Vec::new()
}

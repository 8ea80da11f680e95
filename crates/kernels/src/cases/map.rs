//! Cases of the family `map`.

use super::Case;

pub(crate) fn cases() -> Vec<Case> {
    Vec::new()
}

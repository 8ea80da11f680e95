//! What a rule of the house finds.

use crate::tree::Tree;
use std::fmt;

/// One place that breaks one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// From 1 on.
    pub(crate) line: usize,
    pub(crate) what: String,
    pub(crate) why: &'static str,
    pub(crate) cure: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            why,
            cure,
        } = self;
        write!(out, "{path}:{line}: {what}: {why}; {cure}")
    }
}

/// A rule: from the tree of files to what breaks it.
pub(crate) type Rule = fn(&Tree) -> Vec<Finding>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_place_what_why_cure() {
        let finding = Finding {
            path: "a.rs".into(),
            line: 3,
            what: "`x`".into(),
            why: "no",
            cure: "y",
        };
        assert_eq!(finding.to_string(), "a.rs:3: `x`: no; y");
    }
}

//! When a run cannot go on: a number is not finite any more.

use anyhow::{Result, ensure};

/// A run whose numbers are not finite any more. It diverges at the same step each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged(String);

impl Diverged {
    pub(crate) fn at(step: u64, what: &str) -> Self {
        Self(format!(
            "training diverged: at step {step} {what}; start a new run with a smaller learning rate (lr=…)"
        ))
    }
}

impl std::fmt::Display for Diverged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Diverged {}

/// Refuses to go on where a number is not finite any more.
///
/// # Errors
/// [`Diverged`], when one is not.
pub(crate) fn check_finite(scalars: &[(&'static str, f64)], step: u64) -> Result<()> {
    let bad = scalars.iter().find(|(_, value)| !value.is_finite());
    let all = || {
        let told = scalars
            .iter()
            .map(|(name, value)| format!("{name} {value}"));
        told.collect::<Vec<_>>().join(", ")
    };
    ensure!(bad.is_none(), Diverged::at(step, &all()));
    Ok(())
}

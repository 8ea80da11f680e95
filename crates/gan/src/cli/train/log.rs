//! `--log-style`: the tutorial's own lines, on stdout.

use super::Args;
use crate::cli::console;
use crate::run::published;
use anyhow::Result;
use detach_recipes::{At, Flow, Metrics, Observer, PublishedLog, RECIPES, RecipeInfo};

/// Whose lines are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Style {
    /// Ours
    #[default]
    Ours,
    /// The tutorial's
    Published,
}

/// Prints a published line for each line of metrics.
pub(super) struct Lines(&'static PublishedLog);

impl Observer for Lines {
    fn metrics(&mut self, at: At<'_>, metrics: &Metrics) -> Result<Flow> {
        if let Some(line) = published::line(self.0, at, metrics) {
            console::result(&format!("{line}\n"))?;
        }
        Ok(Flow::Continue)
    }
}

impl Args {
    /// What prints the lines of the recipe's source, where these are asked for and known.
    pub(super) fn published(&self, recipe: &RecipeInfo) -> Option<Lines> {
        if self.log_style == Style::Ours {
            return None;
        }
        let log = recipe.about.log.as_ref();
        if log.is_none() {
            let known = RECIPES.iter().filter(|one| one.about.log.is_some());
            let known: Vec<&str> = known.map(|one| one.name()).collect();
            self.say(&format!(
                "no log line of `{}`'s source is known, so the lines are ours; there are published ones of {}",
                recipe.name(),
                known.join(", ")
            ));
        }
        log.map(Lines)
    }

    /// Steps between two lines of metrics. The tutorials print one after each step.
    pub(super) fn metrics_every(&self, published: Option<&Lines>) -> u64 {
        let default = if published.is_some() { 1 } else { 10 };
        self.log_every.unwrap_or(default)
    }
}

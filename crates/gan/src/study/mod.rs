//! Studies: runs of one recipe that differ in a few settings, suggested from what earlier ones came to.
//!
//! ```text
//! runs/sweep-1/
//!   study.toml              recipe, parameters, metric, trials: what the study is
//!   trial-007/              a run as `gan train` makes it
//!   trial-007-1000.json     what it came to after 1,000 steps
//! ```
//!
//! There is no state besides these files. Which trial is next, with which values, is a function of `study.toml` and of
//! the results that are there; so a study that was killed goes on to the table that it would have had, and several
//! processes that work in one folder come to it, too.

mod description;
mod folder;
mod param;
mod schedule;
mod suggest;

pub use description::Study;
pub use folder::StudyFolder;
pub use param::{Param, Space};
pub use schedule::{Job, Next, Rank, Results, next, ranking, rungs};
pub use suggest::{Sampler, suggest};

//! Recipes: published GANs as training loops, and the loop around them.
//!
//! - [`recipes`]: one published system a file, with its options, its presets and its `train_step`;
//!   [`RECIPES`] is the registry that everything else follows. [`nets`]: their networks.
//! - [`Recipe`], [`System`], [`Step`], [`Report`], [`Sampler`]: what a recipe is.
//! - [`Figure`]: what a recipe shows of itself besides samples; [`theory`]: the best discriminator.
//! - [`Setup`]: a recipe with its settings, changed by key and checked.
//! - [`Trainer`]: a recipe, its data and its position; steps, and checkpoints of them.
//! - [`Session`] and [`Observer`]: the loop, and all that hears of it. [`detail`]: what it tells of a step from close up.
//!
//! There are no files, clocks, signals or threads in here, so it builds for wasm32, too.

pub mod batch;
pub mod batches;
pub mod checkpoint;
pub mod detail;
mod discriminator;
mod diverged;
pub mod figure;
mod log;
mod nearest;
pub mod nets;
pub mod options;
pub mod penalty;
mod recipe;
pub mod recipes;
mod report;
pub mod sampler;
pub mod samples;
pub mod session;
pub mod settings;
mod setup;
mod step;
mod store;
mod table;
pub mod theory;
pub mod trainer;
pub mod watch;
pub mod whole;

pub use batch::Batch;
pub use batches::Batches;
pub use detail::Detail;
pub use discriminator::Discriminator;
pub use diverged::Diverged;
pub use figure::{Figure, Look};
pub use log::{Field, PublishedLog};
pub use nearest::{meant, nearest};
pub use options::{Options, Targets};
pub use recipe::{About, Line, Recipe, System, Turn, Words};
pub use recipes::{RECIPES, find};
pub use report::Report;
pub use sampler::{Generator, Input, Sampler, Wanted};
pub use samples::{DataKind, ImageSize};
pub use session::{At, Clock, End, Flow, Metrics, Observer, Plan, Scorer, Session};
pub use settings::{Preset, SampleMode, Settings};
pub use setup::{Generates, RecipeInfo, Setup};
pub use step::{Inputs, Step, Streams};
pub use trainer::{Shown, Trainer};
pub use watch::{Closely, Watched};

//! GAN training: recipes, the loop around them, and what they leave behind.
//!
//! - [`recipes`]: one published system a file; [`nets`]: their networks.
//! - [`settings`]: everything that decides a run's numbers.
//! - [`trainer`]: a recipe, its data and its position; steps, and checkpoints of them.
//! - [`run`](mod@run): the run directory. [`train`], [`sample`]: what the commands do.
//! - [`place`]: the device that a command computes on.
//! - [`out`]: what is said, and where.
//! - [`picture`], [`histogram`], [`npy`], [`tensorboard`]: files for others to read.

pub mod atomic;
pub mod cli;
pub mod commands;
mod configure;
pub mod data;
pub mod gallery;
pub mod histogram;
pub mod log;
pub mod nets;
pub mod npy;
pub mod out;
pub mod picture;
pub mod place;
pub mod progress;
pub mod recipes;
pub mod run;
pub mod sample;
pub mod settings;
pub mod tensorboard;
pub mod train;
pub mod trainer;

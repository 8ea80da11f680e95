//! GAN training as a program: the folder that a run leaves behind, its pictures, its files, and the command line
//! on top.
//!
//! - [`run`]: the run folder and its files, each with a version.
//! - [`show`]: pictures, histograms, animations. [`export`]: files for others to read.
//! - [`score`]: how good a run is, in numbers.
//! - [`diagnosis`]: what a run's record says of it, in one sentence.
//! - [`study`]: runs that differ in a few settings.
//! - [`report`]: a run as one page that anybody can open, and several side by side.
//! - [`generator`]: a run's generator, to draw samples from. [`walk`]: ways through its latent space.
//! - [`networks`]: all of a run's networks, to hand on. [`import`]: weights of other programs.
//! - [`cli`]: flags, wording, progress. Nothing else here knows a flag.
//!
//! Training itself is in `detach-recipes`: a [`Session`](detach_recipes::Session) whose observers are here.

pub mod cli;
pub mod describe;
pub mod diagnosis;
pub mod export;
pub mod generator;
pub mod import;
pub mod lesson;
pub mod networks;
pub mod paths;
pub mod report;
pub mod run;
pub mod score;
pub mod show;
pub mod study;
pub mod walk;

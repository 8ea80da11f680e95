//! What is looked at: pictures of samples, histograms, curves, animations.

pub mod axis;
pub mod blocks;
mod canvas;
pub mod curves;
pub mod figure;
pub mod gallery;
pub mod histogram;
pub mod picture;
mod plot;
pub mod rows;
pub mod text;

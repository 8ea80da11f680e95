//! What is looked at: pictures of samples, histograms, animations.

pub mod gallery;
pub mod histogram;
pub mod picture;
pub mod text;

//! What a step shows of itself, for those who learn what a line of it is for.

pub mod explain;
pub mod microscope;
pub mod subject;
pub mod variants;

//! One step as a graph: what each op made of what, what that cost, and how large values and gradients were; whose the
//! weights are; and where a value was detached, with what that spares.
//!
//! The step is the recipe's own, recorded as it is made ([`detach_tensor::trace::record`]), and it leaves the weights that
//! it would have left. What came of it is data ([`StepGraph`]), and is told as text, DOT, SVG and a page.

mod boxes;
mod calls;
mod dot;
mod draw;
mod graph;
mod lanes;
mod page;
mod picture;
mod source;
mod step;
mod svg;
mod text;
mod turn;
mod turns;
mod words;

pub use dot::dot;
pub use graph::{
    Back, Call, Cost, Cut, Edge, Extent, From, Kind, Layer, Node, Place, StepGraph, TurnGraph,
};
pub use page::page;
pub use source::{NoSuchStep, Source};
pub use svg::svg;
pub use text::text;

use detach_recipes::Trainer;

/// How closely a step is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Layer by layer.
    #[default]
    Layers,
    /// Op by op.
    Ops,
}

/// Makes the next step of `trainer`, which is of `name`, and tells it as a graph.
pub fn explain(trainer: &mut Trainer, name: &str) -> StepGraph {
    let made = step::make(trainer);
    StepGraph {
        version: 1,
        name: name.to_owned(),
        step: trainer.steps_done(),
        batch_size: trainer.setup().settings.batch_size,
        seed: trainer.setup().settings.seed,
        turns: turns::of(&made),
    }
}

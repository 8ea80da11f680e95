//! The engine beside PyTorch, ONNX and the formulas of papers.

mod golden_functions;
mod golden_losses;
mod golden_ops;
mod golden_optim;
mod image_layers;
mod layers;
mod onnx_nodes;
mod pick;

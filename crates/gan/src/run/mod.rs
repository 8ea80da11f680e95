//! The run directory and its files, each with a version.
//!
//! ```text
//! runs/dcgan-1/
//!   run.lock                held by the process that trains it
//!   config.toml             recipe, preset, data, settings and options
//!   metrics.jsonl           one line each few steps
//!   detail.jsonl            single steps from close up: layers, answers, samples
//!   scores.jsonl            scores while it is trained, where they were asked for
//!   events.out.tfevents.…   the same for TensorBoard
//!   report.html             a page that tells of it, for any browser
//!   moments/                samples of fixed noise for that page, at steps further and further apart
//!   samples/                pictures; latest.png is the newest
//!   checkpoints/            step-00000938.safetensors: everything to go on from;
//!                           generator.safetensors, discriminator.safetensors: weights alone;
//!                           best.safetensors: the checkpoint that was best in a metric
//! ```

pub mod config;
pub mod cosmetic;
pub mod data;
pub mod detail;
pub mod folder;
pub mod history;
pub mod lock;
mod machine;
pub mod metrics;
pub mod observers;
pub mod published;
pub mod scores;
pub mod tensorboard;

pub use config::Config;
pub use detail::DetailWriter;
pub use folder::Run;
pub use history::History;
pub use lock::Lock;
pub use metrics::MetricsWriter;
pub use scores::Scored;

//! The crate from outside, as its users see it. Needs no network but the loopback device.

mod downloads;
mod fetch;
mod idx;
mod labels;
mod layouts;
mod lookup;
mod server;
mod synth;

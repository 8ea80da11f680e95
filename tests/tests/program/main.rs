//! The `gan` program and what it is made of, as their users meet them. One program for all of these tests: each would link the
//! whole of the library again, and the last test of each would have a machine to itself.

mod classes;
mod cli;
mod colour;
mod data_sets;
mod devices;
mod diagnosis;
mod export;
mod extremes;
mod import;
mod interop;
mod lab;
mod listing;
mod options;
mod plans;
mod report;
mod robust;
mod same_bits;
mod scores;
mod smoke;
mod studies;
mod terminal;
mod traps;
mod walks;
mod web;
mod words;
mod works;

//! A run as one page that anybody can open, `report.html`, and several beside each other: what happened, whether it is
//! good, and how to do it again.
//!
//! The program computes and thins ([`RunData`]), a template sets the texts, the tables and the pictures, and a script of
//! ours draws the charts: a page computes nothing. It is one file that loads nothing, which its content security policy
//! enforces.

mod charts;
mod compare;
mod copies;
mod film;
mod fresh;
mod gather;
mod levels;
mod moments;
mod page;
mod series;
mod settings;
mod sheet;
mod view;
mod words;
mod writer;

pub use compare::{Comparison, comparison};
pub use gather::{Depth, Newest, RunData};
pub use moments::Moments;
pub(crate) use page::as_script;
pub use page::page;
pub use settings::{Setting, beside, different};
pub use writer::{Reports, write, write_comparison};

/// How every page looks, and how that of a run.
const STYLE: [&str; 2] = [
    include_str!("../../templates/base.css"),
    include_str!("../../templates/report.css"),
];

/// Commands that a page names, as whoever runs this program would type them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// What makes the same run again.
    pub again: String,
    /// What goes on with it; empty where that would be nothing.
    pub go_on: String,
    /// What says how good its samples are.
    pub score: String,
    /// What takes scores while it trains.
    pub over_time: String,
    /// What makes this page again.
    pub renew: String,
}

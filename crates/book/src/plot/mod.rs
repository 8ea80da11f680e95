//! Figures as SVG: lines, bars and small heat maps, which take their colours from the page that shows them.
//!
//! ```
//! use detach_book::plot::{Bars, Chart, Heat, Ink, Line};
//!
//! let figure = Chart::new("Two losses of G against D's answer; the second one is steep where D is sure.")
//!     .x("D(G(z))")
//!     .y("loss of G")
//!     .up(-3.0..6.0)
//!     .line(Line::of("log(1 − D)", Ink::G, 0.001..0.999, |d| (1.0 - d).ln()))
//!     .line(Line::of("−log D", Ink::D, 0.001..0.999, |d| -d.ln()))
//!     .level(0.0, "0")
//!     .svg();
//! let steps = Line::new("lr 0.1", Ink::Run(1), vec![[0.0, 1.0], [10.0, 0.5], [20.0, 0.25]]);
//! let logarithmic = Chart::new("A loss that halves every ten steps.").x("step").log_y().line(steps.dots()).svg();
//! let times = Bars::new("The tiled loop takes a tenth of the naive one's time.")
//!     .unit("ms")
//!     .bar("naive", 120.0, "120")
//!     .bar("tiled", 12.0, "12")
//!     .svg();
//! let kernel = Heat::new("Sobel's kernel: rows of opposite signs.")
//!     .row("top", &[1.0, 2.0, 1.0])
//!     .row("middle", &[0.0, 0.0, 0.0])
//!     .row("bottom", &[-1.0, -2.0, -1.0])
//!     .numbers(0)
//!     .svg();
//! for svg in [figure, logarithmic, times, kernel] {
//!     assert!(svg.starts_with("<svg") && !svg.contains("\n\n"));
//! }
//! ```
//!
//! What `new` takes is a sentence that says what is seen: it stands for the figure where it cannot be. Orange ([`Ink::G`]) is
//! what G made, blue ([`Ink::D`]) what D says, ink what is real or neither; [`Ink::Run`] is for comparisons. Lines differ in their dashes
//! too, and their names stand at their ends, so keep names short: beyond some 14 letters they take half of the figure.
//! The figure is a [`Piece`](crate::Piece) of its own; in the page it becomes a picture `figures/NAME.svg`, which is also written.

mod axis;
mod bars;
mod chart;
mod frame;
mod heat;
mod svg;

pub use bars::Bars;
pub use chart::{Chart, Line};
pub use heat::Heat;

/// A colour with a meaning, which the page's theme chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// What is real, or neither G's nor D's.
    Real,
    /// What G made, or is G's.
    G,
    /// What D says, or is D's.
    D,
    /// One of what is compared, from 1 to 4.
    Run(u8),
}

impl Ink {
    /// The colour in SVG.
    fn css(self) -> &'static str {
        match self {
            Self::Real => "var(--ink)",
            Self::G => "var(--g)",
            Self::D => "var(--d)",
            Self::Run(2) => "var(--run-2)",
            Self::Run(3) => "var(--run-3)",
            Self::Run(4) => "var(--run-4)",
            Self::Run(_) => "var(--run-1)",
        }
    }
}

/// `svg` as a file of its own, with the colours of both themes.
pub fn alone(svg: &str) -> String {
    const STYLE: &str = concat!("<style>\n", include_str!("tokens.css"), "</style>");
    let head = svg.find('>').map_or(0, |end| end + 1);
    format!("{}\n{STYLE}{}\n", &svg[..head], &svg[head..])
}

/// The sentence that `svg` begins with.
pub fn sentence(svg: &str) -> Option<&str> {
    let (_, rest) = svg.split_once("aria-label=\"")?;
    Some(rest.split_once('"')?.0)
}

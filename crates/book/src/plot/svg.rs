//! What every figure is made of: texts and lines in a frame.

use std::fmt::Write;

/// Width of every figure in its own pixels: a telephone shows it at eight tenths, so that its letters can be read there.
pub(super) const WIDTH: f64 = 460.0;
/// Height of a letter.
pub(super) const LETTER: f64 = 13.0;

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A figure that is being drawn.
#[derive(Debug)]
pub(super) struct Svg {
    height: f64,
    alt: String,
    body: String,
}

impl Svg {
    pub(super) fn new(alt: &str, height: f64) -> Self {
        Self {
            height,
            alt: escaped(alt),
            body: String::new(),
        }
    }

    /// An element without content.
    pub(super) fn add(&mut self, element: &str) {
        self.body += element;
        self.body.push('\n');
    }

    /// A straight line from one point to another, with these attributes.
    pub(super) fn straight(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], attributes: &str) {
        self.add(&format!(
            r#"<path d="M{x1:.1},{y1:.1}L{x2:.1},{y2:.1}" {attributes}/>"#
        ));
    }

    /// A text whose middle is at a height, with these attributes.
    pub(super) fn text(&mut self, text: &str, [x, y]: [f64; 2], anchor: Anchor, attributes: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let (y, text) = (y + 0.35 * LETTER, escaped(text));
        self.add(&format!(
            r#"<text x="{x:.1}" y="{y:.1}"{anchor} {attributes}>{text}</text>"#
        ));
    }

    /// The whole, in lines none of which is empty.
    pub(super) fn finish(self) -> String {
        let Self { height, alt, body } = self;
        let mut out = String::new();
        let _ = write!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 {WIDTH} {height:.0}" width="520" role="img" aria-label="{alt}" font-family="system-ui,sans-serif" font-size="{LETTER}">"#
        );
        out + "\n" + &body + "</svg>"
    }
}

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The width that a text has at most in the usual fonts.
pub(super) fn width(text: &str) -> f64 {
    let of = |c: char| match c {
        // Chinese signs are squares.
        '\u{2e80}'.. => LETTER,
        'i' | 'j' | 'l' | '.' | ',' | '(' | ')' | ' ' => 0.4 * LETTER,
        'm' | 'w' | 'M' | 'W' | '−' | '×' => 0.95 * LETTER,
        _ => 0.66 * LETTER,
    };
    text.chars().map(of).sum()
}

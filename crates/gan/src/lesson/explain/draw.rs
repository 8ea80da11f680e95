//! Pieces of SVG. What they look like is their classes' affair.

use std::fmt::Write as _;

/// A drawing in the making.
#[derive(Debug, Default)]
pub(super) struct Drawing(String);

/// A text as XML takes it.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

impl Drawing {
    pub(super) fn text(&mut self, class: &str, [x, y]: [f64; 2], text: &str) {
        let text = escaped(text);
        let _ = write!(
            self.0,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        );
    }

    pub(super) fn rect(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        let _ = write!(
            self.0,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="4"/>"#
        );
    }

    pub(super) fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        let _ = write!(
            self.0,
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"/>"#
        );
    }

    /// Lines from point to point.
    pub(super) fn line(&mut self, class: &str, points: &[[f64; 2]]) {
        let path = path(points);
        let _ = write!(self.0, r#"<path class="{class}" d="{path}"/>"#);
    }

    /// The area inside of these points.
    pub(super) fn area(&mut self, class: &str, points: &[[f64; 2]]) {
        let path = path(points);
        let _ = write!(self.0, r#"<path class="{class}" d="{path}Z"/>"#);
    }

    /// What `inside` draws as one group that is told as `title`; `row` is the row of the page's table that it stands for.
    pub(super) fn group(
        &mut self,
        class: &str,
        [title, row]: [&str; 2],
        inside: impl FnOnce(&mut Self),
    ) {
        let title = escaped(title);
        let _ = write!(
            self.0,
            r#"<g class="{class}" data-row="{row}"><title>{title}</title>"#
        );
        inside(self);
        self.0 += "</g>";
    }

    pub(super) fn done(self) -> String {
        self.0
    }
}

fn path(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        let step = if i == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{step}{x:.1} {y:.1}");
    }
    path
}

//! A table of numbers as colours.

use super::svg::{Anchor, LETTER, Svg, WIDTH, width};

/// Height of a row of cells that have numbers in them.
const ROW: f64 = 26.0;
/// How much of a colour a cell has at most: a number must be readable on it.
const MOST: f64 = 0.55;

/// Rows of cells: what is positive is blue, what is negative orange, the stronger the larger. With [`Heat::picture`] an
/// image: 0 is paper, the largest value ink.
#[derive(Clone, Debug)]
pub struct Heat {
    alt: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
    decimals: Option<usize>,
    picture: bool,
}

impl Heat {
    /// No rows yet; `alt` is a sentence that says what is seen.
    pub fn new(alt: &str) -> Self {
        Self {
            alt: alt.to_owned(),
            columns: Vec::new(),
            rows: Vec::new(),
            decimals: None,
            picture: false,
        }
    }

    /// Names above the columns.
    #[must_use]
    pub fn columns(mut self, names: &[&str]) -> Self {
        self.columns = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// One more row, as long as those before it.
    #[must_use]
    pub fn row(mut self, name: &str, values: &[f64]) -> Self {
        self.rows.push((name.to_owned(), values.to_vec()));
        self
    }

    /// The cells' numbers stand in them, with so many decimals: up to some 10 columns have room for that.
    #[must_use]
    pub fn numbers(mut self, decimals: usize) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// An image in grey, of square pixels.
    #[must_use]
    pub fn picture(mut self) -> Self {
        self.picture = true;
        self
    }

    /// The figure.
    pub fn svg(self) -> String {
        let names = self
            .rows
            .iter()
            .map(|(name, _)| width(name))
            .fold(0.0, f64::max);
        let left = if names > 0.0 { names + 8.0 } else { 1.0 };
        let top = if self.columns.is_empty() { 1.0 } else { 24.0 };
        let count = self
            .rows
            .iter()
            .map(|(_, values)| values.len())
            .max()
            .unwrap_or(1)
            .max(1) as f64;
        let side = ((WIDTH - left - 1.0) / count).min(if self.picture { 10.0 } else { 64.0 });
        let row = if self.picture || self.decimals.is_none() {
            side.min(ROW)
        } else {
            ROW
        };
        let mut svg = Svg::new(&self.alt, top + row * self.rows.len() as f64 + 1.0);
        for (i, name) in self.columns.iter().enumerate() {
            let x = left + side * (i as f64 + 0.5);
            svg.text(name, [x, LETTER], Anchor::Middle, r#"fill="var(--ink-3)""#);
        }
        let values = self.rows.iter().flat_map(|(_, values)| values);
        let most = values
            .map(|value| value.abs())
            .filter(|v| v.is_finite())
            .fold(0.0, f64::max);
        for (i, (name, values)) in self.rows.iter().enumerate() {
            let y = top + row * i as f64;
            if !name.is_empty() {
                svg.text(
                    name,
                    [left - 8.0, y + row / 2.0],
                    Anchor::End,
                    r#"fill="var(--ink)""#,
                );
            }
            for (j, value) in values.iter().enumerate() {
                self.cell(
                    [left + side * j as f64, y],
                    [side, row],
                    *value / most.max(f64::MIN_POSITIVE),
                    &mut svg,
                );
                if let Some(decimals) = self.decimals {
                    let text = format!("{value:.decimals$}").replace('-', "−");
                    let at = [left + side * (j as f64 + 0.5), y + row / 2.0];
                    svg.text(&text, at, Anchor::Middle, r#"fill="var(--ink)""#);
                }
            }
        }
        svg.finish()
    }

    fn cell(&self, [x, y]: [f64; 2], [width, height]: [f64; 2], share: f64, svg: &mut Svg) {
        let (fill, opacity, edge) = match self.picture {
            true => ("var(--ink)", share, r#" shape-rendering="crispEdges""#),
            false if share < 0.0 => ("var(--g)", -share * MOST, r#" stroke="var(--hair)""#),
            false => ("var(--d)", share * MOST, r#" stroke="var(--hair)""#),
        };
        // The paper shows through, and a picture of a digit is a quarter as long.
        if self.picture && opacity < 0.005 {
            return;
        }
        svg.add(&format!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}" fill-opacity="{opacity:.2}"{edge}/>"#
        ));
    }
}

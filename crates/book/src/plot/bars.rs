//! Bars that lie beneath each other.

use super::Ink;
use super::svg::{Anchor, LETTER, Svg, WIDTH, width};

const ROW: f64 = 24.0;
const BAR: f64 = 14.0;

/// Bars beneath each other, each with its name before it and its number behind it.
#[derive(Clone, Debug)]
pub struct Bars {
    alt: String,
    unit: String,
    log: bool,
    bars: Vec<Bar>,
}

#[derive(Clone, Debug)]
struct Bar {
    name: String,
    value: f64,
    text: String,
    ink: Ink,
}

impl Bars {
    /// No bars yet; `alt` is a sentence that says what is seen.
    pub fn new(alt: &str) -> Self {
        Self {
            alt: alt.to_owned(),
            unit: String::new(),
            log: false,
            bars: Vec::new(),
        }
    }

    /// What the numbers are of: it stands above the bars.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.unit = unit.to_owned();
        self
    }

    /// Lengths are logarithms: they begin at a power of ten below the shortest.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// One more bar of `value`, which is not negative, with `text` as its number.
    #[must_use]
    pub fn bar(self, name: &str, value: f64, text: &str) -> Self {
        self.inked(name, value, text, Ink::Real)
    }

    /// One more bar, in a colour.
    #[must_use]
    pub fn inked(mut self, name: &str, value: f64, text: &str, ink: Ink) -> Self {
        self.bars.push(Bar {
            name: name.to_owned(),
            value,
            text: text.to_owned(),
            ink,
        });
        self
    }

    /// The figure.
    pub fn svg(self) -> String {
        let top = if self.unit.is_empty() { 4.0 } else { 28.0 };
        let mut svg = Svg::new(&self.alt, top + ROW * self.bars.len() as f64 + 4.0);
        let widest = |text: fn(&Bar) -> &str| {
            self.bars
                .iter()
                .map(|bar| width(text(bar)))
                .fold(0.0, f64::max)
        };
        let left = widest(|bar| &bar.name) + 8.0;
        let right = WIDTH - widest(|bar| &bar.text) - 8.0;
        if !self.unit.is_empty() {
            let unit = if self.log {
                format!("{} (log)", self.unit)
            } else {
                self.unit.clone()
            };
            svg.text(
                &unit,
                [left, LETTER],
                Anchor::Start,
                r#"fill="var(--ink-3)""#,
            );
        }
        let values = || {
            self.bars
                .iter()
                .map(|bar| bar.value)
                .filter(|value| value.is_finite())
        };
        let (most, least) = (
            values().fold(0.0, f64::max),
            values().filter(|v| *v > 0.0).fold(f64::MAX, f64::min),
        );
        let share = |value: f64| match self.log {
            true => {
                let floor = (least.log10() - 0.1).floor();
                ((value.log10() - floor) / (most.log10() - floor)).max(0.0)
            }
            false => value / most,
        };
        for (i, bar) in self.bars.iter().enumerate() {
            let y = top + ROW * (i as f64 + 0.5);
            let length = (share(bar.value) * (right - left)).clamp(1.0, right - left);
            let (at, fill) = (y - BAR / 2.0, bar.ink.css());
            svg.text(
                &bar.name,
                [left - 8.0, y],
                Anchor::End,
                r#"fill="var(--ink)""#,
            );
            svg.add(&format!(r#"<rect x="{left:.1}" y="{at:.1}" width="{length:.1}" height="{BAR}" fill="{fill}" opacity=".8"/>"#));
            svg.text(
                &bar.text,
                [left + length + 6.0, y],
                Anchor::Start,
                r#"fill="var(--ink-2)""#,
            );
        }
        svg.finish()
    }
}

//! A parameter of a study: a setting, and the values that it may have.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// A setting that a study varies. In files it is the text that describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Param {
    text: String,
    /// The setting's key.
    pub key: String,
    /// Where its values come from.
    pub space: Space,
}

/// The values that a parameter may have.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// Numbers of an interval, all equally likely: `0..0.9`.
    Linear(f64, f64),
    /// Numbers of an interval, all orders of magnitude equally likely: `log:1e-5..1e-3`.
    Log(f64, f64),
    /// Whole numbers of an interval, both ends included: `int:1..5`.
    Whole(i64, i64),
    /// One of these texts: `0,0.5,0.9`.
    Choice(Vec<String>),
}

impl Param {
    /// The parameter that `text` describes: `KEY=LO..HI`, `KEY=log:LO..HI`, `KEY=int:LO..HI` or `KEY=A,B,…`.
    ///
    /// # Errors
    /// When it describes none, with what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let parse = || -> Result<Self> {
            let (key, values) = text
                .split_once('=')
                .context("write KEY=LO..HI, KEY=log:LO..HI, KEY=int:LO..HI or KEY=A,B,…")?;
            ensure!(!key.trim().is_empty(), "it has no key");
            Ok(Self {
                text: text.to_owned(),
                key: key.trim().to_owned(),
                space: Space::parse(values.trim())?,
            })
        };
        parse().with_context(|| text.to_owned())
    }

    /// Values at the ends of the space, and all where they are counted: if these can be, so can the others.
    pub fn extremes(&self) -> Vec<String> {
        match &self.space {
            Space::Choice(values) => values.clone(),
            space => {
                let inner = space.inner();
                [inner.0, inner.1].map(|x| space.value(x)).into()
            }
        }
    }
}

impl TryFrom<String> for Param {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|error| format!("{error:#}"))
    }
}

impl From<Param> for String {
    fn from(param: Param) -> Self {
        param.text
    }
}

impl Space {
    fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("log:") {
            let (low, high) = interval(rest)?;
            ensure!(low > 0.0, "a logarithm needs an interval above 0");
            return Ok(Self::Log(low, high));
        }
        if let Some(rest) = text.strip_prefix("int:") {
            let (low, high) = rest.split_once("..").context("write int:LO..HI")?;
            let whole = |text: &str| {
                let context = || format!("`{text}` is no whole number");
                text.trim().parse::<i64>().with_context(context)
            };
            let (low, high) = (whole(low)?, whole(high)?);
            ensure!(
                low < high,
                "{low}..{high} is empty: the smaller end goes first"
            );
            return Ok(Self::Whole(low, high));
        }
        if text.contains("..") {
            let (low, high) = interval(text)?;
            return Ok(Self::Linear(low, high));
        }
        let values = split(text);
        if values.iter().any(String::is_empty) {
            bail!("one of its values is empty");
        }
        Ok(Self::Choice(values))
    }

    /// The interval in which values are searched for: of logarithms, of numbers, of places.
    pub(super) fn inner(&self) -> (f64, f64) {
        match self {
            Self::Linear(low, high) => (*low, *high),
            Self::Log(low, high) => (low.ln(), high.ln()),
            // Each whole number has as much room as the others.
            Self::Whole(low, high) => (*low as f64 - 0.5, *high as f64 + 0.5),
            Self::Choice(values) => (0.0, values.len() as f64),
        }
    }

    /// The text of the value at a place of the interval. Numbers have four digits: more make tables that nobody reads.
    pub(super) fn value(&self, inner: f64) -> String {
        match self {
            Self::Linear(low, high) => rounded(inner.clamp(*low, *high), *low, *high),
            Self::Log(low, high) => rounded(inner.exp().clamp(*low, *high), *low, *high),
            Self::Whole(low, high) => (inner.round() as i64).clamp(*low, *high).to_string(),
            Self::Choice(values) => {
                let place = inner.max(0.0) as usize;
                values[place.min(values.len() - 1)].clone()
            }
        }
    }

    /// The place of a value that [`Self::value`] gave.
    pub(super) fn place(&self, value: &str) -> Option<f64> {
        match self {
            Self::Linear(..) => value.parse().ok(),
            Self::Log(..) => value.parse::<f64>().ok().map(f64::ln),
            Self::Whole(..) => value.parse::<i64>().ok().map(|x| x as f64),
            Self::Choice(values) => {
                let place = values.iter().position(|known| known == value)?;
                Some(place as f64 + 0.5)
            }
        }
    }
}

/// A number of four digits as TOML has it, within its interval.
fn rounded(x: f64, low: f64, high: f64) -> String {
    let near: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    // Rounding may step over an end that has more digits itself.
    let near = near.clamp(low, high);
    match near != 0.0 && !(1e-3..1e6).contains(&near.abs()) {
        true => format!("{near:e}"),
        // TOML's numbers with a point are not those without.
        false => format!("{near:?}"),
    }
}

fn interval(text: &str) -> Result<(f64, f64)> {
    let (low, high) = text.split_once("..").context("write LO..HI")?;
    let number = |text: &str| -> Result<f64> {
        let context = || format!("`{text}` is no number");
        let number: f64 = text.trim().parse().with_context(context)?;
        ensure!(number.is_finite(), "`{text}` is no number");
        Ok(number)
    };
    let (low, high) = (number(low)?, number(high)?);
    ensure!(
        low < high,
        "{low}..{high} is empty: the smaller end goes first"
    );
    Ok((low, high))
}

/// Splits at commas, but not those of a list in brackets.
fn split(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let parts = text.split(|letter: char| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_read() {
        let choice =
            |values: &[&str]| Space::Choice(values.iter().map(|x| (*x).to_owned()).collect());
        for (text, space) in [
            ("lr=log:1e-5..1e-3", Space::Log(1e-5, 1e-3)),
            ("beta1=0..0.9", Space::Linear(0.0, 0.9)),
            ("x=-1..1", Space::Linear(-1.0, 1.0)),
            ("d-steps=int:1..5", Space::Whole(1, 5)),
            ("beta1=0,0.5", choice(&["0", "0.5"])),
            ("g-widths=[128, 256],[64]", choice(&["[128, 256]", "[64]"])),
            ("batch-norm=true", choice(&["true"])),
        ] {
            assert_eq!(Param::parse(text).expect(text).space, space, "{text}");
        }
        for wrong in [
            "lr",
            "=1..2",
            "lr=",
            "lr=1,,2",
            "lr=2..1",
            "lr=1..1",
            "lr=log:0..1",
            "lr=log:1",
            "lr=x..y",
            "n=int:1..2.5",
            "lr=nan..1",
            "lr=0..inf",
            "n=int:5..5",
        ] {
            Param::parse(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn values_are_inside_and_are_found_again() {
        for text in [
            "lr=log:1.23456e-5..9.87654e-4",
            "x=-0.333333..0.777777",
            "n=int:-2..7",
            "c=a,b,c",
            "big=1..1e9",
        ] {
            let space = Param::parse(text).expect(text).space;
            let (low, high) = space.inner();
            for i in 0..=100 {
                let value = space.value(low + (high - low) * f64::from(i) / 100.0);
                let place = space.place(&value).expect(&value);
                assert!(
                    (low - 1e-9..=high + 1e-9).contains(&place),
                    "{text}: {value}"
                );
                assert_eq!(space.value(place), value, "{text}");
            }
        }
        // A setting that is a float is one in TOML, too.
        assert_eq!(Space::Linear(0.0, 2.0).value(1.0), "1.0");
        assert_eq!(
            Space::Log(1e-5, 1.0).value(2.0_f64.powi(-13).ln()),
            "1.221e-4"
        );
    }

    #[test]
    fn extremes_are_the_ends() {
        let of = |text: &str| Param::parse(text).expect(text).extremes();
        assert_eq!(of("n=int:1..5"), ["1", "5"]);
        assert_eq!(of("lr=log:1e-5..1e-3"), ["1e-5", "0.001"]);
        assert_eq!(of("c=x,y,z"), ["x", "y", "z"]);
    }
}

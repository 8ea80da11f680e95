//! Names of the pieces of a state.

use std::fmt;

/// The name of a piece of a [`State`](crate::State): words and numbers with dots between them, as PyTorch has it
/// (`0.weight`).
///
/// It lies on the stack of the visit that makes it and is spelt out only where someone reads it: optimisers visit
/// their network in every step and need no text.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    parent: Option<&'a Name<'a>>,
    part: Part<'a>,
}

/// What stands between two dots.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A word: `weight`.
    Word(&'a str),
    /// The place of a layer among others: `0`.
    Index(usize),
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(word: &'a str) -> Self {
        Self::Word(word)
    }
}

impl From<usize> for Part<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(name: &'a str) -> Self {
        Self {
            parent: None,
            part: Part::Word(name),
        }
    }
}

impl<'a> Name<'a> {
    /// The empty name, that of the whole.
    pub const ROOT: Self = Self {
        parent: None,
        part: Part::Word(""),
    };

    /// `self.part`, or `part` below the root.
    #[must_use]
    pub fn dot(&'a self, part: impl Into<Part<'a>>) -> Self {
        Self {
            parent: (!self.is("")).then_some(self),
            part: part.into(),
        }
    }

    /// Whether it is spelt `text`.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.strip_from(text) == Some("")
    }

    /// `text` without this name at its end.
    fn strip_from<'t>(&self, text: &'t str) -> Option<&'t str> {
        let before = match self.part {
            Part::Word(word) => text.strip_suffix(word)?,
            Part::Index(index) => strip_number(text, index)?,
        };
        match self.parent {
            Some(parent) => parent.strip_from(before.strip_suffix('.')?),
            None => Some(before),
        }
    }
}

/// `text` without the digits of `number` at its end.
fn strip_number(mut text: &str, mut number: usize) -> Option<&str> {
    loop {
        let digit = char::from_digit((number % 10) as u32, 10)?;
        text = text.strip_suffix(digit)?;
        number /= 10;
        if number == 0 {
            return Some(text);
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        match self.part {
            Part::Word(word) => f.write_str(word),
            Part::Index(index) => write!(f, "{index}"),
        }
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_parts_with_dots() {
        let (root, empty, generator) = (Name::ROOT, Name::from(""), Name::from("generator"));
        let net = generator.dot("net");
        let layer = net.dot(107);
        let cases = [
            (root, ""),
            (root.dot(0), "0"),
            (root.dot("weight"), "weight"),
            (layer.dot("weight"), "generator.net.107.weight"),
            (layer.dot("0.bias"), "generator.net.107.0.bias"),
            (empty.dot("step"), "step"),
        ];
        for (name, text) in cases {
            assert_eq!(name.to_string(), text);
            for (_, other) in cases {
                assert_eq!(name.is(other), text == other, "{name} and {other}");
            }
        }
        for other in [
            "generator.net.07",
            "generator.net.7",
            "net.107",
            "xgenerator.net.107",
            "generator_net.107",
        ] {
            assert!(!layer.is(other), "{other}");
        }
    }
}

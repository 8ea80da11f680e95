//! A page's text, and what of it is computed.

use crate::{Lang, pieces, plot};
use anyhow::{Context, Result, bail};

const START: &str = "<!-- computed: ";
const END: &str = "<!-- end -->";

/// A page as it comes out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// Its Markdown.
    pub text: String,
    /// The pictures that it shows: their paths, beginning at the page's folder, and their SVG.
    pub figures: Vec<(String, String)>,
}

/// A piece's place in a page.
struct Place<'a> {
    before: &'a str,
    name: &'a str,
    /// What stands there.
    body: &'a str,
    after: &'a str,
}

/// The first piece of a text; `None` where there is none.
fn first(text: &str) -> Result<Option<Place<'_>>> {
    let Some((before, rest)) = text.split_once(START) else {
        return Ok(None);
    };
    let (name, rest) = rest
        .split_once(" -->")
        .context("a piece's name has no end")?;
    let body = rest
        .split_once(END)
        .filter(|(body, _)| !body.contains(START));
    let (body, after) = body.with_context(|| format!("`{name}` has no `{END}`"))?;
    Ok(Some(Place {
        before,
        name,
        body,
        after,
    }))
}

/// The names of the pieces of a page, in order.
///
/// # Errors
/// When a piece has no end.
pub fn names(text: &str) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(place) = first(rest)? {
        names.push(place.name);
        rest = place.after;
    }
    Ok(names)
}

/// The page with its pieces as they come out now.
///
/// # Errors
/// When a piece has no end, nobody makes one of its name, or one within a line is none.
pub fn computed(text: &str, lang: Lang) -> Result<Computed> {
    let mut page = Computed {
        text: String::new(),
        figures: Vec::new(),
    };
    let mut rest = text;
    while let Some(Place {
        before,
        name,
        body,
        after,
    }) = first(rest)?
    {
        let Some(piece) = pieces().find(|piece| piece.name == name) else {
            bail!("nobody makes a piece `{name}`");
        };
        let made = (piece.make)(lang);
        let made = match plot::sentence(&made) {
            Some(sentence) if made.starts_with("<svg") => {
                let path = format!("figures/{name}.svg");
                page.figures.push((path.clone(), plot::alone(&made)));
                format!("![{sentence}]({path})")
            }
            _ => made.trim().to_owned(),
        };
        let is_within = !body.contains('\n');
        let line = before.rsplit('\n').next().unwrap_or(before);
        if is_within && (made.contains('\n') || line.is_empty()) {
            bail!(
                "`{name}` is more than a part of a line, or begins one: give `{END}` a line of its own"
            );
        }
        let room = if is_within { "" } else { "\n\n" };
        page.text += &format!("{before}{START}{name} -->{room}{made}{room}{END}");
        rest = after;
    }
    page.text += rest;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_a_name_and_an_end() {
        let page = "a <!-- computed: x --> 1 <!-- end -->\n<!-- computed: y -->\n2\n<!-- end -->";
        assert_eq!(names(page).unwrap(), ["x", "y"]);
        for open in [
            "<!-- computed: x",
            "<!-- computed: x --> 1",
            "<!-- computed: x --> <!-- computed: y --> <!-- end -->",
        ] {
            assert!(names(open).is_err(), "{open}");
        }
    }

    #[test]
    fn what_nobody_makes_is_an_error() {
        let page = "<!-- computed: no-such-piece -->\n<!-- end -->";
        let error = computed(page, Lang::En).unwrap_err().to_string();
        assert!(error.contains("no-such-piece"), "{error}");
    }
}

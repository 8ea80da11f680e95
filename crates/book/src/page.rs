//! A page's text, and what of it is computed.

use crate::{Lang, pieces};
use anyhow::{Context, Result, bail};

const START: &str = "<!-- computed: ";
const END: &str = "<!-- end -->";

/// The names of the pieces of a page, in order.
///
/// # Errors
/// When a piece has no end.
pub fn names(text: &str) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(START) {
        let (name, body) = after.split_once(" -->").context("a piece's name has no end")?;
        let end = body.split_once(END);
        let (_, after) = end.with_context(|| format!("`{name}` has no `{END}`"))?;
        names.push(name);
        rest = after;
    }
    Ok(names)
}

/// The page with its pieces as they come out now.
///
/// # Errors
/// When a piece has no end, or nobody makes one of its name.
pub fn computed(text: &str, lang: Lang) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    for name in names(text)? {
        let Some(piece) = pieces().find(|piece| piece.name == name) else {
            bail!("nobody makes a piece `{name}`");
        };
        let open = format!("{START}{name} -->");
        let (before, after) = rest.split_once(&open).context("a piece")?;
        let (_, after) = after.split_once(END).context("a piece")?;
        let made = (piece.make)(lang);
        out += &format!("{before}{open}\n\n{}\n\n{END}", made.trim_end());
        rest = after;
    }
    Ok(out + rest)
}

//! Links of the set pages: each leads somewhere, and nothing is loaded from elsewhere.

use super::files;
use anyhow::{Context, Result, ensure};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

static ELEMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<([a-z]+)([^>]*)>").expect("a valid pattern"));
/// An attribute that is an address.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"[ \n](href|src|srcset|data|poster|action)="([^"]*)""#).expect("a valid pattern")
});
static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"[ \n]id="([^"]+)""#).expect("a valid pattern"));
static IN_CSS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:url\( *|@import +)["']?([^"') ]+)"#).expect("a valid pattern")
});

/// What a page lets itself load: nothing but what lies beside it.
const POLICY: &str = "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'";

/// Checks every page and style below `out`, and answers with the pages.
///
/// # Errors
/// With everything that leads nowhere, or elsewhere.
pub(super) fn check(out: &Path) -> Result<Vec<PathBuf>> {
    let pages = files(out, "html")?;
    let mut texts = BTreeMap::new();
    for page in &pages {
        let text = std::fs::read_to_string(page).with_context(|| page.display().to_string())?;
        texts.insert(page.clone(), text);
    }
    let ids: BTreeMap<&Path, BTreeSet<&str>> = texts
        .iter()
        .map(|(page, text)| (page.as_path(), ids(text)))
        .collect();
    let mut wrong = Vec::new();
    for (page, text) in &texts {
        let name = page.strip_prefix(out).unwrap_or(page).display();
        let found = of_page(page, text, &ids).into_iter();
        wrong.extend(found.map(|what| format!("{name}: {what}")));
    }
    for style in files(out, "css")? {
        let text = std::fs::read_to_string(&style)?;
        for address in IN_CSS.captures_iter(&text).map(|found| found[1].to_owned()) {
            let is_there = address.starts_with("data:")
                || target(&style, &address).is_some_and(|path| path.is_file());
            if !is_there {
                wrong.push(format!(
                    "{}: loads {address}, which does not lie beside it",
                    style.display()
                ));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(pages)
}

/// The places of a page that a link can lead to.
fn ids(text: &str) -> BTreeSet<&str> {
    ID.captures_iter(text)
        .filter_map(|found| found.get(1))
        .map(|id| id.as_str())
        .collect()
}

/// Every address in a page, with the element and the attribute that has it.
fn addresses(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    ELEMENT.captures_iter(text).flat_map(|found| {
        let (_, [element, attributes]) = found.extract();
        ADDRESS.captures_iter(attributes).map(move |found| {
            let (_, [name, address]) = found.extract();
            (element, name, address)
        })
    })
}

/// What is wrong in a page.
fn of_page(page: &Path, text: &str, ids: &BTreeMap<&Path, BTreeSet<&str>>) -> Vec<String> {
    let mut wrong = Vec::new();
    // The list of contents for who runs no script is a frame of a page, which has a policy.
    if !text.contains(POLICY) && !page.ends_with("toc.html") {
        wrong.push("has no policy of what it may load".to_owned());
    }
    if text.contains("class=\"playground\"") {
        wrong.push("has a button that asks another host".to_owned());
    }
    for (element, name, address) in addresses(text) {
        let is_link = element == "a" && name == "href";
        if address.starts_with("data:")
            || (is_link && (address.starts_with("https://") || address.starts_with("http://")))
        {
            continue;
        }
        let (path, anchor) = address.split_once('#').unwrap_or((address, ""));
        let to = if path.is_empty() {
            Some(page.to_owned())
        } else {
            target(page, path)
        };
        let Some(to) = to.filter(|to| to.exists()) else {
            wrong.push(format!(
                "<{element}> leads to {address}, which is not there"
            ));
            continue;
        };
        let has_place = |ids: &BTreeSet<&str>| {
            anchor.is_empty() || ids.contains(anchor) || ids.contains(decoded(anchor).as_str())
        };
        if !ids.get(to.as_path()).is_none_or(has_place) {
            wrong.push(format!(
                "<{element}> leads to {address}: there is no such place in that page"
            ));
        }
    }
    wrong
}

/// The file that an address in a file leads to; `None` when it names a host or another scheme.
fn target(from: &Path, address: &str) -> Option<PathBuf> {
    if address.contains(':') || address.starts_with('/') {
        return None;
    }
    let mut path = from.parent()?.to_owned();
    for part in Path::new(&decoded(address)).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    Some(path)
}

/// An address without its per cent signs; what is not well formed stays.
fn decoded(address: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = address.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = (*first == b'%')
            .then(|| u8::from_str_radix(std::str::from_utf8(after.get(..2)?).ok()?, 16).ok())
            .flatten();
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self'\">";

    /// What is said of a page with this in it, beside `b.html`, which has a place `here`, and a picture.
    fn said(body: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("b.html"), format!("{HEAD}<h2 id=\"here\">")).unwrap();
        std::fs::write(path("p.svg"), "").unwrap();
        std::fs::write(path("a.html"), format!("{HEAD}{body}")).unwrap();
        check(folder.path()).map_or_else(|e| e.to_string(), |_| String::new())
    }

    #[test]
    fn what_is_there_is_fine() {
        for body in [
            "<a href=\"b.html#here\">",
            "<a class=\"x\" href=\"https://arxiv.org/abs/1406.2661\">",
            "<i id=\"x\"><a href=\"#x\">",
            "<img src=\"p.svg\">",
            "<img src=\"p%2Esvg\">",
            "<img src=\"data:image/png;base64,\">",
        ] {
            assert_eq!(said(body), "", "{body}");
        }
    }

    #[test]
    fn what_leads_nowhere_or_elsewhere_is_found() {
        for body in [
            "<a href=\"c.html\">",
            "<a href=\"b.html#there\">",
            "<a href=\"#x\">",
            "<img src=\"q.svg\">",
            "<img alt=\"x\" src=\"https://example.com/p.png\">",
            "<script async src=\"//cdn.example.com/x.js\">",
            "<link rel=\"stylesheet\" href=\"http://example.com/x.css\">",
            "<pre class=\"playground\">",
        ] {
            assert!(!said(body).is_empty(), "{body}");
        }
    }

    #[test]
    fn a_style_loads_what_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let style = folder.path().join("s.css");
        for (text, is_fine) in [
            ("a { background: url('s.css') }", true),
            ("a { background: url(data:image/png;base64,x) }", true),
            ("@import \"https://fonts.example.com/x.css\";", false),
            (
                "@font-face { src: url(//fonts.example.com/x.woff2) }",
                false,
            ),
        ] {
            std::fs::write(&style, text).unwrap();
            assert_eq!(check(folder.path()).is_ok(), is_fine, "{text}");
        }
    }
}

//! Links of a page that lead out of the book, to files of the repository.

use anyhow::{Result, ensure};
use pulldown_cmark::{Event, Options, Parser, Tag};
use std::path::Path;

/// Where a page is.
pub(crate) struct Page<'a> {
    pub(crate) name: &'a str,
    pub(crate) folder: &'a Path,
    pub(crate) root: &'a Path,
}

/// A page's Markdown, in which links out of the book keep leading to the repository's files: mdbook takes each `.md` for a page of its own.
/// The pages lie as deep in the repository as their sources, so the way is the same.
///
/// # Errors
/// When there is no such file.
pub(crate) fn outward(page: &Page<'_>, text: &str) -> Result<String> {
    let mut out = String::new();
    let mut done = 0;
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_MATH);
    for (event, range) in parser.into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. }) = event else {
            continue;
        };
        let path = dest_url.split('#').next().unwrap_or_default();
        if !path.starts_with("../../") {
            continue;
        }
        let file = page.folder.join(path);
        ensure!(
            file.exists(),
            "{} links to {path}, which is not there",
            page.name
        );
        ensure!(
            file.canonicalize()?.starts_with(page.root.canonicalize()?),
            "{} links to {path}, out of the repository",
            page.name
        );
        let Some(stem) = path.strip_suffix(".md") else {
            continue;
        };
        if let Some(at) = text[range.clone()].rfind(&*dest_url) {
            // A text as it is has no places.
            out += &text[done..range.start + at];
            out += &format!("{stem}%2Emd");
            done = range.start + at + dest_url.len();
        }
    }
    Ok(out + &text[done..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join("docs/book/en");
        outward(
            &Page {
                name: "a.md",
                folder: &folder,
                root: &root,
            },
            text,
        )
    }

    #[test]
    fn a_link_to_another_document_is_no_page() {
        let text = set("[a](../../detach.md) [b](01-values.md) [c](../../../README.md#reading-it)")
            .unwrap();
        assert_eq!(
            text,
            "[a](../../detach%2Emd) [b](01-values.md) [c](../../../README%2Emd)"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(set("[a](../../no-such.md)").is_err());
        assert!(set("[a](../../../../../../../etc/hosts)").is_err());
        assert!(set("`[a](../../no-such.md)`").is_ok());
    }
}

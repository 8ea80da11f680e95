//! `docs/book`: what its pages say is what comes out.
//!
//! Snippets of `rust` are tests of `detach-book`'s documentation. Here are the pieces that are computed, the commands and what they
//! print, and that a Chinese page shows the same as its English one.

mod console;
mod fences;

use detach_book::{Lang, page, pieces};
use detach_tests::repository;
use fences::{Fence, fences};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A page of the book, without its contents' list.
struct Page {
    /// `01-values.md`.
    name: String,
    text: String,
}

impl Page {
    fn pieces(&self) -> Vec<&str> {
        page::names(&self.text).unwrap_or_else(|e| panic!("{}: {e:#}", self.name))
    }

    /// Its snippets and commands.
    fn checked(&self) -> Vec<Fence<'_>> {
        let all = fences(&self.text).into_iter();
        all.filter(|fence| ["rust", "console"].contains(&fence.language()))
            .collect()
    }
}

fn folder(lang: Lang) -> PathBuf {
    let (_, folder) = Lang::ALL
        .into_iter()
        .find(|(it, _)| *it == lang)
        .expect("a folder");
    repository().join(folder)
}

/// The files of such an extension in a folder, in order; none where there is no folder.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("a file").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name()
        .and_then(|name| name.to_str())
        .expect("a name")
        .to_owned()
}

fn pages(lang: Lang) -> Vec<Page> {
    let paths = files(&folder(lang), "md").into_iter();
    let pages = paths.filter(|path| !path.ends_with("SUMMARY.md"));
    pages
        .map(|path| Page {
            name: name(&path),
            text: fs::read_to_string(&path).expect("a page"),
        })
        .collect()
}

const CURE: &str = "`cargo xtask book --write` computes it again";

/// What is committed is what comes out, and nothing else lies there.
#[track_caller]
fn are_current(lang: Lang) {
    let folder = folder(lang);
    let mut figures = BTreeSet::new();
    for Page { name, text } in pages(lang) {
        let now = page::computed(&text, lang).unwrap_or_else(|e| panic!("{name}: {e:#}"));
        for (was, is) in text.lines().zip(now.text.lines()) {
            assert_eq!(
                was, is,
                "{lang:?} {name} is as it was before something changed; {CURE}"
            );
        }
        assert_eq!(text, now.text, "{lang:?} {name}; {CURE}");
        for (path, svg) in now.figures {
            let was = fs::read_to_string(folder.join(&path)).unwrap_or_default();
            assert!(
                was == svg,
                "{lang:?} {path} of {name} is another now; {CURE}"
            );
            figures.insert(folder.join(path));
        }
    }
    for path in files(&folder.join("figures"), "svg") {
        assert!(
            figures.contains(&path),
            "no page shows {}; remove it",
            path.display()
        );
    }
}

#[test]
fn english_pages_are_what_is_computed() {
    are_current(Lang::En);
}

#[test]
fn chinese_pages_are_what_is_computed() {
    are_current(Lang::Zh);
}

#[test]
fn every_piece_has_one_name_and_a_page() {
    let names: Vec<&str> = pieces().map(|piece| piece.name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "two pieces have one name");
    let pages = pages(Lang::En);
    let used: BTreeSet<&str> = pages.iter().flat_map(Page::pieces).collect();
    let unused: Vec<_> = unique.difference(&used).collect();
    assert!(unused.is_empty(), "no page shows {unused:?}");
}

#[test]
fn a_page_in_chinese_shows_what_the_english_one_does() {
    let english: BTreeMap<String, Page> = pages(Lang::En)
        .into_iter()
        .map(|page| (page.name.clone(), page))
        .collect();
    for zh in pages(Lang::Zh) {
        let en = english
            .get(&zh.name)
            .unwrap_or_else(|| panic!("{} is no English page", zh.name));
        assert_eq!(zh.pieces(), en.pieces(), "{}: pieces", zh.name);
        let (zh_fences, en_fences) = (zh.checked(), en.checked());
        for (zh_fence, en_fence) in zh_fences.iter().zip(&en_fences) {
            assert_eq!(zh_fence, en_fence, "{}: a snippet", zh.name);
        }
        assert_eq!(zh_fences.len(), en_fences.len(), "{}: snippets", zh.name);
    }
}

/// What has no language is Rust to `cargo test` and nothing to a reader's eye.
#[test]
fn every_block_says_what_it_is() {
    for (lang, _) in Lang::ALL {
        for page in pages(lang) {
            for fence in fences(&page.text) {
                assert!(
                    !fence.language().is_empty(),
                    "{lang:?} {}: a block without language:\n{}",
                    page.name,
                    fence.body
                );
            }
        }
    }
}

/// A page that the crate does not name has snippets that nobody runs.
#[test]
fn every_page_has_its_snippets_run() {
    let path = repository().join("crates/book/src/lib.rs");
    let source = fs::read_to_string(path).expect("the list of pages");
    for page in pages(Lang::En) {
        assert!(
            source.contains(&format!("docs/book/en/{}\"", page.name)),
            "{} is not in crates/book/src/lib.rs",
            page.name
        );
    }
}

/// The contents list every page, under the title that the page has.
#[test]
fn the_contents_are_the_pages() {
    for (lang, _) in Lang::ALL {
        let summary = fs::read_to_string(folder(lang).join("SUMMARY.md")).expect("the contents");
        let entries = summary.lines().filter_map(|line| {
            let (title, path) = line.strip_suffix(')')?.split_once("](")?;
            Some((
                path.to_owned(),
                title.trim_start_matches("- ").strip_prefix('[')?.to_owned(),
            ))
        });
        let title = |page: &Page| {
            page.text
                .lines()
                .find_map(|line| line.strip_prefix("# "))
                .expect("a title")
                .to_owned()
        };
        let pages: BTreeMap<String, String> = pages(lang)
            .iter()
            .map(|page| (page.name.clone(), title(page)))
            .collect();
        assert_eq!(
            entries.collect::<BTreeMap<_, _>>(),
            pages,
            "{lang:?}: the contents (left), and the pages (right)"
        );
    }
}

/// A page's commands run one after the other in one folder, so that one can look at another's run.
#[test]
fn commands_print_what_stands_there() {
    let wrong: Vec<String> = pages(Lang::En).iter().flat_map(console::wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

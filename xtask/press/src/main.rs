//! Sets the book as pages for a browser: `press ROOT OUT [MEASURED]`.
//!
//! ROOT is the repository, and OUT gets a folder for each language. MEASURED is a file of Markdown that stands where a page has
//! `<!-- measured: ladder -->`; without it a sentence stands there that says how to have it.

mod math;
mod text;

use anyhow::{Context, Result, anyhow, ensure};
use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem, SectionNumber};
use mdbook_driver::config::Config;
use std::path::{Path, PathBuf};

/// A language, and what its name is in itself.
struct Lang {
    code: &'static str,
    name: &'static str,
    /// What stands in the place of what is measured.
    unmeasured: &'static str,
}

const LANGS: [Lang; 2] = [
    Lang {
        code: "en",
        name: "English",
        unmeasured: "*`cargo xtask book --measure` puts the times of this machine here.*",
    },
    Lang {
        code: "zh",
        name: "中文",
        unmeasured: "*`cargo xtask book --measure` 会把本机测得的时间放在这里。*",
    },
];

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let mut arg = || args.next();
    let (root, out) = (arg().context("no ROOT")?, arg().context("no OUT")?);
    let measured = arg()
        .map(|path| std::fs::read_to_string(&path).with_context(|| path.display().to_string()));
    let measured = measured.transpose()?;
    LANGS
        .iter()
        .try_for_each(|lang| set(lang, &root, &out, measured.as_deref()))
}

/// Sets the book of a language.
fn set(lang: &Lang, root: &Path, out: &Path, measured: Option<&str>) -> Result<()> {
    let pages = root.join("docs/book");
    let mut config: Config = include_str!("../book.toml")
        .parse()
        .map_err(|e| anyhow!("book.toml: {e}"))?;
    config.book.language = Some(lang.code.to_owned());
    config.book.src = pages.join(lang.code);
    config.build.build_dir = out.join(lang.code);
    // No preprocessor of mdbook's: `index` and `links` would read meanings into a text that GitHub does not.
    config.build.use_default_preprocessors = false;
    let mut book = MDBook::load_with_config(root.join("xtask/press"), config)?;
    let other = LANGS
        .iter()
        .find(|other| other.code != lang.code)
        .context("another language")?;
    let placed = measured.unwrap_or(lang.unmeasured);
    each(&mut book.book, &mut |name, text| {
        let page = text::Page {
            name,
            folder: &pages.join(lang.code),
            root,
        };
        let text = text::outward(&page, text)?;
        let text = text.replace("<!-- measured: ladder -->", placed);
        let text = math::rendered(&text).with_context(|| format!("{}/{name}", lang.code))?;
        let twin = pages.join(other.code).join(name);
        Ok(match twin.is_file() {
            true => format!(
                "<p class=\"lang\" lang=\"{0}\"><a href=\"../{0}/{name}\">{1}</a></p>\n\n{text}",
                other.code, other.name
            ),
            false => text,
        })
    })?;
    book.build()?;
    ensure!(
        out.join(lang.code).join("index.html").is_file(),
        "{}: no index.html was made",
        lang.code
    );
    Ok(())
}

/// Changes the text of every chapter by its file's name. A chapter has the number that its file has, in a language with few of them too.
fn each(book: &mut Book, change: &mut impl FnMut(&str, &str) -> Result<String>) -> Result<()> {
    let mut outcome = Ok(());
    book.for_each_mut(|item| {
        let BookItem::Chapter(chapter) = item else {
            return;
        };
        let path = chapter.source_path.as_ref();
        let name = path.and_then(|path| path.to_str()).unwrap_or_default();
        match change(name, &chapter.content) {
            Ok(text) => chapter.content = text,
            Err(error) => outcome = Err(error),
        }
        let number = name
            .split_once('-')
            .and_then(|(number, _)| number.parse().ok());
        chapter.number = number.map(|number: u32| SectionNumber::new([number]));
    });
    outcome
}

//! What the pages of `docs/book` compute: every table, figure and number of theirs that no command prints.
//!
//! A page is Markdown in `docs/book/en` or `docs/book/zh`. Three things in it are checked:
//!
//! - a block of `rust` is compiled and run as a test of this crate's documentation;
//! - a block of `console` is a command of `gan` and what it prints;
//! - what stands between `<!-- computed: NAME -->` and `<!-- end -->` is the [`Piece`] of that name.
//!
//! `cargo run -p detach-book` writes the pieces into the pages; `tests/tests/book` compares all three. A piece of several lines, or a
//! figure, has lines of its own; where both marks stand in one line the piece is a part of it:
//!
//! ```text
//! <!-- computed: losses -->
//! <!-- end -->
//!
//! The loss is <!-- computed: half --><!-- end --> there.
//! ```
//!
//! [`text`] has numbers and tables, [`plot`] figures.

mod backprop;
mod batchnorm;
mod bits;
mod confusions;
mod convolutions;
mod cuts;
mod engine;
mod failure;
mod game;
mod judging;
mod ladder;
mod loops;
pub mod page;
pub mod plot;
pub mod text;
mod values;
mod wasserstein;
mod words;

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Chinese, simplified.
    Zh,
}

impl Lang {
    /// Those there are, each with the folder of its pages.
    pub const ALL: [(Self, &'static str); 2] =
        [(Self::En, "docs/book/en"), (Self::Zh, "docs/book/zh")];

    /// The text of this language.
    pub fn of<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// A part of a page that is computed: Markdown, or one figure as SVG.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its name in the pages, unique in the book.
    pub name: &'static str,
    /// Computes it.
    pub make: fn(Lang) -> String,
}

/// Every piece of every page, in the order of the chapters.
pub fn pieces() -> impl Iterator<Item = &'static Piece> {
    let chapters: [&[Piece]; 15] = [
        values::PIECES,
        backprop::PIECES,
        engine::PIECES,
        convolutions::PIECES,
        batchnorm::PIECES,
        game::PIECES,
        loops::PIECES,
        cuts::PIECES,
        failure::PIECES,
        wasserstein::PIECES,
        ladder::PIECES,
        bits::PIECES,
        judging::PIECES,
        words::PIECES,
        confusions::PIECES,
    ];
    chapters.into_iter().flatten()
}

/// The pages' snippets as tests.
#[cfg(doctest)]
mod snippets {
    macro_rules! pages {
        ($($name:ident $path:literal)*) => {
            $(#[doc = include_str!($path)] struct $name;)*
        };
    }
    pages! {
        Index "../../../docs/book/en/index.md"
        Values "../../../docs/book/en/01-values.md"
        Backprop "../../../docs/book/en/02-backprop.md"
        Engine "../../../docs/book/en/03-grad.md"
        Convolutions "../../../docs/book/en/04-convolutions.md"
        Batchnorm "../../../docs/book/en/05-batchnorm.md"
        Game "../../../docs/book/en/06-game.md"
        Loops "../../../docs/book/en/07-loops.md"
        Cuts "../../../docs/book/en/08-detach.md"
        Failure "../../../docs/book/en/09-failure.md"
        Wasserstein "../../../docs/book/en/10-wasserstein.md"
        Ladder "../../../docs/book/en/11-kernels.md"
        Bits "../../../docs/book/en/12-bits.md"
        Judging "../../../docs/book/en/13-judging.md"
        Words "../../../docs/book/en/words.md"
        Confusions "../../../docs/book/en/confusions.md"
    }
}

//! The imports and paths that a text names.

use crate::code::is_word;

/// What one module's text says of others.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Names that `use` brings in.
    pub(super) names: Vec<Mention>,
    /// `use …::*`.
    pub(super) globs: Vec<Mention>,
    /// Paths that are written out where they are used.
    pub(super) paths: Vec<Mention>,
    /// What is defined here and may be called as a module or an import is.
    pub(super) defines: Vec<String>,
    /// Macros with `#[macro_export]`.
    pub(super) macros: Vec<String>,
    /// Modules that only tests have.
    pub(super) tests: Vec<String>,
}

/// A path, where it is written.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    /// What it is called from then on.
    pub(super) name: Option<String>,
    /// From 1 on.
    pub(super) line: usize,
}

/// A word, `::`, or a sign of one character.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// What each module in `code` says, by its path within the file; the file's own comes first.
pub(super) fn scan(code: &str) -> Vec<(Vec<String>, Text)> {
    let mut scanner = Scanner {
        tokens: tokens(code),
        at: 0,
        texts: vec![(Vec::new(), Text::default())],
    };
    scanner.module(0);
    scanner.texts
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push(Token {
                text: &rest[..length],
                line: index + 1,
            });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

struct Scanner<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    texts: Vec<(Vec<String>, Text)>,
}

impl<'a> Scanner<'a> {
    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |t| t.text)
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    /// Reads the module `here` up to the bracket that closes it.
    fn module(&mut self, here: usize) {
        let mut depth = 0_usize;
        let mut exported = false;
        while let Some(token) = self.next() {
            let name = self.peek(0).to_owned();
            match token.text {
                "{" => depth += 1,
                "}" if depth == 0 => return,
                "}" => depth -= 1,
                "#" => exported |= self.attribute(here),
                "use" => self.import(here),
                "mod" if self.peek(1) == "{" => {
                    self.at += 2;
                    let path = [&self.texts[here].0[..], &[name]].concat();
                    self.texts.push((path, Text::default()));
                    self.module(self.texts.len() - 1);
                }
                "macro_rules" => {
                    let name = self.peek(1).to_owned();
                    let text = &mut self.texts[here].1;
                    if std::mem::take(&mut exported) {
                        text.macros.push(name.clone());
                    }
                    text.defines.push(name);
                }
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" if depth == 0 => {
                    self.texts[here].1.defines.push(name);
                }
                word if starts_path(word) && self.peek(0) == "::" => {
                    self.path(here, token);
                }
                _ => {}
            }
        }
    }

    /// An attribute, behind its `#`. Passes over what it says is for tests alone, and answers
    /// whether it exports a macro.
    fn attribute(&mut self, here: usize) -> bool {
        if self.peek(0) == "!" || self.peek(0) != "[" {
            return false;
        }
        let words = self.bracketed();
        let has = |word: &str| words.contains(&word);
        if has("cfg") && has("test") && !has("not") {
            self.item(here);
        }
        has("macro_export")
    }

    /// The tokens of a bracket that begins here, brackets and all.
    fn bracketed(&mut self) -> Vec<&'a str> {
        let mut depth = 0_usize;
        let mut inside = Vec::new();
        while let Some(token) = self.next() {
            inside.push(token.text);
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        inside
    }

    /// Passes over an item and its attributes. A module that it is is one for tests.
    fn item(&mut self, here: usize) {
        loop {
            match self.peek(0) {
                "" => return,
                ";" | "," => {
                    self.at += 1;
                    return;
                }
                "{" => {
                    self.bracketed();
                    // A list of imports ends with its semicolon.
                    if self.peek(0) == ";" {
                        self.at += 1;
                    }
                    return;
                }
                "(" | "[" => {
                    self.bracketed();
                }
                "mod" => {
                    let name = self.peek(1).to_owned();
                    self.texts[here].1.tests.push(name);
                    self.at += 2;
                }
                "}" => return,
                _ => self.at += 1,
            }
        }
    }

    /// A declaration, behind its `use`.
    fn import(&mut self, here: usize) {
        let mut found = Vec::new();
        self.branch(&[], &mut found);
        let text = &mut self.texts[here].1;
        for mut mention in found {
            match mention.name.as_deref() {
                Some("*") => {
                    mention.name = None;
                    text.globs.push(mention);
                }
                _ => text.names.push(mention),
            }
        }
    }

    /// One branch of the tree of a `use`, up to what ends it.
    fn branch(&mut self, before: &[String], found: &mut Vec<Mention>) {
        let mut path = before.to_vec();
        let mut name = None;
        let mut line = 0;
        while let Some(token) = self.next() {
            match token.text {
                "," | ";" | "}" => {
                    self.at -= 1;
                    break;
                }
                "{" => {
                    while !matches!(self.peek(0), "}" | ";" | "") {
                        self.branch(&path, found);
                        if self.peek(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => name = self.next().map(|token| token.text.to_owned()),
                "*" => (name, line) = (Some("*".to_owned()), token.line),
                "self" if path.len() > before.len() || !before.is_empty() => line = token.line,
                word if word.starts_with(is_word) => {
                    path.push(word.to_owned());
                    line = token.line;
                }
                _ => {}
            }
        }
        let name = name.or_else(|| path.last().cloned());
        if line > 0 {
            found.push(Mention { path, name, line });
        }
    }

    /// A path that begins with `first`, behind it.
    fn path(&mut self, here: usize, first: Token<'a>) {
        let behind = (self.at >= 2).then(|| self.tokens[self.at - 2].text);
        let mut path = vec![first.text.to_owned()];
        while self.peek(0) == "::" && self.peek(1).starts_with(is_word) {
            path.push(self.peek(1).to_owned());
            self.at += 2;
        }
        if !matches!(behind, Some("::" | ".")) {
            let line = first.line;
            let name = None;
            self.texts[here].1.paths.push(Mention { path, name, line });
        }
    }
}

fn starts_path(word: &str) -> bool {
    word.starts_with(is_word) && !word.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(mentions: &[Mention]) -> Vec<String> {
        let line = |mention: &Mention| {
            let name = mention.name.as_deref().unwrap_or("-");
            format!("{}: {} as {name}", mention.line, mention.path.join("::"))
        };
        mentions.iter().map(line).collect()
    }

    #[test]
    fn a_tree_of_imports_is_taken_apart() {
        let code = "use a::{self, b::{C, D as E,},\n f::*};\npub use crate::g;";
        let text = &scan(code)[0].1;
        let names = [
            "1: a as a",
            "1: a::b::C as C",
            "1: a::b::D as E",
            "3: crate::g as g",
        ];
        assert_eq!(mentions(&text.names), names);
        assert_eq!(mentions(&text.globs), ["2: a::f as -"]);
    }

    #[test]
    fn paths_are_found_where_they_begin() {
        let code = "fn f(x: a::B) { <a::b::C as D>::e::<f::G>(); x.y::<u8>(); 1.0; }";
        let text = &scan(code)[0].1;
        let paths = ["1: a::B as -", "1: a::b::C as -", "1: f::G as -"];
        assert_eq!(mentions(&text.paths), paths);
        assert_eq!(text.defines, ["f"]);
    }

    #[test]
    fn what_is_for_tests_is_passed_over() {
        let code = "#[cfg(test)] mod tests;\n#[cfg(test)]\nuse a::{b, c};\n\
                    #[cfg(all(test, unix))] fn f(x: [u8; 2]) { a::b() }\nuse d;\n\
                    #[cfg(not(test))] use e;";
        let text = &scan(code)[0].1;
        assert_eq!(text.tests, ["tests"]);
        assert_eq!(mentions(&text.names), ["5: d as d", "6: e as e"]);
        assert_eq!(mentions(&text.paths), [""; 0]);
    }
}

//! Rust text without what is not code.

/// `source` with comments and the insides of string and character literals
/// replaced by spaces. Lines stay where they are.
pub(crate) fn blank(source: &str) -> String {
    let mut rest = source;
    let mut code = String::with_capacity(source.len());
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let length = not_code(rest, before).unwrap_or(0);
        let (skipped, after) = rest.split_at(length);
        code.extend(skipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        if length == 0 {
            code.push(next);
            before = next;
            rest = &rest[next.len_utf8()..];
        } else {
            before = ' ';
            rest = after;
        }
    }
    code
}

/// The length of the comment or literal that `rest` begins with. `before` is
/// the character in front of it: `r"` begins a literal, `for"` does not.
fn not_code(rest: &str, before: char) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return Some(1 + quoted(inside, '"'));
    }
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut chars = inside.chars();
        // 'a is a lifetime, 'a' a character.
        let literal = chars.next()? == '\\' || chars.next() == Some('\'');
        return literal.then(|| 1 + quoted(inside, '\''));
    }
    match is_word(before) {
        true => None,
        false => raw_string(rest),
    }
}

/// The length of `inside` up to and with the closing `quote`.
fn quoted(inside: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in inside.char_indices() {
        if !escaped && c == quote {
            return index + 1;
        }
        escaped = !escaped && c == '\\';
    }
    inside.len()
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut index = 0;
    while index < rest.len() {
        let here = &rest.as_bytes()[index..];
        if here.starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            index += 2;
        } else {
            index += 1;
        }
        if depth == 0 {
            return index;
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#` and their `b` and `c` kin.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].bytes().take_while(|&b| b == b'#');
    let hashes = "#".repeat(hashes.count());
    let open = prefix.len() + hashes.len();
    let inside = rest[open..].strip_prefix('"')?;
    let close = format!("\"{hashes}");
    let end = inside
        .find(&close)
        .map_or(inside.len(), |end| end + close.len());
    Some(open + 1 + end)
}

/// Whether `c` can stand inside of a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The places in `line` where `name` stands as a whole word.
pub(crate) fn words<'a>(line: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(name).filter_map(move |(index, _)| {
        let before = line[..index].chars().next_back();
        let after = line[index + name.len()..].chars().next();
        (!before.is_some_and(is_word) && !after.is_some_and(is_word)).then_some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_and_the_rest_goes() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */\n d */ e", "a             \n      e"),
            ("f(\"b \\\" c\", d)", "f(        , d)"),
            ("'a: 'b' '\\'' c", "'a:          c"),
            ("r#\"a \" b\"# c", "           c"),
            ("br\"\\\" c", "      c"),
            ("for\"x\" r#type", "for    r#type"),
            ("é('é') é", "é(   ) é"),
            ("\"no end", "       "),
            ("/* no end", "         "),
        ] {
            assert_eq!(blank(source), code, "{source}");
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = "a\n\"b\n c\"\n/* d\n\n*/ e\n";
        let code = blank(source);
        assert_eq!(code.lines().count(), source.lines().count());
        assert_eq!(code.lines().nth(5).unwrap().trim(), "e");
    }

    #[test]
    fn whole_words_only() {
        let line = "unsafe_code unsafe; not_unsafe (unsafe)";
        assert_eq!(words(line, "unsafe").collect::<Vec<_>>(), [12, 32]);
    }
}

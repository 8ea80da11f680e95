//! Blocks of code in Markdown.

/// A block between fences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fence<'a> {
    /// What stands behind the opening fence.
    pub(crate) info: &'a str,
    /// What stands between the fences.
    pub(crate) body: &'a str,
}

impl Fence<'_> {
    /// The first word behind the fence.
    pub(crate) fn language(&self) -> &str {
        self.info
            .split(|c: char| c == ',' || c.is_whitespace())
            .next()
            .unwrap_or_default()
    }
}

/// All blocks of a text. Fences begin a line, as they do in all pages.
pub(crate) fn fences(text: &str) -> Vec<Fence<'_>> {
    const FENCE: &str = "```";
    let mut fences = Vec::new();
    let mut rest = text;
    loop {
        let start = match rest.starts_with(FENCE) {
            true => 0,
            false => match rest.find("\n```") {
                Some(newline) => newline + 1,
                None => return fences,
            },
        };
        let open = &rest[start + FENCE.len()..];
        let (info, after) = open.split_once('\n').unwrap_or((open, ""));
        let (body, after) = match after.starts_with(FENCE) {
            true => ("", &after[FENCE.len()..]),
            false => after
                .split_once("\n```")
                .unwrap_or_else(|| panic!("a block of `{info}` has no end")),
        };
        fences.push(Fence {
            info: info.trim(),
            body,
        });
        rest = after;
    }
}

#[test]
fn blocks_have_a_language_and_a_body() {
    let found = fences("```rust,ignore\na\n\nb\n```\nx\n```\n```\n");
    assert_eq!(
        found[0],
        Fence {
            info: "rust,ignore",
            body: "a\n\nb"
        }
    );
    assert_eq!(found[1], Fence { info: "", body: "" });
    assert_eq!((found.len(), found[0].language()), (2, "rust"));
}

//! Parts of documents that programs write, between two marks.

/// The line that ends every such part.
const END: &str = "<!-- end -->";

/// The line that begins the part that `command` writes.
pub(crate) fn begin(command: &str) -> String {
    format!("<!-- begin: written by `{command}` -->")
}

/// `old` with `text` as the part that `command` writes, behind everything when it has
/// no such part yet.
pub(crate) fn placed(old: &str, command: &str, text: &str) -> String {
    let begin = begin(command);
    let part = format!("{begin}\n{}\n{END}", text.trim_end());
    let around = old
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match around {
        Some((before, after)) => format!("{before}{part}{after}"),
        None if old.is_empty() => format!("{part}\n"),
        None => format!("{}\n\n{part}\n", old.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let begin = begin("x");
        let old = format!("# Measured\n\n{begin}\nold\n{END}\n\nmore\n");
        let new = format!("# Measured\n\n{begin}\nnew\n{END}\n\nmore\n");
        assert_eq!(placed(&old, "x", "new\n"), new);
        assert_eq!(placed(&new, "x", "new"), new);
        assert_eq!(
            placed("text\n", "x", "new"),
            format!("text\n\n{begin}\nnew\n{END}\n")
        );
    }
}

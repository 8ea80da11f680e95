//! Errors as sentences.

/// An error with its causes. A cause that the text before it has told already is left
/// out: messages of the libraries name theirs.
pub fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = cause.trim_end();
        if !text.contains(cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::other("disk full");
        let write = detach_files::WriteError::new(std::path::Path::new("a.png"), inner);
        let text = describe(&anyhow::Error::new(write).context("cannot draw"));
        assert_eq!(text.matches("disk full").count(), 1, "{text}");
        assert!(
            text.starts_with("cannot draw: could not write a.png"),
            "{text}"
        );
    }
}

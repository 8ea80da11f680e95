//! What every page of this program is: one file, well formed, that loads nothing.

/// What stands between the first `from` and the next `to`.
///
/// # Panics
/// When one of them is not there.
pub fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.find(from).unwrap_or_else(|| panic!("no {from}")) + from.len();
    let length = page[start..].find(to).unwrap_or_else(|| panic!("no {to}"));
    &page[start..start + length]
}

/// That elements are opened and closed, each in its place.
///
/// # Panics
/// When one is not.
pub fn is_well_formed(page: &str) {
    const VOID: [&str; 9] = [
        "meta", "img", "input", "br", "path", "circle", "rect", "!doctype", "link",
    ];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start + 1..];
        let end = tag.find('>').expect("a tag ends");
        let name = tag[..end]
            .split([' ', '\n', '/'])
            .find(|word| !word.is_empty());
        let name = name.expect("a tag has a name");
        rest = &tag[end + 1..];
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed before {:.60}", rest);
        } else if !VOID.contains(&name) {
            open.push(name);
            // What is inside of these is no markup.
            if ["script", "style"].contains(&name) {
                let close = format!("</{name}");
                rest = &rest[rest.find(&close).expect("it is closed")..];
            }
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// That a page is one file that loads nothing.
///
/// # Panics
/// When it is not.
pub fn is_whole(page: &str) {
    is_well_formed(page);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    for word in [
        "http:", "https:", "src=\"/", "src=\"//", "@import", "<link", "<iframe",
    ] {
        assert!(!page.contains(word), "{word} in a page that loads nothing");
    }
    for place in page.split(" src=\"").skip(1) {
        assert!(place.starts_with("data:image/png;base64,"), "{place:.80}");
    }
    for target in page.split(" href=\"#").skip(1) {
        let id = target.split('"').next().unwrap_or_default();
        assert!(
            page.contains(&format!(" id=\"{id}\"")),
            "a link to #{id}, which is not there"
        );
    }
    let policy = between(page, "Content-Security-Policy\" content=\"", "\"");
    assert!(policy.contains("default-src 'none'") && policy.contains("img-src data:"));
    let json = between(
        page,
        "<script type=\"application/json\" id=\"data\">",
        "</script>",
    );
    serde_json::from_str::<serde_json::Value>(json).expect("the data is JSON");
    let code: usize = ["<style>", "<script>"]
        .iter()
        .map(|tag| between(page, tag, "</s").len())
        .sum();
    assert!(code < 60_000, "{code} bytes of code");
}

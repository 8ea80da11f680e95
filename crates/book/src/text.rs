//! Numbers and tables as a page shows them.
//!
//! ```
//! use detach_book::text::{fixed, short, table};
//!
//! assert_eq!(fixed(-0.6931, 3), "−0.693");
//! assert_eq!(short(0.000012345, 3), "1.23e−5");
//! assert_eq!(short(1234.5, 3), "1230");
//! let rows = [vec!["mlp".to_owned(), fixed(0.5, 1)], vec!["dcgan".to_owned(), fixed(-1.25, 2)]];
//! let text = table(&["recipe", "loss of G"], rows);
//! assert_eq!(text, "| recipe | loss of G |\n|---|---:|\n| mlp | 0.5 |\n| dcgan | −1.25 |");
//! ```

/// The lines of a source from the first with `from` to the next with `to`, without that, in a block of `language`.
///
/// # Panics
/// When there are none: the source has changed, and the page must follow.
pub fn excerpt(language: &str, source: &str, from: &str, to: &str) -> String {
    let lines = between(source, from, to);
    let indent = lines[0].len() - lines[0].trim_start().len();
    let lines = lines
        .iter()
        .map(|line| line.get(indent..).unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    format!("```{language}\n{}\n```", text.trim_end())
}

/// Those lines.
///
/// # Panics
/// As [`excerpt`].
pub fn between<'a>(source: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let rest = source.lines().skip_while(|line| !line.contains(from));
    let mut rest = rest.peekable();
    assert!(rest.peek().is_some(), "the source has no line `{from}`");
    let mut is_ended = false;
    let lines = rest.take_while(|line| {
        is_ended = !to.is_empty() && line.contains(to);
        !is_ended
    });
    let lines = lines.collect();
    assert!(
        is_ended || to.is_empty(),
        "the source has no line `{to}` behind `{from}`"
    );
    lines
}

/// A number with so many decimals, and a minus sign that is one.
pub fn fixed(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "−")
}

/// A number with so many digits that count; by a power of ten below a thousandth and from a million on.
pub fn short(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 0);
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    // Rounded first, so that 0.9996 has the exponent of 1.00.
    let exponent = scientific
        .split_once('e')
        .and_then(|(_, e)| e.parse::<i32>().ok());
    match exponent.unwrap_or(0) {
        exponent @ -3..6 => {
            let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
            let rounded: f64 = scientific.parse().unwrap_or(value);
            fixed(rounded, decimals)
        }
        _ => scientific.replace('-', "−"),
    }
}

/// A table: columns of numbers are set to the right.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let is_number = |cell: &str| {
        cell.trim_start_matches(['−', '+', '±'])
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let rule = |column: usize| {
        let numbers = rows
            .iter()
            .all(|row| row.get(column).is_some_and(|cell| is_number(cell)));
        if numbers && !rows.is_empty() {
            "---:"
        } else {
            "---"
        }
    };
    let rules: Vec<&str> = (0..head.len()).map(rule).collect();
    let lines = rows.iter().map(|row| format!("| {} |", row.join(" | ")));
    let top = [
        format!("| {} |", head.join(" | ")),
        format!("|{}|", rules.join("|")),
    ];
    top.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

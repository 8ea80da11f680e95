//! Numbers as people read them on a page.

use crate::show::text::grouped_by;

/// Between thousands: a narrow space that does not break.
const THIN: char = '\u{202f}';

/// 4690 as `4 690`, with a narrow space.
pub(super) fn whole(n: u64) -> String {
    grouped_by(n, THIN)
}

/// A number of three digits, with a minus that is one.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    let text = match size {
        _ if x == 0.0 => "0".to_owned(),
        _ if !(1e-3..1e5).contains(&size) => format!("{x:.1e}"),
        _ if size >= 1e3 => whole(size.round() as u64),
        _ => format!("{size:.*}", decimals(size)),
    };
    let text = text.trim_start_matches('-');
    match x < 0.0 {
        true => format!("−{text}"),
        false => text.to_owned(),
    }
}

/// Decimals by which a number below 1000 has three digits.
fn decimals(size: f64) -> usize {
    match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    }
}

/// 0.034 as `3.4%`.
pub(super) fn share(x: f64) -> String {
    let percent = 100.0 * x;
    let decimals = usize::from(percent < 10.0 && percent != 0.0);
    format!("{percent:.decimals$}%")
}

/// 115 as `1 min 55 s`.
pub(super) fn time(seconds: f64) -> String {
    let all = seconds.round().max(0.0) as u64;
    let (hours, minutes, rest) = (all / 3600, all / 60 % 60, all % 60);
    match (hours, minutes) {
        (0, 0) if seconds < 10.0 => format!("{seconds:.1} s"),
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// How a number went from one value to another: `falls from 2.1 to 0.8`.
pub(super) fn went(from: f64, to: f64) -> String {
    let size = from.abs().max(to.abs());
    match to - from {
        by if by.abs() <= 0.05 * size => format!("stays near {}", number(to)),
        by if by < 0.0 => format!("falls from {} to {}", number(from), number(to)),
        _ => format!("rises from {} to {}", number(from), number(to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let texts = [0.0, 1.386, 51.84, 494.4, 12345.6, -0.25, 2e-7, 0.0341].map(number);
        let expected = [
            "0",
            "1.39",
            "51.8",
            "494",
            "12\u{202f}346",
            "−0.250",
            "2.0e-7",
            "0.034",
        ];
        assert_eq!(texts, expected);
        assert_eq!(
            [0.0, 0.034, 0.981, 1.0].map(share),
            ["0%", "3.4%", "98%", "100%"]
        );
        assert_eq!(
            [0.25, 42.0, 115.0, 7260.0].map(time),
            ["0.2 s", "42 s", "1 min 55 s", "2 h 1 min"]
        );
    }

    #[test]
    fn a_way_is_told_in_a_word() {
        assert_eq!(went(2.0, 1.0), "falls from 2.00 to 1.00");
        assert_eq!(went(1.0, 1.02), "stays near 1.02");
        assert_eq!(went(0.0, 0.0), "stays near 0");
        assert_eq!(went(-1.0, 1.0), "rises from −1.00 to 1.00");
    }
}

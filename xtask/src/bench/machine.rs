//! Where and when: what a figure is worth nothing without.

use std::time::{SystemTime, UNIX_EPOCH};

/// The processor's own name; the architecture where the system does not tell.
pub(super) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    model_name(&info).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn model_name(info: &str) -> Option<String> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Today in UTC, `2026-11-21`.
pub(super) fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let [year, month, day] = date(now.map_or(0, |time| time.as_secs() / 86_400));
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(mut days: u64) -> [u64; 3] {
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    [year, month as u64 + 1, days + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), [1970, 1, 1]);
        assert_eq!(date(59), [1970, 3, 1]);
        assert_eq!(date(11_016), [2000, 2, 29]);
        assert_eq!(date(20_778), [2026, 11, 21]);
        assert_eq!(date(20_818), [2026, 12, 31]);
    }

    #[test]
    fn a_processor_has_a_name() {
        let info = "processor\t: 0\nmodel name\t: AMD  EPYC \nflags : fma\n";
        assert_eq!(model_name(info), Some("AMD EPYC".to_owned()));
        assert_eq!(model_name("Features: asimd"), None);
        assert!(!processor().is_empty());
    }
}

//! How large this processor's caches are.

use std::sync::OnceLock;

/// Bytes of the second cache, which a core has to itself: what the system says of its
/// first processor, or a common size where it says nothing.
///
/// It decides the order in which blocks are computed and never how a sum is cut, so
/// results do not depend on it.
pub(super) fn second() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| size_of_level(2).unwrap_or(512 << 10))
}

/// Linux has a folder for each cache.
fn size_of_level(level: usize) -> Option<usize> {
    (0..8).find_map(|i| {
        let read = |name: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{name}");
            Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
        };
        let holds_data = read("type")? != "Instruction";
        (holds_data && read("level")? == level.to_string())
            .then(|| bytes(&read("size")?))
            .flatten()
    })
}

/// `48K` or `1M` as a number.
fn bytes(size: &str) -> Option<usize> {
    let (digits, unit) = match size.strip_suffix('K') {
        Some(digits) => (digits, 1 << 10),
        None => match size.strip_suffix('M') {
            Some(digits) => (digits, 1 << 20),
            None => (size, 1),
        },
    };
    let bytes = digits.parse::<usize>().ok()?.checked_mul(unit)?;
    (bytes > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_the_rest_is_refused() {
        assert_eq!(bytes("48K"), Some(48 << 10));
        assert_eq!(bytes("1M"), Some(1 << 20));
        assert_eq!(bytes("512"), Some(512));
        assert_eq!(bytes("0K"), None);
        assert_eq!(bytes("large"), None);
        assert!(second() >= 4 << 10);
    }
}

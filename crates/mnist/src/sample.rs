//! Which images come next, and the scale on which networks see them.
//!
//! There is no generator in here: the caller passes a source of uniform 32-bit integers. A trainer
//! that keys that source by (seed, epoch) gets an order that is a pure function of the two, so a run
//! that was interrupted can take up its epoch in the middle.

/// Puts the numbers `0..n` into `order`, in random order: one epoch, every image once.
///
/// Fisher–Yates from the end; draws `n - 1` bounded integers from `ints`, in a fixed order.
///
/// # Panics
/// If `n` does not fit `u32`.
pub fn shuffle(n: usize, order: &mut Vec<u32>, ints: &mut impl FnMut() -> u32) {
    order.clear();
    order.extend(0..index_bound(n));
    for last in (1..n).rev() {
        let chosen = below(last as u32 + 1, ints) as usize;
        order.swap(last, chosen);
    }
}

/// Puts `count` independent draws from `0..n` into `draws`: one batch of a loop that samples with
/// replacement.
///
/// # Panics
/// If `n` is 0 while `count` is not, or `n` does not fit `u32`.
pub fn draw(n: usize, count: usize, draws: &mut Vec<u32>, ints: &mut impl FnMut() -> u32) {
    let bound = index_bound(n);
    draws.clear();
    draws.extend((0..count).map(|_| below(bound, ints)));
}

/// A uniform integer in `0..bound`, exactly uniform where `ints` is.
///
/// The high half of `bits · bound`; the few products that would favour small results are drawn
/// again (Lemire, "Fast random integer generation in an interval", 2019).
///
/// # Panics
/// If `bound` is 0.
pub fn below(bound: u32, ints: &mut impl FnMut() -> u32) -> u32 {
    assert!(bound > 0, "below: no integer lies in 0..0");
    let surplus = bound.wrapping_neg() % bound;
    loop {
        let product = u64::from(ints()) * u64::from(bound);
        if product as u32 >= surplus {
            return (product >> 32) as u32;
        }
    }
}

fn index_bound(n: usize) -> u32 {
    u32::try_from(n)
        .unwrap_or_else(|_| panic!("{n} images are more than an index of 32 bits counts"))
}

/// The value of a pixel as networks see it: `(pixel - 127.5) / 127.5`, in [-1, 1].
pub fn to_unit(pixel: u8) -> f32 {
    (f32::from(pixel) - 127.5) / 127.5
}

/// The pixel nearest to a network's output: the inverse of [`to_unit`], rounded, clamped to 0..=255.
/// NaN becomes 0.
pub fn to_pixel(value: f32) -> u8 {
    (value * 127.5 + 127.5).round() as u8
}

/// Writes [`to_unit`] of every pixel of `images` into `out`, of the same length.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn normalise(images: &[u8], out: &mut [f32]) {
    assert_eq!(
        images.len(),
        out.len(),
        "normalise: {} pixels into {} places",
        images.len(),
        out.len()
    );
    for (value, &pixel) in out.iter_mut().zip(images) {
        *value = to_unit(pixel);
    }
}

/// Writes [`to_pixel`] of every value into `out`, of the same length.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn denormalise(values: &[f32], out: &mut [u8]) {
    assert_eq!(
        values.len(),
        out.len(),
        "denormalise: {} values into {} places",
        values.len(),
        out.len()
    );
    for (pixel, &value) in out.iter_mut().zip(values) {
        *pixel = to_pixel(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(n: usize, ints: &mut impl FnMut() -> u32) -> Vec<u32> {
        let mut order = vec![7; 3];
        shuffle(n, &mut order, ints);
        order
    }

    fn drawn(n: usize, count: usize, ints: &mut impl FnMut() -> u32) -> Vec<u32> {
        let mut draws = vec![7; 3];
        draw(n, count, &mut draws, ints);
        draws
    }

    /// A small counter-based source, as a trainer would pass.
    fn ints(seed: u64) -> impl FnMut() -> u32 {
        let mut counter = seed << 32;
        move || {
            counter += 1;
            // The finaliser of splitmix64.
            let x = (counter ^ (counter >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((x ^ (x >> 31)) >> 32) as u32
        }
    }

    #[test]
    fn an_epoch_is_a_permutation_that_depends_on_the_source_alone() {
        let first = shuffled(1000, &mut ints(1));
        assert_eq!(first, shuffled(1000, &mut ints(1)));
        assert_ne!(first, shuffled(1000, &mut ints(2)));
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<u32>>());
        assert!(shuffled(0, &mut ints(1)).is_empty());
        assert_eq!(shuffled(1, &mut || unreachable!()), [0]);
    }

    #[test]
    fn every_order_of_three_is_equally_likely() {
        let mut source = ints(3);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..60_000 {
            *seen.entry(shuffled(3, &mut source)).or_insert(0u32) += 1;
        }
        assert_eq!(seen.len(), 6);
        // Standard deviation of one count: sqrt(60000 · 1/6 · 5/6) = 91.
        assert!(
            seen.values().all(|&count| count.abs_diff(10_000) < 460),
            "{seen:?}"
        );
    }

    #[test]
    fn draws_that_would_be_biased_are_drawn_again() {
        // With bound 3 one product in 2^32 is surplus: the one of bits = 0.
        let mut bits = [0, u32::MAX].into_iter();
        assert_eq!(below(3, &mut || bits.next().unwrap()), 2);
        assert!(bits.next().is_none());
    }

    #[test]
    fn sampling_with_replacement_repeats_and_reaches_all() {
        let draws = drawn(10, 200, &mut ints(4));
        assert_eq!(draws.len(), 200);
        assert_eq!(
            draws
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            10
        );
        assert!(draws.iter().all(|&i| i < 10));
        assert!(drawn(0, 0, &mut || unreachable!()).is_empty());
    }

    #[test]
    #[should_panic(expected = "no integer lies in 0..0")]
    fn sampling_from_nothing_panics() {
        let _ = drawn(0, 1, &mut || 7);
    }

    #[test]
    fn the_scale_is_exact_at_its_ends_and_every_pixel_comes_back() {
        let pixels: Vec<u8> = (0..=255).collect();
        let mut values = vec![0.0; 256];
        normalise(&pixels, &mut values);
        assert_eq!((values[0], values[255]), (-1.0, 1.0));
        let mut back = vec![0; 256];
        denormalise(&values, &mut back);
        assert_eq!(back, pixels);
    }

    #[test]
    fn values_off_the_scale_are_clamped_and_rounded() {
        let cases = [
            (-7.0, 0),
            (9.0, 255),
            (f32::NEG_INFINITY, 0),
            (f32::INFINITY, 255),
            (f32::NAN, 0),
        ];
        for (value, pixel) in cases {
            assert_eq!(to_pixel(value), pixel, "{value}");
        }
        // 100.4 and 100.6 on the scale of pixels.
        assert_eq!(to_pixel((100.4 - 127.5) / 127.5), 100);
        assert_eq!(to_pixel((100.6 - 127.5) / 127.5), 101);
    }

    #[test]
    #[should_panic(expected = "784 pixels into 10 places")]
    fn unequal_lengths_panic() {
        normalise(&[0; 784], &mut [0.0; 10]);
    }
}

//! How people write the ten digits: pen paths through a few knots, several ways for each digit.
//!
//! Knots lie on a grid of 0..=100 from left to right and from top to bottom, in the order in which
//! the pen passes them. What a hand makes of them (slant, proportions, trembling, width) is in
//! [`super::hand`].

/// A point that the pen passes.
#[derive(Clone, Copy)]
pub(super) struct Knot {
    pub(super) x: i8,
    pub(super) y: i8,
    /// The pen turns here, instead of running through smoothly.
    pub(super) corner: bool,
}

/// One way to write a digit.
pub(super) struct Variant {
    /// How common it is among the ways to write this digit.
    pub(super) share: u32,
    /// Width over height of a typical one.
    pub(super) aspect: f32,
    /// The pen comes down once for each stroke.
    pub(super) strokes: &'static [&'static [Knot]],
}

const fn s(x: i8, y: i8) -> Knot {
    Knot {
        x,
        y,
        corner: false,
    }
}

const fn c(x: i8, y: i8) -> Knot {
    Knot { x, y, corner: true }
}

const fn way(share: u32, aspect: f32, strokes: &'static [&'static [Knot]]) -> Variant {
    Variant {
        share,
        aspect,
        strokes,
    }
}

/// The ways to write each digit.
pub(super) static DIGITS: [&[Variant]; 10] = [
    &ZERO, &ONE, &TWO, &THREE, &FOUR, &FIVE, &SIX, &SEVEN, &EIGHT, &NINE,
];

#[rustfmt::skip]
static ZERO: [Variant; 4] = [
    // Closed, from the top, against the clock.
    way(5, 0.72, &[&[s(60, 2), s(25, 15), s(5, 55), s(25, 94), s(60, 97), s(93, 62), s(90, 25), s(62, 3), s(45, 6)]]),
    // The end curls into the bowl.
    way(3, 0.74, &[&[s(72, 12), s(48, 1), s(15, 28), s(8, 70), s(38, 99), s(78, 85), s(95, 45), s(78, 10), s(50, 16)]]),
    // With the clock, not quite closed.
    way(2, 0.72, &[&[s(40, 4), s(75, 8), s(96, 45), s(80, 88), s(45, 99), s(10, 75), s(8, 35), s(30, 7)]]),
    // A wide ring.
    way(3, 0.98, &[&[s(45, 3), s(15, 18), s(3, 52), s(22, 90), s(58, 98), s(92, 78), s(97, 40), s(75, 8), s(42, 2)]]),
];

#[rustfmt::skip]
static ONE: [Variant; 4] = [
    way(10, 0.12, &[&[s(50, 0), s(51, 50), s(50, 100)]]),
    // Bent.
    way(3, 0.14, &[&[s(60, 0), s(35, 40), s(50, 100)]]),
    // With a flag.
    way(2, 0.34, &[&[s(15, 26), c(62, 0), s(60, 50), s(58, 100)]]),
    // With a flag and a foot.
    way(1, 0.46, &[&[s(18, 24), c(54, 0), s(52, 50), s(51, 100)], &[s(8, 100), s(94, 99)]]),
];

#[rustfmt::skip]
static TWO: [Variant; 5] = [
    // A round head, a turn at the foot.
    way(4, 0.82, &[&[s(8, 24), s(38, 1), s(80, 14), s(76, 42), s(40, 76), c(4, 97), s(50, 94), s(98, 95)]]),
    // A loop at the foot.
    way(4, 0.84, &[&[s(10, 20), s(45, 0), s(82, 20), s(68, 52), s(35, 86), s(10, 97), s(3, 86), s(20, 76), s(50, 88), s(98, 96)]]),
    // A swan: the head starts low.
    way(2, 0.78, &[&[s(14, 34), s(18, 10), s(52, 0), s(84, 22), s(68, 54), s(32, 80), c(5, 98), s(95, 99)]]),
    // Nearly a Z.
    way(2, 0.86, &[&[s(5, 12), s(40, 4), c(82, 10), s(52, 52), c(8, 94), s(50, 92), s(98, 98)]]),
    // Tall, with a short foot.
    way(1, 0.56, &[&[s(8, 20), s(48, 0), s(84, 18), s(72, 46), s(40, 80), c(10, 98), s(90, 90)]]),
];

#[rustfmt::skip]
static THREE: [Variant; 4] = [
    // Two bows that meet in a turn.
    way(5, 0.70, &[&[s(10, 14), s(45, 0), s(82, 18), s(65, 40), c(34, 48), s(75, 55), s(92, 76), s(60, 99), s(6, 90)]]),
    // A flat top.
    way(2, 0.74, &[&[s(10, 5), s(50, 4), c(85, 4), c(42, 41), s(82, 55), s(90, 80), s(50, 100), s(5, 88)]]),
    // A small loop at the waist.
    way(3, 0.72, &[&[s(8, 12), s(52, 0), s(84, 18), s(58, 44), s(34, 51), s(36, 43), s(64, 50), s(90, 74), s(58, 100), s(5, 92)]]),
    // Two bows, hardly meeting.
    way(2, 0.60, &[&[s(14, 8), s(60, 1), s(86, 20), s(66, 42), s(52, 48), s(80, 58), s(92, 78), s(62, 98), s(10, 96)]]),
];

#[rustfmt::skip]
static FOUR: [Variant; 4] = [
    // Open: an angle, then the stem.
    way(5, 0.74, &[&[s(20, 4), s(13, 32), c(5, 58), s(50, 57), s(98, 50)], &[s(82, 2), s(74, 50), s(66, 100)]]),
    // Closed.
    way(2, 0.72, &[&[c(66, 0), s(38, 30), c(3, 64), s(50, 63), s(99, 61)], &[s(67, 0), s(66, 50), s(63, 100)]]),
    // One stroke: a cup, up, and down.
    way(3, 0.70, &[&[s(10, 2), s(6, 38), s(38, 54), s(76, 38), c(90, 4), s(82, 50), s(76, 100)]]),
    // Open, the stem crossing a short bar.
    way(2, 0.62, &[&[s(28, 0), s(14, 30), c(8, 52), s(92, 46)], &[s(74, 8), s(60, 60), s(50, 100)]]),
];

#[rustfmt::skip]
static FIVE: [Variant; 4] = [
    // The body, then the bar.
    way(4, 0.76, &[&[s(24, 4), c(16, 44), s(50, 34), s(88, 58), s(75, 92), s(35, 100), s(3, 90)], &[s(22, 5), s(55, 5), s(98, 0)]]),
    // One stroke from the right.
    way(3, 0.74, &[&[s(95, 1), c(30, 5), c(18, 42), s(55, 37), s(90, 64), s(62, 97), s(5, 94)]]),
    // Nearly an S.
    way(3, 0.72, &[&[s(94, 2), s(42, 5), s(22, 26), s(46, 45), s(80, 64), s(68, 92), s(30, 100), s(2, 90)]]),
    // A long bar leaning over a small bowl.
    way(2, 0.86, &[&[s(99, 0), s(66, 6), c(36, 10), s(26, 44), s(52, 46), s(66, 72), s(44, 98), s(2, 96)]]),
];

#[rustfmt::skip]
static SIX: [Variant; 4] = [
    // A bent stem into a round bowl.
    way(4, 0.68, &[&[s(75, 0), s(35, 24), s(8, 65), s(30, 97), s(75, 95), s(92, 73), s(65, 54), s(28, 64), s(12, 82)]]),
    // A straight stem.
    way(3, 0.58, &[&[s(52, 0), s(24, 38), s(6, 78), s(35, 100), s(82, 90), s(78, 64), s(40, 60), s(8, 84)]]),
    // The bowl ends inside.
    way(2, 0.70, &[&[s(86, 3), s(45, 16), s(10, 58), s(28, 98), s(72, 94), s(76, 68), s(48, 60), s(24, 78)]]),
    // A flat, wide bowl.
    way(2, 0.84, &[&[s(62, 0), s(26, 36), s(6, 74), s(28, 98), s(74, 96), s(96, 76), s(72, 62), s(36, 72), s(18, 92)]]),
];

#[rustfmt::skip]
static SEVEN: [Variant; 5] = [
    way(5, 0.72, &[&[s(3, 10), s(48, 6), c(92, 6), s(64, 50), s(44, 100)]]),
    // With a bar.
    way(2, 0.72, &[&[s(6, 10), s(48, 4), c(92, 5), s(62, 50), s(44, 100)], &[s(28, 53), s(90, 47)]]),
    // With a serif.
    way(2, 0.68, &[&[s(6, 26), c(10, 6), s(50, 7), c(95, 4), s(64, 52), s(52, 100)]]),
    // Wavy head.
    way(3, 0.76, &[&[s(2, 22), s(18, 5), s(55, 13), c(95, 4), s(68, 44), s(46, 100)]]),
    // A round shoulder.
    way(2, 0.62, &[&[s(4, 14), s(44, 4), s(86, 8), s(84, 34), s(64, 66), s(54, 100)]]),
];

#[rustfmt::skip]
static EIGHT: [Variant; 4] = [
    // One stroke from the top right.
    way(5, 0.62, &[&[s(78, 14), s(45, 0), s(15, 18), s(45, 46), s(85, 74), s(50, 100), s(12, 78), s(45, 48), s(82, 22), s(68, 3)]]),
    // Two rings.
    way(2, 0.62, &[&[s(50, 0), s(18, 21), s(48, 46), s(80, 22), s(50, 0)], &[s(48, 46), s(8, 72), s(48, 100), s(92, 74), s(50, 46)]]),
    // Open at the top.
    way(3, 0.70, &[&[s(90, 10), s(50, 1), s(18, 22), s(48, 48), s(80, 76), s(45, 100), s(10, 78), s(45, 50), s(94, 16)]]),
    // From the middle: up round, down round.
    way(2, 0.58, &[&[s(40, 50), s(82, 22), s(52, 0), s(18, 20), s(48, 48), s(86, 76), s(48, 100), s(12, 78), s(52, 46)]]),
];

#[rustfmt::skip]
static NINE: [Variant; 5] = [
    // A bowl, then the stem without lifting.
    way(4, 0.62, &[&[s(80, 12), s(45, 0), s(8, 25), s(35, 50), s(74, 36), c(85, 8), s(80, 55), s(70, 100)]]),
    // A curved tail.
    way(2, 0.66, &[&[s(82, 14), s(48, 0), s(12, 23), s(36, 47), s(76, 34), c(87, 10), s(86, 66), s(56, 99), s(12, 92)]]),
    // A ring and a stem.
    way(2, 0.60, &[&[s(84, 14), s(50, 0), s(10, 23), s(38, 48), s(80, 34), s(86, 12)], &[s(88, 3), s(80, 50), s(60, 100)]]),
    // A narrow bowl on a slash.
    way(2, 0.56, &[&[s(84, 6), s(40, 2), s(8, 30), s(40, 46), c(88, 6), s(66, 56), s(46, 100)]]),
    // Rounded over, as the mirror of a 6.
    way(2, 0.64, &[&[s(84, 24), s(42, 44), s(8, 26), s(38, 1), s(78, 10), s(86, 42), s(72, 76), s(48, 100)]]),
];

//! One person's way to write: displaces the knots of a [`Variant`] and joins them by a smooth curve.

use super::dice::Dice;
use super::shapes::{Knot, Variant};

/// A point of the pen's path.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
    /// The pen sets down here, instead of coming from the point before.
    pub(super) down: bool,
}

/// Curve pieces between two knots. Digits are 20 pixels high and have eight knots or more where
/// they are round: a piece is about a pixel and a half long.
const PIECES: usize = 5;

/// One of the ways to write a digit, each as often as its share says.
pub(super) fn choose<'a>(variants: &'a [Variant], dice: &mut Dice) -> &'a Variant {
    let mut ticket = dice.below(variants.iter().map(|variant| variant.share).sum());
    for variant in variants {
        match ticket.checked_sub(variant.share) {
            Some(rest) => ticket = rest,
            None => return variant,
        }
    }
    unreachable!("a ticket is below the sum of all shares")
}

/// The path that a random hand makes of `variant`, as points joined by straight pieces. Its height
/// is about 1 and its place about the origin: [`super::pen`] fits it into the image.
pub(super) fn write(variant: &Variant, dice: &mut Dice) -> Vec<Point> {
    let hand = Hand::random(variant.aspect, dice);
    let mut path = Vec::with_capacity(64);
    let mut knots = Vec::with_capacity(16);
    for stroke in variant.strokes {
        knots.clear();
        knots.extend(
            stroke
                .iter()
                .map(|knot| (hand.place(knot, dice), knot.corner)),
        );
        join(&knots, &mut path);
    }
    path
}

/// How a person bends every shape.
struct Hand {
    tremble: f32,
    aspect: f32,
    /// x += bow·(1/4 - y²): stems bend to one side.
    bow: f32,
    /// x += twist·y·(1/4 - y²): stems bend both ways, as an S does.
    twist: f32,
    /// x *= 1 + flare·y: narrow at the top and wide at the foot, or the reverse.
    flare: f32,
    /// y += weight·(1/4 - y²): a small head on a large body, or the reverse.
    weight: f32,
    /// y += lean·x: the line of writing climbs or falls.
    lean: f32,
    /// x -= slant·y: the stems lean to the right or to the left.
    slant: f32,
    cos: f32,
    sin: f32,
}

impl Hand {
    fn random(aspect: f32, dice: &mut Dice) -> Self {
        // The tangent of half the angle gives sine and cosine without a series.
        let half = 0.05 * dice.bell();
        let scale = 1.0 / (1.0 + half * half);
        Self {
            tremble: dice.between(0.010, 0.044),
            aspect: aspect * (1.0 + 0.18 * dice.bell()).max(0.5),
            bow: 0.11 * dice.bell(),
            twist: 0.35 * dice.bell(),
            flare: 0.28 * dice.bell(),
            weight: 0.26 * dice.bell(),
            lean: 0.10 * dice.bell(),
            slant: 0.20 + 0.21 * dice.bell(),
            cos: (1.0 - half * half) * scale,
            sin: 2.0 * half * scale,
        }
    }

    /// Where this hand puts a knot, in units of the digit's height, about the origin.
    fn place(&self, knot: &Knot, dice: &mut Dice) -> (f32, f32) {
        let x = f32::from(knot.x) / 100.0 - 0.5 + self.tremble * dice.bell();
        let y = f32::from(knot.y) / 100.0 - 0.5 + self.tremble * dice.bell();

        let arch = 0.25 - y * y;
        let wide = x * (1.0 + self.flare * y) * self.aspect + (self.bow + self.twist * y) * arch;
        let high = y + self.weight * arch + self.lean * x;

        let slanted = wide - self.slant * high;
        (
            slanted * self.cos - high * self.sin,
            slanted * self.sin + high * self.cos,
        )
    }
}

/// Joins knots by cubic pieces (Catmull–Rom: the tangent at a knot is half the step between its
/// neighbours). At corners and ends each side has its own tangent, the one that leaves no bend there.
fn join(knots: &[((f32, f32), bool)], path: &mut Vec<Point>) {
    let last = knots.len() - 1;
    let smooth = |i: usize| i > 0 && i < last && !knots[i].1;
    let half_step = |i: usize| {
        let ((x0, y0), (x1, y1)) = (knots[i - 1].0, knots[i + 1].0);
        ((x1 - x0) / 2.0, (y1 - y0) / 2.0)
    };

    let ((x, y), _) = knots[0];
    path.push(Point { x, y, down: true });
    for i in 0..last {
        let ((x0, y0), (x1, y1)) = (knots[i].0, knots[i + 1].0);
        let step = (x1 - x0, y1 - y0);
        let free = |other: (f32, f32)| (1.5 * step.0 - 0.5 * other.0, 1.5 * step.1 - 0.5 * other.1);
        let (from, to) = match (smooth(i), smooth(i + 1)) {
            (true, true) => (half_step(i), half_step(i + 1)),
            (true, false) => (half_step(i), free(half_step(i))),
            (false, true) => (free(half_step(i + 1)), half_step(i + 1)),
            (false, false) => (step, step),
        };
        for piece in 1..=PIECES {
            let t = piece as f32 / PIECES as f32;
            let (t2, t3) = (t * t, t * t * t);
            let (a, b) = (t3 - 2.0 * t2 + t, t3 - t2);
            let c = 3.0 * t2 - 2.0 * t3;
            path.push(Point {
                x: x0 + c * step.0 + a * from.0 + b * to.0,
                y: y0 + c * step.1 + a * from.1 + b * to.1,
                down: false,
            });
        }
    }
}

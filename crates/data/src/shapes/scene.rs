//! What is in an image, and the image of it.

use super::colour::Colour;
use super::{SHAPES, SIDE, Style, outline};
use detach_mnist::Dice;

/// Pixels of a block's side.
const BLOCK: usize = 8;

/// A block whose middle is farther than this from the outline has no pixel that an edge or a contour touches: a pixel's
/// middle is 5 from the block's, 6 by a stretch of 1.18, and half a contour and half a pixel are 2.5.
const FAR: f32 = 9.0;

/// One shape on its ground.
pub(super) struct Scene {
    pub(super) class: usize,
    /// The middle of the shape and its radius, in pixels.
    middle: [f32; 2],
    radius: f32,
    /// Cosine and sine of its turn.
    turn: [f32; 2],
    /// Width over height, beside what the class has.
    stretch: f32,
    breadth: f32,
    /// The ground's colour at two opposite sides.
    ground: [Colour; 2],
    /// Where these sides are, as a vector of length 1.
    slope: [f32; 2],
    /// The shape's colour at two opposite ends, if it is filled.
    fill: Option<[Colour; 2]>,
    /// The contour's colour and half its width in pixels, if there is one.
    contour: Option<(Colour, f32)>,
}

impl Scene {
    pub(super) fn random(style: Style, dice: &mut Dice) -> Self {
        let class = dice.below(SHAPES.len() as u32) as usize;
        let radius = dice.between(10.0, 23.0);
        let mut place = || dice.between(radius, SIDE as f32 - radius);
        let middle = [place(), place()];
        let (turn, slope) = (direction(dice), direction(dice));
        let stretch = dice.between(0.85, 1.18);
        let breadth = dice.between(0.0, 1.0);

        // A light shape on a dark ground or the reverse: it shows, whatever the hues are.
        let is_light = dice.below(2) == 0;
        let luma = |dice: &mut Dice, light: bool| match light {
            true => dice.between(0.55, 0.95),
            false => dice.between(0.03, 0.35),
        };
        let hue = dice.between(0.0, 6.0);
        let ground = [-0.4, 0.4].map(|turn| {
            let luma = luma(dice, !is_light);
            Colour::new(around(hue + turn), luma, dice.between(0.2, 0.9))
        });
        let hue = dice.between(0.0, 6.0);
        let vivid = dice.between(0.6, 1.0);
        let first = luma(dice, is_light);
        let other = first + (luma(dice, is_light) - first) * 0.6;
        let colours = [first, other].map(|luma| Colour::new(hue, luma, vivid));
        let edge = Colour::new(
            dice.between(0.0, 6.0),
            dice.between(0.0, 1.0),
            dice.between(0.3, 1.0),
        );
        let (has_edge, width) = (dice.below(5) < 2, dice.between(0.8, 2.0));
        let (fill, contour) = match style {
            Style::Shaded => (Some(colours), has_edge.then_some((edge, width))),
            Style::Filled => (Some([colours[0]; 2]), None),
            Style::Outlined => (None, Some((colours[0], width))),
        };
        Self {
            class,
            middle,
            radius,
            turn,
            stretch,
            breadth,
            ground,
            slope,
            fill,
            contour,
        }
    }

    /// Writes the image, `[3, 64, 64]`.
    pub(super) fn paint(&self, image: &mut [u8]) {
        // Most blocks of pixels have no edge, and one distance says so for all of one.
        for block in 0..(SIDE / BLOCK).pow(2) {
            let corner = [block % (SIDE / BLOCK), block / (SIDE / BLOCK)].map(|n| n * BLOCK);
            let middle = corner.map(|place| (place + BLOCK / 2) as f32);
            let distance = self.distance(self.within(middle));
            let same = (distance.abs() > FAR).then_some(distance);
            for at in 0..BLOCK * BLOCK {
                let (column, row) = (corner[0] + at % BLOCK, corner[1] + at / BLOCK);
                // Pixels are squares, and are looked at in their middle.
                let place = [column, row].map(|place| place as f32 + 0.5);
                let colour = self.colour(place, same).bytes();
                for (channel, byte) in colour.into_iter().enumerate() {
                    image[(channel * SIDE + row) * SIDE + column] = byte;
                }
            }
        }
    }

    /// A place in the image as one of the class's own shape, which has a radius of 1.
    fn within(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - self.middle[0], y - self.middle[1]);
        let [cos, sin] = self.turn;
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        [
            u / (self.radius * self.stretch),
            v * self.stretch / self.radius,
        ]
    }

    /// The distance from the outline in pixels, but for the stretch.
    fn distance(&self, p: [f32; 2]) -> f32 {
        outline::distance(self.class, p, self.breadth) * self.radius
    }

    /// The colour of a place that is so far from the outline, where that is known already.
    fn colour(&self, [x, y]: [f32; 2], distance: Option<f32>) -> Colour {
        let half = SIDE as f32 / 2.0;
        let along = (x - half) * self.slope[0] + (y - half) * self.slope[1];
        let share = (0.5 + along / SIDE as f32).clamp(0.0, 1.0);
        let mut colour = self.ground[0].mixed(self.ground[1], share);
        if distance.is_some_and(|distance| distance > 0.0) {
            return colour;
        }
        let p = self.within([x, y]);
        let distance = distance.unwrap_or_else(|| self.distance(p));
        // The share of a pixel that an edge leaves covered.
        let covered = |depth: f32| (0.5 + depth).clamp(0.0, 1.0);
        if let Some([near, far]) = self.fill {
            let shade = (0.5 + 0.5 * p[1]).clamp(0.0, 1.0);
            colour = colour.mixed(near.mixed(far, shade), covered(-distance));
        }
        if let Some((edge, half)) = self.contour {
            colour = colour.mixed(edge, covered(half - distance.abs()));
        }
        colour
    }
}

/// A point of the unit circle, all equally likely.
fn direction(dice: &mut Dice) -> [f32; 2] {
    loop {
        let (x, y) = (dice.between(-1.0, 1.0), dice.between(-1.0, 1.0));
        let squared = x * x + y * y;
        if (0.01..=1.0).contains(&squared) {
            let length = squared.sqrt();
            return [x / length, y / length];
        }
    }
}

/// A hue on the wheel of 0 to 6.
fn around(hue: f32) -> f32 {
    match hue {
        _ if hue < 0.0 => hue + 6.0,
        _ if hue >= 6.0 => hue - 6.0,
        _ => hue,
    }
}

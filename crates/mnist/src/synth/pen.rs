//! Draws a pen's path with soft edges, sized and centred as MNIST's images are.

use super::dice::Dice;
use super::hand::Point;
use crate::split::{PIXELS, SIDE};

/// Ink fits into a box of this many pixels, its longer side filling it.
const BOX: f32 = 20.0;

/// A stroke of the pen between two points: positions in pixels, radius in pixels at both ends.
struct Piece {
    x: f32,
    y: f32,
    dx: f32,
    dy: f32,
    radius: [f32; 2],
}

/// What this pen is like.
struct Pen {
    /// Half the width of a typical stroke, in pixels.
    radius: f32,
    /// How much wider it is along its own direction, as a broad nib is.
    nib: f32,
    nib_x: f32,
    nib_y: f32,
    /// Relative change of width along a stroke: pressing harder, or lifting off.
    press: f32,
    /// Width of the edge from full ink to none, in pixels.
    edge: f32,
}

impl Pen {
    fn random(dice: &mut Dice) -> Self {
        let (nib_x, nib_y) = (dice.between(-1.0, 1.0), dice.between(-1.0, 1.0));
        let length = (nib_x * nib_x + nib_y * nib_y).sqrt().max(1e-3);
        Self {
            radius: (1.26 + 0.35 * dice.bell()).clamp(0.6, 2.1),
            nib: dice.between(0.0, 0.30),
            nib_x: nib_x / length,
            nib_y: nib_y / length,
            press: 0.14 * dice.bell(),
            edge: dice.between(0.9, 1.5),
        }
    }
}

/// The image `[28, 28]` of a path in any scale and place.
pub(super) fn render(path: &[Point], dice: &mut Dice) -> [u8; PIXELS] {
    let pen = Pen::random(dice);
    let pieces = fit(path, &pen, dice);
    let mut ink = [0.0f32; PIXELS];
    for piece in &pieces {
        stroke(piece, pen.edge, &mut ink);
    }
    centre(&mut ink);
    // Paper and scanner: edges are grainy, full ink and bare paper are not.
    ink.map(|value| {
        if value == 0.0 {
            return 0;
        }
        let grain = 0.45 * value * (1.0 - value) * dice.between(-1.0, 1.0);
        ((value + grain) * 255.0) as u8
    })
}

/// Scales the path into the box, gives it its width and moves it near the middle, anywhere within a
/// pixel: no two digits meet the grid of pixels in the same way.
fn fit(path: &[Point], pen: &Pen, dice: &mut Dice) -> Vec<Piece> {
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for point in path {
        low = [low[0].min(point.x), low[1].min(point.y)];
        high = [high[0].max(point.x), high[1].max(point.y)];
    }
    let longer = (high[0] - low[0]).max(high[1] - low[1]).max(1e-3);
    let scale = (BOX - 2.0 * pen.radius) / longer;

    let mut pieces = Vec::with_capacity(path.len());
    let mut mass = [0.0f32; 3];
    for (i, pair) in path
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| !pair[1].down)
    {
        let (from, to) = (pair[0], pair[1]);
        let (dx, dy) = ((to.x - from.x) * scale, (to.y - from.y) * scale);
        let length = (dx * dx + dy * dy).sqrt().max(1e-6);
        let along = (dx * pen.nib_x + dy * pen.nib_y) / length;
        let progress = i as f32 / path.len() as f32 - 0.5;
        let radius = pen.radius
            * (1.0 + pen.nib * (0.5 - along * along))
            * (1.0 + 2.0 * pen.press * progress);
        let piece = Piece {
            x: from.x * scale,
            y: from.y * scale,
            dx,
            dy,
            radius: [radius; 2],
        };
        let weight = length * radius;
        mass[0] += weight;
        mass[1] += weight * (piece.x + dx / 2.0);
        mass[2] += weight * (piece.y + dy / 2.0);
        pieces.push(piece);
    }
    smooth_width(&mut pieces);

    let middle = (SIDE as f32 - 1.0) / 2.0;
    let shift_x = middle - mass[1] / mass[0] + dice.between(-0.5, 0.5);
    let shift_y = middle - mass[2] / mass[0] + dice.between(-0.5, 0.5);
    for piece in &mut pieces {
        piece.x += shift_x;
        piece.y += shift_y;
    }
    pieces
}

/// Moves the image by whole pixels, as MNIST's were moved, until its centre of mass is within half a
/// pixel of the middle. The path's own centre is near, but counts ink twice where strokes cross.
fn centre(ink: &mut [f32; PIXELS]) {
    let mut mass = [0.0f32; 3];
    for (at, &value) in ink.iter().enumerate().filter(|&(_, &value)| value > 0.0) {
        mass[0] += value;
        mass[1] += value * (at % SIDE) as f32;
        mass[2] += value * (at / SIDE) as f32;
    }
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let [right, down] = [1, 2].map(|axis| (middle - mass[axis] / mass[0]).round() as isize);
    if (right, down) == (0, 0) {
        return;
    }
    let old = *ink;
    let inside = 0..SIDE as isize;
    for (at, value) in ink.iter_mut().enumerate() {
        let (column, row) = ((at % SIDE) as isize - right, (at / SIDE) as isize - down);
        let kept = inside.contains(&column) && inside.contains(&row);
        *value = if kept {
            old[row as usize * SIDE + column as usize]
        } else {
            0.0
        };
    }
}

/// Neighbouring pieces share the radius where they meet.
fn smooth_width(pieces: &mut [Piece]) {
    for i in 1..pieces.len() {
        let joint = (pieces[i - 1].radius[1] + pieces[i].radius[0]) / 2.0;
        pieces[i - 1].radius[1] = joint;
        pieces[i].radius[0] = joint;
    }
}

/// Raises the pixels about `piece` to its ink: full inside the radius, none beyond it, and a smooth
/// step of width `edge` between. Only the piece's bounding box is visited.
fn stroke(piece: &Piece, edge: f32, ink: &mut [f32; PIXELS]) {
    let reach = piece.radius[0].max(piece.radius[1]) + edge / 2.0;
    let span = |start: f32, delta: f32| {
        let low = (start + delta.min(0.0) - reach).ceil().max(0.0) as usize;
        let high = (start + delta.max(0.0) + reach + 1.0)
            .floor()
            .clamp(0.0, SIDE as f32) as usize;
        low..high
    };
    let inverse = 1.0 / (piece.dx * piece.dx + piece.dy * piece.dy).max(1e-12);
    for row in span(piece.y, piece.dy) {
        let y = row as f32 - piece.y;
        for column in span(piece.x, piece.dx) {
            let x = column as f32 - piece.x;
            let t = ((x * piece.dx + y * piece.dy) * inverse).clamp(0.0, 1.0);
            let (rx, ry) = (x - t * piece.dx, y - t * piece.dy);
            let squared = rx * rx + ry * ry;
            if squared >= reach * reach {
                continue;
            }
            let radius = piece.radius[0] + t * (piece.radius[1] - piece.radius[0]);
            let depth = ((radius - squared.sqrt()) / edge + 0.5).clamp(0.0, 1.0);
            let value = depth * depth * (3.0 - 2.0 * depth);
            let pixel = &mut ink[row * SIDE + column];
            *pixel = pixel.max(value);
        }
    }
}

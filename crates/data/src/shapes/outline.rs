//! The ten shapes as signed distances: how far a point is from the outline, negative within.
//!
//! Shapes lie about the origin in a circle of radius 1.1; x is to the right and y is down.

type Point = [f32; 2];

#[rustfmt::skip]
static TRIANGLE: [Point; 3] = [[0.0, -1.1], [0.9526, 0.55], [-0.9526, 0.55]];

#[rustfmt::skip]
static STAR: [Point; 10] = [
    [0.0, -1.1], [0.2645, -0.3641], [1.0462, -0.3399], [0.4280, 0.1391], [0.6466, 0.8899],
    [0.0, 0.45], [-0.6466, 0.8899], [-0.4280, 0.1391], [-1.0462, -0.3399], [-0.2645, -0.3641],
];

#[rustfmt::skip]
static ARROW: [Point; 7] = [
    [-1.0, -0.28], [0.05, -0.28], [0.05, -0.78], [1.05, 0.0], [0.05, 0.78], [0.05, 0.28], [-1.0, 0.28],
];

/// The distance of `p` from the outline of the shape of `class`, an index of [`SHAPES`](super::SHAPES). `breadth`, 0 to 1, is
/// that of a ring's band and a cross's bars.
pub(super) fn distance(class: usize, p: Point, breadth: f32) -> f32 {
    let [x, y] = p;
    match class {
        0 => length(p) - 0.95,
        1 => {
            let half = 0.12 + 0.10 * breadth;
            (length(p) - (1.0 - half)).abs() - half
        }
        2 => (length([x, y - 0.4]) - 1.0).max(y - 0.4),
        3 => polygon(p, &TRIANGLE),
        4 => block(p, [0.78, 0.78]),
        5 => polygon(p, &STAR),
        6 => {
            let half = 0.24 + 0.12 * breadth;
            block(p, [1.0, half]).min(block(p, [half, 1.0]))
        }
        7 => polygon(p, &ARROW),
        8 => {
            let x = x - 0.2;
            (length([x, y]) - 1.0).max(0.78 - length([x - 0.48, y]))
        }
        _ => heart([x, y]),
    }
}

fn length([x, y]: Point) -> f32 {
    (x * x + y * y).sqrt()
}

/// A rectangle about the origin with these halves of its sides.
fn block([x, y]: Point, half: Point) -> f32 {
    let (x, y) = (x.abs() - half[0], y.abs() - half[1]);
    length([x.max(0.0), y.max(0.0)]) + x.max(y).min(0.0)
}

/// Two arcs on a square that stands on its corner.
fn heart([x, y]: Point) -> f32 {
    const SCALE: f32 = 0.6;
    let (x, y) = ((x * SCALE).abs(), 0.53 - y * SCALE);
    let squared = |x: f32, y: f32| x * x + y * y;
    let distance = if x + y > 1.0 {
        // √2 / 4 is the radius of the arcs.
        squared(x - 0.25, y - 0.75).sqrt() - 0.353_553_4
    } else {
        let along = 0.5 * (x + y).max(0.0);
        let off = squared(x, y - 1.0).min(squared(x - along, y - along));
        match x > y {
            true => off.sqrt(),
            false => -off.sqrt(),
        }
    };
    distance / SCALE
}

/// The nearest edge's distance; within where a ray crosses an odd number of edges.
fn polygon(p: Point, corners: &[Point]) -> f32 {
    let (mut nearest, mut is_within) = (f32::INFINITY, false);
    let mut before = corners[corners.len() - 1];
    for &corner in corners {
        let (edge, w) = (minus(before, corner), minus(p, corner));
        let share = (dot(w, edge) / dot(edge, edge)).clamp(0.0, 1.0);
        let off = [w[0] - edge[0] * share, w[1] - edge[1] * share];
        nearest = nearest.min(dot(off, off));
        let is_below = [p[1] >= corner[1], p[1] >= before[1]];
        let side = edge[0] * w[1] - edge[1] * w[0];
        if is_below[0] != is_below[1] && (side > 0.0) == (edge[1] > 0.0) {
            is_within = !is_within;
        }
        before = corner;
    }
    match is_within {
        true => -nearest.sqrt(),
        false => nearest.sqrt(),
    }
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

#[cfg(test)]
mod tests {
    use super::super::SHAPES;
    use super::*;

    /// A distance does not change faster than one walks, and at the outline as fast: what makes edges of one softness.
    #[test]
    fn distances_are_distances() {
        let step = 1.0 / 64.0;
        for (class, name) in SHAPES.iter().enumerate() {
            let (mut within, mut steep) = (0, 0.0_f32);
            for at in 0..(192 * 192) {
                let p = [
                    (at % 192) as f32 * step - 1.5,
                    (at / 192) as f32 * step - 1.5,
                ];
                let here = distance(class, p, 0.5);
                let right = distance(class, [p[0] + step, p[1]], 0.5);
                let down = distance(class, [p[0], p[1] + step], 0.5);
                let slope = length([(right - here) / step, (down - here) / step]);
                assert!(slope < 1.43, "{name} at {p:?}: {slope}");
                if here.abs() < step {
                    steep = steep.max(slope);
                }
                if here < 0.0 {
                    within += 1;
                    assert!(length(p) <= 1.2, "{name} reaches {p:?}");
                }
            }
            let area = within as f32 * step * step;
            assert!((0.5..3.0).contains(&area), "{name}: {area}");
            assert!(steep > 0.9, "{name}: {steep}");
        }
    }
}

//! Where a chart's lines are drawn, and which parts of them are.

use super::svg::LETTER;
use std::ops::Range;

/// Where a chart's lines are drawn.
pub(super) struct Frame {
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) floor: f64,
}

impl Frame {
    pub(super) fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let share = |v: f64, span: &Range<f64>| (v - span.start) / (span.end - span.start);
        [
            self.left + share(x, &self.x) * (self.right - self.left),
            self.floor + share(y, &self.y) * (self.top - self.floor),
        ]
    }

    pub(super) fn holds(&self, y: f64) -> bool {
        (self.top - 0.01..=self.floor + 0.01).contains(&y)
    }

    /// Where the way from `a` to `b` meets the border between them.
    fn border(&self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        let beyond = if self.holds(a[1]) { b } else { a };
        let y = beyond[1].clamp(self.top, self.floor);
        [a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]), y]
    }

    /// The parts of a line that are inside, from top to bottom.
    pub(super) fn inside(&self, points: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
        let mut parts: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
        let mut before: Option<[f64; 2]> = None;
        for &point in points {
            let is_in = self.holds(point[1]);
            if !point[1].is_finite() {
                parts.push(Vec::new());
                before = None;
                continue;
            }
            if let Some(before) = before.filter(|before| self.holds(before[1]) != is_in) {
                let border = self.border(before, point);
                if !is_in {
                    parts
                        .last_mut()
                        .into_iter()
                        .for_each(|part| part.push(border));
                    parts.push(Vec::new());
                } else {
                    parts.push(vec![border]);
                }
            }
            if is_in {
                parts
                    .last_mut()
                    .into_iter()
                    .for_each(|part| part.push(point));
            }
            before = Some(point);
        }
        parts.retain(|part| !part.is_empty());
        parts
    }
}

/// Moves places, which stand in order, so far apart that a line of text fits at each, and none below `floor`.
pub(super) fn spread(places: &mut [f64], floor: f64) {
    const LEAST: f64 = LETTER + 2.0;
    for i in 1..places.len() {
        places[i] = places[i].max(places[i - 1] + LEAST);
    }
    let mut most = floor;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LEAST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_apart_and_above_the_floor() {
        let mut places = [10.0, 11.0, 12.0, 99.0, 100.0];
        spread(&mut places, 100.0);
        assert!(
            places.windows(2).all(|pair| pair[1] - pair[0] >= LETTER),
            "{places:?}"
        );
        assert!(places[4] <= 100.0);
    }

    #[test]
    fn a_line_ends_at_the_border() {
        let frame = Frame {
            x: 0.0..10.0,
            y: 0.0..1.0,
            left: 0.0,
            right: 10.0,
            top: 0.0,
            floor: 10.0,
        };
        let parts = frame.inside(&[
            [0.0, 5.0],
            [1.0, -5.0],
            [2.0, 5.0],
            [3.0, f64::NAN],
            [4.0, 5.0],
        ]);
        assert_eq!(
            parts,
            [
                vec![[0.0, 5.0], [0.5, 0.0]],
                vec![[1.5, 0.0], [2.0, 5.0]],
                vec![[4.0, 5.0]]
            ]
        );
    }
}

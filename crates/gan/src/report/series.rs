//! Lines of a chart: thinned to what a screen can show, and smoothed.

use serde::Serialize;

/// Pixels of the widest chart; a line has at most two points for each.
const PIXELS: usize = 600;
/// What the running mean keeps at each line.
const KEEP: f64 = 0.92;

/// A line of a chart.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Series {
    /// Whose it is, which decides colour and mark: `g`, `d`, `ink`, or `run-1` to `run-5`.
    pub kind: &'static str,
    /// What stands at its end.
    pub name: String,
    /// Where its points are.
    pub x: Vec<f64>,
    /// What they are.
    pub y: Vec<f64>,
    /// The same before it was smoothed, where it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raw_x: Vec<f64>,
    /// The values before they were smoothed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raw_y: Vec<f64>,
    /// Whether the points are few and stand for themselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub points: bool,
}

impl Series {
    /// A line through points that stand for themselves.
    pub(super) fn of_points(kind: &'static str, name: &str, points: &[[f64; 2]]) -> Self {
        let points = thinned(points, PIXELS);
        Self {
            kind,
            name: name.to_owned(),
            x: points.iter().map(|[x, _]| rounded(*x)).collect(),
            y: points.iter().map(|[_, y]| rounded(*y)).collect(),
            points: true,
            ..Self::default()
        }
    }

    /// The running mean of noisy points, with the points behind it.
    pub(super) fn smoothed(kind: &'static str, name: &str, points: &[[f64; 2]]) -> Self {
        let raw = thinned(points, PIXELS);
        Self {
            points: false,
            raw_x: raw.iter().map(|[x, _]| rounded(*x)).collect(),
            raw_y: raw.iter().map(|[_, y]| rounded(*y)).collect(),
            ..Self::of_points(kind, name, &running_mean(points))
        }
    }

    /// The first and the last value.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        Some([*self.y.first()?, *self.y.last()?])
    }
}

/// The debiased running mean.
pub(super) fn running_mean(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let (mut mean, mut weight) = (0.0, 0.0);
    let next = |[x, y]: &[f64; 2]| {
        mean = KEEP * mean + (1.0 - KEEP) * y;
        weight = KEEP * weight + 1.0 - KEEP;
        [*x, mean / weight]
    };
    points.iter().map(next).collect()
}

/// Points in the order of x, of which each of so many equal spans keeps its lowest and its highest, and the line its ends.
pub(super) fn thinned(points: &[[f64; 2]], spans: usize) -> Vec<[f64; 2]> {
    let (Some([first, _]), Some([last, _])) = (points.first(), points.last()) else {
        return Vec::new();
    };
    if points.len() <= 2 * spans || last <= first {
        return points.to_vec();
    }
    let span = |x: f64| (((x - first) / (last - first) * spans as f64) as usize).min(spans - 1);
    let mut kept: Vec<usize> = vec![0, points.len() - 1];
    let mut start = 0;
    while start < points.len() {
        let own = span(points[start][0]);
        let end = start
            + points[start..]
                .iter()
                .take_while(|[x, _]| span(*x) == own)
                .count();
        let by_value = |a: &usize, b: &usize| points[*a][1].total_cmp(&points[*b][1]);
        kept.extend((start..end).min_by(by_value));
        kept.extend((start..end).max_by(by_value));
        start = end;
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|i| points[i]).collect()
}

/// With five digits: a screen shows three.
pub(super) fn rounded(x: f64) -> f64 {
    format!("{x:.4e}").parse().unwrap_or(x)
}

/// At most so many of `0..len`, evenly spread, with the first and the last.
pub(super) fn picked(len: usize, most: usize) -> Vec<usize> {
    match len {
        0 => Vec::new(),
        _ if len <= most => (0..len).collect(),
        _ => (0..most).map(|i| i * (len - 1) / (most - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_lines_keep_their_extremes_and_ends() {
        let point = |i: usize| [i as f64, ((i * i) as f64).sin()];
        let mut points: Vec<[f64; 2]> = (0..10_000).map(point).collect();
        (points[4321][1], points[7777][1]) = (50.0, -60.0);
        let thin = thinned(&points, 100);
        assert!(thin.len() <= 202 && thin.is_sorted_by(|a, b| a[0] < b[0]));
        for kept in [0, 4321, 7777, 9999] {
            assert!(thin.contains(&points[kept]), "{kept}");
        }
        assert_eq!(thinned(&points[..7], 100), points[..7]);
        assert!(thinned(&[], 100).is_empty());
    }

    #[test]
    fn a_running_mean_of_a_constant_is_the_constant() {
        let points: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i), 3.0]).collect();
        let mean = running_mean(&points);
        assert!(mean.iter().all(|[_, y]| (y - 3.0).abs() < 1e-12));
        let line = Series::smoothed("d", "D", &points);
        assert_eq!((line.x.len(), line.raw_y[0]), (50, 3.0));
    }

    #[test]
    fn picks_are_spread_with_both_ends() {
        assert_eq!(picked(3, 12), [0, 1, 2]);
        assert_eq!(picked(100, 4), [0, 33, 66, 99]);
        assert!(picked(0, 4).is_empty());
    }
}

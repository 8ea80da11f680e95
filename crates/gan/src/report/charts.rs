//! The charts of a run, as data: what is drawn, in which limits, and the same in words and as a table.

use super::levels::Level;
use super::series::{Series, picked, rounded};
use super::words;
use crate::run::History;
use crate::run::Scored;
use crate::score::is_score;
use serde::Serialize;

/// Rows of a table of numbers.
const ROWS: usize = 12;

/// A chart of lines.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Chart {
    /// The `id` of its place on the page.
    pub id: String,
    /// What stands above it.
    #[serde(skip)]
    pub title: String,
    /// A few words more.
    #[serde(skip)]
    pub about: String,
    /// What is seen, in a sentence.
    pub alt: String,
    /// What y is, with its unit.
    pub unit: &'static str,
    /// Pixels.
    pub height: u32,
    /// Whether y is logarithmic.
    pub log: bool,
    /// Whether y is a share, told in per cent.
    pub percent: bool,
    /// Whether the names stand at the lines' ends.
    pub names: bool,
    /// Where y begins and ends.
    pub domain: [f64; 2],
    /// The lines.
    pub series: Vec<Series>,
    /// Lines to measure by.
    pub levels: Vec<Level>,
    /// The numbers.
    #[serde(skip)]
    pub table: Table,
}

/// Numbers in rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    /// What the columns are.
    pub head: Vec<String>,
    /// The cells, the first one of each row its head.
    pub rows: Vec<Vec<String>>,
}

/// How a chart looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// What y is, with its unit.
    pub unit: &'static str,
    /// Pixels.
    pub height: u32,
    /// Whether y is logarithmic.
    pub log: bool,
    /// Whether y is a share.
    pub percent: bool,
    /// Whether the names stand at the lines' ends.
    pub names: bool,
}

impl Look {
    /// A large chart.
    pub(super) const LARGE: Self = Self {
        unit: "",
        height: 250,
        log: false,
        percent: false,
        names: true,
    };
    /// One of several beside each other, of a line that its title names.
    pub(super) const SMALL: Self = Self {
        height: 140,
        names: false,
        ..Self::LARGE
    };
}

impl Chart {
    /// The chart of these lines; `None` where there is nothing to draw.
    pub(super) fn of(
        id: &str,
        title: &str,
        look: Look,
        series: Vec<Series>,
        levels: Vec<Level>,
    ) -> Option<Self> {
        let series: Vec<Series> = series.into_iter().filter(|s| !s.x.is_empty()).collect();
        let last = series
            .iter()
            .filter_map(|s| s.x.last().copied())
            .reduce(f64::max)?;
        let told = series.iter().filter_map(|s| {
            let [from, to] = s.ends()?;
            Some(format!("{} {}", s.name, words::went(from, to)))
        });
        let told: Vec<String> = told.collect();
        Some(Self {
            id: id.to_owned(),
            title: title.to_owned(),
            about: String::new(),
            alt: format!(
                "{title} up to step {}: {}",
                words::whole(last as u64),
                told.join(", ")
            ),
            unit: look.unit,
            height: look.height,
            log: look.log,
            percent: look.percent,
            names: look.names,
            domain: domain(&series, &levels, look),
            table: Table::of(&series, look),
            series,
            levels,
        })
    }

    /// The same with a few words more beside its title.
    #[must_use]
    pub(super) fn about(mut self, about: &str) -> Self {
        self.about = about.to_owned();
        self
    }

    /// The same in other limits.
    #[must_use]
    pub(super) fn within(mut self, domain: [f64; 2]) -> Self {
        self.domain = domain;
        self
    }
}

impl Table {
    /// The lines side by side at a few steps: what was measured there, not its mean.
    fn of(series: &[Series], look: Look) -> Self {
        let columns = series.iter().map(|s| match s.raw_x.is_empty() {
            true => (&s.x, &s.y),
            false => (&s.raw_x, &s.raw_y),
        });
        let columns: Vec<(&Vec<f64>, &Vec<f64>)> = columns.collect();
        let Some((steps, _)) = columns.iter().max_by_key(|(x, _)| x.len()) else {
            return Self::default();
        };
        let row = |i: usize| {
            let step = steps[i];
            let cell = |(x, y): &(&Vec<f64>, &Vec<f64>)| {
                let at = x.partition_point(|x| *x < step).min(y.len() - 1);
                match look.percent {
                    true => words::share(y[at]),
                    false => words::number(y[at]),
                }
            };
            std::iter::once(words::whole(step as u64))
                .chain(columns.iter().map(cell))
                .collect()
        };
        let names = series.iter().map(|s| s.name.clone());
        Self {
            head: std::iter::once("step".to_owned()).chain(names).collect(),
            rows: picked(steps.len(), ROWS).into_iter().map(row).collect(),
        }
    }
}

/// Limits of y that show all means and levels, and of what was smoothed all but the rarest.
fn domain(series: &[Series], levels: &[Level], look: Look) -> [f64; 2] {
    let shown = series.iter().flat_map(|s| &s.y).copied();
    let mut ends: Vec<f64> = shown.chain(levels.iter().map(|level| level.y)).collect();
    for s in series {
        let mut raw = s.raw_y.clone();
        raw.sort_by(f64::total_cmp);
        let at =
            |share: f64| Some(*raw.get((share * raw.len().saturating_sub(1) as f64) as usize)?);
        ends.extend([at(0.01), at(0.99)].into_iter().flatten());
    }
    if look.log {
        ends.retain(|x| *x > 0.0);
    }
    let least = ends.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let most = ends.iter().copied().reduce(f64::max).unwrap_or(1.0);
    if look.log {
        let decade = |x: f64| x.max(1e-12).log10();
        let (low, high) = (decade(least).floor(), decade(most).ceil());
        return [10_f64.powf(low), 10_f64.powf(high.max(low + 1.0))];
    }
    let pad = 0.06 * (most - least).max(1e-3 * most.abs()).max(1e-9);
    let low = match least >= 0.0 && least < 0.6 * most {
        true => 0.0,
        false => least - pad,
    };
    [rounded(low), rounded(most + pad)]
}

/// Points of a number of the metrics.
fn points(history: &History, name: &str) -> Vec<[f64; 2]> {
    let series = history.series(name).into_iter();
    series.map(|(step, y)| [step as f64, y]).collect()
}

/// Whose a number of the metrics is, by its name.
fn kind(name: &str) -> &'static str {
    match name.split('_').next() {
        Some("d" | "real") => "d",
        Some("g" | "fake") => "g",
        _ => "ink",
    }
}

/// Both losses.
pub(super) fn losses(history: &History, levels: Vec<Level>) -> Option<Chart> {
    let of = |name: &str, short: &str| Series::smoothed(kind(name), short, &points(history, name));
    let lines = vec![of("d_loss", "D"), of("g_loss", "G")];
    let look = Look {
        unit: "loss",
        ..Look::LARGE
    };
    Chart::of("c-loss", "Losses", look, lines, levels)
}

/// The shares of reals and fakes that D tells right.
pub(super) fn accuracies(history: &History) -> Option<Chart> {
    let of = |kind, short, name| Series::smoothed(kind, short, &points(history, name));
    let lines = vec![of("ink", "reals", "real_acc"), of("g", "fakes", "fake_acc")];
    let look = Look {
        height: 150,
        percent: true,
        ..Look::LARGE
    };
    let chart = Chart::of("c-acc", "Accuracies", look, lines, Vec::new())?;
    let low = chart.domain[0].clamp(0.0, 0.5);
    Some(chart.about("share that D gets right").within([low, 1.0]))
}

/// The gradient norms of both networks.
pub(super) fn norms(history: &History) -> Option<Chart> {
    let of = |kind, short, name| {
        let points = points(history, name);
        Series::smoothed(kind, short, &points)
    };
    let lines = vec![of("d", "D", "d_norm"), of("g", "G", "g_norm")];
    let look = Look {
        unit: "‖∇‖, all weights of the network",
        height: 220,
        log: true,
        ..Look::LARGE
    };
    Chart::of("c-grad", "Gradient norms", look, lines, Vec::new())
}

/// What else the recipe tells of itself, a chart a number.
pub(super) fn others(history: &History) -> Vec<Chart> {
    const SHOWN: [&str; 6] = [
        "d_loss", "g_loss", "real_acc", "fake_acc", "d_norm", "g_norm",
    ];
    let names = history.names().into_iter();
    // Scores have a section of their own.
    let names = names.filter(|name| !SHOWN.contains(&name.as_str()) && !is_score(name));
    let chart = |(i, name): (usize, String)| {
        let line = Series::smoothed(kind(&name), &name, &points(history, &name));
        Chart::of(
            &format!("c-more-{i}"),
            &name,
            Look::SMALL,
            vec![line],
            Vec::new(),
        )
    };
    names.enumerate().filter_map(chart).collect()
}

/// The scores over time, each beside what real data comes to.
pub(super) fn scores(all: &[Scored]) -> Vec<Chart> {
    const TOLD: [(&str, &str, &str, bool); 7] = [
        ("fid", "FID", "lower is better", true),
        ("precision", "Precision", "do samples look real?", false),
        ("recall", "Recall", "is all of the data covered?", false),
        ("kid", "KID", "lower is better", true),
        (
            "density",
            "Density",
            "how thick is real data around samples?",
            false,
        ),
        (
            "coverage",
            "Coverage",
            "share of real images with a sample beside",
            false,
        ),
        (
            "heldout_auc",
            "Held-out AUC",
            "does D know its training images by heart?",
            false,
        ),
    ];
    let chart = |(name, title, about, is_distance): (&str, &str, &str, bool)| {
        let at = |scored: &Scored| Some([scored.step as f64, scored.get(name)?]);
        let points: Vec<[f64; 2]> = all.iter().filter_map(at).collect();
        let log = is_distance && points.iter().all(|[_, y]| *y > 0.0);
        let floor = all.last()?.floor(name);
        let floor = floor.filter(|floor| !log || *floor > 0.0);
        let level = floor.map(|y| Level::new(y, &format!("real {}", words::number(y))));
        let line = Series::of_points("g", title, &points);
        let look = Look { log, ..Look::SMALL };
        let levels = level.into_iter().collect();
        let chart = Chart::of(&format!("c-{name}"), title, look, vec![line], levels)?.about(about);
        Some(match is_distance {
            true => chart,
            false => {
                let most = chart.domain[1].max(1.0);
                chart.within([0.0, most])
            }
        })
    };
    let mut charts: Vec<Chart> = TOLD.into_iter().filter_map(chart).collect();
    let rarest: Vec<[f64; 2]> = all
        .iter()
        .filter_map(|scored| Some([scored.step as f64, scored.rarest()?]))
        .collect();
    let line = Series::of_points("g", "rarest class", &rarest);
    let look = Look {
        percent: true,
        ..Look::SMALL
    };
    let rarest = Chart::of("c-rare", "Rarest class", look, vec![line], Vec::new());
    charts.extend(rarest.map(|chart| {
        let most = chart.domain[1].max(0.01);
        chart.about("share of samples").within([0.0, most])
    }));
    charts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_show_the_means_and_forgive_what_is_rare() {
        let mut points: Vec<[f64; 2]> = (0..400).map(|i| [f64::from(i), 1.0]).collect();
        points[200][1] = 50.0;
        let line = Series::smoothed("d", "D", &points);
        let [low, high] = domain(&[line], &[], Look::LARGE);
        assert!(low <= 1.0 && high > 4.0 && high < 20.0, "{low} {high}");
        let log = Look {
            log: true,
            ..Look::LARGE
        };
        let line = Series::of_points("g", "G", &[[1.0, 0.02], [2.0, 30.0], [3.0, 0.0]]);
        let [low, high] = domain(&[line], &[], log);
        assert!((low - 0.01).abs() < 1e-9 && (high - 100.0).abs() < 1e-6);
    }

    #[test]
    fn a_chart_is_told_in_words_and_as_a_table() {
        let points: Vec<[f64; 2]> = (1..=100).map(|i| [f64::from(i), f64::from(i)]).collect();
        let line = Series::of_points("g", "FID", &points);
        let chart = Chart::of("x", "FID", Look::SMALL, vec![line], Vec::new()).expect("a chart");
        assert!(
            chart.alt.contains("FID rises from 1.00 to 100"),
            "{}",
            chart.alt
        );
        assert_eq!(chart.table.rows.len(), ROWS);
        assert_eq!(chart.table.rows[ROWS - 1], ["100", "100"]);
        assert!(Chart::of("x", "none", Look::SMALL, Vec::new(), Vec::new()).is_none());
    }
}

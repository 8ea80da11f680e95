//! `compare.html`: several runs side by side. Hue and dash stand for a run there, so G and D have a chart each.

use super::charts::{Chart, Look};
use super::gather::{Depth, RunData};
use super::page::as_script;
use super::series::{Series, running_mean, thinned};
use super::settings::different;
use super::sheet::Picture;
use super::words::{number, share, whole};
use crate::run::Run;
use crate::run::observers::Better;
use crate::score::Scores;
use anyhow::{Context, Result};
use askama::Template;
use detach_recipes::{DataKind, Setup};
use serde::Serialize;

/// How a run is drawn; from the fifth on they are grey.
const KINDS: [&str; 5] = ["run-1", "run-2", "run-3", "run-4", "run-5"];
/// Points of a line.
const POINTS: usize = 300;

/// Runs to be compared.
#[derive(Debug, Default)]
pub struct Comparison {
    runs: Vec<Side>,
}

#[derive(Debug)]
struct Side {
    data: RunData,
    /// Scores that are known besides those on record.
    scores: Scores,
}

impl Comparison {
    /// Adds `run`, with scores that are known of it besides those on its own record.
    ///
    /// # Errors
    /// When a file of the run is there and cannot be read.
    pub fn add(&mut self, run: &Run, scores: Scores) -> Result<()> {
        let data = RunData::of(run, Depth::Samples)?;
        self.runs.push(Side { data, scores });
        Ok(())
    }
}

/// A score in the table.
struct Column {
    key: &'static str,
    name: &'static str,
    better: Option<Better>,
    is_share: bool,
}

const fn column(key: &'static str, name: &'static str, is_share: bool) -> Column {
    Column {
        key,
        name,
        better: None,
        is_share,
    }
}

/// Scores that a run may have, the one that decides first.
const COLUMNS: [Column; 8] = [
    Column {
        better: Some(Better::Lower),
        ..column("fid", "FID ↓", false)
    },
    Column {
        better: Some(Better::Lower),
        ..column("kid", "KID ↓", false)
    },
    Column {
        better: Some(Better::Higher),
        ..column("precision", "precision ↑", false)
    },
    Column {
        better: Some(Better::Higher),
        ..column("recall", "recall ↑", false)
    },
    column("rarest", "rarest class", true),
    Column {
        better: Some(Better::Lower),
        ..column("energy", "energy ↓", false)
    },
    column("diversity", "diversity", false),
    column("nearest", "nearest", false),
];

impl Side {
    /// A score, and how far its interval reaches to either side where that is known.
    fn score(&self, key: &str) -> Option<(f64, Option<f64>)> {
        let last = self.data.scores.last();
        let own = || Some((*self.scores.get(key)?, None));
        let recorded = match key {
            "rarest" => last.and_then(|scored| Some((scored.rarest()?, None))),
            key => last.and_then(|scored| Some((scored.get(key)?, scored.reach(key)))),
        };
        recorded.or_else(own)
    }

    fn images(&self) -> u64 {
        self.data.steps() * self.data.config.settings.batch_size as u64
    }
}

/// A row of the table.
struct Row {
    letter: char,
    kind: &'static str,
    name: String,
    about: String,
    cells: Vec<Cell>,
}

struct Cell {
    text: String,
    reach: String,
    is_best: bool,
}

struct Shown<'a> {
    letter: char,
    name: String,
    steps: String,
    picture: &'a Picture,
    is_pixels: bool,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'a> {
    title: String,
    sentence: String,
    place: String,
    head: Vec<&'static str>,
    rows: Vec<Row>,
    floor: Vec<String>,
    hint: String,
    charts: &'a [Chart],
    samples: Vec<Shown<'a>>,
    names: Vec<String>,
    different: Vec<(String, Vec<String>)>,
    version: &'static str,
    style: String,
    script: String,
    data: String,
}

#[derive(Serialize)]
struct Data<'a> {
    charts: &'a [Chart],
    seconds: Vec<Vec<Vec<f64>>>,
}

/// The page of these runs, which is to be at `place`.
///
/// # Errors
/// When it cannot be set, which no runs are known to bring about.
pub fn comparison(all: &Comparison, place: &str) -> Result<String> {
    let runs = &all.runs;
    let there = |column: &&Column| runs.iter().any(|run| run.score(column.key).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(there).collect();
    let (charts, seconds) = charts(runs);
    let setups: Vec<&Setup> = runs.iter().map(|run| &run.data.setup).collect();
    let data = as_script(&Data {
        charts: &charts,
        seconds,
    })?;
    let head = ["run", "steps", "images seen", "ms a step"].into_iter();
    let page = Page {
        title: format!("{} runs side by side · Detach", runs.len()),
        sentence: sentence(runs, &columns),
        place: place.to_owned(),
        head: head
            .chain(columns.iter().map(|column| column.name))
            .collect(),
        rows: (0..runs.len()).map(|i| row(runs, i, &columns)).collect(),
        floor: floor(runs, &columns),
        hint: hint(runs, &columns),
        samples: runs.iter().enumerate().filter_map(shown).collect(),
        names: runs.iter().map(|run| run.data.name()).collect(),
        different: different(&setups)?,
        version: env!("CARGO_PKG_VERSION"),
        style: [
            include_str!("../../templates/base.css"),
            include_str!("../../templates/compare.css"),
        ]
        .concat(),
        script: [
            include_str!("../../templates/charts.js"),
            include_str!("../../templates/compare.js"),
        ]
        .concat(),
        data,
        charts: &charts,
    };
    page.render().context("cannot set the page of a comparison")
}

fn letter(i: usize) -> char {
    char::from(b'A' + (i % 26) as u8)
}

fn kind(i: usize) -> &'static str {
    KINDS[i.min(KINDS.len() - 1)]
}

fn told(column: &Column, x: f64) -> String {
    match column.is_share {
        true => share(x),
        false => number(x),
    }
}

/// The run that is better in this than any other by more than both intervals allow for; `None` where one is not known.
fn best(runs: &[Side], column: &Column) -> Option<usize> {
    let sign = match column.better? {
        Better::Lower => 1.0,
        Better::Higher => -1.0,
    };
    let mut scored: Vec<(usize, f64, f64)> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        if let Some((score, reach)) = run.score(column.key) {
            scored.push((i, sign * score, reach?));
        }
    }
    scored.sort_by(|a, b| a.1.total_cmp(&b.1));
    let [first, second, ..] = &scored[..] else {
        return None;
    };
    // Of a difference, the squares of the reaches add up.
    let reach = (first.2.powi(2) + second.2.powi(2)).sqrt();
    (second.1 - first.1 > reach).then_some(first.0)
}

fn row(runs: &[Side], i: usize, columns: &[&Column]) -> Row {
    let run = &runs[i];
    let plain = |text: String| Cell {
        text,
        reach: String::new(),
        is_best: false,
    };
    let ms = run.data.history.step_ms();
    let facts = [
        whole(run.data.steps()),
        whole(run.images()),
        ms.map_or_else(|| "–".to_owned(), number),
    ];
    let score = |column: &&Column| match run.score(column.key) {
        None => plain("–".to_owned()),
        Some((score, reach)) => Cell {
            text: told(column, score),
            reach: reach.map_or(String::new(), |reach| format!(" ± {}", number(reach))),
            is_best: best(runs, column) == Some(i),
        },
    };
    Row {
        letter: letter(i),
        kind: kind(i),
        name: run.data.name(),
        about: format!(
            "{}: {}",
            run.data.config.recipe,
            run.data.verdict.kind.words()
        ),
        cells: facts
            .map(plain)
            .into_iter()
            .chain(columns.iter().map(score))
            .collect(),
    }
}

/// What real data comes to in each column; empty where that is not on record.
fn floor(runs: &[Side], columns: &[&Column]) -> Vec<String> {
    let last = runs.iter().find_map(|run| run.data.scores.last());
    let Some(last) = last else {
        return Vec::new();
    };
    let of = |column: &&Column| {
        let floor = last.floor(column.key);
        floor.map_or_else(String::new, |floor| told(column, floor))
    };
    let empty = std::iter::repeat_n(String::new(), 3);
    empty.chain(columns.iter().map(of)).collect()
}

fn hint(runs: &[Side], columns: &[&Column]) -> String {
    let mut classifiers: Vec<&str> = runs
        .iter()
        .filter_map(|run| Some(&*run.data.scores.last()?.classifier))
        .collect();
    classifiers.dedup();
    let judged = match &classifiers[..] {
        [] => String::new(),
        [one] => format!("Judged by the classifier {one}. "),
        _ => "Judged by different classifiers: these scores cannot be compared. ".to_owned(),
    };
    let star = match columns.iter().any(|column| best(runs, column).is_some()) {
        true => {
            "★ where a run is better than all others by more than their intervals (95%) allow for."
        }
        false => {
            "No run is marked as the best: that takes scores with intervals, and a difference beyond them."
        }
    };
    judged + star
}

/// Who is ahead, as far as the scores say.
fn sentence(runs: &[Side], columns: &[&Column]) -> String {
    let count = runs.len();
    let Some(column) = columns.iter().find(|column| column.better.is_some()) else {
        return format!(
            "{count} runs side by side. No score on record says which of them is better."
        );
    };
    let mut scored: Vec<(String, f64)> = runs
        .iter()
        .filter_map(|run| Some((run.data.name(), run.score(column.key)?.0)))
        .collect();
    scored.sort_by(|a, b| a.1.total_cmp(&b.1));
    if column.better == Some(Better::Higher) {
        scored.reverse();
    }
    let name = column.name.trim_end_matches([' ', '↓', '↑']);
    let most = match column.better {
        Some(Better::Higher) => "highest",
        _ => "lowest",
    };
    match &scored[..] {
        [(first, x), (second, y), ..] => format!(
            "{first} has the {most} {name}, {}; {second} follows with {}.",
            number(*x),
            number(*y)
        ),
        [(only, x)] => format!(
            "Of {count} runs only {only} is scored: {name} {}.",
            number(*x)
        ),
        [] => String::new(),
    }
}

fn shown((i, run): (usize, &Side)) -> Option<Shown<'_>> {
    Some(Shown {
        letter: letter(i),
        name: run.data.name(),
        steps: whole(run.data.steps()),
        picture: run.data.samples()?,
        is_pixels: matches!(
            run.data.setup.data().as_deref(),
            Ok([DataKind::Images(_), ..])
        ),
    })
}

/// Each network's loss in all runs over the images seen, and the seconds at the same points.
fn charts(runs: &[Side]) -> (Vec<Chart>, Vec<Vec<Vec<f64>>>) {
    let mut seconds = Vec::new();
    let mut charts = Vec::new();
    for (key, id, title) in [("d_loss", "x-d", "D’s loss"), ("g_loss", "x-g", "G’s loss")] {
        let mut times = Vec::new();
        let lines = runs.iter().enumerate().filter_map(|(i, run)| {
            let history = &run.data.history;
            let points: Vec<[f64; 2]> = history
                .series(key)
                .into_iter()
                .map(|(step, y)| [step as f64, y])
                .collect();
            let points = thinned(&running_mean(&points), POINTS);
            let ms = history.step_ms().unwrap_or(0.0);
            let batch = run.data.config.settings.batch_size as f64;
            let name = format!("{} {}", letter(i), run.data.name());
            let images: Vec<[f64; 2]> = points.iter().map(|[step, y]| [step * batch, *y]).collect();
            let mut line = Series::of_points(kind(i), &name, &images);
            line.points = false;
            (!points.is_empty()).then(|| {
                times.push(
                    points
                        .iter()
                        .map(|[step, _]| super::series::rounded(step * ms / 1e3))
                        .collect(),
                );
                line
            })
        });
        let lines = lines.collect();
        let look = Look {
            height: 240,
            ..Look::LARGE
        };
        if let Some(chart) = Chart::of(id, title, look, lines, Vec::new()) {
            charts.push(chart);
            seconds.push(times);
        }
    }
    (charts, seconds)
}

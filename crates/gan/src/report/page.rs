//! `report.html`: a run as one file that loads nothing.

use super::charts::Chart;
use super::copies::Copies;
use super::film::{Figure, Film};
use super::fresh::Latent;
use super::gather::RunData;
use super::series::{picked, rounded};
use super::sheet::Picture;
use super::view::{View, bar_width};
use super::{Commands, STYLE};
use anyhow::{Context, Result};
use askama::Template;
use detach_recipes::{DataKind, Detail};
use serde::Serialize;
use std::collections::BTreeMap;

/// Moments of which a page has histograms and layers.
const MOMENTS: usize = 60;

/// Numbers as the template calls for them: by reference.
mod told {
    use super::super::words;

    pub(super) fn whole(n: &u64) -> String {
        words::whole(*n)
    }

    /// Pieces of a text, and whether each stood between `back ticks`.
    pub(super) fn parts(text: &str) -> Vec<(bool, &str)> {
        let pieces = text.split('`').enumerate();
        pieces.map(|(i, piece)| (i % 2 == 1, piece)).collect()
    }

    pub(super) fn number(x: &f64) -> String {
        words::number(*x)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    run: &'a RunData,
    view: View,
    film: &'a Film,
    figures: &'a [Figure],
    samples: Option<&'a Picture>,
    latent: Option<&'a Latent>,
    copies: Option<&'a Copies>,
    has_answers: bool,
    has_classes: bool,
    makes_images: bool,
    sections: Vec<(&'static str, &'static str)>,
    commands: &'a Commands,
    place: String,
    version: &'static str,
    style: String,
    script: String,
    data: String,
}

/// What the page's script draws.
#[derive(Serialize)]
struct Data<'a> {
    first: u64,
    last: u64,
    epochs: Option<f64>,
    critic: bool,
    charts: Vec<&'a Chart>,
    moments: Vec<Moment<'a>>,
    classes: Vec<Classes>,
    near: Option<Near<'a>>,
}

/// What D and its layers were like at a step.
#[derive(Serialize)]
struct Moment<'a> {
    step: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<Bins<'a>>,
    /// Each layer's norm, and how long its bar is, by network.
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<BTreeMap<String, Vec<[f64; 2]>>>,
}

#[derive(Serialize)]
struct Bins<'a> {
    range: [f64; 2],
    real: &'a [u64],
    fake: &'a [u64],
    auc: f64,
}

#[derive(Serialize)]
struct Classes {
    step: u64,
    shares: Vec<f64>,
}

#[derive(Serialize)]
struct Near<'a> {
    samples: &'a [f64],
    unseen: Option<&'a [f64]>,
    end: f64,
}

/// The page of a run.
///
/// # Errors
/// When it cannot be set, which no run is known to bring about.
pub fn page(run: &RunData, commands: &Commands) -> Result<String> {
    let mut view = View::of(run)?;
    let newest = run.newest.as_ref().ok();
    let latent = newest.and_then(|newest| newest.fresh.as_ref()?.latent.as_ref());
    let copies = newest.and_then(|newest| newest.copies.as_ref());
    let data = as_script(&Data::of(run, &view, copies))?;
    let has_answers = run.details.iter().any(|detail| detail.answers.is_some());
    let has_classes = run.scores.iter().any(|scored| !scored.classes.is_empty());
    let sections = [
        ("evolve", "Samples", !run.film.frames.is_empty()),
        ("losses", "Losses", !view.losses.is_empty()),
        ("says", "What D says", has_answers),
        (
            "grads",
            "Gradients",
            !view.norms.is_empty() || !view.bars.is_empty(),
        ),
        ("quality", "Scores", !view.scores.is_empty()),
        ("latent", "Latent space", latent.is_some()),
        ("copies", "Copies?", copies.is_some()),
        ("settings", "Settings", true),
        ("again", "Do it again", true),
    ];
    let there: Vec<_> = sections
        .into_iter()
        .filter(|(_, _, there)| *there)
        .collect();
    let sections: Vec<_> = there
        .into_iter()
        .map(|(anchor, name, _)| (anchor, name))
        .collect();
    for check in &mut view.checks {
        if sections.iter().all(|(anchor, _)| *anchor != check.anchor) {
            check.anchor = "";
        }
    }
    let page = Page {
        sections,
        film: &run.film,
        figures: &run.figures,
        samples: run.samples(),
        latent,
        copies,
        has_answers,
        has_classes,
        makes_images: matches!(run.setup.data()?[..], [DataKind::Images(_), ..]),
        commands,
        place: run.dir.join("report.html").display().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        style: STYLE.concat(),
        script: [
            include_str!("../../templates/charts.js"),
            include_str!("../../templates/report.js"),
        ]
        .concat(),
        data,
        view,
        run,
    };
    page.render().context("cannot set the page of a run")
}

/// JSON that can stand inside of a script: no `<` ends it.
pub(crate) fn as_script(data: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(data).context("a page's data as JSON")?;
    Ok(text.replace('<', "\\u003c"))
}

impl<'a> Data<'a> {
    fn of(run: &'a RunData, view: &'a View, copies: Option<&'a Copies>) -> Self {
        let charts = view.charts();
        let xs = charts
            .iter()
            .flat_map(|chart| &chart.series)
            .flat_map(|line| &line.x);
        let least = xs.copied().reduce(f64::min).map_or(0, |x| x as u64);
        let first_frame = run.film.frames.first().map(|frame| frame.step);
        let moments = picked(run.details.len(), MOMENTS).into_iter();
        let shares = |counts: &[u64]| {
            let all = counts.iter().sum::<u64>().max(1) as f64;
            counts.iter().map(|n| rounded(*n as f64 / all)).collect()
        };
        let classes = run
            .scores
            .iter()
            .filter(|scored| !scored.classes.is_empty());
        Self {
            first: first_frame.map_or(least, |step| match charts.is_empty() {
                true => step,
                false => least.min(step),
            }),
            last: run.steps(),
            epochs: run.epochs_a_step(),
            critic: view.critic,
            moments: moments.map(|i| Moment::of(&run.details[i])).collect(),
            classes: classes
                .map(|scored| Classes {
                    step: scored.step,
                    shares: shares(&scored.classes),
                })
                .collect(),
            near: copies.map(|copies| Near {
                samples: &copies.samples.bins,
                unseen: copies.unseen.as_ref().map(|unseen| &unseen.bins[..]),
                end: rounded(copies.end),
            }),
            charts,
        }
    }
}

impl<'a> Moment<'a> {
    fn of(detail: &'a Detail) -> Self {
        let bar = |norm: f64| [rounded(norm), rounded(bar_width(norm))];
        let networks = detail.networks.iter().map(|network| {
            let layers = network.layers.iter().map(|layer| bar(layer.norm));
            (network.name.to_uppercase(), layers.collect())
        });
        Self {
            step: detail.step,
            answers: detail.answers.as_ref().map(|answers| Bins {
                range: answers.range.map(rounded),
                real: &answers.real,
                fake: &answers.fake,
                auc: rounded(answers.auc),
            }),
            layers: (!detail.networks.is_empty()).then(|| networks.collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_script() {
        let text = as_script(&["</script><script>alert(1)</script>", "<!--"]).expect("JSON");
        assert!(!text.contains('<'), "{text}");
        let back: Vec<String> = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back[1], "<!--");
    }
}

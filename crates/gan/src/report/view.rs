//! What stands on the page of a run, as texts and numbers: the template sets it, and decides nothing.

use super::charts::{self, Chart};
use super::gather::RunData;
use super::levels;
use super::settings::{self, Setting};
use super::words::{number, share, time, whole};
use anyhow::Result;
use detach_recipes::{DataKind, Preset};

/// A number that the verdict rests on.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) ok: bool,
    /// The section that shows it; empty where the page has none.
    pub(super) anchor: &'static str,
    pub(super) name: String,
    pub(super) text: String,
}

/// A score, large.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) unit: String,
    pub(super) floor: String,
}

/// A layer's gradient.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: String,
    /// Per cent of the longest bar.
    pub(super) width: String,
}

/// The gradients of a network's layers.
#[derive(Debug)]
pub(super) struct Bars {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) bars: Vec<Bar>,
}

/// The page of a run.
#[derive(Debug)]
pub(super) struct View {
    pub(super) title: String,
    pub(super) recipe: String,
    pub(super) kicker: String,
    pub(super) words: &'static str,
    pub(super) sentence: String,
    pub(super) cause: String,
    pub(super) advice: String,
    pub(super) checks: Vec<Check>,
    pub(super) caption: String,
    pub(super) cards: Vec<Card>,
    pub(super) cards_note: String,
    pub(super) losses: Vec<Chart>,
    pub(super) accuracies: Vec<Chart>,
    pub(super) others: Vec<Chart>,
    pub(super) norms: Vec<Chart>,
    pub(super) bars: Vec<Bars>,
    pub(super) scores: Vec<Chart>,
    pub(super) formulas: Vec<&'static str>,
    pub(super) critic: bool,
    pub(super) settings: Vec<Setting>,
    pub(super) changed: usize,
    pub(super) notes: Vec<&'static str>,
    pub(super) environment: Vec<(&'static str, String)>,
}

impl View {
    /// The view of a run.
    ///
    /// # Errors
    /// When a setting is no TOML.
    pub(super) fn of(run: &RunData) -> Result<Self> {
        let about = run.setup.recipe().about;
        let mut settings = settings::beside(&run.setup, Preset::AsPublished)?;
        if let Some(steps) = run.config.max_steps {
            settings.insert(
                0,
                Setting {
                    key: "max-steps".to_owned(),
                    value: steps.to_string(),
                    published: Some(String::new()),
                },
            );
        }
        let changed = settings
            .iter()
            .take_while(|s| s.published.is_some())
            .count();
        let (words, verdict) = (run.verdict.kind.words(), &run.verdict);
        let rest = verdict.sentence.strip_prefix(words);
        let rest = rest
            .unwrap_or(&verdict.sentence)
            .trim_start_matches(['.', ':', ',', ' ']);
        Ok(Self {
            title: title(run),
            recipe: about.name.to_owned(),
            kicker: kicker(run),
            words,
            sentence: capitalised(rest),
            cause: verdict.cause.clone(),
            advice: verdict.advice.clone(),
            checks: verdict.checks.iter().map(check).collect(),
            caption: caption(run),
            cards: cards(run),
            cards_note: cards_note(run),
            losses: charts::losses(&run.history, levels::of_losses(&run.setup))
                .into_iter()
                .collect(),
            accuracies: charts::accuracies(&run.history).into_iter().collect(),
            others: charts::others(&run.history),
            norms: charts::norms(&run.history).into_iter().collect(),
            bars: bars(run),
            scores: charts::scores(&run.scores),
            formulas: about.losses.to_vec(),
            critic: answers(run)
                .is_some_and(|a| a.kind == detach_recipes::detail::AnswerKind::Scores),
            settings,
            changed,
            notes: about.notes.to_vec(),
            environment: environment(run),
        })
    }

    /// Every chart of the page.
    pub(super) fn charts(&self) -> Vec<&Chart> {
        let all = [
            &self.losses,
            &self.accuracies,
            &self.others,
            &self.norms,
            &self.scores,
        ];
        all.into_iter().flatten().collect()
    }
}

/// What D answered last.
fn answers(run: &RunData) -> Option<&detach_recipes::detail::Answers> {
    run.details
        .iter()
        .rev()
        .find_map(|detail| detail.answers.as_ref())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn title(run: &RunData) -> String {
    let words = run.verdict.kind.words();
    let fid = run.scores.last().and_then(|scored| scored.get("fid"));
    let fid = fid.map_or(String::new(), |fid| format!(" (FID {})", number(fid)));
    format!("{}: {words}{fid} · Detach", run.name())
}

fn kicker(run: &RunData) -> String {
    let preset = match run.config.preset {
        Preset::AsPublished => "as published",
        Preset::Fixed => "with its known faults removed",
    };
    let data = match run.config.data.is_empty() {
        true => String::new(),
        // Where it was read is a matter of the machine.
        false => format!(
            " on {}",
            run.config.data.split(" from ").next().unwrap_or_default()
        ),
    };
    let steps = run.steps();
    let epochs = run.epochs_a_step().map(|per| per * steps as f64);
    let epochs = epochs.map_or(String::new(), |epochs| {
        match (epochs - epochs.round()).abs() < 5e-3 {
            true => format!(", {epochs:.0} epochs"),
            false => format!(", {epochs:.2} epochs"),
        }
    });
    format!(
        ", {preset},{data} · seed {} · {} steps{epochs} · {}",
        run.config.settings.seed,
        whole(steps),
        time(run.history.seconds())
    )
    .replace(",  ·", " ·")
    .replace(", ·", " ·")
}

/// A number of the verdict, with what it is called and the section that shows it.
fn check(check: &crate::diagnosis::Check) -> Check {
    let (name, anchor) = match check.id {
        "dead-units" => ("D’s units", "grads"),
        "gradient" => ("G hears D", "grads"),
        "answers" => ("D tells apart", "says"),
        "variety" => ("Samples differ", "evolve"),
        "turns" => ("Nobody takes turns", "losses"),
        "fid" => ("FID", "quality"),
        other => (other, "quality"),
    };
    Check {
        ok: check.ok,
        anchor,
        name: capitalised(&name.replace('-', " ")),
        text: capitalised(&check.text.replacen("fid", "FID", 1)),
    }
}

fn caption(run: &RunData) -> String {
    let of = match run.setup.data().as_deref() {
        Ok([DataKind::Gaussian, ..]) => "numbers",
        _ => "samples",
    };
    match &run.newest {
        Ok(newest) => match &newest.fresh {
            Some(fresh) => format!(
                "{} {of} of fixed noise, step {}",
                whole(fresh.count as u64),
                whole(newest.step)
            ),
            None => format!("Newest {of}, step {}", whole(newest.step)),
        },
        Err(_) => format!("Newest {of}, about step {}", whole(run.steps())),
    }
}

fn cards(run: &RunData) -> Vec<Card> {
    const SCORES: [(&str, &str, f64, &str); 5] = [
        ("fid", "FID", 1.0, "lower is better"),
        ("kid", "KID × 10³", 1e3, "lower is better"),
        ("precision", "Precision", 1.0, "looks real"),
        ("recall", "Recall", 1.0, "covers the data"),
        ("entropy", "Class entropy", 1.0, "even classes"),
    ];
    let scored = run.scores.last();
    let card = |(key, name, scale, about): (&str, &str, f64, &str)| {
        let scored = scored?;
        let spread = scored
            .reach(key)
            .map(|x| format!("± {}", number(scale * x)));
        let floor = scored
            .floor(key)
            .map(|x| format!("real {} · ", number(scale * x)));
        Some(Card {
            name: name.to_owned(),
            value: number(scale * scored.get(key)?),
            unit: spread.unwrap_or_default(),
            floor: floor.unwrap_or_default() + about,
        })
    };
    let mut cards: Vec<Card> = SCORES.into_iter().filter_map(card).collect();
    if cards.is_empty() {
        for (key, name, about) in [
            ("d_loss", "D’s loss", "mean of the last tenth"),
            ("g_loss", "G’s loss", "mean of the last tenth"),
            ("real_acc", "Reals told right", "mean of the last tenth"),
            ("fake_acc", "Fakes told right", "mean of the last tenth"),
        ] {
            let told = |x: f64| {
                if key.ends_with("acc") {
                    share(x)
                } else {
                    number(x)
                }
            };
            cards.extend(run.history.lately(key).map(|x| Card {
                name: name.to_owned(),
                value: told(x),
                unit: String::new(),
                floor: about.to_owned(),
            }));
        }
    }
    cards.extend(run.history.step_ms().map(|ms| Card {
        name: "A step".to_owned(),
        value: number(ms),
        unit: "ms".to_owned(),
        floor: format!(
            "{} samples a second",
            whole((run.config.settings.batch_size as f64 / ms * 1e3) as u64)
        ),
    }));
    cards
}

fn cards_note(run: &RunData) -> String {
    match run.scores.last() {
        None => String::new(),
        Some(scored) => {
            let spread = match scored.reach("fid") {
                Some(_) => "± holds for 95 of 100 drawings of samples. ",
                None => "",
            };
            let hash = &scored.classifier;
            format!(
                "{spread}{} samples and as many real images of step {}, judged by the classifier {hash}: compare with scores of the same hash and count only.",
                whole(scored.samples),
                whole(scored.step)
            )
        }
    }
}

/// The layers of each network at the last moment, on one logarithmic scale.
fn bars(run: &RunData) -> Vec<Bars> {
    let Some(last) = run
        .details
        .iter()
        .rev()
        .find(|detail| !detail.networks.is_empty())
    else {
        return Vec::new();
    };
    let mut networks: Vec<_> = last.networks.iter().collect();
    networks.sort_by_key(|network| network.name != "g");
    let bars = networks.into_iter().map(|network| Bars {
        kind: if network.name.starts_with('g') {
            "g"
        } else {
            "d"
        },
        name: network.name.to_uppercase(),
        bars: network
            .layers
            .iter()
            .map(|layer| Bar {
                name: layer.name.clone(),
                value: number(layer.norm),
                width: format!("{:.1}", bar_width(layer.norm)),
            })
            .collect(),
    });
    bars.collect()
}

/// Per cent of the longest bar: from 10⁻⁴ to 10³, a decade is as long as any other.
pub(super) fn bar_width(norm: f64) -> f64 {
    let decades = norm.max(1e-12).log10() + 4.0;
    (100.0 * decades / 7.0).clamp(1.0, 100.0)
}

fn environment(run: &RunData) -> Vec<(&'static str, String)> {
    let mut rows = vec![("Data", run.config.data.clone())];
    rows.retain(|(_, text)| !text.is_empty());
    if let Some(checksum) = run.config.data_checksum {
        rows.push(("CRC-32C of the images", format!("{checksum:08x}")));
    }
    if let Ok(newest) = &run.newest {
        rows.extend(
            newest
                .arithmetic
                .clone()
                .map(|arithmetic| ("Arithmetic", arithmetic)),
        );
        rows.push(("Newest checkpoint", newest.file.clone()));
        rows.push(("Its SHA-256", newest.hash.clone()));
    }
    let [ms, seconds] = [run.history.step_ms().unwrap_or(0.0), run.history.seconds()];
    if ms > 0.0 {
        rows.push((
            "Time",
            format!("{} in steps, {} ms a step", time(seconds), number(ms)),
        ));
    }
    rows.push((
        "This page",
        format!(
            "gan {} on {} threads, {}",
            env!("CARGO_PKG_VERSION"),
            rayon::current_num_threads(),
            detach_tensor::simd_level()
        ),
    ));
    rows
}

//! Scores as tables and as JSON.

use super::Scored;
use crate::paths::Lossless;
use crate::score::bench::Bench;
use crate::score::classes::Class;
use crate::score::gap::{ABOUT, GAP};
use crate::score::interval::Estimate;
use crate::score::quality::{MEASURES, Quality};
use crate::show::text::{grouped, short, table};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// More classes than these fill no table that anybody reads; `--json` and `--csv` have them.
const MOST_CLASSES: usize = 100;

/// What each number means, for the help.
pub(super) fn legend() -> String {
    let row = |name: &str, about: &str| vec![name.to_owned(), about.to_owned()];
    let mut out = "Scores:\n".to_owned();
    let width = MEASURES
        .iter()
        .map(|measure| measure.name.len())
        .max()
        .unwrap_or(0);
    for measure in &MEASURES {
        let row = row(measure.name, measure.about);
        out += &format!("  {:<width$}  {}\n", row[0], row[1]);
    }
    out += &format!("  {GAP:<width$}  {ABOUT}\n");
    out += "\nIntervals are of 95%: of other samples of the same generator, and over runs where there are several.";
    out
}

/// All of it for people.
pub(super) fn text(all: &[Scored]) -> String {
    let mut out = String::new();
    let mut benches: Vec<&Rc<Bench>> = Vec::new();
    for scored in all {
        if benches
            .iter()
            .all(|bench| !Rc::ptr_eq(bench, &scored.bench))
        {
            benches.push(&scored.bench);
        }
    }
    for bench in benches {
        let of_bench = all.iter().filter(|scored| Rc::ptr_eq(&scored.bench, bench));
        let group: Vec<&Scored> = of_bench.collect();
        if !out.is_empty() {
            out.push('\n');
        }
        out += &beside(&group, bench);
        out += &match group[..] {
            [one] => single(one),
            _ => several(&group),
        };
    }
    out
}

/// What is compared with what, and who judges.
fn beside(group: &[&Scored], bench: &Bench) -> String {
    let about = bench.classifier.about();
    let samples = match group {
        [one] => format!("{} samples of {}", grouped(one.quality.samples), title(one)),
        _ => format!("samples of {}", group.len()),
    };
    format!(
        "{samples} beside {} real images: {}\njudged by classifier {:08x}, right about {:.2}% of {} images it was not trained on\n\n",
        grouped(bench.real()),
        bench.source.0,
        bench.classifier.hash(),
        100.0 * about.accuracy,
        grouped(about.tested),
    )
}

/// What was scored, in words.
fn title(scored: &Scored) -> String {
    match &scored.run {
        None => scored.path.display().to_string(),
        Some((config, steps)) => format!(
            "{} ({} {}, {} steps)",
            scored.path.display(),
            config.recipe,
            config.preset,
            grouped(usize::try_from(*steps).unwrap_or(usize::MAX))
        ),
    }
}

/// A row a number.
fn single(scored: &Scored) -> String {
    let mut rows = vec![["score", "", "±", "floor"].map(str::to_owned).to_vec()];
    let (quality, floor) = (&scored.quality, &scored.bench.floor);
    for (name, estimate) in quality.numbers() {
        let numbers = [
            Some(estimate.value),
            estimate.reach,
            Some(floor.value(name)),
        ];
        rows.push([vec![name.to_owned()], numbers.map(short).to_vec()].concat());
    }
    let mut out = table(&rows);
    if quality.classes.len() <= MOST_CLASSES {
        out += "\n";
        out += &by_class(quality);
    }
    out
}

/// A row a class.
fn by_class(quality: &Quality) -> String {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let mut head = ["class", "samples", "real"].map(str::to_owned).to_vec();
    if quality.accuracy.is_some() {
        head.extend(["asked", "made as asked", "±"].map(str::to_owned));
    }
    let mut rows = vec![head];
    let row = |class: &Class| {
        let mut row = vec![
            class.class.to_string(),
            percent(class.share.value),
            percent(class.real),
        ];
        if let Some(asked) = &class.asked {
            row.push(grouped(asked.asked));
            row.push(percent(asked.accuracy.value));
            row.push(percent(asked.accuracy.reach.unwrap_or(0.0)));
        }
        row
    };
    rows.extend(quality.classes.iter().map(row));
    if let Some(accuracy) = &quality.accuracy {
        let asked = quality
            .classes
            .iter()
            .filter_map(|class| class.asked.as_ref());
        let asked = asked.map(|asked| asked.asked).sum();
        rows.push(vec![
            "all".to_owned(),
            String::new(),
            String::new(),
            grouped(asked),
            percent(accuracy.value),
            percent(accuracy.reach.unwrap_or(0.0)),
        ]);
    }
    table(&rows)
}

/// A row a run, and their mean.
fn several(group: &[&Scored]) -> String {
    let names = MEASURES.iter().map(|measure| measure.name.to_owned());
    let has_classes = group.iter().any(|scored| scored.quality.accuracy.is_some());
    let mut head: Vec<String> = std::iter::once(String::new()).chain(names).collect();
    head.extend(has_classes.then(|| "as asked".to_owned()));
    let mut rows = vec![head];
    let row = |name: String, quality: &Quality| {
        let values = quality
            .values
            .iter()
            .map(|estimate| short(Some(estimate.value)));
        let accuracy = quality.accuracy.map(|accuracy| short(Some(accuracy.value)));
        std::iter::once(name)
            .chain(values)
            .chain(accuracy)
            .collect()
    };
    let samples = |scored: &Scored| {
        format!(
            "{}, {}",
            scored.path.display(),
            grouped(scored.quality.samples)
        )
    };
    rows.extend(
        group
            .iter()
            .map(|scored| row(samples(scored), &scored.quality)),
    );
    let over = over_runs(group);
    let line = |name: &str, cell: &dyn Fn(&Estimate) -> Option<f64>| {
        let cells = over.iter().map(|(_, estimate)| short(cell(estimate)));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    rows.push(line("mean", &|estimate| Some(estimate.value)));
    rows.push(line("±", &|estimate| estimate.reach));
    rows.push(row("floor".to_owned(), &group[0].bench.floor));
    table(&rows)
}

/// The mean over runs of each number that all of them have.
fn over_runs(group: &[&Scored]) -> Vec<(&'static str, Estimate)> {
    let qualities = || group.iter().map(|scored| &scored.quality);
    let of = |(place, measure): (usize, &crate::score::quality::Measure)| {
        let values: Vec<f64> = qualities()
            .map(|quality| quality.values[place].value)
            .collect();
        (measure.name, Estimate::of_mean(&values))
    };
    let mut all: Vec<_> = MEASURES.iter().enumerate().map(of).collect();
    let accuracies: Option<Vec<f64>> = qualities()
        .map(|quality| Some(quality.accuracy?.value))
        .collect();
    all.extend(accuracies.map(|values| ("accuracy", Estimate::of_mean(&values))));
    all
}

/// All of it for programs.
pub(super) fn json(all: &[Scored]) -> Result<String> {
    let runs: Vec<Value> = all.iter().map(of_one).collect();
    let mut out = json!({ "version": 1, "scored": runs });
    let group: Vec<&Scored> = all.iter().collect();
    let is_one_bench = group
        .iter()
        .all(|scored| Rc::ptr_eq(&scored.bench, &group[0].bench));
    if group.len() > 1 && is_one_bench {
        let over: Map<String, Value> = over_runs(&group)
            .into_iter()
            .map(|(name, estimate)| (name.to_owned(), json!(estimate)))
            .collect();
        out["over_runs"] = Value::Object(over);
    }
    Ok(serde_json::to_string_pretty(&out)? + "\n")
}

fn of_one(scored: &Scored) -> Value {
    let (quality, bench) = (&scored.quality, &scored.bench);
    let about = bench.classifier.about();
    let number = |(name, estimate): (&str, Estimate)| {
        let mut value = json!(estimate);
        value["floor"] = json!(bench.floor.value(name));
        (name.to_owned(), value)
    };
    let scores: Map<String, Value> = quality.numbers().map(number).collect();
    json!({
        "path": Lossless(&scored.path),
        "recipe": scored.run.as_ref().map(|(config, _)| &config.recipe),
        "preset": scored.run.as_ref().map(|(config, _)| config.preset.name()),
        "steps": scored.run.as_ref().map(|(_, steps)| steps),
        "samples": quality.samples,
        "data": {
            "source": bench.source.0,
            "checksum": format!("{:08x}", bench.source.1),
            "real": bench.real(),
            "floor": bench.floor.samples,
        },
        "classifier": {
            "hash": format!("{:08x}", bench.classifier.hash()),
            "trained_on": format!("{:08x}", about.data_checksum),
            "accuracy": about.accuracy,
            "tested": about.tested,
        },
        "scores": scores,
        "accuracy": quality.accuracy,
        "classes": quality.classes,
    })
}

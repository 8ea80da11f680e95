//! `gan show`.

use super::summary::Summary;
use super::terminal;
use crate::run::folder::by_step;
use crate::run::{Run, Scored};
use crate::score::is_score;
use crate::show::blocks;
use crate::show::text::{grouped, short, table};
use anyhow::Result;
use std::fmt::Write;
use std::path::PathBuf;

/// The widest that a picture is drawn, in characters.
const WIDEST: usize = 112;

/// `gan show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan show                     the newest run here
  gan show runs/dcgan-1
  gan show runs/dcgan-1 --json

On a terminal with colours it ends in the newest picture, two pixels a character.")]
pub(super) struct Args {
    /// The run directory [default: the newest one below runs]
    run: Option<PathBuf>,
    /// Write one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Draw no picture
    #[arg(long)]
    no_picture: bool,
}

/// All that a run's files tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let run = match &args.run {
        Some(path) => Run::open(path)?,
        None => Run::latest()?,
    };
    let one = Summary::of(run)?;
    if args.json {
        return Ok(serde_json::to_string_pretty(&one.json())? + "\n");
    }
    let mut out = text(&one);
    let colours = terminal::colours_of_stdout().filter(|_| !args.no_picture);
    if let Some((path, colours)) = newest_picture(&one.run).zip(colours)
        && let Ok((shape, pixels)) = detach_data::picture(&path)
    {
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        let picture = blocks::draw(&pixels, shape, width.min(WIDEST), colours);
        let _ = write!(out, "\n{}\n{picture}", path.display());
    }
    Ok(out)
}

fn text(one: &Summary) -> String {
    let mut out = format!("{}: {}\n", one.run.dir().display(), one.title());
    let epoch = one
        .epoch
        .map_or(String::new(), |epoch| format!(", epoch {epoch:.2}"));
    let by = one.trained_by.as_ref();
    let by = by.map_or(String::new(), |by| format!(", trained now ({by})"));
    let _ = writeln!(out, "data    {}", one.config.data);
    let _ = writeln!(out, "steps   {}{epoch}{by}", one.far());
    if let Some(ms) = one.record.history.step_ms() {
        let seconds = one.record.history.seconds();
        let _ = writeln!(
            out,
            "time    {} ms a step, {seconds:.0} s in all",
            short(Some(ms))
        );
    }
    let verdict = &one.verdict;
    let _ = writeln!(
        out,
        "\n{}\n{} {}\n",
        verdict.sentence, verdict.cause, verdict.advice
    );
    out += &lately(one);
    if let Some(scores) = one.scores() {
        let _ = write!(out, "\n{}", scored(scores));
    }
    out
}

/// Its own numbers, as they were lately.
fn lately(one: &Summary) -> String {
    let history = &one.record.history;
    let names = history.names().into_iter().filter(|name| !is_score(name));
    let numbers: Vec<Vec<String>> = names
        .filter_map(|name| {
            let value = history.lately(&name)?;
            Some(vec![name, short(Some(value))])
        })
        .collect();
    if numbers.is_empty() {
        return String::new();
    }
    let head = ["metric", "lately"].map(str::to_owned).to_vec();
    table(&[vec![head], numbers].concat())
}

fn scored(scores: &Scored) -> String {
    let head = ["score", "", "floor"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for name in scores.scores.keys() {
        let numbers = [scores.get(name), scores.floor(name)].map(short);
        rows.push([vec![name.clone()], numbers.to_vec()].concat());
    }
    format!(
        "Scores of {} samples at step {}\n{}",
        grouped(scores.samples as usize),
        grouped(scores.step as usize),
        table(&rows)
    )
}

/// The preview, or the picture of the last step that has one.
fn newest_picture(run: &Run) -> Option<PathBuf> {
    let latest = run.samples().join("latest.png");
    if latest.is_file() {
        return Some(latest);
    }
    let (_, path) = by_step(&run.samples(), "png").pop()?;
    Some(path)
}

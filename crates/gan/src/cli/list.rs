//! `gan runs`.

use super::console;
use super::summary::Summary;
use crate::describe::describe;
use crate::run::Run;
use crate::show::text::{short, table};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::path::PathBuf;

/// `gan runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan runs
  gan runs experiments --json

The newest state that is saved counts as done; scores are the last ones of `gan train --score-every`. `gan show RUN` tells more of one.")]
pub(super) struct Args {
    /// The folder that they are in
    #[arg(value_name = "DIR", default_value = "runs")]
    folder: PathBuf,
    /// Write one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// A row for each run.
pub(super) fn run(args: &Args) -> Result<String> {
    let mut all = Vec::new();
    let found = Run::below(&args.folder);
    if found.is_empty() && !args.json {
        bail!(
            "there are no runs in {}; `gan train` makes one",
            args.folder.display()
        );
    }
    for run in found {
        let dir = run.dir().to_owned();
        match Summary::of(run) {
            Ok(summary) => all.push(summary),
            Err(error) => console::note(&format!("{}: {}", dir.display(), describe(&error))),
        }
    }
    if args.json {
        let runs: Vec<Value> = all.iter().map(Summary::json).collect();
        let out = json!({ "version": 1, "runs": runs });
        return Ok(serde_json::to_string_pretty(&out)? + "\n");
    }
    let head = ["run", "recipe", "steps", "epoch", "fid", "state"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(all.iter().map(row));
    Ok(table(&rows))
}

fn row(one: &Summary) -> Vec<String> {
    let fid = one.scores().and_then(|scored| scored.get("fid"));
    vec![
        one.run.dir().display().to_string(),
        one.title(),
        one.far(),
        one.epoch
            .map_or("-".to_owned(), |epoch| format!("{epoch:.1}")),
        short(fid),
        one.state(),
    ]
}

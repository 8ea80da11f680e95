//! `gan doctor`.

use crate::diagnosis::{Verdict, of_run};
use crate::paths::Lossless;
use crate::run::Run;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// `gan doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan doctor runs/dcgan-light-1
  gan doctor runs/* --json

It reads what is on record of a run (metrics.jsonl, detail.jsonl, scores.jsonl) and computes nothing else. `gan train` says the
same at the first sign of a failure and at its end.")]
pub(super) struct Args {
    /// Run directories
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Write one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Says what each run is like.
pub(super) fn run(args: &Args) -> Result<String> {
    let mut all = Vec::new();
    for path in &args.runs {
        let verdict = Run::open(path).and_then(|run| of_run(&run));
        let verdict = verdict.with_context(|| format!("cannot judge {}", path.display()))?;
        all.push((path, verdict));
    }
    if args.json {
        let runs: Vec<Value> = all
            .iter()
            .map(|(path, verdict)| json!({ "path": Lossless(path), "verdict": verdict }))
            .collect();
        let out = json!({ "version": 1, "runs": runs });
        return Ok(serde_json::to_string_pretty(&out)? + "\n");
    }
    let texts = all.iter().map(|(path, verdict)| {
        let name = path.display().to_string();
        text((all.len() > 1).then_some(&name), verdict)
    });
    Ok(texts.collect::<Vec<_>>().join("\n"))
}

/// A verdict for people, below the name of its run where there are several.
fn text(name: Option<&String>, verdict: &Verdict) -> String {
    let mut out = name.map_or(String::new(), |name| format!("{name}\n"));
    out += &format!(
        "{}\n{} {}\n",
        verdict.sentence, verdict.cause, verdict.advice
    );
    for check in &verdict.checks {
        let sign = if check.ok { '✓' } else { '▲' };
        out += &format!("{sign} {}\n", check.text);
    }
    out
}

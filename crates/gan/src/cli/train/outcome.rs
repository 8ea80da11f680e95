//! What a finished run has to say.

use crate::cli::progress::clock;
use crate::cli::shell;
use crate::diagnosis::Verdict;
use crate::paths::Lossless;
use detach_recipes::{End, Metrics};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What a finished run has to say.
#[derive(Debug)]
pub(in crate::cli) struct Outcome {
    /// How it ended.
    pub(in crate::cli) end: End,
    /// The signal that stopped it.
    pub(in crate::cli) signal: Option<u8>,
    /// Where everything is.
    pub(super) dir: PathBuf,
    /// Steps done in all.
    pub(in crate::cli) steps: u64,
    /// The last numbers.
    pub(super) metrics: Option<Metrics>,
    /// What the run is like.
    pub(super) verdict: Option<Verdict>,
    /// How long this call trained.
    pub(super) time: Duration,
    /// What it was trained on.
    pub(super) data: String,
    /// Whether that was made here, for want of anything else.
    pub(super) is_synthetic: bool,
}

impl Outcome {
    pub(super) fn exit_code(&self) -> ExitCode {
        match (self.end, self.signal) {
            (End::Complete, _) | (_, None) => ExitCode::SUCCESS,
            (_, Some(number)) => ExitCode::from(128 + number),
        }
    }

    /// The result as one JSON line. Where the run's folder is no text, it is the list of its bytes.
    pub(super) fn json(&self) -> String {
        let end = match (self.end, self.signal) {
            (End::Complete, _) => "complete".to_owned(),
            (_, Some(number)) => format!("signal {number}"),
            (_, None) => "stopped early".to_owned(),
        };
        let result = serde_json::json!({
            "end": end,
            "run": Lossless(&self.dir),
            "data": self.data,
            "steps": self.steps,
            "seconds": self.time.as_secs_f64(),
            "verdict": self.verdict,
        });
        format!("{result}\n")
    }

    /// The last words: what to look at and what to run next. `program` is how this
    /// program was called.
    pub(super) fn summary(&self, program: &str) -> String {
        let dir = shell::word(&self.dir);
        let numbers = self.metrics.as_ref().map_or(String::new(), |metrics| {
            let losses = ["d_loss", "g_loss"].map(|name| (name, metrics.get(name)));
            let told = losses.iter().filter_map(|(name, value)| {
                let network = name.split('_').next().unwrap_or(name).to_uppercase();
                Some(format!(", {network} {:.3}", (*value)?))
            });
            let losses: String = told.collect();
            format!("{losses}, {:.1} ms a step", metrics.step_ms)
        });
        let picture = self.dir.join("samples").join("latest.png");
        let look = match picture.is_file() {
            true => shell::word(&picture),
            false => dir.clone(),
        };
        let page = self.dir.join("report.html");
        let page = match page.is_file() {
            true => format!("report   {}\n", shell::word(&page)),
            false => String::new(),
        };
        let go_on = format!("{program} train --resume {dir}   (go on)");
        let (state, more) = match (self.end, self.signal) {
            (End::Complete, _) => (
                "done",
                format!("{program} train --resume {dir} --more N   (N epochs more)"),
            ),
            (_, Some(_)) => ("stopped and saved", go_on),
            (_, None) => ("no better any more, stopped and saved", go_on),
        };
        let data = match self.is_synthetic {
            true => format!("data     {}\n", self.data),
            false => String::new(),
        };
        let verdict = self.verdict.as_ref().map_or(String::new(), |verdict| {
            format!("verdict  {}\n", verdict.sentence)
        });
        format!(
            "{state}: {} steps in {}{numbers}\n\
             {verdict}\
             {data}\
             look at  {look}\n\
             {page}\
             next     {program} sample {dir} --count 64 --out digits.png\n         {more}\n",
            self.steps,
            clock(self.time.as_secs_f64()),
        )
    }
}

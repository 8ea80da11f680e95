//! `gan claims`: what is often claimed of GANs, tested.

mod table;
mod verdict;

use super::runs::{self, Handed, Job, Length, Settled};
use super::signals::Signals;
use super::usage::usage;
use super::{console, elsewhere};
use crate::score::Record;
use crate::show::text::{short, table};
use anyhow::{Result, anyhow, bail};
use detach_recipes::{Preset, meant};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::{CLAIMS, Claim, Expects, Variant};
use verdict::{Effect, Verdict};

/// `gan claims`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan claims --list                 what is claimed, and the pair of runs that tests it
  gan claims latent-size            one claim
  gan claims --seeds 5              all of them, with narrower intervals

The two runs of a pair have the same initial weights, batches, noise and masks, where the trick leaves these alone. The
effect is the mean of the pairs' differences with Student's interval at 95%: a claim holds where all of it is on the
claimed side. It is about so many steps of these recipes on this data, and about nothing else.")]
pub(super) struct Args {
    /// The claims to test [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List the claims and do nothing
    #[arg(long)]
    list: bool,
    /// Pairs of runs for each claim, with seeds from 0 on
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Steps of each run: about a minute on two cores
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    max_steps: u64,
    /// The folder of the runs; the same one goes on with them
    #[arg(long, value_name = "DIR", default_value = "runs/claims")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) handed: Handed,
}

/// Tests the claims, and says what came of each.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let claims = chosen(&args.names).map_err(usage)?;
    if args.list {
        console::result(&list(&claims))?;
        return Ok(ExitCode::SUCCESS);
    }
    args.handed.open_device()?;
    let signals = Signals::listen()?;
    std::fs::create_dir_all(&args.out).map_err(elsewhere)?;
    let mut tested = Vec::new();
    for claim in claims {
        let mut pairs = Vec::new();
        for seed in 0..args.seeds {
            let mut pair = Vec::new();
            for variant in [claim.with, claim.without] {
                let job = args.job(variant, seed);
                match args.handed.settle(&job, &signals)? {
                    Settled::Done(record) => pair.push(record),
                    Settled::Stopped(number) => return Ok(runs::stopped(number)),
                    Settled::Busy => return Err(job.busy()),
                }
            }
            if let Some(what) = runs::other_data(&pair) {
                bail!("{what}; choose another --out");
            }
            pairs.push(pair);
        }
        let one = Tested::of(claim, &pairs);
        args.handed.say(&one.sentence());
        tested.push(one);
    }
    write(&args.out, &tested)?;
    console::result(&text(&tested))?;
    Ok(ExitCode::SUCCESS)
}

/// The claims of these names, or all.
fn chosen(names: &[String]) -> Result<Vec<&'static Claim>> {
    if names.is_empty() {
        return Ok(CLAIMS.iter().collect());
    }
    let all = || CLAIMS.iter().map(|claim| claim.name);
    let find = |name: &String| {
        CLAIMS
            .iter()
            .find(|claim| claim.name == name)
            .ok_or_else(|| {
                let meant = meant(name, all());
                anyhow!(
                    "no claim `{name}`{meant}; there are: {}",
                    all().collect::<Vec<_>>().join(", ")
                )
            })
    };
    names.iter().map(find).collect()
}

fn list(claims: &[&Claim]) -> String {
    let lines = claims.iter().map(|claim| {
        let way = match claim.expects {
            Expects::Higher => "higher, against",
            Expects::Lower => "lower, against",
            Expects::Same => "the same, against",
        };
        let [with, without] = [claim.with, claim.without].map(|variant| variant.words());
        format!(
            "{}: {}\n  `{with}`: {} is {way} `{without}`\n",
            claim.name, claim.says, claim.score
        )
    });
    lines.collect()
}

impl Variant {
    /// As words of `gan train`.
    fn words(&self) -> String {
        let set = self.set.iter().map(|set| format!(" --set {set}"));
        self.recipe.to_owned() + &set.collect::<String>()
    }
}

impl Args {
    fn job(&self, variant: Variant, seed: u64) -> Job {
        let dir = self.out.join(variant.folder());
        // Two commands may make it at once; what cannot be made is told when the run is.
        let _ = std::fs::create_dir_all(&dir);
        Job {
            recipe: variant.recipe.to_owned(),
            preset: Preset::AsPublished,
            set: variant.set.iter().map(|set| (*set).to_owned()).collect(),
            seed,
            length: Length::Steps(self.max_steps),
            log_every: self.handed.log_every,
            run: dir.join(format!("seed-{seed}")),
            record: dir.join(format!("seed-{seed}-{}.json", self.max_steps)),
        }
    }
}

/// What came of a claim.
struct Tested {
    claim: &'static Claim,
    /// The score with and without, a pair a seed; `None` where a run diverged or has none.
    pairs: Vec<[Option<f64>; 2]>,
    effect: Option<Effect>,
    verdict: Verdict,
}

impl Tested {
    fn of(claim: &'static Claim, pairs: &[Vec<Record>]) -> Self {
        let score = |record: &Record| record.scores.get(claim.score).copied();
        let pairs: Vec<[Option<f64>; 2]> = pairs
            .iter()
            .map(|pair| [score(&pair[0]), score(&pair[1])])
            .collect();
        let whole = pairs
            .iter()
            .filter_map(|[with, without]| Some((*with)? - (*without)?));
        let effect = Effect::of(&whole.collect::<Vec<_>>());
        Self {
            claim,
            verdict: effect.map_or(Verdict::CannotTell, |effect| effect.verdict(claim.expects)),
            effect,
            pairs,
        }
    }

    /// The verdict in a sentence.
    fn sentence(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Holds => "Holds",
            Verdict::DoesNotHold => "Does not hold",
            Verdict::CannotTell => "Cannot tell",
        };
        let lost = self.pairs.len() - self.effect.map_or(0, |effect| effect.pairs);
        let lost = match lost {
            0 => String::new(),
            lost => format!(", {lost} of {} pairs without a score", self.pairs.len()),
        };
        let effect = match self.effect {
            Some(effect) if effect.low.is_finite() => format!(
                "{} by {} ({} to {})",
                self.claim.score,
                signed(effect.mean),
                signed(effect.low),
                signed(effect.high)
            ),
            Some(effect) => format!(
                "{} by {}, of one pair",
                self.claim.score,
                signed(effect.mean)
            ),
            None => format!("no pair has its {}", self.claim.score),
        };
        format!("{verdict}: {} ({effect}{lost}).", self.claim.says)
    }

    fn cells(&self) -> Vec<String> {
        let mean = |side: usize| {
            let values: Vec<f64> = self.pairs.iter().filter_map(|pair| pair[side]).collect();
            let count = values.len() as f64;
            short((!values.is_empty()).then(|| values.iter().sum::<f64>() / count))
        };
        let interval = match self.effect {
            Some(effect) if effect.low.is_finite() => {
                format!("{} to {}", signed(effect.low), signed(effect.high))
            }
            _ => "-".to_owned(),
        };
        vec![
            self.claim.name.to_owned(),
            self.claim.score.to_owned(),
            mean(0),
            mean(1),
            self.effect
                .map_or("-".to_owned(), |effect| signed(effect.mean)),
            interval,
            self.verdict.words().to_owned(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "claim": self.claim.name,
            "says": self.claim.says,
            "with": self.claim.with.words(),
            "without": self.claim.without.words(),
            "score": self.claim.score,
            "pairs": self.pairs,
            "effect": self.effect,
            "verdict": self.verdict,
        })
    }
}

fn signed(x: f64) -> String {
    match x > 0.0 {
        true => format!("+{}", short(Some(x))),
        false => short(Some(x)),
    }
}

fn text(tested: &[Tested]) -> String {
    let head = [
        "claim", "score", "with", "without", "effect", "95%", "verdict",
    ];
    let head = head.map(str::to_owned).into();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(tested.iter().map(Tested::cells))
        .collect();
    let sentences: Vec<String> = tested.iter().map(Tested::sentence).collect();
    format!("{}\n{}\n", table(&rows), sentences.join("\n"))
}

fn write(dir: &Path, tested: &[Tested]) -> Result<()> {
    let claims: Vec<Value> = tested.iter().map(Tested::json).collect();
    let text = serde_json::to_string_pretty(&json!({ "version": 1, "claims": claims }))?;
    detach_files::write(&dir.join("claims.json"), |file| writeln!(file, "{text}"))?;
    Ok(())
}

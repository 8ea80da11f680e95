//! `gan sweep`: many runs of one recipe that differ in a few settings.

use super::runs::{self, Handed, Job, Length, Settled};
use super::signals::Signals;
use super::usage::usage;
use super::{console, elsewhere, shell, values};
use crate::run::observers::Better;
use crate::score::{STATISTICS, better};
use crate::show::text::{short, table};
use crate::study::{self, Next, Param, Rank, Results, Sampler, Study, StudyFolder};
use anyhow::{Context, Result, anyhow, bail, ensure};
use detach_recipes::{Preset, find};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Between two looks at what other processes have done.
const LOOK: Duration = Duration::from_millis(200);

/// `gan sweep`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan sweep mlp --param lr=log:1e-5..1e-3 --param beta1=0,0.5 --trials 20
  gan sweep dcgan-light --param g.lr=log:1e-4..1e-3 --param d.lr=log:1e-4..1e-3 --metric diversity --halving 3
  gan sweep --out runs/sweep-1                go on with a study, or help another process with it
  gan sweep --out runs/sweep-1 --trials 40    the same, with more trials

A parameter is KEY=LO..HI, KEY=log:LO..HI, KEY=int:LO..HI or KEY=A,B,…; each trial is a run as `gan train` makes it. The
table depends on nothing but what the study is: not on interruptions, nor on how many processes work on it.")]
pub(super) struct Args {
    /// The recipe (see `gan recipes`); without one, the study in --out
    recipe: Option<String>,
    /// A setting to vary, and its values
    #[arg(long = "param", value_name = "KEY=VALUES")]
    params: Vec<String>,
    /// The score to rank by: energy, diversity, nearest, variance, or a metric of the recipe such as g_loss; KEY:lower and
    /// KEY:higher say which way it is better [default: energy]
    #[arg(long, value_name = "KEY")]
    metric: Option<String>,
    /// How many trials [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    trials: Option<u32>,
    /// How values are chosen: tpe, from what earlier trials came to, or random [default: tpe]
    #[arg(long, value_parser = values::sampler())]
    sampler: Option<Sampler>,
    /// Trials that are chosen from the same results, so that as many processes can work [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    at_once: Option<u32>,
    /// Train all for few steps, and go on with one in so many of them for so many times the steps, and so on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100))]
    halving: Option<u32>,
    /// Steps of a whole trial [default: 2000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_steps: Option<u64>,
    /// Which version of the recipe: as-published or fixed [default: as-published]
    #[arg(long, value_parser = values::preset(), hide_possible_values = true)]
    preset: Option<Preset>,
    /// Change a setting of all trials
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of all trials and of what they try [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The study's folder [default: runs/sweep-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) handed: Handed,
}

/// Does what is left of the study, and says which trial is best.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let (folder, study) = args.open()?;
    args.handed.open_device()?;
    let signals = Signals::listen()?;
    loop {
        let results = folder.results()?;
        check(&study, &results)?;
        let Next::Jobs(jobs) = study::next(&study, &results)? else {
            break;
        };
        let mut waiting = true;
        for job in &jobs {
            // What others have done since needs no words.
            if folder.record(job.trial, job.steps).is_file() {
                waiting = false;
                continue;
            }
            match args.settle(&folder, &study, job, &signals)? {
                Settled::Done(_) => {
                    waiting = false;
                    break;
                }
                Settled::Busy => {}
                Settled::Stopped(number) => return Ok(runs::stopped(number)),
            }
        }
        if waiting {
            std::thread::sleep(LOOK);
        }
    }
    let results = folder.results()?;
    let ranking = study::ranking(&study, &results)?;
    let text = text(&study, &ranking);
    let best = ranking.first().filter(|best| best.metric.is_some());
    let next = best.map_or(String::new(), |best| {
        let run = shell::word(&folder.run(best.trial));
        format!(
            "\nbest     {run}\nnext     {} sample {run} --out digits.png\n",
            super::program()
        )
    });
    console::result(&format!("{text}{next}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses results that cannot be ranked.
fn check(study: &Study, results: &Results) -> Result<()> {
    if let Some(what) = runs::other_data(results.values()) {
        bail!("{what}; begin another study with --out");
    }
    let lacks = |scores: &&crate::score::Scores| !scores.contains_key(&study.metric);
    let scored = results.values().filter(|record| record.failed.is_none());
    if let Some(scores) = scored.map(|record| &record.scores).find(lacks) {
        let known: Vec<&str> = scores.keys().map(String::as_str).collect();
        return Err(usage(anyhow!(
            "`{}` has no `{}` to rank by; there are: {}. Begin another study with another --metric and --out",
            study.recipe,
            study.metric,
            known.join(", ")
        )));
    }
    Ok(())
}

fn text(study: &Study, ranking: &[Rank]) -> String {
    let mut head = vec!["trial".to_owned(), "steps".to_owned()];
    head.extend(study.params.iter().map(|param| param.key.clone()));
    head.push(study.metric.clone());
    let row = |rank: &Rank| {
        let mut row = vec![format!("{:03}", rank.trial), rank.steps.to_string()];
        row.extend(rank.values.iter().cloned());
        row.push(
            rank.metric
                .map_or("diverged".to_owned(), |value| short(Some(value))),
        );
        row
    };
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(ranking.iter().map(row))
        .collect();
    table(&rows)
}

impl Args {
    fn settle(
        &self,
        folder: &StudyFolder,
        study: &Study,
        job: &study::Job,
        signals: &Signals,
    ) -> Result<Settled> {
        let pairs = study.params.iter().zip(&job.values);
        let tried: Vec<String> = pairs
            .map(|(param, value)| format!("{}={value}", param.key))
            .collect();
        let run = folder.run(job.trial);
        if crate::run::Lock::holder(&run).is_none() {
            self.handed.say(&format!(
                "trial {:03} of {}, to step {}: {}",
                job.trial,
                study.trials,
                job.steps,
                tried.join(" ")
            ));
        }
        let job = Job {
            recipe: study.recipe.clone(),
            preset: study.preset,
            set: study.set.iter().chain(&tried).cloned().collect(),
            seed: study.seed,
            length: Length::Steps(job.steps),
            log_every: study.log_every,
            record: folder.record(job.trial, job.steps),
            run,
        };
        let settled = self.handed.settle(&job, signals);
        settled.with_context(|| format!("{} ({})", job.run.display(), tried.join(" ")))
    }

    /// The study and its folder, with its file written.
    fn open(&self) -> Result<(StudyFolder, Study)> {
        let there = match &self.out {
            Some(dir) => StudyFolder::at(dir).study()?,
            None => None,
        };
        let study = match (&self.recipe, &there) {
            (Some(recipe), _) => self.study(recipe).map_err(usage)?,
            (None, Some(there)) => self.goes_on(there.clone())?,
            (None, None) => {
                return Err(usage(anyhow!(
                    "give a RECIPE and --param to begin a study, or --out with the folder of one to go on with"
                )));
            }
        };
        if let Some(key) = there.as_ref().and_then(|there| there.differs_in(&study)) {
            return Err(usage(anyhow!(
                "the study in {} has another `{key}`; choose another --out, or leave out all but --out to go on with it",
                self.out.as_deref().unwrap_or_else(|| "".as_ref()).display()
            )));
        }
        let dir = match &self.out {
            Some(dir) => dir.clone(),
            None => runs::new_dir("sweep")?,
        };
        let folder = StudyFolder::at(&dir);
        if there.as_ref() != Some(&study) {
            folder.write(&study).map_err(elsewhere)?;
        }
        self.handed.say(&format!("study in {}", dir.display()));
        Ok((folder, study))
    }

    /// The study that is there, perhaps with more trials.
    fn goes_on(&self, mut study: Study) -> Result<Study> {
        let other = [
            ("--param", !self.params.is_empty()),
            ("--metric", self.metric.is_some()),
            ("--sampler", self.sampler.is_some()),
            ("--at-once", self.at_once.is_some()),
            ("--halving", self.halving.is_some()),
            ("--max-steps", self.max_steps.is_some()),
            ("--preset", self.preset.is_some()),
            ("--set", !self.set.is_empty()),
            ("--seed", self.seed.is_some()),
        ];
        if let Some((flag, _)) = other.iter().find(|(_, given)| *given) {
            return Err(usage(anyhow!(
                "{flag} is for a study that begins; leave it out, or give the RECIPE"
            )));
        }
        if let Some(trials) = self.trials {
            study.trials = trials as usize;
        }
        Ok(study)
    }

    /// The study that the flags describe.
    fn study(&self, recipe: &str) -> Result<Study> {
        let recipe = find(recipe)?;
        ensure!(
            !self.params.is_empty(),
            "a study varies something: give --param KEY=VALUES"
        );
        let params: Vec<Param> = self
            .params
            .iter()
            .map(|text| Param::parse(text).context("wrong --param"))
            .collect::<Result<_>>()?;
        let preset = self.preset.unwrap_or_default();
        let mut setup = recipe.setup(preset);
        for assignment in &self.set {
            setup.set(assignment).context("wrong --set")?;
        }
        for (number, param) in params.iter().enumerate() {
            ensure!(
                params[..number].iter().all(|other| other.key != param.key),
                "--param {} stands there twice; leave one out",
                param.key
            );
            for value in param.extremes() {
                let assignment = format!("{}={value}", param.key);
                setup.clone().set(&assignment).context("wrong --param")?;
            }
        }
        let (metric, way) = match self
            .metric
            .as_deref()
            .unwrap_or(STATISTICS[0].name)
            .split_once(':')
        {
            None => {
                let metric = self.metric.as_deref().unwrap_or(STATISTICS[0].name);
                (metric, better(metric))
            }
            Some((metric, "lower")) => (metric, Better::Lower),
            Some((metric, "higher")) => (metric, Better::Higher),
            Some((_, other)) => bail!("--metric …:{other}: it is neither `lower` nor `higher`"),
        };
        let mut study = Study::new(
            recipe.name(),
            params,
            metric,
            self.max_steps.unwrap_or(2000),
        );
        study.better = way;
        study.preset = preset;
        study.set.clone_from(&self.set);
        study.sampler = self.sampler.unwrap_or_default();
        study.log_every = self.handed.log_every;
        study.halving = self.halving.map(|factor| factor as usize);
        study.seed = self.seed.unwrap_or(setup.settings.seed);
        if let Some(trials) = self.trials {
            study.trials = trials as usize;
        }
        if let Some(at_once) = self.at_once {
            study.at_once = at_once as usize;
        }
        Ok(study)
    }
}
